"""A run: one task on one set of samples, from one theta on, told to compiled code in one table."""

from __future__ import annotations

import copy
import ctypes
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct, calcsize
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.core.optimizers import Optimizer
from glassnet.core.schedules import Schedule
from glassnet.engines.base import Samples, Task
from glassnet.engines.chance import Draw
from glassnet.engines.fused.arrays import DATA, address, check_shapes, described, in_dtype
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
from glassnet.engines.fused.tiny import UPDATE, Own, Whole, lanes_for, own, vectors_for

FIELD = {name: number for number, name in enumerate(JOB)}
ORDER, PLACES = DATA.index("order"), DATA.index("places")
FIRST, LAST = FIELD["first"], FIELD["last"]

ORDERS = 2**16
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


RUNNING, CONSTANTS, RATE = 7, 3, 6
"""Numbers in `running`: three that are counted up, from 0 on, then l1, l2, clip, and a learning
rate that is the same for all steps.
"""
LINE = 64
"""Bytes of a cache line."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the parts of a run's memory lie, in bytes from its beginning.

    head : how it begins: the job, `running`, `data`, and zeros where threads meet. It is written in
        one go, since to fill in a field takes as long as an epoch of a tiny network.
    places : what the job calls the parts.
    """

    head: Struct
    places: dict[str, int]
    size: int


@lru_cache(maxsize=256)
def layout(how: Plan, n_params: int, itemsize: int, threads: int, tiles: int, batch: int,
           held: bool, slots: int, updating: bool, learning: bool = True) -> Layout:  # noqa: FBT001, FBT002  # fmt: skip
    """For so many threads; for `tiles` of inputs that stay, where the plan says so."""
    together = learning and not how.grouped
    spots = how.tiles_a_slab if together else threads
    kept = tiles if how.resident and how.grouped else spots
    groups = -(-batch // how.group)
    head, sync = "=", STATUS + 8 * threads
    places, size = {}, 0
    for name, count, letter in (
        ("job", len(JOB), "q"), ("running", RUNNING, "d"), ("data", len(DATA), "q"),
        ("sync", 8 * sync, "x"),
    ):  # fmt: skip
        places[name] = size = -(-size // LINE) * LINE
        head += f"{size - calcsize(head)}x{count}{letter}"
        size = calcsize(head)
    sizes = {
        "slots": 8 * slots,
        "inputs": kept * how.input_size * itemsize,
        "works": spots * how.work_size * itemsize,
        "parts": 16 * max(groups if how.grouped else 0, how.tiles_a_slab),
    }
    if updating:
        sizes["gradient"] = n_params * itemsize
    if learning and how.grouped:
        sizes["lane_sums"] = threads * how.lane_size * itemsize
        sizes["group_gradients"] = groups * n_params * itemsize if groups > 1 else 0
    if held:
        sizes["held_out"] = 8 * len(DATA)
        sizes["held_parts"] = 16 * HELD_GROUPS
    if held and how.resident:  # else the training's own memory is free meanwhile
        sizes["held_inputs"] = threads * how.input_size * itemsize
        sizes["held_works"] = threads * how.work_size * itemsize
    for name, bytes_of_it in sizes.items():
        places[name] = size = -(-size // LINE) * LINE
        size += bytes_of_it
    if held and not how.resident:
        places |= {f"held_{name}": places[name] for name in ("inputs", "works")}
    places["constants"] = places["running"] + 8 * CONSTANTS
    places["steps"] = places["running"] + 8 * RATE
    del places["job"]
    return Layout(Struct(head), places, size)


class Job:
    """The table that a run is told in, in one piece with all the memory that it needs meanwhile.

    told : its fields; those that say where the parts of the memory lie are filled in.
    """

    def __init__(self, laid: Layout, told: dict[str, int], data: Samples, running: Sequence[float],
                 keep: Any) -> None:  # fmt: skip
        block: Any = np.empty(laid.size // 8 + 8, np.int64)
        start = address(block)
        skip = -start % LINE
        self.address = start = start + skip
        self.block, self.laid, self.keep = block[skip // 8 :], laid, keep
        for name, place in laid.places.items():
            told[name] = start + place
        laid.head.pack_into(block, skip, *told.values(), *running, *described(data))
        self.table = self.block[: len(JOB)]

    def part(self, name: str, words: int) -> np.ndarray:
        """So many words of a part of the memory."""
        start = self.laid.places[name] // 8
        return self.block[start : start + words]

    @property
    def sync(self) -> np.ndarray:
        """Where threads meet."""
        return self.part("sync", STATUS)

    def put(self, **fields: int) -> None:
        """Fill in fields."""
        table = self.table
        for name, value in fields.items():
            table[FIELD[name]] = value

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
    template: dict[str, int]  # the fields of the job that are the same in every run
    keep: tuple[Any, ...]


def template(how: Plan, net: Network, **more: int) -> dict[str, int]:
    """A job's table with what the plan says; the rest is 0."""
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
    return dict.fromkeys(JOB, 0) | {name: int(value) for name, value in fields.items()}


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
        vectors, scaled = vectors_for(kit, batch), task.reduction != "sum"
        repeat = own(kit, net, task.loss, Whole(any_rate, vectors, lanes_for(kit, batch), scaled))
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
        self.rows = rows = len(samples[0])
        self.batch = rows if batch_size is None else min(batch_size, rows)
        self.batches = -(-rows // self.batch)
        self.task = task
        code = prepared(kit, task, self.batch, whole=self.batches == 1, updating=epochs > 0)
        how, self.kernel, self.steps = code.how, code.kernel, code.steps
        self.library = code.keep[-1]
        operations = how.flops * self.batch
        self.threads: int = threads(operations, how.pieces(self.batch))
        # what is updated: copies, which become the next state
        self.theta = np.array(theta)
        self.slots = tuple(np.array(slot, dtype) for slot in slots)
        self.costs = np.empty((3, epochs))  # losses, objectives, validation losses
        self.order: np.ndarray | None = None
        held = validation is not None
        laid = layout(how, net.n_params, dtype.itemsize, self.threads, -(-rows // how.tile),
                      self.batch, held, len(slots), epochs > 0)  # fmt: skip
        judging = 0.0
        if validation is not None:
            validation = in_dtype(validation, dtype)
            check_shapes(net, validation)
            judging = how.flops / 3 * len(validation[0])
        self.judging = judging / SLOW  # seconds, at most
        self.pace = Pace(operations + judging / self.batches)
        spent = epochs * (rows * how.flops + self.batches * UPDATE)
        learn = repeat = 0
        if code.whole and not held:
            repeat = code.whole.address(spent)
        elif code.own:
            learn = code.own.address(spent)
        rate = task.optimizer.lr if isinstance(task.optimizer, Optimizer) else 0.0
        if isinstance(rate, Schedule):
            rate = 0.0
        elif self.steps is not None and self.steps.same:
            self.steps = None
        costs = address(self.costs)
        told = code.template | {
            "theta": address(self.theta), "batches": self.batches, "step": step,
            "tiny": learn, "quick": repeat,
            "losses": costs, "objectives": costs + 8 * epochs, "validation": costs + 16 * epochs,
        }  # fmt: skip
        if not epochs:  # the gradient is what is asked for, and outlives the run
            self.gradient = np.empty_like(self.theta)
            told["gradient"] = address(self.gradient)
        running = (0.0, 0.0, 0.0, task.l1, task.l2, task.clip or 0.0, float(rate))
        keep = code, validation  # not self: no circle
        self.job = job = Job(laid, told, samples, running, keep)
        if validation is not None:
            job.part("held_out", len(DATA))[:] = described(validation)
        if slots:
            job.part("slots", len(slots))[:] = [address(slot) for slot in self.slots]

    @property
    def running(self) -> Array:
        """What the epoch has cost so far: loss, objective, their weight."""
        return self.job.part("running", RUNNING).view(np.float64)

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

    def follow(self, order: np.ndarray) -> None:
        """Take the rows in this order, or in several, one an epoch, from update 0 on."""
        self.order = order  # kept as long as it is followed
        data = self.job.part("data", len(DATA))
        data[ORDER], data[PLACES] = address(order), len(order)

    def go(self, first: int, last: int) -> int:
        """Updates from `first` up to `last`; the one that failed, or -1."""
        job, pace = self.job, self.pace
        while first < last:
            count = min(last - first, pace.pieces)
            job.table[FIRST], job.table[LAST] = first, first + count
            if self.steps is not None:
                table = self.table_of_steps(self.steps, count)
                job.put(steps=address(table), step_size=table.shape[1])
            began = time.perf_counter()
            execute(self.kernel, job, self.threads, pace.seconds * count + self.judging, self)
            pace.learn(time.perf_counter() - began, count)
            failed = job["failed"]
            if failed >= 0:
                return failed
            first += count
        return -1

    def table_of_steps(self, steps: Steps, count: int) -> np.ndarray:
        """(count, columns): what the next updates have to know."""
        optimizer, step = self.task.optimizer, self.step
        assert isinstance(optimizer, Optimizer)
        if isinstance(optimizer.lr, Schedule):
            lr = np.array([optimizer.rate(step + i) for i in range(count)])
        else:
            lr = np.full(count, float(optimizer.lr))
        return steps.table(lr, np.arange(step + 1.0, step + count + 1.0))
