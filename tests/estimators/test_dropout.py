"""dropout= of the estimators: chance, going on, files, searches, and what it is for."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.exchange.model import load_model

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
X = scale(X)


def classifier(**params):
    given = {"hidden_layer_sizes": (8, 6), "max_iter": 6, "random_state": 0, "batch_size": 40}
    return MLPClassifier(**{**given, "dropout": 0.3, **params})


def same(a, b):
    pairs = zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    return all(np.array_equal(p, q) for p, q in pairs)


@pytest.mark.parametrize("stop", [False, True])
def test_none_changes_nothing_and_some_do(stop):
    plain = classifier(dropout=0.0, early_stopping=stop).fit(X, Y)
    assert same(plain, classifier(dropout=[0, 0.0], early_stopping=stop).fit(X, Y))
    one, again = (classifier(early_stopping=stop).fit(X, Y) for _ in range(2))
    assert same(one, again)
    assert not same(one, plain)
    assert not same(one, classifier(dropout=(0.3, 0.0), early_stopping=stop).fit(X, Y))


def test_the_seed_comes_after_weights_and_rows_held_out():
    """So the first weights and the split are scikit-learn's, and the orders come after one draw."""
    settings = {"early_stopping": True, "learning_rate_init": 1e-300, "max_iter": 2}
    a, b = (classifier(dropout=rate, **settings).fit(X, Y) for rate in (0.0, 0.3))
    assert same(a, b)  # steps too small to be seen
    assert a.validation_scores_ == b.validation_scores_
    rng = np.random.RandomState(0)
    a = classifier(dropout=0.3, random_state=rng, max_iter=1, shuffle=False, batch_size=150)
    a.fit(X, Y)
    mine = np.random.RandomState(0)
    for W, b in zip(a.coefs_, a.intercepts_, strict=True):
        mine.uniform(size=W.shape)
        mine.uniform(size=b.shape)
    assert a._optimizer.seed == mine.randint(2**31)
    assert rng.randint(2**31) == mine.randint(2**31)


def test_training_loss_is_with_dropout_and_scores_without():
    est = classifier(max_iter=1, batch_size=150, learning_rate_init=1e-300, alpha=0.0).fit(X, Y)
    whole = log_loss(Y, est.predict_proba(X))
    assert est.loss_ != pytest.approx(whole, rel=1e-3)
    checked = classifier(max_iter=1, learning_rate_init=1e-300).fit(X, Y, X_val=X, y_val=Y)
    assert checked.history_.val_loss[-1] == pytest.approx(whole, rel=1e-9)


def test_partial_fit_goes_on_with_new_masks():
    rng = np.random.RandomState(3)
    est = classifier(random_state=rng, shuffle=False)
    for _ in range(3):
        est.partial_fit(X, Y, classes=[0, 1, 2])
    assert same(est, classifier(random_state=np.random.RandomState(3), shuffle=False,
                                max_iter=3).fit(X, Y))  # fmt: skip
    again = pickle.loads(pickle.dumps(est))
    for one in (est, again):
        one.partial_fit(X, Y)
    assert same(est, again)


def test_warm_start_draws_anew():
    est = classifier(warm_start=True, random_state=np.random.RandomState(1)).fit(X, Y)
    seed = est._optimizer.seed
    est.fit(X, Y)
    assert est._optimizer.seed != seed


def test_a_run_that_is_resumed_ends_in_the_same_bits(tmp_path):
    run = tmp_path / "run"
    whole = classifier(max_iter=9).fit(X, Y)
    classifier(max_iter=4, checkpoint=run).fit(X, Y)
    assert same(whole, classifier(max_iter=9, checkpoint=run).fit(X, Y))
    with pytest.raises(BadInput, match="checkpoint of another run"):
        classifier(max_iter=9, checkpoint=run, dropout=0.2).fit(X, Y)


@pytest.mark.parametrize("rate", [0.0, 0.3, (0.1, 0.2)])
def test_files(tmp_path, rate):
    est = classifier(dropout=rate).fit(X, Y)
    est.save(tmp_path / "model")
    again = MLPClassifier.load(tmp_path / "model")
    np.testing.assert_array_equal(est.predict_proba(X), again.predict_proba(X))
    assert np.array_equal(again.dropout, rate)
    stored = load_model(tmp_path / "model").task.dropout
    assert stored == (Dropout(rate, est._optimizer.seed) if rate else None)
    again.partial_fit(X, Y)


def test_trace_shows_the_masks_of_the_next_update():
    est = classifier(batch_size=150, shuffle=False, solver="sgd").fit(X, Y)
    trace = est.trace(X, Y)
    masks = Dropout(0.3, est._optimizer.seed).masks(est.network_, 6, 150)
    np.testing.assert_array_equal(trace["m1"].value, masks[0])
    est.partial_fit(X, Y)
    np.testing.assert_allclose(est.coefs_[0], trace["new_W1"].value, rtol=1e-10)
    assert not np.array_equal(est.trace(X, Y)["m1"].value, masks[0])


def test_clone_search_and_regressor():
    est = classifier(dropout=(0.1, 0.2))
    assert clone(est).dropout == (0.1, 0.2)
    found = GridSearchCV(classifier(max_iter=20), {"dropout": [0.0, 0.9, (0.1, 0.0)]}, cv=2)
    found.fit(X, Y)
    assert found.best_params_["dropout"] != 0.9
    assert MLPRegressor(dropout=0.2, random_state=0, max_iter=3).fit(X, X[:, :2]).n_iter_ == 3


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"dropout": 1.0}, "The 'dropout' parameter of MLPClassifier must be"),
        ({"dropout": -0.1}, "The 'dropout' parameter of MLPClassifier must be"),
        ({"dropout": "0.5"}, "The 'dropout' parameter of MLPClassifier must be"),
        ({"dropout": [0.5, 1.0]}, "a finite number of at least 0 and below 1 is expected"),
        ({"dropout": [0.5]}, "1 rates of dropout for 2 hidden layers, one for all or one for each"),
        ({"solver": "lbfgs"}, "dropout=0.3 with solver='lbfgs', a stepwise solver is expected"),
    ],
)
def test_what_is_refused(params, said):
    est = classifier(**params)
    with pytest.raises(ValueError, match=said):
        est.fit(X, Y)
    assert not hasattr(est, "coefs_")


def test_lbfgs_without_dropout_is_no_matter():
    assert classifier(solver="lbfgs", dropout=[0.0, 0.0]).fit(X, Y).n_iter_ == 6


def test_it_helps_where_labels_are_wrong():
    """A fifth of the labels is wrong: whoever learns them by heart answers worse."""
    images, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    told = np.where(rng.random(1797) < 0.2, rng.integers(10, size=1797), labels)
    loss, right = {}, {}
    for rate in (0.0, 0.5):
        est = MLPClassifier(
            (100,), dropout=rate, max_iter=60, n_iter_no_change=60, random_state=0,
            batch_size=100, learning_rate_init=0.003,
        )  # fmt: skip
        est.fit(images[:800] / 16, told[:800], X_val=images[800:] / 16, y_val=labels[800:])
        loss[rate] = est.history_.val_loss
        right[rate] = est.score(images[800:] / 16, labels[800:])
    assert min(loss[0.5]) < 0.95 * min(loss[0.0])
    assert loss[0.5][-1] < 0.92 * loss[0.0][-1]
    assert right[0.5] > right[0.0] + 0.02
