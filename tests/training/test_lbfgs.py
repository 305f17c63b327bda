"""L-BFGS as a stream: where it arrives, that it stops, and that it leaves nothing behind."""

from __future__ import annotations

import gc
import itertools
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from glassnet.core.errors import BadInput
from glassnet.core.losses import Poisson
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS
from glassnet.engines.base import Task
from glassnet.engines.divergence import Divergence
from glassnet.engines.reference import Reference
from glassnet.training.stages import for_seconds, until_loss
from glassnet.training.stream import last, start, train
from tests.training.instances import LINE, TASK, line_rows, rows

LINES = replace(LINE, optimizer=LBFGS())
CURVES = replace(TASK, optimizer=LBFGS())
X, Y, W = rows()


def workers() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("glassnet")]


@pytest.fixture(autouse=True)
def _no_thread_stays_behind() -> Any:
    gc.collect()
    assert not workers()
    yield
    assert not workers()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_arrives_at_least_squares_and_stops_by_itself(reduction: Any, weighted: bool) -> None:
    X, y = line_rows()
    weight = np.random.default_rng(3).uniform(0.2, 3, len(X)) if weighted else None
    task = replace(LINES, reduction=reduction, optimizer=LBFGS(gtol=1e-9, ftol=0.0))
    record = last(train(task, X, y, start(task), weight=weight))
    root = np.sqrt(weight)[:, None] if weight is not None else np.ones((len(X), 1))
    exact, *_ = np.linalg.lstsq(root * np.hstack([X, np.ones((len(X), 1))]), root * y)
    W, b = task.net.views(record.state.theta)[0]
    np.testing.assert_allclose(W, exact[:3], rtol=1e-6)
    assert b is not None
    np.testing.assert_allclose(b, exact[3], rtol=1e-6)
    assert record.epoch < 50


def test_with_l2_it_arrives_where_the_normal_equations_do() -> None:
    X, y = line_rows()
    task = Task(
        Network.mlp(3, 2, bias=False), LINE.loss, LBFGS(gtol=1e-10, ftol=0.0), "sum", l2=2.0
    )
    record = last(train(task, X, y, start(task)))
    exact = np.linalg.solve(X.T @ X + 2.0 * np.eye(3), X.T @ y)
    np.testing.assert_allclose(record.state.theta.reshape(3, 2), exact, rtol=1e-7)


def test_each_record_is_an_iteration_that_lowers_the_objective() -> None:
    records = list(train(CURVES, X, Y, start(CURVES), epochs=12, weight=W, engine="reference"))
    assert [record.epoch for record in records] == list(range(1, 13))
    assert [record.state.step for record in records] == list(range(1, 13))
    objectives = [record.objective for record in records]
    assert objectives == sorted(objectives, reverse=True)
    for before, after in itertools.pairwise(records):
        J, _ = Reference().loss_and_grad(CURVES, before.state.theta, (X, Y, W))
        assert after.objective == J
        assert after.loss < J  # the penalty is not in it


def test_float32_arrives_too() -> None:
    X, y = line_rows()
    record = last(train(LINES, X, y, start(LINES, dtype="float32")))
    exact, *_ = np.linalg.lstsq(np.hstack([X, np.ones((len(X), 1))]), y)
    assert record.state.theta.dtype == np.float32
    np.testing.assert_allclose(record.state.theta.reshape(4, 2), exact, rtol=1e-3, atol=1e-3)


def test_evaluations_are_the_most_there_will_be() -> None:
    class Counting(Reference):
        count = 0

        def sums(self, *args: Any) -> Any:
            type(self).count += 1
            return super().sums(*args)

    task = replace(CURVES, optimizer=LBFGS(evaluations=10))
    record = last(train(task, X, Y, start(task), engine=Counting()))
    assert record.epoch <= 10
    assert Counting.count <= 10 + 3  # the first one, and SciPy ends an iteration that it began


def test_a_run_that_has_arrived_has_no_more_epochs() -> None:
    x, y = line_rows()
    task = replace(LINES, optimizer=LBFGS(gtol=1e-4))
    record = last(train(task, x, y, start(task)))
    assert list(train(task, x, y, record.state)) == []
    there = start(task, theta=record.state.theta)
    with pytest.raises(BadInput, match="no epochs"):
        last(train(task, x, y, there))


def test_closing_early_ends_the_thread() -> None:
    stream = train(CURVES, X, Y, start(CURVES))
    next(stream)
    assert workers()
    stream.close()  # type: ignore[attr-defined]
    assert not workers()


def test_leaving_the_loop_ends_the_thread() -> None:
    for record in train(CURVES, X, Y, start(CURVES)):
        if record.epoch == 3:
            break
    assert not workers()
    list(until_loss(train(CURVES, X, Y, start(CURVES)), 1e9))
    list(for_seconds(train(CURVES, X, Y, start(CURVES)), 0))
    assert not workers()


def test_the_last_of_some_epochs_ends_the_thread_while_the_stream_is_held() -> None:
    stream = train(CURVES, X, Y, start(CURVES), epochs=3)
    assert len(list(stream)) == 3
    assert not workers()


def test_a_stream_never_started_has_no_thread() -> None:
    stream = train(CURVES, X, Y, start(CURVES))
    assert not workers()
    del stream


class Breaking(Reference):
    """Fails at the fourth evaluation, which SciPy asks for."""

    def __init__(self, error: BaseException) -> None:
        object.__setattr__(self, "left", [3])
        object.__setattr__(self, "error", error)

    def sums(self, *args: Any) -> Any:
        if self.left[0] == 0:  # type: ignore[attr-defined]
            raise self.error  # type: ignore[attr-defined]
        self.left[0] -= 1  # type: ignore[attr-defined]
        return super().sums(*args)


@pytest.mark.parametrize("error", [ZeroDivisionError("engine"), KeyboardInterrupt()], ids=repr)
def test_an_error_in_the_engine_comes_out_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        list(train(CURVES, X, Y, start(CURVES), engine=Breaking(error)))
    assert caught.value is error
    assert not workers()  # though the traceback is still held


def test_an_error_in_a_metric_comes_out_and_ends_the_thread() -> None:
    def boom(a: Any, y: Any) -> float:
        raise ZeroDivisionError("metric")

    with pytest.raises(ZeroDivisionError, match="metric") as caught:
        next(train(CURVES, X, Y, start(CURVES), metrics={"boom": boom}))
    assert caught.tb is not None  # though the traceback is still held
    assert not workers()


def test_first_weights_beyond_the_finite_numbers_are_told() -> None:
    task = Task(Network.mlp(1, 1), Poisson(), LBFGS())
    state = start(task, theta=[1e308, 0.0])
    with pytest.raises(Divergence, match="z1 in layer 1 is not finite") as caught:
        next(train(task, [[1e10]], [[1.0]], state))
    assert caught.value.state.epoch == 0
    np.testing.assert_array_equal(caught.value.state.theta, [1e308, 0.0])


def test_two_runs_at_once_do_not_disturb_each_other() -> None:
    alone = [record.objective for record in train(CURVES, X, Y, start(CURVES), epochs=6)]
    one, two = train(CURVES, X, Y, start(CURVES)), train(CURVES, X, Y, start(CURVES))
    pairs = [(next(one).objective, next(two).objective) for _ in range(6)]
    assert pairs == [(J, J) for J in alone]


def test_records_are_the_iterates_of_scipy() -> None:
    task = replace(CURVES, optimizer=LBFGS(memory=3, gtol=1e-5, ftol=1e-9))
    state = start(task, 6)
    iterates: list[Any] = []
    minimize(
        lambda theta: Reference().loss_and_grad(task, theta, (X, Y, W)),
        state.theta,
        jac=True,
        method="L-BFGS-B",
        callback=lambda xk: iterates.append(xk.copy()),
        options={"maxcor": 3, "gtol": 1e-5, "ftol": 1e-9, "maxiter": 15000},
    )
    records = list(train(task, X, Y, state, weight=W, engine="reference"))
    assert len(records) == len(iterates) > 5
    for record, theta in zip(records, iterates, strict=True):
        np.testing.assert_allclose(record.state.theta, theta, rtol=1e-9, atol=1e-12)
