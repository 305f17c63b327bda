"""The fused engine: the interface of every engine, over compiled runs."""

from __future__ import annotations

import ctypes
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array, check_constants, constant
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS, Optimizer
from glassnet.engines.base import Losses, Samples, State, Sums, Task, complete
from glassnet.engines.divergence import Divergence, first_not_finite
from glassnet.engines.fused.assembler import Module, NotCompilable
from glassnet.engines.fused.compiler import load
from glassnet.engines.fused.driver import DATA, HELD_GROUPS, JOB, STATUS, write_driver
from glassnet.engines.fused.formulas import compiled
from glassnet.engines.fused.plan import Plan, plan
from glassnet.engines.fused.target import Kit, kit
from glassnet.engines.fused.threads import SLOW, Kernel, Pace, available, execute, give_way
from glassnet.engines.fused.tiny import compiled_tiny
from glassnet.engines.reference import Reference, take


@lru_cache(maxsize=8)
def kernels(kit: Kit) -> tuple[Kernel, Kernel, Any]:
    """`train` and `predict` for a dtype and a machine, and the library that holds them."""
    module = Module()
    write_driver(module, kit)
    library = load(str(module), kit.target, thorough=False)
    face = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    train, predict = (face(library.address(name)) for name in ("train", "predict"))
    return train, predict, library


def memory(numbers: int, dtype: Any) -> np.ndarray:
    """Uninitialised memory that begins with a cache line."""
    dtype = np.dtype(dtype)
    raw = np.empty(numbers * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + numbers * dtype.itemsize].view(dtype)


def address(array: np.ndarray | None) -> int:
    """Where an array's numbers begin; 0 for none."""
    return 0 if array is None else int(array.__array_interface__["data"][0])


def data_table(samples: Samples, order: np.ndarray | None) -> np.ndarray:
    """What `driver.DATA` says of samples."""
    X, y, weight = samples
    size = X.itemsize
    fields = {
        "X": address(X), "x_row": X.strides[0] // size, "x_column": X.strides[1] // size,
        "y": address(y), "y_row": y.strides[0] // size, "y_column": y.strides[1] // size,
        "weight": address(weight), "order": address(order), "rows": len(X),
    }  # fmt: skip
    return np.array([fields[name] for name in DATA], np.int64)


def fitting(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array in a dtype, with numbers that lie whole multiples of their size apart."""
    array = np.asarray(array, dtype)
    whole = all(stride % array.itemsize == 0 for stride in array.strides)
    return array if whole and array.flags.aligned else np.ascontiguousarray(array)


def in_dtype(samples: Samples, dtype: np.dtype[Any]) -> Samples:
    """Samples as the kernels read them; a copy is made only of what lies otherwise."""
    X, y, weight = samples
    w = None if weight is None else np.ascontiguousarray(weight, dtype)
    return fitting(X, dtype), fitting(y, dtype), w


class Job:
    """One run's table, and the memory that it points to, kept alive."""

    def __init__(self, fields: dict[str, Any], keep: tuple[Any, ...]) -> None:
        self.table = np.zeros(len(JOB), np.int64)
        self.sync: np.ndarray = fields["sync"]
        self.keep: list[Any] = [keep]
        for name, value in fields.items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if isinstance(value, np.ndarray):
            self.keep.append(value)
            value = address(value)
        self.table[JOB.index(name)] = int(value)

    def __getitem__(self, name: str) -> int:
        return int(self.table[JOB.index(name)])


def place(plan: Plan, net: Network, dtype: Any, threads: int, *, tiles: int, held: bool,
          groups: int) -> dict[str, Any]:  # fmt: skip
    """A plan's part of a job, with memory for it."""
    slots = (
        tiles
        if plan.resident and plan.grouped
        else threads
        if plan.grouped
        else max(plan.tiles_a_slab, 1)
    )
    works = threads if plan.grouped else slots
    last = plan.layers[-1]
    from glassnet.engines.fused.tiles import LAYER

    z, a, d = (int(last[LAYER.index(name)]) for name in "zad")
    fields: dict[str, Any] = {
        "layers": plan.layers, "depth": len(net.layers), "parameters": net.n_params,
        "tile": plan.tile, "tiles_a_slab": plan.tiles_a_slab, "grouped": plan.grouped,
        "group": plan.group, "resident": plan.resident,
        "input_size": plan.input_size, "work_size": plan.work_size,
        "inputs": memory(slots * plan.input_size, dtype),
        "works": memory(works * plan.work_size, dtype),
        "y_place": plan.y_place, "w_place": plan.w_place,
        "output_z": z, "output_a": a, "output_d": d, "outputs": net.n_out,
        "sync": np.zeros(STATUS + 8 * threads, np.int64), "yield": give_way(),
        "failed": -1, "lane_size": plan.lane_size,
        "parts": np.zeros(2 * max(groups, plan.tiles_a_slab)),
    }  # fmt: skip
    if plan.grouped:
        fields["lane_sums"] = memory(threads * plan.lane_size, dtype)
        fields["group_gradients"] = memory(groups * net.n_params, dtype)
    if held:
        fields["held_inputs"] = memory(threads * plan.input_size, dtype)
        fields["held_works"] = memory(threads * plan.work_size, dtype)
        fields["held_parts"] = np.zeros(2 * HELD_GROUPS)
    return fields


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
        k = kit(theta.dtype)
        try:
            _, kernel, _ = kernels(k)
            how = plan(k, net, None, max(1, min(len(X), 4096)), whole=False, learning=False)
        except NotCompilable as error:
            return told(error).predict(net, theta, X)
        theta = np.ascontiguousarray(theta)
        net.views(theta)  # refuses what is not theta
        out = np.empty((len(X), net.n_out), theta.dtype)
        if not len(X):
            return out
        X = fitting(X, theta.dtype)
        threads = self._threads(how.flops / 3 * len(X), -(-len(X) // how.tile))
        fields = place(how, net, theta.dtype, threads, tiles=1, held=False, groups=1)
        fields["inputs"] = memory(threads * how.input_size, theta.dtype)
        fields["works"] = memory(threads * how.work_size, theta.dtype)
        fields |= {
            "theta": theta, "data": data_table((X, out, None), None), "out": out,
            "out_row": net.n_out,
        }  # fmt: skip
        job = Job(fields, (X, how))
        execute(kernel, job.table, job.sync, threads, how.flops / 3 * len(X) / SLOW, job)
        return out

    def sums(self, task: Task, theta: Array, samples: Samples) -> Sums:
        """Loss and gradient summed over the samples."""
        rows = len(samples[0])
        if not rows:
            return Sums(0.0, np.zeros(task.net.n_params, theta.dtype), 0.0)
        try:
            run = Run(self, task, theta, (), samples, batch_size=None, validation=None)
        except NotCompilable as error:
            return told(error).sums(task, theta, samples)
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
        if isinstance(task.optimizer, LBFGS):
            raise BadInput(
                "L-BFGS makes no epochs", "a stepwise optimizer is expected", "Use `train`."
            )
        try:
            run = Run(
                self, task, state.theta, state.slots, samples, batch_size=batch_size,
                validation=validation, optimizer=task.optimizer, step=state.step, epochs=n,
            )  # fmt: skip
        except NotCompilable as error:
            return told(error).epochs(
                task, state, samples, n=n, batch_size=batch_size, shuffle=shuffle,
                validation=validation,
            )  # fmt: skip
        chance = state.chance
        if shuffle and run.batches > 1:
            for epoch in range(n):
                order, chance = chance.permutation(run.rows)
                run.follow(np.ascontiguousarray(order, np.int64))
                failed = run.go(0, run.batches)
                if failed >= 0:
                    self._diverged(task, state, samples, epoch, failed, order, batch_size, shuffle)
        else:
            failed = run.go(0, n * run.batches)
            if failed >= 0:
                epoch, update = divmod(failed, run.batches)
                self._diverged(task, state, samples, epoch, update, None, batch_size, shuffle)
        after = State(run.theta, run.slots, run.step, state.epoch + n, chance)
        return after, Losses(run.losses, run.objectives, run.held)

    def _diverged(
        self, task: Task, state: State, samples: Samples, epoch: int, update: int,
        order: np.ndarray | None, batch_size: int | None, shuffle: bool,  # noqa: FBT001
    ) -> None:  # fmt: skip
        """Go the same way again up to the update that failed, and name what failed in it."""
        if epoch:
            state, _ = self.epochs(
                task, state, samples, n=epoch, batch_size=batch_size, shuffle=shuffle
            )
        run = Run(
            self, task, state.theta, state.slots, samples, batch_size=batch_size, validation=None,
            optimizer=task.optimizer, step=state.step, epochs=1,
        )  # fmt: skip
        if order is not None:
            run.follow(np.ascontiguousarray(order, np.int64))
        run.go(0, update)
        start = update * run.batch
        batch = take(samples, slice(start, start + run.batch), order)
        layer, quantity = first_not_finite(task, run.theta, run.slots, batch, run.step)
        raise Divergence(state.epoch + 1, run.step + 1, layer, quantity, state)

    def _threads(self, work: float, pieces: int) -> int:
        """How many threads pay off for so many operations between two meetings of all threads."""
        if self.threads is None and (work < 2 * 400_000 or pieces == 1):
            return 1  # to ask how many there are would cost more
        return max(1, min(available() if self.threads is None else self.threads, pieces))


WORTH_COMPILING = 1e6
"""Operations of a call from which code for one tiny network alone is made."""


class Run:
    """Compiled updates of one task on one set of samples, from one theta on."""

    def __init__(
        self,
        engine: Fused,
        task: Task,
        theta: Array,
        slots: tuple[Array, ...],
        samples: Samples,
        *,
        batch_size: int | None,
        validation: Samples | None,
        optimizer: Optimizer | LBFGS | None = None,
        step: int = 0,
        epochs: int = 0,
    ) -> None:
        net, dtype = task.net, theta.dtype
        self.kit = kit(dtype)
        samples = in_dtype(samples, dtype)
        self.rows = len(samples[0])
        self.batch = self.rows if batch_size is None else min(batch_size, self.rows)
        self.batches = -(-self.rows // self.batch)
        self.optimizer, self.task = optimizer, task
        how = plan(self.kit, net, task.loss, self.batch, whole=self.batches == 1, learning=True)
        loss = compiled(self.kit, task.loss, closed=task.loss.closes(net.layers[-1].activation))
        update = None
        if isinstance(optimizer, Optimizer):
            update = compiled(self.kit, unrated(optimizer))
        self.kernel, _, library = kernels(self.kit)
        tiny = (
            compiled_tiny(self.kit, net, task.loss)
            if how.grouped and self.long(how, epochs)
            else None
        )
        self.flops = how.flops * self.batch
        self.threads = engine._threads(self.flops, how.pieces(self.batch))  # noqa: SLF001
        self.pace = Pace(self.flops)
        groups = -(-self.batch // how.group)
        fields = place(
            how, net, dtype, self.threads, tiles=-(-self.rows // how.tile),
            held=validation is not None, groups=groups,
        )  # fmt: skip
        # what is updated: copies, which become the next state
        self.theta = np.array(theta)
        self.slots = tuple(np.array(slot) for slot in slots)
        self.gradient = np.empty_like(self.theta)
        self.losses, self.objectives = np.empty(epochs), np.empty(epochs)
        self.held = None if validation is None else np.empty(epochs)
        self.running = np.zeros(3)
        self.data = data_table(samples, None)
        self.held_table = None
        if validation is not None:
            validation = in_dtype(validation, dtype)
            self.held_table = data_table(validation, None)
        fields |= {
            "theta": self.theta, "gradient": self.gradient,
            "slots": np.array([address(slot) for slot in self.slots] or [0], np.int64),
            "data": self.data, "held_out": self.held_table if validation is not None else 0,
            "loss": loss["learn"], "cost": loss["cost"],
            "update": 0 if update is None else update["update"],
            "batches": self.batches, "batch": self.batch, "step": step,
            "mean": task.reduction != "sum", "alone": task.reduction == "batch",
            "penalised": bool(task.l1 or task.l2), "clipped": task.clip is not None,
            "constants": np.array([task.l1, task.l2, task.clip or 0.0]),
            "tiny": 0 if tiny is None else tiny["learn"],
            "running": self.running, "losses": self.losses, "objectives": self.objectives,
        }  # fmt: skip
        if self.held is not None:
            fields["validation"] = self.held
        self.job = Job(fields, (samples, validation, how, loss, update, library, tiny))

    def long(self, how: Plan, epochs: int) -> bool:
        """Whether code of its own pays for a tiny network: the results are the same bits."""
        return epochs * self.rows * how.flops > WORTH_COMPILING

    @property
    def step(self) -> int:
        """Updates made so far."""
        return self.job["step"]

    def follow(self, order: np.ndarray) -> None:
        """Take the rows in this order from now on."""
        self.order = order
        self.data[DATA.index("order")] = address(order)

    def go(self, first: int, last: int) -> int:
        """Updates from `first` up to `last`; the one that failed, or -1."""
        job = self.job
        while first < last:
            end = min(last, first + self.pace.pieces)
            job["first"], job["last"] = first, end
            if self.optimizer is not None:
                job["rates"] = self.rates(end - first)
            with self.pace.watch(end - first) as seconds:
                execute(self.kernel, job.table, job.sync, self.threads, seconds, job)
            if job["failed"] >= 0:
                return job["failed"]
            first = end
        return -1

    def rates(self, count: int) -> np.ndarray:
        """The learning rates of the next updates."""
        optimizer, step = self.optimizer, self.step
        assert isinstance(optimizer, Optimizer)
        if isinstance(optimizer.lr, float | int):
            return np.full(count, float(optimizer.lr))
        return np.array([optimizer.rate(step + i) for i in range(count)])


@lru_cache(maxsize=256)
def unrated(optimizer: Optimizer) -> Optimizer:
    """The optimizer with a learning rate of no account: it is handed to the code by itself."""
    import dataclasses

    return dataclasses.replace(optimizer, lr=0.0)


_told: set[str] = set()


def told(error: NotCompilable) -> Reference:
    """The reference engine; why it takes over is said once."""
    text = str(error)
    if text not in _told:
        _told.add(text)
        warnings.warn(
            f"the fused engine cannot compile {text}; the reference engine runs instead",
            RuntimeWarning,
            stacklevel=4,
        )
    return Reference()
