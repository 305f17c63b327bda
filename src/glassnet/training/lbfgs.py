"""L-BFGS as a stream: SciPy's minimiser hands out its iterates one by one.

SciPy keeps its memory of past steps to itself, so it cannot be put into a file. A resumed run
therefore begins again at the initial weights, which its state carries, and repeats in silence what
had been done: it ends in the same bits as a run that was never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.optimizers import LBFGS
from glassnet.engines.base import Engine, Losses, Samples, State, Task, complete
from glassnet.engines.divergence import Divergence, first_not_finite
from glassnet.engines.reference import mean_loss


@dataclass(frozen=True)
class End:
    """Where and why L-BFGS ended.

    objective, loss : of the last parameters.
    reason : SciPy's status, 0 where it had arrived, and its words; None where `epochs` was it.
    """

    objective: float
    loss: float
    reason: tuple[int, str] | None


def lbfgs_epochs(
    engine: Engine,
    task: Task,
    state: State,
    samples: Samples,
    validation: Samples | None,
    epochs: int | None,
) -> Generator[tuple[State, Losses], None, Any]:
    """The state after each further iteration; ends where SciPy sees no way further down.

    What the generator returns is an `End`.
    """
    assert isinstance(task.optimizer, LBFGS)
    (first,) = state.slots
    dtype = first.dtype

    def measure(theta: Array) -> tuple[float, float, Array]:
        with np.errstate(all="ignore"):  # what is not finite is named below
            total = engine.sums(task, theta.astype(dtype), samples)
            objective, grad = complete(task, theta.astype(dtype), total)
        return objective, total.loss / total.weight, grad.astype(np.float64)

    end = math.inf if epochs is None else state.epoch + epochs
    begun = [measure(first)]  # where SciPy begins too
    objective, loss, _ = begun[0]
    good = State(first.copy(), state.slots, 0, 0, state.chance)
    if not math.isfinite(objective):
        raise _diverged(task, good, first, samples)
    if state.epoch == 0:
        _same_run(state, good)
    reasons: list[tuple[int, str]] = []

    def again(theta: Array) -> tuple[float, float, Array]:
        return begun.pop() if begun else measure(theta)

    with closing(iterates(again, first, task.optimizer, reasons)) as found:
        for done, (iterate, next_objective, next_loss) in enumerate(found, 1):
            theta = iterate.astype(dtype)
            if not (math.isfinite(next_objective) and np.isfinite(theta).all()):
                raise _diverged(task, good, theta, samples)
            good = State(theta, state.slots, done, done, state.chance)
            if done == state.epoch:
                _same_run(state, good)
            if done > state.epoch:
                validated = None
                if validation is not None:
                    validated = np.array([mean_loss(task, theta, validation)])
                yield good, Losses(np.array([loss]), np.array([objective]), validated)
            objective, loss = next_objective, next_loss
            if done >= end:
                return End(objective, loss, None)
    return End(objective, loss, reasons[0])


def _same_run(state: State, repeated: State) -> None:
    # other samples, another task or another optimizer's slot would lead elsewhere, unnoticed
    if not np.allclose(state.theta, repeated.theta, rtol=1e-6, atol=1e-9):
        raise BadInput(
            f"the state of epoch {state.epoch} is not where L-BFGS came from its first weights",
            "the samples and the task of the run that goes on are expected",
            "Begin anew from these weights: start(task, theta=state.theta).",
        )


def iterates(
    measure: Callable[[Array], tuple[float, float, Array]],
    first: Array,
    settings: LBFGS,
    reasons: list[tuple[int, str]] | None = None,
) -> Generator[tuple[Array, float, float], None, None]:
    """(theta, objective, loss) after each iteration of SciPy's L-BFGS-B.

    Why there are no more goes into `reasons`.

    The minimiser calls us, we are asked for one iterate at a time: so it runs in a thread of its
    own, and only ever while the stream waits for it.
    """
    from scipy.optimize import minimize

    handed: SimpleQueue[tuple[Array, float, float] | BaseException | None] = SimpleQueue()
    wanted = Semaphore(0)
    stopped = False
    newest: tuple[Array, float, float] | None = None

    def objective(theta: Array) -> tuple[float, Array]:
        nonlocal newest
        value, loss, grad = measure(theta)
        newest = (theta.copy(), value, loss)
        return value, grad

    def accepted(intermediate_result: object) -> None:
        theta: Array = intermediate_result.x  # type: ignore[attr-defined]
        if newest is None or not np.array_equal(newest[0], theta):
            objective(theta.copy())  # the line search went back to an earlier point
        assert newest is not None
        handed.put(newest)
        wanted.acquire()
        if stopped:
            raise StopIteration  # SciPy's way to end early

    def work() -> None:
        wanted.acquire()
        try:
            if not stopped:
                result = minimize(
                    objective,
                    first.astype(np.float64),
                    jac=True,
                    method="L-BFGS-B",
                    callback=accepted,
                    options={
                        "maxcor": settings.memory,
                        "gtol": settings.gtol,
                        "ftol": settings.ftol,
                        "maxfun": settings.evaluations,
                        "maxiter": settings.evaluations + 1,  # never the reason
                    },
                )
                if reasons is not None:
                    reasons.append((int(result.status), str(result.message)))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            handed.put(error)
        else:
            handed.put(None)

    worker = Thread(target=work, name="glassnet-lbfgs", daemon=True)
    worker.start()
    try:
        while True:
            wanted.release()
            item = handed.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped = True
        wanted.release()
        worker.join()


def _diverged(task: Task, good: State, theta: Array, samples: Samples) -> Divergence:
    layer, quantity = first_not_finite(task, theta, (), samples, good.step)
    return Divergence(good.epoch + 1, good.step + 1, layer, quantity, good)
