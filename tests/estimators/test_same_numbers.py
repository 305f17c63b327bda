"""The same numbers as scikit-learn's, epoch by epoch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from glassnet import estimators as ours
from tests.estimators.drawn import CLASSES, NUMBERS, close, differences, draw

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BLOCK = 10


def outcome(drawn, room, **more):
    """The fitted estimator, or what it said instead."""
    try:
        return drawn.fitted(room, **more)
    except ValueError as error:
        return str(error)


def compared(seeds, **more):
    """What is not the same, by configuration; errors have to be the same errors."""
    found = {}
    for seed in seeds:
        drawn = draw(seed)
        try:
            a = outcome(drawn, theirs)
        except TypeError:  # scikit-learn 1.7 asks texts whether they are NaN
            assert (drawn.kind, drawn.params["early_stopping"]) == ("texts", True)
            continue
        b = outcome(drawn, ours, **more)
        if isinstance(a, str) or isinstance(b, str):
            differs = [] if a == b else [f"{a} and {b}"]
        else:
            differs = differences(a, b)
        if differs:
            found[seed, str(drawn.params)] = differs
    return found


@pytest.mark.parametrize("first", range(0, 240, BLOCK))
def test_drawn_configurations(first):
    assert compared(range(first, first + BLOCK)) == {}


@pytest.mark.parametrize("first", range(0, 40, BLOCK))
def test_drawn_configurations_on_the_reference_engine(first):
    assert compared(range(first, first + BLOCK), engine="reference") == {}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(240, 1200, BLOCK))
def test_many_more(first):
    seeds = range(first, first + BLOCK)
    assert compared(seeds) == {}
    assert compared(seeds, engine="reference") == {}


def test_every_kind_is_drawn():
    drawn = [draw(seed) for seed in range(240)]
    assert {d.kind for d in drawn} == {*CLASSES, *NUMBERS}
    assert {d.params["solver"] for d in drawn} == {"sgd", "adam"}
    assert sum(d.weight is not None for d in drawn) > 60
    assert sum(d.params["early_stopping"] for d in drawn) > 60
    assert sum(hasattr(d.X, "tocsr") for d in drawn) > 60


# ---- one call after another


def pairs(name, X, y, **params):
    for room in (theirs, ours):
        yield getattr(room, name)(random_state=7, **params), X, y


SEQUENCES = [
    ("MLPClassifier", {"solver": "adam"}),
    ("MLPClassifier", {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1}),
    ("MLPClassifier", {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1}),
    ("MLPRegressor", {"solver": "adam", "batch_size": 16}),
    ("MLPRegressor", {"solver": "sgd", "learning_rate": "invscaling", "shuffle": False}),
]
sequences = pytest.mark.parametrize(
    ("name", "params"),
    SEQUENCES,
    ids=lambda v: v if isinstance(v, str) else "-".join(map(str, v.values())),
)


def small(name):
    X, y = load_iris(return_X_y=True)
    return scale(X), y if name == "MLPClassifier" else scale(X) @ [0.5, 1.0, -2.0, 0.1]


def same_now(a, b):
    assert differences(a, b) == []


@sequences
def test_partial_fits(name, params):
    (a, X, y), (b, *_) = pairs(name, *small(name), hidden_layer_sizes=(6,), **params)
    for call in range(6):
        rows = slice(20 * call, 20 * call + 70)  # another number of rows each time
        more = {"classes": [0, 1, 2]} if name == "MLPClassifier" else {}
        a.partial_fit(X[rows], y[rows], **more)
        b.partial_fit(X[rows], y[rows], **more)
        same_now(a, b)


@sequences
def test_partial_fits_after_a_fit(name, params):
    (a, X, y), (b, *_) = pairs(name, *small(name), hidden_layer_sizes=(6,), max_iter=5, **params)
    for est in (a, b):
        est.fit(X, y)
    for _ in range(3):
        a.partial_fit(X, y)
        b.partial_fit(X, y)
        same_now(a, b)


@sequences
def test_warm_starts(name, params):
    (a, X, y), (b, *_) = pairs(
        name, *small(name), hidden_layer_sizes=(6,), max_iter=4, warm_start=True, **params
    )
    for _ in range(4):
        a.fit(X, y)
        b.fit(X, y)
        same_now(a, b)


def test_weights_that_the_user_puts_there_are_gone_on_from():
    (a, X, y), (b, *_) = pairs("MLPRegressor", *small("MLPRegressor"), max_iter=3)
    for est in (a, b):
        est.fit(X, y)
        est.coefs_[0] = np.full_like(est.coefs_[0], 0.01)  # another array
        est.intercepts_[1][:] = 2.0  # the same array, other numbers
    np.testing.assert_allclose(b.predict(X), a.predict(X), rtol=1e-12)
    a.partial_fit(X, y)
    b.partial_fit(X, y)
    same_now(a, b)


def test_a_learning_rate_that_the_user_sets_counts():
    (a, X, y), (b, *_) = pairs("MLPRegressor", *small("MLPRegressor"), solver="sgd")
    for est in (a, b):
        est.partial_fit(X, y)
        est._optimizer.learning_rate = 0.05
        est.partial_fit(X, y)
    same_now(a, b)


def test_a_generator_that_is_handed_over_stands_where_theirs_does():
    X, y = small("MLPClassifier")
    for batch in (32, 150):
        streams = [np.random.RandomState(3), np.random.RandomState(3)]
        for room, rng in zip((theirs, ours), streams, strict=True):
            room.MLPClassifier(max_iter=3, random_state=rng, batch_size=batch).fit(X, y)
        assert streams[0].uniform() == streams[1].uniform()


def test_without_a_seed_the_global_stream_is_drawn_from():
    X, y = small("MLPClassifier")
    found = []
    for room in (theirs, ours):
        np.random.seed(11)
        est = room.MLPClassifier(max_iter=3).fit(X, y)
        found.append((est.loss_, np.random.uniform()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    assert found[0][1] == found[1][1]


# ---- real data, default settings


REAL = {
    "digits": ("MLPClassifier", load_digits, {"batch_size": 32, "hidden_layer_sizes": (64,)}),
    "breast cancer": ("MLPClassifier", load_breast_cancer, {"early_stopping": True}),
    "iris": ("MLPClassifier", load_iris, {"activation": "logistic", "solver": "sgd"}),
    "diabetes": ("MLPRegressor", load_diabetes, {"hidden_layer_sizes": (32, 32)}),
}


@pytest.mark.parametrize(("name", "load", "params"), REAL.values(), ids=REAL)
def test_real_data(name, load, params):
    X, y = load(return_X_y=True)
    X = scale(X)
    y = y if name == "MLPClassifier" else scale(y)
    a, b = (
        getattr(room, name)(random_state=0, max_iter=20, **params).fit(X, y)
        for room in (theirs, ours)
    )
    same_now(a, b)
    np.testing.assert_allclose(b.predict(X), a.predict(X), rtol=1e-9)
    assert a.score(X, y) == pytest.approx(b.score(X, y), rel=1e-12)
    if name == "MLPClassifier":
        np.testing.assert_allclose(b.predict_proba(X), a.predict_proba(X), rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(
            b.predict_log_proba(X), a.predict_log_proba(X), rtol=1e-7, atol=1e-9
        )


def test_a_stop_comes_in_the_same_epoch_as_theirs():
    X, y = small("MLPClassifier")
    a, b = (
        room.MLPClassifier(random_state=1, max_iter=2000, learning_rate_init=0.01).fit(X, y)
        for room in (theirs, ours)
    )
    assert 30 < a.n_iter_ < 2000
    assert b.n_iter_ == a.n_iter_
    assert close(a.loss_curve_[:20], b.loss_curve_[:20], 1e-9)
    assert close(a.loss_curve_, b.loss_curve_, 1e-4)  # rounding grows with the epochs


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", ["binary", "three", "multilabel"])
def test_losses_of_probabilities_that_are_0_or_1(kind, dtype, engine):
    X, y = load_iris(return_X_y=True)
    y = {"binary": y > 0, "three": y, "multilabel": np.column_stack([y > 0, y == 1])}[kind]
    X = (X * 1000).astype(dtype)
    settings = {"hidden_layer_sizes": (), "solver": "sgd", "learning_rate_init": 1e-9}
    a, b = (
        room.MLPClassifier(random_state=0, max_iter=2, **settings, **more).fit(X, y)
        for room, more in ((theirs, {}), (ours, {"engine": engine}))
    )
    p = a.predict_proba(X).astype(float)
    assert ((p < 1e-17) | (p > 1 - 1e-12)).mean() > 0.3
    np.testing.assert_allclose(
        b.loss_curve_, a.loss_curve_, rtol=1e-9 if dtype == np.float64 else 1e-4
    )


# ---- L-BFGS: another path, the same place


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("weighted", [False, True])
def test_lbfgs_arrives_where_theirs_does(activation, weighted):
    X, y = load_iris(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0.1, 2.0, len(X)) if weighted else None
    a, b = (
        room.MLPClassifier(
            solver="lbfgs",
            activation=activation,
            hidden_layer_sizes=(5,),
            alpha=0.1,
            random_state=0,
            max_iter=2000,
        ).fit(scale(X), y, weight)
        for room in (theirs, ours)
    )
    assert b.loss_ == pytest.approx(a.loss_, rel=1e-3)
    assert b.score(scale(X), y) == pytest.approx(a.score(scale(X), y), abs=0.01)
    for name in ("loss_curve_", "best_loss_", "validation_scores_"):
        assert not hasattr(b, name)


def test_lbfgs_takes_the_same_first_steps():
    X, y = load_diabetes(return_X_y=True)
    a, b = (
        room.MLPRegressor(solver="lbfgs", random_state=0, max_iter=8).fit(scale(X), scale(y))
        for room in (theirs, ours)
    )
    assert a.n_iter_ == b.n_iter_ == 8
    assert b.loss_ == pytest.approx(a.loss_, rel=1e-7)
    np.testing.assert_allclose(b.coefs_[0], a.coefs_[0], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    "limits", [{"max_iter": 3}, {"max_fun": 7}, {"max_fun": 1}, {"max_iter": 1}], ids=str
)
def test_lbfgs_says_that_it_did_not_arrive(limits):
    X, y = load_diabetes(return_X_y=True)
    told = []
    for room in (theirs, ours):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            est = room.MLPRegressor(solver="lbfgs", random_state=0, **limits).fit(X, scale(y))
        (warning,) = [w for w in caught if w.category is ConvergenceWarning]
        told.append((est.n_iter_, str(warning.message).upper().splitlines()[:2]))
    assert told[0] == told[1]


def test_lbfgs_says_nothing_where_it_arrived(recwarn):
    X, y = small("MLPRegressor")
    est = ours.MLPRegressor(solver="lbfgs", activation="identity", random_state=0).fit(X, y)
    assert est.n_iter_ < est.max_iter
    assert not [w for w in recwarn if w.category is ConvergenceWarning]
