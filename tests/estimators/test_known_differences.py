"""Where the estimators differ from scikit-learn's on purpose: each line of the page has a test.

The page is docs/explanation/known-differences.md. Where it can be, scikit-learn's side of the
difference is shown too, so that a test tells when they mend it.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from glassnet import estimators as ours
from glassnet.core.errors import BadInput

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def several():
    X, y = load_diabetes(return_X_y=True)
    X = scale(X)
    return X, np.column_stack([scale(y), X[:, 0] - X[:, 3], X[:, 2] * X[:, 8]])


def test_several_outputs_steps_and_losses_are_theirs_lbfgs_is_consistent():
    X, Y = several()
    settings = {"hidden_layer_sizes": (6,), "activation": "tanh", "random_state": 0}
    a, b = (room.MLPRegressor(max_iter=5, **settings).fit(X, Y) for room in (theirs, ours))
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(b.coefs_[0], a.coefs_[0], rtol=1e-9, atol=1e-12)

    theta = np.concatenate([part.ravel() for part in b.coefs_ + b.intercepts_])

    def objective(theta, which):
        return b._loss_grad_lbfgs(theta, X, Y, None)[which]

    g = objective(theta, 1)
    numeric = np.array(
        [
            (objective(theta + h, 0) - objective(theta - h, 0)) / 2e-6
            for h in 1e-6 * np.eye(len(theta))
        ]
    )
    np.testing.assert_allclose(g, numeric, rtol=1e-5, atol=1e-8)
    # with slopes that fit the objective the search goes on where theirs ends in confusion
    a, b = (
        room.MLPRegressor(solver="lbfgs", max_iter=3000, tol=1e-7, alpha=1.0, **settings).fit(X, Y)
        for room in (theirs, ours)
    )
    assert b.loss_ < a.loss_ + 1e-4


def test_a_second_warm_fit_never_ends_below_the_first_ones_best():
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    est = ours.MLPClassifier(
        early_stopping=True, warm_start=True, random_state=3, solver="sgd",
        learning_rate_init=0.5, n_iter_no_change=3, max_iter=30,
    ).fit(X, y)  # fmt: skip
    best, kept = est.best_validation_score_, [W.copy() for W in est.coefs_]
    est.set_params(learning_rate_init=20.0).fit(X, y)  # which can only spoil it
    assert est.best_validation_score_ == best
    for now, then in zip(est.coefs_, kept, strict=True):
        np.testing.assert_array_equal(now, then)


def test_the_rows_held_out_are_the_same_in_every_warm_fit(monkeypatch):
    import glassnet.estimators.perceptron as room

    X, y = load_iris(return_X_y=True)
    held = []
    split = room.train_test_split

    def noting(*arrays, **options):
        parts = split(*arrays, **options)
        held.append(parts[1].copy())
        return parts

    monkeypatch.setattr(room, "train_test_split", noting)
    est = ours.MLPClassifier(early_stopping=True, warm_start=True, random_state=3, max_iter=3)
    est.fit(X, y).fit(X, y).fit(X, y)
    np.testing.assert_array_equal(held[1], held[0])
    np.testing.assert_array_equal(held[2], held[0])


def test_partial_fit_with_a_whole_number_repeats_its_orders_as_theirs_does():
    # kept, for the numbers are those of scikit-learn's; a generator goes on
    X, y = load_iris(return_X_y=True)
    for seed in (0, np.random.RandomState(0)):
        est = ours.MLPClassifier(random_state=seed, batch_size=32).partial_fit(
            X, y, classes=[0, 1, 2]
        )
        drawn = []
        for _ in range(2):
            est.partial_fit(X, y)
            rng = np.random.RandomState(seed) if isinstance(seed, int) else est._random_state
            drawn.append(rng.get_state()[2])
        assert (drawn[0] == drawn[1]) == isinstance(seed, int)


def test_the_history_of_partial_fits_can_be_bounded():
    X, y = load_iris(return_X_y=True)
    est = ours.MLPClassifier(random_state=0, history_size=5)
    for _ in range(9):
        est.partial_fit(X, y, classes=[0, 1, 2])
    assert len(est.loss_curve_) == 5


def test_poisson_refuses_counts_below_0():
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(BadInput, match="the Poisson loss expects counts of 0 or more"):
        ours.MLPRegressor(loss="poisson").fit(X, y - 100.0)


def test_a_batch_without_weight_moves_nothing():
    X, y = load_iris(return_X_y=True)
    weight = np.zeros(150)
    weight[:10] = 1.0
    settings = {"batch_size": 30, "random_state": 0, "max_iter": 4, "shuffle": False}
    with pytest.raises(ZeroDivisionError):
        theirs.MLPClassifier(**settings).fit(X, y, weight)
    est = ours.MLPClassifier(**settings).fit(X, y, weight)
    alone = ours.MLPClassifier(**{**settings, "batch_size": 10}).fit(X[:10], np.arange(10) % 3)
    assert est._optimizer.step == alone._optimizer.step == 4


def test_weights_below_0_are_refused():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(BadInput, match="sample_weight goes down to -1, weights of 0 or more"):
        ours.MLPClassifier().fit(X, y, np.linspace(-1, 1, 150))


def test_a_run_that_diverges_says_so_at_once_and_keeps_what_was_good():
    X, y = load_diabetes(return_X_y=True)
    est = ours.MLPRegressor(
        solver="sgd",
        learning_rate_init=1e3,
        random_state=0,
        max_iter=10**6,
        hidden_layer_sizes=(5,),
    )
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights") as told:
        est.fit(X * 100, y * 100)
    assert "is not finite" in str(told.value.__cause__)
    assert all(np.isfinite(W).all() for W in est.coefs_)


def test_a_diverging_fit_with_early_stopping_goes_back_to_the_best_as_theirs():
    X, y = load_diabetes(return_X_y=True)
    params = {
        "solver": "sgd", "learning_rate_init": 1.0, "early_stopping": True, "max_iter": 12,
        "n_iter_no_change": 50, "random_state": 0,
    }  # fmt: skip
    with np.errstate(all="ignore"):
        a, b = (room.MLPRegressor(**params).fit(X * 100, y) for room in (theirs, ours))
    assert np.isnan(a.validation_scores_[-1])
    np.testing.assert_allclose(b.validation_scores_, a.validation_scores_, rtol=1e-6)
    assert a.n_iter_ == b.n_iter_ == 12
    np.testing.assert_allclose(b.predict(X), a.predict(X), rtol=1e-6)


def test_a_warm_start_may_turn_to_another_way_of_stopping_or_solving():
    X, y = load_iris(return_X_y=True)
    est = ours.MLPClassifier(warm_start=True, max_iter=5, random_state=0).fit(X, y)
    est.set_params(early_stopping=True).fit(X, y)
    assert len(est.validation_scores_) == 5
    est.set_params(early_stopping=False).fit(X, y)
    assert est.best_loss_ == min(est.loss_curve_[-5:])
    est.set_params(solver="lbfgs").fit(X, y)
    est.set_params(solver="sgd", learning_rate_init=1e-4).fit(X, y)
    assert est.loss_ < est.loss_curve_[0]
    other = ours.MLPClassifier(warm_start=True, max_iter=5, random_state=0, solver="lbfgs")
    assert len(other.fit(X, y).set_params(solver="adam").fit(X, y).loss_curve_) == 5


def test_lbfgs_on_rows_that_overflow_is_an_error():
    X, y = load_iris(return_X_y=True)
    settings = {"hidden_layer_sizes": (5,), "solver": "lbfgs", "max_iter": 20, "random_state": 0}
    with np.errstate(all="ignore"), pytest.warns(ConvergenceWarning, match="ABNORMAL"):
        a = theirs.MLPRegressor(**settings).fit(X * 1e200, y)
    assert np.isnan(a.loss_)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        ours.MLPRegressor(**settings).fit(X * 1e200, y)


def test_partial_fit_keeps_the_number_of_outputs():
    X, Y = several()
    settings = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
    a, b = (room.MLPRegressor(**settings).fit(X, Y[:, :2]) for room in (theirs, ours))
    a.partial_fit(X, Y[:, 0])
    with pytest.raises(BadInput, match=r"has 10 and 2\. To begin anew, call fit"):
        b.partial_fit(X, Y[:, 0])


def test_partial_fit_of_several_labels_wants_a_column_each():
    X, y = load_iris(return_X_y=True)
    many = np.column_stack([y == 0, y > 0, y > 1]).astype(int)
    settings = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
    a, b = (room.MLPClassifier(**settings).fit(X, many) for room in (theirs, ours))
    a.partial_fit(X, y)
    with pytest.raises(BadInput, match="y has one label a row"):
        b.partial_fit(X, y)


def test_the_best_weights_are_kept_where_the_best_is_looked_for():
    X, y = load_iris(return_X_y=True)
    a, b = (room.MLPClassifier(max_iter=2, random_state=0).fit(X, y) for room in (theirs, ours))
    assert not np.array_equal(a._best_coefs[0], a.coefs_[0])
    assert not hasattr(b, "_best_coefs")
    early = ours.MLPClassifier(early_stopping=True, max_iter=2, random_state=0).fit(X, y)
    np.testing.assert_array_equal(early._best_coefs[0], early.coefs_[0])
