"""A run: one task on one set of samples, from one theta on, told to compiled code in one table."""

from __future__ import annotations

import copy
import ctypes
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.core.optimizers import Optimizer
from glassnet.core.schedules import Schedule
from glassnet.engines.base import Samples, Task
from glassnet.engines.chance import Draw
from glassnet.engines.fused.arrays import DATA, address, check_shapes, data_table, in_dtype
from glassnet.engines.fused.assembler import Module, Type
from glassnet.engines.fused.compiler import load
from glassnet.engines.fused.driver import HELD_GROUPS, JOB, STATUS, write_driver
from glassnet.engines.fused.formulas import compiled
from glassnet.engines.fused.one_row import write_one_row
from glassnet.engines.fused.orders import draw_with
from glassnet.engines.fused.plan import Plan, plan
from glassnet.engines.fused.steps import Steps
from glassnet.engines.fused.target import Kit, Target
from glassnet.engines.fused.threads import SLOW, Kernel, Pace, execute, give_way
from glassnet.engines.fused.tiles import LAYER
from glassnet.engines.fused.tiny import UPDATE, Own, Whole, own

FIELD = {name: number for number, name in enumerate(JOB)}
ORDER, PLACES = DATA.index("order"), DATA.index("places")

ORDERS = 2**18
"""Bytes up to which orders are drawn ahead: the way into compiled code is gone less often."""


@lru_cache(maxsize=8)
def kernels(target: Target, real: Type) -> tuple[Kernel, Kernel, Any]:
    """`train` and `predict` for a machine and a dtype, and the library that holds them."""
    module, kit = Module(looks_up=target.looks_up), Kit(target, real)
    write_one_row(module, kit, write_driver(module, kit))
    library = load(str(module), target, thorough=False)
    face = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    train, predict = (face(library.address(name)) for name in ("train", "predict"))
    return train, predict, library


class Workspace:
    """One piece of memory for all that a run needs while it lasts."""

    def __init__(self, ends: dict[str, int], total: int) -> None:
        self.block = np.empty(total + 64, np.uint8)
        start = address(self.block)
        start += -start % 64  # each place begins with a cache line
        self.places = {name: start + end for name, end in ends.items()}


def workspace(how: Plan, net: Network, itemsize: int, threads: int, *, tiles: int, batch: int,
              held: bool, learning: bool) -> Workspace:  # fmt: skip
    """Memory for so many threads; for `tiles` of inputs that stay, where the plan says so."""
    return Workspace(*layout(how, net.n_params, itemsize, threads, tiles, batch, held, learning))


@lru_cache(maxsize=256)
def layout(how: Plan, n_params: int, itemsize: int, threads: int, tiles: int, batch: int,
           held: bool, learning: bool) -> tuple[dict[str, int], int]:  # noqa: FBT001  # fmt: skip
    """Where the parts of a workspace lie, and its size in bytes."""
    together = learning and not how.grouped
    slots = how.tiles_a_slab if together else threads
    kept = tiles if how.resident and how.grouped else slots
    groups = -(-batch // how.group)
    sizes = {
        "inputs": kept * how.input_size * itemsize,
        "works": slots * how.work_size * itemsize,
        "parts": 16 * max(groups if how.grouped else 0, how.tiles_a_slab),
    }
    if learning and how.grouped:
        sizes["lane_sums"] = threads * how.lane_size * itemsize
        sizes["group_gradients"] = groups * n_params * itemsize if groups > 1 else 0
    if held and how.resident:  # else the training's own memory is free meanwhile
        sizes["held_inputs"] = threads * how.input_size * itemsize
        sizes["held_works"] = threads * how.work_size * itemsize
    if held:
        sizes["held_parts"] = 16 * HELD_GROUPS
    ends, total = {}, 0
    for name, size in sizes.items():
        ends[name] = total
        total += -(-size // 64) * 64
    if held and not how.resident:
        ends |= {f"held_{name}": ends[name] for name in ("inputs", "works")}
    return ends, total


class Job:
    """The table that a run is told in, and what it points to, kept alive."""

    def __init__(self, template: np.ndarray, threads: int, keep: tuple[Any, ...]) -> None:
        self.table = template.copy()
        self.sync = np.zeros(STATUS + 8 * threads, np.int64)
        self.keep = keep
        self.table[FIELD["sync"]] = address(self.sync)

    def put(self, **fields: int) -> None:
        """Fill in fields."""
        for name, value in fields.items():
            self.table[FIELD[name]] = value

    def __getitem__(self, name: str) -> int:
        return int(self.table[FIELD[name]])


# ---- what stays the same from run to run


@dataclass(frozen=True, eq=False)
class Prepared:
    """A task's code and plan for batches of one size."""

    how: Plan
    kernel: Kernel
    steps: Steps | None  # what the optimizer has to know of a step
    one_row: int  # the address of `answer_row`
    own: Own | None  # code for this network alone, of one tile
    whole: Own | None  # and of whole updates, where all rows are one tile and nothing else is asked
    template: np.ndarray  # the fields of the job that are the same in every run
    keep: tuple[Any, ...]


def template(how: Plan, net: Network, **more: int) -> np.ndarray:
    """A job's table with what the plan says."""
    table = np.zeros(len(JOB), np.int64)
    last = dict(zip(LAYER, how.layers[-1], strict=True))
    fields = {
        "layers": address(how.layers), "depth": len(net.layers), "parameters": net.n_params,
        "tile": how.tile, "tiles_a_slab": how.tiles_a_slab, "grouped": how.grouped,
        "group": how.group, "resident": how.resident,
        "input_size": how.input_size, "work_size": how.work_size,
        "y_place": how.y_place, "w_place": how.w_place,
        "output_z": last["z"], "output_a": last["a"], "output_d": last["d"], "outputs": net.n_out,
        "by_lanes": how.by_lanes,
        "yield": give_way(), "failed": -1, "lane_size": how.lane_size, **more,
    }  # fmt: skip
    for name, value in fields.items():
        table[FIELD[name]] = int(value)
    return table


@lru_cache(maxsize=256)
def prepared(kit: Kit, task: Task, batch: int, *, whole: bool, updating: bool) -> Prepared:
    """For training, or with `updating` False for sums alone."""
    net, optimizer = task.net, task.optimizer
    dropout = task.dropout if updating else None  # sums are the whole network's
    rates = () if dropout is None or not any(dropout.rates(net)) else dropout.rates(net)
    low, high = (0, 0) if dropout is None else dropout.key
    how = plan(kit, net, task.loss, batch, whole=whole, learning=True, rates=rates)
    loss = compiled(kit, task.loss, closed=task.loss.closes(net.layers[-1].activation))
    update = any_rate = None
    if updating and isinstance(optimizer, Optimizer):
        # the learning rate is handed over by itself: one and the same for all, checked by nobody
        any_rate = copy.copy(optimizer)
        object.__setattr__(any_rate, "lr", 0.0)
        update = compiled(kit, any_rate)
    kernel, _, library = kernels(kit.target, kit.real)
    table = template(
        how, net, loss=loss["learn"], cost=loss["cost"],
        update=0 if update is None else update["update"],
        batch=batch, mean=task.reduction != "sum", alone=task.reduction == "batch",
        penalised=bool(task.l1 or task.l2), clipped=task.clip is not None,
        dropping=bool(rates), low=low, high=high,
    )  # fmt: skip
    learn = own(kit, net, task.loss, None) if how.grouped and not rates else None
    repeat, plainly = None, not (task.l1 or task.l2 or task.clip is not None)
    if learn and any_rate and plainly and how.resident and batch <= how.tile:
        repeat = own(kit, net, task.loss, Whole(any_rate, batch <= kit.lanes))
    steps = None if update is None else update.steps
    return Prepared(how, kernel, steps, 0, learn, repeat, table, (loss, update, library))


@lru_cache(maxsize=256)
def prepared_to_predict(kit: Kit, net: Network) -> Prepared:
    """For predictions."""
    how = plan(kit, net, None, 4096, whole=False, learning=False)
    _, kernel, library = kernels(kit.target, kit.real)
    one_row = library.address("answer_row")
    return Prepared(how, kernel, None, one_row, None, None, template(how, net), (library,))


# ---- training


class Run:
    """Compiled updates of one task on one set of samples, from one theta on."""

    def __init__(
        self,
        kit: Kit,
        threads: Any,
        task: Task,
        theta: Array,
        slots: tuple[Array, ...],
        samples: Samples,
        *,
        batch_size: int | None,
        validation: Samples | None = None,
        step: int = 0,
        epochs: int = 0,
    ) -> None:
        net, dtype = task.net, theta.dtype
        for flat in (theta, *slots):
            if flat.shape != (net.n_params,):
                net.views(flat)  # says so
        if epochs and isinstance(task.optimizer, Optimizer):
            names = task.optimizer.slots
            if len(slots) != len(names):
                raise BadInput(f"{len(slots)} slots", f"{len(names)} are expected: {names}")
        self.samples = samples = in_dtype(samples, dtype)
        check_shapes(net, samples)
        self.rows = len(samples[0])
        self.batch = self.rows if batch_size is None else min(batch_size, self.rows)
        self.batches = -(-self.rows // self.batch)
        self.task = task
        code = prepared(kit, task, self.batch, whole=self.batches == 1, updating=epochs > 0)
        how, self.kernel, self.steps = code.how, code.kernel, code.steps
        self.library = code.keep[-1]
        operations = how.flops * self.batch
        self.threads: int = threads(operations, how.pieces(self.batch))
        # what is updated: copies, which become the next state
        self.theta = np.array(theta)
        self.slots = tuple(np.array(slot, dtype) for slot in slots)
        self.gradient = np.empty_like(self.theta)
        self.costs = np.empty((3, epochs))  # losses, objectives, validation losses
        self.running = np.zeros(6)  # and then the constants l1, l2, clip
        self.running[3:] = task.l1, task.l2, task.clip or 0.0
        self.data = data_table(samples)
        self.order: np.ndarray | None = None
        held, self.judging = None, 0.0
        if validation is not None:
            validation = in_dtype(validation, dtype)
            check_shapes(net, validation)
            held = data_table(validation)
            judging = how.flops / 3 * len(validation[0])
            self.judging = judging / SLOW  # seconds, at most
            operations += judging / self.batches
        self.pace = Pace(operations)
        spent = epochs * (self.rows * how.flops + self.batches * UPDATE)
        learn = repeat = 0
        if code.whole and held is None:
            repeat = code.whole.address(spent)
        elif code.own:
            learn = code.own.address(spent)
        space = workspace(
            how, net, dtype.itemsize, self.threads, tiles=-(-self.rows // how.tile),
            batch=self.batch, held=held is not None, learning=True,
        )  # fmt: skip
        addresses = np.array([address(slot) for slot in self.slots], np.int64) if slots else None
        self.job = Job(
            code.template,
            self.threads,
            (code, validation, held, space, addresses),  # not self: no circle
        )
        places, costs, running = space.places, address(self.costs), address(self.running)
        self.job.put(
            theta=address(self.theta), gradient=address(self.gradient), slots=address(addresses),
            data=address(self.data), held_out=address(held), batches=self.batches, step=step,
            running=running, constants=running + 24, losses=costs, objectives=costs + 8 * epochs,
            validation=costs + 16 * epochs,
            tiny=learn, quick=repeat, **places,
        )  # fmt: skip

    @property
    def step(self) -> int:
        """Updates made so far."""
        return self.job["step"]

    @property
    def draw(self) -> Draw:
        """What draws the rows' orders."""
        return draw_with(self.library)

    @property
    def orders_at_once(self) -> int:
        """For how many epochs the rows' orders are drawn ahead."""
        return max(1, ORDERS // (8 * self.rows))

    def follow(self, orders: list[np.ndarray]) -> None:
        """Take the rows in these orders, one an epoch, from update 0 on."""
        order = orders[0] if len(orders) == 1 else np.concatenate(orders)
        self.order = order = np.ascontiguousarray(order, np.int64)
        self.data[ORDER], self.data[PLACES] = address(order), len(order)

    def go(self, first: int, last: int) -> int:
        """Updates from `first` up to `last`; the one that failed, or -1."""
        job = self.job
        while first < last:
            end = min(last, first + self.pace.pieces)
            job.put(first=first, last=end)
            if self.steps is not None:
                table = self.table_of_steps(self.steps, end - first)
                size = 0 if len(table) == 1 else table.shape[1]  # one row: it serves them all
                job.put(steps=address(table), step_size=size)
            with self.pace.watch(end - first) as guess:
                seconds = guess + self.judging
                execute(self.kernel, job.table, job.sync, self.threads, seconds, self)
            if job["failed"] >= 0:
                return job["failed"]
            first = end
        return -1

    def table_of_steps(self, steps: Steps, count: int) -> np.ndarray:
        """(count, columns): what the next updates have to know; one row where it is the same."""
        optimizer, step = self.task.optimizer, self.step
        assert isinstance(optimizer, Optimizer)
        if isinstance(optimizer.lr, Schedule):
            lr = np.array([optimizer.rate(step + i) for i in range(count)])
        elif steps.same:
            return np.array([[optimizer.lr]], np.float64)
        else:
            lr = np.full(count, float(optimizer.lr))
        return steps.table(lr, np.arange(step + 1.0, step + count + 1.0))
