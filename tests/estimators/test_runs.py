"""One call of `fit`: how much an interruption loses, what ends a stream, where warnings point."""

from __future__ import annotations

import inspect
import itertools
import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from glassnet.core.activations import Tanh
from glassnet.core.errors import BadFile, BadInput
from glassnet.engines.base import Losses
from glassnet.engines.reference import Reference
from glassnet.estimators import MLPClassifier, MLPRegressor

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
X = scale(X)


def classifier(**params):
    return MLPClassifier(**{"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0, **params})


def regressor(**params):
    return MLPRegressor(**{"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0, **params})


def same(a, b):
    return all(
        np.array_equal(p, q)
        for p, q in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    )


# ---- how many epochs an engine makes in one call


class Counting(Reference):
    """Learns nothing, and notes how many epochs it was asked for; or is interrupted."""

    def __init__(self, interrupted=None):
        object.__setattr__(self, "calls", [])
        object.__setattr__(self, "interrupted", interrupted)

    def epochs(self, task, state, samples, *, n=1, **_):
        if len(self.calls) == self.interrupted:
            raise KeyboardInterrupt
        self.calls.append(n)
        costs = np.linspace(1, 0.5, n) / (1 + state.epoch)
        return replace(state, epoch=state.epoch + n), Losses(costs, costs, None)


@quiet
@pytest.mark.parametrize(
    ("rows", "hidden", "batch", "most"),
    [
        (150, (6,), "auto", 100),  # some microseconds each
        (20_000, (100,), 200, 10),
        (20_000, (100, 100), 200, 1),
        (1_000, (2,), 1, 9),  # an update has its price, however small the network
    ],
)
def test_a_call_of_the_engine_is_short(rows, hidden, batch, most):
    engine = Counting()
    est = MLPRegressor(
        hidden_layer_sizes=hidden, batch_size=batch, max_iter=130, n_iter_no_change=1000,
        random_state=0, engine=engine,
    )  # fmt: skip
    est.fit(np.ones((rows, 4)), np.ones(rows))
    assert max(engine.calls) <= most
    assert sum(engine.calls) == est.n_iter_ == 130
    if rows == 150:
        assert len(engine.calls) <= 13  # small ones lose no time in calls


def test_ctrl_c_loses_one_short_call():
    engine = Counting(interrupted=3)
    est = MLPRegressor(
        hidden_layer_sizes=(100, 100), max_iter=100, n_iter_no_change=1000, random_state=0,
        engine=engine,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        est.fit(np.ones((20_000, 4)), np.ones(20_000))
    assert est.n_iter_ == len(est.loss_curve_) == 3


def test_bits_do_not_hang_on_the_calls(monkeypatch):
    settings = {"max_iter": 12, "batch_size": 32, "solver": "sgd", "tol": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole = classifier(**settings).fit(X, Y)
        monkeypatch.setattr("glassnet.estimators.fitting.WORK", 1)
        single = classifier(**settings).fit(X, Y)
    assert same(whole, single)
    assert whole.loss_curve_ == single.loss_curve_


# ---- rows that have not every class


@quiet
def test_a_warm_start_asks_for_all_classes_of_what_it_learns_only():
    est = classifier(warm_start=True)
    some = Y < 2
    est.fit(X, Y).fit(X, Y, X_val=X[some], y_val=Y[some])
    assert len(est.history_.val_loss) == 8
    assert est.trace(X[:2], Y[:2]).X.shape == (2, 4)
    assert all(one.agrees for one in est.check_gradients(X[:5], Y[:5]))
    with pytest.raises(ValueError, match="the same classes as in the previous call to fit"):
        est.fit(X[some], Y[some])
    with pytest.raises(ValueError, match=r"classes not in `self\.classes_`"):
        est.fit(X, Y, X_val=X, y_val=Y + 1)


# ---- checkpoints that cannot be


class Mine(Tanh):
    """An activation that has no name in files."""


REFUSED = {
    "no folder": ({"checkpoint": "/proc/nowhere/run"}, BadFile, "cannot be written"),
    "a folder": ({"checkpoint": "/"}, BadFile, "it is a folder"),
    "own activation": ({"activation": Mine()}, BadInput, "Mine is a class of your own"),
}


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(("params", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused_before_it_is_learnt(params, error, said, solver, tmp_path):
    seen = []

    def stage(stream):
        for record in stream:
            seen.append(record.epoch)
            yield record

    params = {"checkpoint": tmp_path / "run", "callbacks": stage, "solver": solver, **params}
    with pytest.raises(error, match=said):
        classifier(**params).fit(X, Y)
    assert seen == []
    assert list(tmp_path.iterdir()) == []


@quiet
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_what_was_learnt_is_there_also_where_the_file_fails(solver, tmp_path, monkeypatch):
    def full(*_, **__):
        raise BadFile("the disk is full", "a place to write was expected")

    monkeypatch.setattr("glassnet.estimators.files.save_checkpoint", full)
    est = classifier(checkpoint=tmp_path / "run", solver=solver, restore_best=True, max_iter=6)
    with pytest.raises(BadFile, match="the disk is full"):
        est.fit(X, Y, X_val=X, y_val=Y)
    without = clone(est).set_params(checkpoint=None).fit(X, Y, X_val=X, y_val=Y)
    assert same(est, without)
    assert est.loss_ == without.loss_
    assert est.n_iter_ == without.n_iter_
    assert getattr(est, "best_loss_", None) == getattr(without, "best_loss_", None)


@quiet
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_warm_fit_is_another_run(solver, tmp_path):
    est = classifier(checkpoint=tmp_path / "run", warm_start=True, solver=solver).fit(X, Y)
    with pytest.raises(BadInput, match=r"another run, .*first weights.* Remove it to begin anew"):
        est.fit(X, Y)
    (tmp_path / "run").unlink()
    learnt = [W.copy() for W in est.coefs_]
    est.fit(X, Y)
    assert not np.array_equal(est.coefs_[0], learnt[0])
    other = classifier(warm_start=True, solver=solver).fit(X, Y).fit(X, Y)
    assert same(est, other)


@quiet
def test_a_bounded_history_can_be_interrupted(tmp_path):
    settings = {"batch_size": 32, "history_size": 2}
    path = tmp_path / "run"
    classifier(**settings, checkpoint=path, max_iter=5).fit(X, Y)
    est = classifier(**settings, checkpoint=path, max_iter=9).fit(X, Y)
    assert same(est, classifier(batch_size=32, max_iter=9).fit(X, Y))
    assert est.n_iter_ == 9
    assert len(est.loss_curve_) == 2


# ---- stages that are no generators


@quiet
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "stage",
    [
        lambda stream: itertools.islice(stream, 3),
        lambda stream: itertools.takewhile(lambda record: record.epoch < 4, stream),
    ],
    ids=["islice", "takewhile"],
)
def test_any_iterator_is_a_stage(stage, solver):
    before = threading.active_count()
    est = classifier(callbacks=stage, solver=solver).fit(X, Y)
    assert est.n_iter_ in (3, 4)  # takewhile takes the one that ends it
    assert threading.active_count() == before  # L-BFGS's is over


@pytest.mark.parametrize(
    ("callbacks", "said"),
    [
        ([3], "3 among the callbacks, a function of a stream"),
        (lambda _: None, "the callback <lambda> answers NoneType, a function of a stream"),
        (list, "the callback list answers list, .* Try def stage"),
    ],
    ids=["a number", "nothing", "a list"],
)
def test_what_is_no_stage_is_refused(callbacks, said):
    with pytest.raises(BadInput, match=said):
        classifier(callbacks=callbacks).fit(X, Y)


# ---- the best of L-BFGS


@quiet
def test_the_best_iteration_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    told = rng.normal(size=(60, 4)), rng.normal(size=60)
    held = {"X_val": rng.normal(size=(200, 4)), "y_val": rng.normal(size=200)}
    settings = {"solver": "lbfgs", "max_iter": 30, "alpha": 0.0}
    best, last = (regressor(**settings, restore_best=b).fit(*told, **held) for b in (True, None))
    losses = best.history_.val_loss
    assert losses == last.history_.val_loss
    assert min(losses) < losses[-1]
    for est, loss in ((best, min(losses)), (last, losses[-1])):
        found = ((est.predict(held["X_val"]) - held["y_val"]) ** 2).mean() / 2
        assert found == pytest.approx(loss)
    assert best.loss_ == last.loss_  # as with a stepwise solver: of the last epoch
    path = tmp_path / "run"
    regressor(**{**settings, "max_iter": 20}, restore_best=True, checkpoint=path).fit(*told, **held)
    longer = regressor(**settings, restore_best=True, checkpoint=path).fit(*told, **held)
    assert same(longer, best)


# ---- warnings


@pytest.mark.parametrize(
    "params", [{}, {"solver": "lbfgs"}, {"batch_size": 1000, "max_iter": 1}], ids=str
)
def test_warnings_point_at_the_users_line_and_bear_their_name(params):
    est = classifier(**{"max_iter": 2, **params})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        here = inspect.currentframe().f_lineno + 1
        est.fit(X, Y)
    assert caught
    assert {(w.filename, w.lineno) for w in caught} == {(__file__, here)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for category in (ConvergenceWarning, UserWarning):
            # as in scikit-learn's own examples
            warnings.filterwarnings("ignore", category=category, module="sklearn")
        est.fit(X, Y)
