"""The fused engine: the interface of every engine, over compiled runs."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array, check_constants, constant
from glassnet.core.network import Network
from glassnet.engines.base import Losses, Samples, State, Sums, Task, check_stepwise, complete
from glassnet.engines.divergence import Divergence, first_not_finite
from glassnet.engines.fused.arrays import address, check_shapes, fitting
from glassnet.engines.fused.assembler import NotCompilable
from glassnet.engines.fused.one_row import predictor
from glassnet.engines.fused.plan import WORTH_A_THREAD
from glassnet.engines.fused.run import RUNNING, Job, Run, layout, prepared_to_predict
from glassnet.engines.fused.spelling import spelling
from glassnet.engines.fused.target import Kit, kit
from glassnet.engines.fused.threads import SLOW, available, execute
from glassnet.engines.reference import Reference, take


@dataclass(frozen=True)
class Fused:
    """The engine that compiles.

    threads : at most so many; None for as many as pay off on this machine.
    """

    threads: int | None = constant(None, "of 1 or more", type(None))

    def __post_init__(self) -> None:
        check_constants(self)
        if self.threads is not None:
            if self.threads != int(self.threads):
                raise BadInput(
                    f"threads={self.threads}", "a whole number is expected", "Try threads=None."
                )
            object.__setattr__(self, "threads", int(self.threads))

    # ---- the interface

    def predict(self, net: Network, theta: Array, X: Array) -> Array:
        """The network's answer (n, n_out) to X (n, n_in)."""
        net.views(theta)  # refuses what is not theta
        out = np.empty((len(X), net.n_out), theta.dtype)
        try:
            k = kit_for(theta, net)
            code = prepared_to_predict(k, net)
        except (NotCompilable, TypeError) as error:
            return told(error, net).predict(net, theta, X)
        how, theta, X = code.how, np.ascontiguousarray(theta), fitting(X, theta.dtype)
        check_shapes(net, (X, out, None))
        if not len(X):
            return out
        operations = how.flops / 3 * len(X)
        threads = self._threads(operations, -(-len(X) // how.tile))
        laid = layout(how, net.n_params, theta.itemsize, threads, 0, 1, False, 0, False, False)  # noqa: FBT003
        fields = code.template | {"theta": address(theta), "out": address(out)}
        job = Job(laid, fields, (X, out, None), (0.0,) * RUNNING, (code, X, theta, out))
        execute(code.kernel, job, threads, operations / SLOW, job)
        return out

    def predictor(self, net: Network, theta: Array) -> Callable[[Array], Array]:
        """A function from one row x (n_in,) to the answer (n_out,), with as little ado as can be.

        It keeps theta as it is now. The same bits as `predict`; one thread at a time.
        """
        net.views(theta)
        try:
            k = kit_for(theta, net)
            code = prepared_to_predict(k, net)
        except (NotCompilable, TypeError) as error:
            engine, theta = told(error, net), theta.copy()
            return lambda x: engine.predict(net, theta, np.asarray(x, theta.dtype)[None])[0]
        return predictor(k, net, theta, code)

    def sums(self, task: Task, theta: Array, samples: Samples) -> Sums:
        """Loss and gradient summed over the samples."""
        if not len(samples[0]):
            return Sums(0.0, np.zeros(task.net.n_params, theta.dtype), 0.0)
        try:
            k = kit_for(theta, task.net, task.loss)
            run = Run(k, self._threads, task, theta, (), samples, batch_size=None)
        except (NotCompilable, TypeError) as error:
            return told(error, task.net, task).sums(task, theta, samples)
        run.go(0, 1)
        return Sums(float(run.running[0]), run.gradient, float(run.running[2]))

    def loss_and_grad(self, task: Task, theta: Array, samples: Samples) -> tuple[float, Array]:
        """The objective J and dJ/dθ (n_params,)."""
        return complete(task, theta, self.sums(task, theta, samples))

    def epochs(
        self,
        task: Task,
        state: State,
        samples: Samples,
        *,
        n: int = 1,
        batch_size: int | None = None,
        shuffle: bool = True,
        validation: Samples | None = None,
    ) -> tuple[State, Losses]:
        """The state after n more epochs and what each cost. See `Engine.epochs`."""
        check_stepwise(task)
        try:
            run = self._run(task, state, samples, batch_size, n, validation)
        except (NotCompilable, TypeError) as error:
            return told(error, task.net, task).epochs(
                task, state, samples, n=n, batch_size=batch_size, shuffle=shuffle,
                validation=validation,
            )  # fmt: skip
        chance, epoch, failed = state.chance, 0, -1
        order: Any = None
        if shuffle and run.batches > 1:
            several = min(run.orders_at_once, n)
            ahead = np.empty((several, run.rows), np.int64) if several > 1 else None
            while epoch < n and failed < 0:
                if ahead is None:
                    orders = order = run.order = None  # free before the next one is drawn
                    order, chance = chance.permutation(run.rows, run.draw)
                    orders = np.asarray(order, np.int64)[None]
                else:
                    orders = ahead[: n - epoch]
                    for i in range(len(orders)):
                        orders[i], chance = chance.permutation(run.rows, run.draw)
                run.follow(orders.reshape(-1))
                failed = run.go(0, len(orders) * run.batches)
                done = len(orders) if failed < 0 else failed // run.batches
                order = orders[min(done, len(orders) - 1)]
                epoch += done
        else:
            failed = run.go(0, n * run.batches)
            epoch = failed // run.batches
        if failed >= 0:
            before = state
            if epoch:
                before, _ = self.epochs(
                    task, state, samples, n=epoch, batch_size=batch_size, shuffle=shuffle
                )
            raise self._divergence(task, before, samples, batch_size, failed % run.batches, order)
        after = State(run.theta, run.slots, run.step, state.epoch + n, chance)
        losses, objectives, held = run.costs
        return after, Losses(losses, objectives, None if validation is None else held)

    def _run(
        self, task: Task, state: State, samples: Samples, batch_size: int | None, epochs: int,
        validation: Samples | None = None,
    ) -> Run:  # fmt: skip
        return Run(
            kit_for(state.theta, task.net, task.loss, task.optimizer), self._threads, task,
            state.theta, state.slots, samples, batch_size=batch_size, validation=validation,
            step=state.step, epochs=epochs,
        )  # fmt: skip

    def _divergence(
        self, task: Task, state: State, samples: Samples, batch_size: int | None, update: int,
        order: np.ndarray | None,
    ) -> Divergence:  # fmt: skip
        """Go through the epoch again up to the update that failed, and name what failed in it."""
        run = self._run(task, state, samples, batch_size, 1)
        if order is not None:
            run.follow(order)
        run.go(0, update)
        start = update * run.batch
        batch = take(samples, slice(start, start + run.batch), order)
        layer, quantity = first_not_finite(task, run.theta, run.slots, batch, run.step)
        return Divergence(state.epoch + 1, run.step + 1, layer, quantity, state)

    def _threads(self, work: float, pieces: int) -> int:
        """How many threads pay off for so many operations between two meetings of all threads."""
        if self.threads is None and (work < 2 * WORTH_A_THREAD or pieces == 1):
            return 1  # to ask how many there are would cost more
        return max(
            1, min(available() if self.threads is None else self.threads, pieces, MOST_THREADS)
        )


MOST_THREADS = 64
"""However many are asked for: each takes memory, and more than processors gain nothing."""


def kit_for(theta: Array, net: Network, *others: object) -> Kit:
    """The kit for these parameters and formulas."""
    plain = kit(theta.dtype)
    own = spelling([*(layer.activation for layer in net.layers), *others])
    return replace(plain, spelling=own) if own else plain


_told: set[str] = set()


def told(error: Exception, net: Network, task: Task | None = None) -> Reference:
    """The reference engine; why it takes over is said once."""
    text = str(error)
    if isinstance(error, TypeError):
        formulas: list[object] = [layer.activation for layer in net.layers]
        if task is not None:
            formulas += [task.loss, getattr(task.optimizer, "lr", None), task.optimizer]
        no_keys = [formula for formula in formulas if not is_key(formula)]
        if not no_keys:
            raise error
        text = f"{type(no_keys[0]).__name__}: {text}"
    if text not in _told:
        _told.add(text)
        warnings.warn(
            f"the fused engine cannot compile {text}; the reference engine runs instead",
            RuntimeWarning,
            stacklevel=frames_to_the_user(),
        )
    return Reference()


def frames_to_the_user() -> int:
    """How far up the line lies that a warning of our caller should point at: the user's own."""
    frame, count = inspect.currentframe(), 0  # this very call stands for the user's
    while frame is not None and frame.f_globals.get("__name__", "").startswith("glassnet."):
        frame, count = frame.f_back, count + 1
    return count


def is_key(value: object) -> bool:
    """Whether compiled code can be looked up by it: one that holds a list cannot be hashed."""
    try:
        hash(value)
    except TypeError:
        return False
    return True
