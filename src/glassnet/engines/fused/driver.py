"""Whole runs: epochs, batches, tiles, updates, validation, on one thread or several.

Two ways of summing a gradient, chosen by `plan.py` from the network and the batch alone:

slabs : for wide networks. Phase 1: each thread takes some of a slab's tiles from X to dL/dz.
    Phase 2: each thread takes some rows of every dL/dW, sums them over the slab's tiles in order,
    and updates these very rows while they are in its cache. Each weight is one ordered chain of
    sums, whoever computes it.
groups : for all others. Each group of samples has a gradient of its own, for a tiny network one
    for each lane; then each thread adds some of their numbers, group after group, and updates
    these. What threads hand to each other is gradients, not all that they are made of.

So the number of threads decides who computes a number, never how.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glassnet.engines.fused.arrays import DATA
from glassnet.engines.fused.assembler import (
    F64,
    I32,
    I64,
    POINTER,
    Code,
    Function,
    Module,
    Pointer,
    Pointing,
    Type,
    Value,
    Variable,
)
from glassnet.engines.fused.blocks import ADD
from glassnet.engines.fused.formulas import write_penalty
from glassnet.engines.fused.orders import write_shuffle
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import Layer, Tiles, tiles, transposed

JOB = (
    "layers", "depth", "parameters",  # the table of layers, their number, the length of theta
    "theta", "gradient", "slots",  # flat vectors; slots: a table of addresses
    "data", "held_out",  # tables of DATA; held_out may be 0
    "loss", "cost", "update",  # functions; update is 0 where only sums are wanted
    "first", "last", "batches", "batch",  # updates to make, their number in an epoch, its rows
    "step",  # updates made so far
    "mean", "alone",  # divide by the weight; each batch by itself (reduction "batch")
    "penalised", "clipped",
    "constants",  # l1, l2, clip
    "steps", "step_size",  # the table of steps from the first update on, and numbers in a row
    "running",  # what the epoch has cost so far: loss, objective, their weight
    "losses", "objectives", "validation",  # one number an epoch
    "epoch",  # which of these comes next
    "tile", "tiles_a_slab", "grouped", "group",  # samples a tile; which way; samples a group
    "by_lanes",  # whether a group's sums are kept lane by lane
    "resident",  # whether the inputs of all tiles stay in memory
    "inputs", "input_size", "works", "work_size",  # memory of the tiles
    "y_place", "w_place",  # where a tile's targets and weights lie among its inputs
    "output_z", "output_a", "output_d", "outputs",  # of the last layer
    "held_inputs", "held_works",  # memory for validation, a tile for each thread
    "lane_sums", "lane_size", "group_gradients",
    "dropping", "low", "high",  # whether neurons are left out in updates, and dropout's key
    "tiny",  # the function for a tiny network, or 0
    "quick",  # `tiny.repeat`, where all rows are one tile and nothing else is asked for, or 0
    "parts", "held_parts",  # loss and weight of each tile or group
    "sync", "yield", "failed",
    "out",  # where predictions go
)  # fmt: skip
"""What a run is told, and tells: whole numbers and addresses in one table."""

COUNT, GENERATION, STOP, STATUS = 0, 16, 32, 64
"""Places in `sync`, each in a cache line of its own; STATUS has one line for each thread."""

BOTH, FINISH, UPDATE = range(3)
"""What is wanted of a part of the gradient: to be reduced and penalised, and to move theta."""

MEASURE, LEARN, START, GO_ON = range(4)
"""What is wanted of a tile."""

PATIENCE = 2000
"""Looks at a closed gate, some ten microseconds, before the processor is given away."""
ROWS_AT_ONCE = 4096
"""Numbers of a block of rows of dL/dW: it is updated while it lies in the first-level cache."""
LINE = 16
"""Numbers in a cache line at most: no two threads write to the same one."""

HELD_GROUPS = 16
"""The validation rows are summed in so many groups, in order, whatever the number of threads."""


class Fields:
    """A table in registers, by name; each field is read where it is first asked for."""

    def __init__(self, code: Code, table: Pointer, names: tuple[str, ...]) -> None:
        self._code, self._table, self._names = code, table, names
        self._read = {name: table[i] for i, name in enumerate(names)}

    def __getattr__(self, name: str) -> Value:
        return self._read[name]

    def pointer(self, name: str, element: object) -> Pointer:
        """The address in a field."""
        return self._code.address(self._read[name], element)  # type: ignore[arg-type]

    def put(self, name: str, value: Value) -> None:
        """Write a field."""
        self._table[self._names.index(name)] = value


@dataclass(frozen=True)
class Parts:
    """The functions that runs are made of."""

    tiles: Tiles
    barrier: Function
    tile_pass: Function
    tile_dropping: Function
    validate: Function
    apply: Function


def write_driver(module: Module, kit: Kit) -> Tiles:
    """`train(job, me, threads)` and `predict(job, me, threads)`, with all that they call."""
    table, real = Pointing(I64), Pointing(kit.real)
    write_penalty(module, kit)
    module.define("length", [real, I64], length(kit), returns=F64)
    parts_of_tiles = tiles(module, kit)
    barrier = module.define("barrier", [table, I64, I64], wait())
    tile: list[Type | Pointing] = [table, table, real, real, I64, I64, I64, I64, Pointing(F64)]
    tile_pass = module.define("tile_pass", tile, pass_tile(kit, parts_of_tiles))
    tile_dropping = module.define(
        "tile_dropping", [*tile, I64, I64], pass_tile(kit, parts_of_tiles, dropping=True)
    )
    validate = module.define(
        "validate", [table, I64, I64, I64], validation(kit, tile_pass, barrier)
    )
    apply = module.define("apply", [table, I64, I64, I64, I64, F64, I64, I64], apply_update(kit))
    parts = Parts(parts_of_tiles, barrier, tile_pass, tile_dropping, validate, apply)
    by_slabs = module.define(
        "by_slabs", [table, I64, I64, I64, I64, I64, Pointing(F64)], slabs(kit, parts)
    )
    by_groups = module.define(
        "by_groups", [table, I64, I64, I64, I64, I64, Pointing(F64)], groups(kit, parts)
    )
    module.define("train", [table, I64, I64], train(kit, parts, by_slabs, by_groups), public=True)
    module.define("predict", [table, I64, I64], predict(kit, parts_of_tiles), public=True)
    write_shuffle(module)
    return parts_of_tiles


def least(code: Code, a: Value, b: Value) -> Value:
    """The smaller of two whole numbers."""
    return code.select(a < b, a, b)


def share(total: Value, me: Value, threads: Value) -> tuple[Value, Value]:
    """Which of so many pieces of work are this thread's: from, and up to."""
    return total * me // threads, total * (me + 1) // threads


# ---- threads


def wait() -> Callable[..., None]:
    """Until all threads have come here. Spins for a while, then gives the processor away."""

    def body(code: Code, sync: Pointer, threads: Value, give_way: Value) -> None:
        def meet() -> None:
            generation = atomic_load(code, sync.at(GENERATION))
            arrived = code.value(f"atomicrmw add ptr {sync.at(COUNT).text}, i64 1 acq_rel", I64)

            def last() -> None:
                atomic_store(code, sync.at(COUNT), code.constant(0, I64))
                atomic_store(code, sync.at(GENERATION), generation + 1)

            def others() -> None:
                turns = code.variable(I64, 0)

                def closed() -> Value:
                    same = atomic_load(code, sync.at(GENERATION)) == generation
                    return same & (atomic_load(code, sync.at(STOP)) == 0)

                with code.repeat(closed):
                    turns.set(turns.get() + 1)
                    with code.when((turns.get() > PATIENCE) & (give_way != 0)):
                        code.call_at(code.address(give_way, I64), None)

            code.choose(arrived == threads - 1, last, others)

        with code.when(threads > 1):
            meet()

    return body


def atomic_load(code: Code, at: Pointer) -> Value:
    """What another thread may be writing."""
    return code.value(f"load atomic i64, ptr {at.text} acquire, align 8", I64)


def atomic_store(code: Code, at: Pointer, value: Value) -> None:
    """Write what another thread may be reading."""
    code.lines.append(f"  store atomic {value!r}, ptr {at.text} release, align 8")


# ---- one tile


def pass_tile(kit: Kit, functions: Tiles, *, dropping: bool = False) -> Callable[..., None]:
    """Load a tile, forward, loss, and with `learning` backward; `result` gets loss and weight.

    learning : MEASURE, LEARN, or for a tiny network START or GO_ON: `work` then is where the sums
        of its gradient are, which begin at 0 or go on.
    dropping : with dropout, which goes by `chance`: the row of its batch that the tile begins
        with, and the update.
    """
    n = kit.lanes

    def body(code: Code, job: Pointer, data: Pointer, inputs: Pointer, work: Pointer, first: Value,
             count: Value, reload: Value, learning: Value, result: Pointer,
             *chance: Value) -> None:  # fmt: skip
        J, D = Fields(code, job, JOB), Fields(code, data, DATA)
        layers = J.pointer("layers", I64)
        theta = J.pointer("theta", kit.real)
        ld = (count + (n - 1)) // n * n
        y, w = inputs.at(J.y_place), inputs.at(J.w_place)

        def fill() -> None:
            order = D.pointer("order", I64)
            columns = Layer(code, layers, code.constant(0, I64)).n_in
            code.call(functions.gather, inputs, ld, D.pointer("X", kit.real), D.x_row, D.x_column,
                      columns, order, first, count)  # fmt: skip
            code.call(functions.gather, y, ld, D.pointer("y", kit.real), D.y_row, D.y_column,
                      J.outputs, order, first, count)  # fmt: skip
            one, none = code.constant(1.0, kit.vector), code.constant(0.0, kit.vector)
            with code.loop(0, ld, n) as s:
                w.put(s, code.select(code.first(count - s, n), one, none))
            with code.when(D.weight != 0), code.loop(0, count) as s:
                position = code.variable(I64, first + s)
                with code.when(D.order != 0):
                    position.set(order[first + s])
                w[s] = D.pointer("weight", kit.real)[position.get()]

        with code.when(reload != 0):
            fill()
            look_ahead(code, kit, functions, D, layers, first + count, count)
        z, a, d = (work.at(getattr(J, f"output_{name}")) for name in "zad")
        loss = code.variable(F64, 0.0)

        def written_out() -> None:
            flags = (learning - START) * ADD
            tiny = J.pointer("tiny", I64)
            loss.set(code.call_at(tiny, F64, inputs, y, w, theta, work, ld, flags))

        def by_layers() -> None:
            code.call(functions.forward, layers, J.depth, theta, inputs, work, ld, learning)
            code.choose(learning != MEASURE, learn, measure)

        def learn() -> None:
            loss.set(code.call_at(J.pointer("loss", I64), F64, z, a, y, w, d, J.outputs, ld))
            code.call(functions.backward, layers, J.depth, theta, work, ld)

        def measure() -> None:
            loss.set(code.call_at(J.pointer("cost", I64), F64, z, a, y, w, d, J.outputs, ld))

        def leaving_out(row: Value, step: Value) -> None:
            code.call(functions.forward_dropping, layers, J.depth, theta, inputs, work, ld,
                      learning, row, row + (count - 1), step, J.low, J.high)  # fmt: skip
            loss.set(code.call_at(J.pointer("loss", I64), F64, z, a, y, w, d, J.outputs, ld))
            code.call(functions.backward_dropping, layers, J.depth, theta, work, ld)

        if dropping:
            leaving_out(*chance)
        else:
            code.choose(learning >= START, written_out, by_layers)
        result[0] = result[0] + loss.get()
        weight = code.variable(F64, count)
        with code.when(D.weight != 0):
            weight.set(0.0)
            with code.loop(0, count) as s:
                weight.set(weight.get() + code.convert(w[s], F64))
        result[1] = result[1] + weight.get()

    return body


def learn_tile(code: Code, J: Fields, parts: Parts, job: Pointer, data: Pointer, inputs: Pointer,
               work: Pointer, first: Value, count: Value, reload: Value, part: Pointer,
               row: Value, step: Value) -> None:  # fmt: skip
    """Forward, loss and backward of a tile, with dropout where the task has it."""
    tile = job, data, inputs, work, first, count, reload, LEARN, part
    code.choose(
        J.dropping != 0,
        lambda: code.call(parts.tile_dropping, *tile, row, step),
        lambda: code.call(parts.tile_pass, *tile),
    )


FAR = 2**19
"""Bytes of X from which the next tile's rows are asked for while this one is computed."""
NARROW = 2048
"""Bytes of a row up to which that pays; on longer ones the processor reads ahead by itself."""


def look_ahead(code: Code, kit: Kit, functions: Tiles, D: Fields, layers: Pointer, first: Value,
               count: Value) -> None:  # fmt: skip
    """Ask for the rows of the next tile, where they are too many to lie in a cache anyway."""
    columns = Layer(code, layers, code.constant(0, I64)).n_in
    size = kit.real.bits // 8
    far, narrow = D.rows * columns > FAR // size, columns <= NARROW // size
    with code.when(far & narrow & (D.x_column == 1)):
        end = least(code, first + count, D.places)
        X, y, order = D.pointer("X", kit.real), D.pointer("y", kit.real), D.pointer("order", I64)
        code.call(functions.ask_for, X, D.x_row, columns, order, first, end)
        with code.when(D.order != 0):
            code.call(functions.ask_for, y, D.y_row, code.constant(1, I64), order, first, end)


def validation(kit: Kit, tile_pass: Function, barrier: Function) -> Callable[..., None]:
    """The mean loss of the validation rows, into the epoch's place."""

    def body(code: Code, job: Pointer, me: Value, threads: Value, epoch: Value) -> None:
        J = Fields(code, job, JOB)
        held = J.pointer("held_out", I64)
        rows, parts = Fields(code, held, DATA).rows, J.pointer("held_parts", F64)
        count = (rows + (J.tile - 1)) // J.tile
        start, end = share(code.constant(HELD_GROUPS, I64), me, threads)
        with code.loop(start, end) as g:
            part = parts.at(g * 2)
            part[0], part[1] = 0.0, 0.0
            with code.loop(count * g // HELD_GROUPS, count * (g + 1) // HELD_GROUPS) as t:
                first = t * J.tile
                stop = atomic_load(code, J.pointer("sync", I64).at(STOP))
                with code.when(stop == 0):
                    code.call(
                        tile_pass, job, held,
                        J.pointer("held_inputs", kit.real).at(me * J.input_size),
                        J.pointer("held_works", kit.real).at(me * J.work_size),
                        first, least(code, J.tile, rows - first), 1, MEASURE, part,
                    )  # fmt: skip
        code.call(barrier, J.pointer("sync", I64), threads, getattr(J, "yield"))
        with code.when(me == 0):
            loss, weight = code.variable(F64, 0.0), code.variable(F64, 0.0)
            with code.loop(0, HELD_GROUPS) as g:
                loss.set(loss.get() + parts[g * 2])
                weight.set(weight.get() + parts[g * 2 + 1])
            J.pointer("validation", F64)[epoch] = loss.get() / weight.get()

    return body


# ---- one update


def length(kit: Kit) -> Callable[..., Value]:
    """‖g‖, as `core.objective.norm`: scaled by the largest |g| so that no square overflows."""
    n = kit.lanes
    wide = F64.of(n)

    def body(code: Code, g: Pointer, count: Value) -> Value:
        def each(i: Value) -> Value:
            return code.convert(g.vector(i, n, code.first(count - i, n)), wide)

        top = code.variable(wide, 0.0)
        with code.loop(0, count, n) as i:
            top.set(code.maximum(code.absolute(each(i)), top.get()))
        largest = code.fold(top.get(), code.maximum)
        squares = code.variable(wide, 0.0)
        with code.loop(0, count, n) as i:
            scaled = code.value(f"fdiv {each(i)!r}, {code.splat(largest, n).text}", wide)
            squares.set(code.fma(scaled, scaled, squares.get()))
        root = largest * code.sqrt(code.total(squares.get()))
        return code.select((largest > 0.0) & (largest < float("inf")), root, largest)

    return body


def apply_update(kit: Kit) -> Callable[..., None]:
    """Update `count` numbers of theta from `start`; `penalty` says that they are weights."""

    def body(code: Code, job: Pointer, me: Value, start: Value, count: Value, penalty: Value,
             scale: Value, step: Value, complete: Value) -> None:  # fmt: skip
        J = Fields(code, job, JOB)
        theta, g = J.pointer("theta", kit.real), J.pointer("gradient", kit.real)
        factor = code.variable(F64, scale)
        finish = (complete == FINISH) | ((complete == BOTH) & (penalty != 0) & (J.penalised != 0))
        with code.when(finish):
            constants = J.pointer("constants", F64)
            l1, l2 = code.variable(F64, 0.0), code.variable(F64, 0.0)
            with code.when((penalty != 0) & (J.penalised != 0)):
                by = code.select(J.alone != 0, scale, 1.0)
                l1.set(constants[0] * by)
                l2.set(constants[1] * by)
            penalise = Function("penalise", None, (theta.type, g.type, I64, I64, F64, F64, F64))
            code.call(penalise, theta, g, start, count, scale, l1.get(), l2.get())
            factor.set(1.0)
        with code.when(complete != FINISH):
            row = J.pointer("steps", F64).at((step - J.step) * J.step_size)
            strange = code.call_at(
                J.pointer("update", I64), F64, theta, g, J.pointer("slots", I64), start, count,
                factor.get(), row,
            )  # fmt: skip
            with code.when(strange != 0.0):
                J.pointer("sync", I64)[me * 8 + STATUS] = code.constant(1, I64)

    return body


def reduced(code: Code, J: Fields, weight: Value) -> Value:
    """What the sums over the samples are multiplied by: 1/Σw for a mean."""
    return code.select(J.mean != 0, 1.0 / weight, 1.0)


def keep_account(code: Code, J: Fields, me: Value, rows: Value, loss: Value, weight: Value,
                 price: Value) -> None:  # fmt: skip
    """The first thread adds this batch to what the epoch has cost."""
    with code.when((me == 0) & (weight > 0.0) & (J.update != 0)):
        running = J.pointer("running", F64)
        by = reduced(code, J, weight)
        alone = J.alone != 0
        J_batch = code.select(alone, (loss + price) * by, loss * by + price)
        counts = code.select(alone, code.convert(rows, F64), weight)
        running[0] = running[0] + loss * (counts / weight)
        running[1] = running[1] + J_batch * counts
        running[2] = running[2] + counts
        with code.when((J_batch - J_batch) != 0.0):
            J.pointer("sync", I64)[me * 8 + STATUS] = code.constant(1, I64)


def price_of_weights(code: Code, kit: Kit, J: Fields) -> Value:
    """The penalty, before the update; 0 where there is none."""
    total = code.variable(F64, 0.0)
    with code.when(J.penalised != 0):
        constants = J.pointer("constants", F64)
        theta = J.pointer("theta", kit.real)
        price = Function("price", F64, (theta.type, I64, I64, F64, F64))
        with code.loop(0, J.depth) as k:
            layer = Layer(code, J.pointer("layers", I64), k)
            count = layer.n_in * layer.n_out
            found = code.call(price, theta, layer.W, count, constants[0], constants[1])
            total.set(total.get() + found)
    return total.get()


def clip_and_update(code: Code, kit: Kit, J: Fields, parts: Parts, job: Pointer, me: Value,
                    threads: Value, step: Value) -> None:  # fmt: skip
    """Shorten the finished gradient where it is too long, and update this thread's part."""
    measure = Function("length", F64, (J.pointer("gradient", kit.real).type, I64))
    long = code.call(measure, J.pointer("gradient", kit.real), J.parameters)
    limit = J.pointer("constants", F64)[2]
    factor = code.select(long > limit, limit / long, 1.0)
    start, end = (x // LINE * LINE for x in share(J.parameters, me, threads))
    end = code.select(me == threads - 1, J.parameters, end)
    code.call(parts.apply, job, me, start, end - start, 0, factor, step, UPDATE)


def slabs(kit: Kit, parts: Parts) -> Callable[..., None]:
    """One batch, slab by slab; `result` gets loss and weight."""

    def body(code: Code, job: Pointer, me: Value, threads: Value, first: Value, rows: Value,
             step: Value, result: Pointer) -> None:  # fmt: skip
        J = Fields(code, job, JOB)
        sync, layers = J.pointer("sync", I64), J.pointer("layers", I64)
        partial, gradient = J.pointer("parts", F64), J.pointer("gradient", kit.real)
        data = J.pointer("data", I64)
        count = (rows + (J.tile - 1)) // J.tile
        price = code.variable(F64, 0.0)
        with code.when(me == 0):
            price.set(price_of_weights(code, kit, J))
        loss, weight = code.variable(F64, 0.0), code.variable(F64, 0.0)

        def memory(t: Value) -> tuple[Pointer, Pointer]:
            return (
                J.pointer("inputs", kit.real).at(t * J.input_size),
                J.pointer("works", kit.real).at(t * J.work_size),
            )

        def samples(t: Value) -> Value:
            return least(code, J.tile, rows - t * J.tile)

        def length_of_rows(t: Value) -> Value:
            return (samples(t) + (kit.lanes - 1)) // kit.lanes * kit.lanes

        with code.loop(0, count, J.tiles_a_slab) as t0:
            going = atomic_load(code, sync.at(STOP)) == 0  # else what is left of the batch is empty
            many = code.select(going, least(code, J.tiles_a_slab, count - t0), 0)
            start, end = share(many, me, threads)
            tile = code.variable(I64, start)
            with code.repeat(
                lambda tile=tile, end=end: (
                    (tile.get() < end) & (atomic_load(code, sync.at(STOP)) == 0)
                )
            ):
                t = tile.get()
                part = partial.at(t * 2)
                part[0], part[1] = 0.0, 0.0
                reload = code.convert(~((J.resident != 0) & (J.epoch + step > J.step)), I64)
                learn_tile(
                    code, J, parts, job, data, *memory(t), first + (t0 + t) * J.tile,
                    samples(t0 + t), reload, part, (t0 + t) * J.tile, step,
                )  # fmt: skip
                tile.set(t + 1)
            code.call(parts.barrier, sync, threads, getattr(J, "yield"))
            with code.loop(0, many) as t:
                loss.set(loss.get() + partial[t * 2])
                weight.set(weight.get() + partial[t * 2 + 1])
            last = t0 + J.tiles_a_slab >= count
            updating = last & (J.update != 0) & (weight.get() > 0.0)
            now = updating & (J.clipped == 0)
            finishing = updating & (J.clipped != 0)
            scale = reduced(code, J, weight.get())
            with code.when(last):
                keep_account(code, J, me, rows, loss.get(), weight.get(), price.get())

            def finished(start: Value, size: Value, weights: int, now: Value = now,
                         finishing: Value = finishing, scale: Value = scale) -> None:  # fmt: skip
                with code.when(now):
                    code.call(parts.apply, job, me, start, size, weights, scale, step, BOTH)
                with code.when(finishing):
                    code.call(parts.apply, job, me, start, size, weights, scale, step, FINISH)

            def flags(t: Value, t0: Value = t0) -> Value:
                return code.select((t0 == 0) & (t == 0), code.constant(0, I64), ADD)

            with code.loop(0, J.depth) as k:
                layer = Layer(code, layers, k)
                low, high = (x // 8 * 8 for x in share(layer.n_in, me, threads))
                high = code.select(me == threads - 1, layer.n_in, high)
                step_of_rows = code.variable(I64, ROWS_AT_ONCE // layer.n_out // 8 * 8)
                with code.when(step_of_rows.get() < 8):
                    step_of_rows.set(8)
                with code.loop(low, high, step_of_rows.get()) as r:
                    height = least(code, step_of_rows.get(), high - r)
                    with code.loop(0, many) as t:
                        inputs, work = memory(t)
                        code.call(
                            parts.tiles.row_gradients, layers, k, gradient, inputs, work,
                            length_of_rows(t0 + t), samples(t0 + t), r, height, flags(t),
                        )  # fmt: skip
                    finished(layer.W + r * layer.n_out, height * layer.n_out, 1)
                with code.when(layer.b >= 0):
                    low, high = share(layer.n_out, me, threads)
                    with code.loop(0, many) as t:
                        code.call(
                            parts.tiles.bias_gradients, layers, k, gradient, memory(t)[1],
                            length_of_rows(t0 + t), samples(t0 + t), low, high, flags(t),
                        )  # fmt: skip
                    finished(layer.b + low, high - low, 0)
            with code.when(finishing):
                code.call(parts.barrier, sync, threads, getattr(J, "yield"))
                clip_and_update(code, kit, J, parts, job, me, threads, step)
            code.call(parts.barrier, sync, threads, getattr(J, "yield"))
        result[0], result[1] = loss.get(), weight.get()

    return body


def groups(kit: Kit, parts: Parts) -> Callable[..., None]:
    """One batch, in groups of samples; `result` gets loss and weight."""

    def body(code: Code, job: Pointer, me: Value, threads: Value, first: Value, rows: Value,
             step: Value, result: Pointer) -> None:  # fmt: skip
        J = Fields(code, job, JOB)
        sync, layers = J.pointer("sync", I64), J.pointer("layers", I64)
        partial, data = J.pointer("parts", F64), J.pointer("data", I64)
        count = (rows + (J.group - 1)) // J.group
        sums = J.pointer("lane_sums", kit.real).at(me * J.lane_size)
        start, end = share(count, me, threads)
        n = kit.lanes
        price = code.variable(F64, 0.0)
        with code.when(me == 0):
            price.set(price_of_weights(code, kit, J))

        def all_rows(gradient: Pointer, inputs: Pointer, work: Pointer, ld: Value, size: Value,
                     flags: Value) -> None:  # fmt: skip
            with code.loop(0, J.depth) as k:
                layer, none = Layer(code, layers, k), code.constant(0, I64)
                code.call(
                    parts.tiles.row_gradients, layers, k, gradient, inputs, work, ld, size, none,
                    layer.n_in, flags,
                )  # fmt: skip
                with code.when(layer.b >= 0):
                    code.call(
                        parts.tiles.bias_gradients, layers, k, gradient, work, ld, size, none,
                        layer.n_out, flags,
                    )  # fmt: skip

        with code.loop(start, end) as g:
            shares = code.convert(J.pointer("group_gradients", kit.real).at(g * J.parameters), I64)
            gradient = code.address(code.select(count == 1, J.gradient, shares), kit.real)
            part = partial.at(g * 2)
            part[0], part[1] = 0.0, 0.0
            stop = least(code, (g + 1) * J.group, rows)
            at = code.variable(I64, g * J.group)
            with code.repeat(
                lambda at=at, stop=stop: (at.get() < stop) & (atomic_load(code, sync.at(STOP)) == 0)
            ):
                s = at.get()
                slot = code.select(J.resident != 0, s // J.tile, me)
                inputs = J.pointer("inputs", kit.real).at(slot * J.input_size)
                work = J.pointer("works", kit.real).at(me * J.work_size)
                size = least(code, J.tile, stop - s)
                reload = code.convert(~((J.resident != 0) & (J.epoch + step > J.step)), I64)
                beginning = s == g * J.group

                def written_out(s: Value = s, inputs: Pointer = inputs, size: Value = size,
                                reload: Value = reload, part: Pointer = part,
                                beginning: Value = beginning) -> None:  # fmt: skip
                    how = code.select(beginning, code.constant(START, I64), GO_ON)
                    code.call(
                        parts.tile_pass, job, data, inputs, sums, first + s, size, reload, how, part
                    )

                def by_layers(s: Value = s, inputs: Pointer = inputs, work: Pointer = work,
                              size: Value = size, reload: Value = reload, part: Pointer = part,
                              beginning: Value = beginning,
                              gradient: Pointer = gradient) -> None:  # fmt: skip
                    learn_tile(
                        code, J, parts, job, data, inputs, work, first + s, size, reload, part,
                        s, step,
                    )  # fmt: skip
                    flags = code.select(beginning, code.constant(0, I64), ADD)
                    ld = (size + (n - 1)) // n * n
                    code.choose(
                        J.by_lanes != 0,
                        lambda: code.call(
                            parts.tiles.lane_gradients, layers, J.depth, sums, inputs, work, ld,
                            flags,
                        ),
                        lambda: all_rows(gradient, inputs, work, ld, size, flags),
                    )  # fmt: skip

                code.choose(J.tiny != 0, written_out, by_layers)
                at.set(s + J.tile)
            with code.when(J.by_lanes != 0):
                code.call(parts.tiles.fold, gradient, sums, J.parameters)
        code.call(parts.barrier, sync, threads, getattr(J, "yield"))
        loss, weight = code.variable(F64, 0.0), code.variable(F64, 0.0)
        with code.loop(0, count) as g:
            loss.set(loss.get() + partial[g * 2])
            weight.set(weight.get() + partial[g * 2 + 1])
        keep_account(code, J, me, rows, loss.get(), weight.get(), price.get())
        low, high = (x // LINE * LINE for x in share(J.parameters, me, threads))
        high = code.select(me == threads - 1, J.parameters, high)
        with code.when(count > 1):
            add_groups(code, kit, J, count, low, high)
        with code.when((J.update != 0) & (weight.get() > 0.0)):
            scale = reduced(code, J, weight.get())

            def finish_first() -> None:
                finish(code, J, parts, job, me, low, high, scale, step)

                def clip() -> None:
                    code.call(parts.barrier, sync, threads, getattr(J, "yield"))
                    clip_and_update(code, kit, J, parts, job, me, threads, step)

                code.choose(
                    J.clipped != 0,
                    clip,
                    lambda: code.call(parts.apply, job, me, low, high - low, 0, 1.0, step, UPDATE),
                )

            code.choose(
                (J.penalised == 0) & (J.clipped == 0),
                lambda: code.call(parts.apply, job, me, low, high - low, 0, scale, step, UPDATE),
                finish_first,
            )
        code.call(parts.barrier, sync, threads, getattr(J, "yield"))
        result[0], result[1] = loss.get(), weight.get()

    return body


def add_groups(code: Code, kit: Kit, J: Fields, count: Value, low: Value, high: Value) -> None:
    """The gradient from `low` to `high`, a thread's part: the groups' added up in order."""
    n = kit.lanes
    gradient, group = J.pointer("gradient", kit.real), J.pointer("group_gradients", kit.real)
    with code.loop(low, high, n) as i:
        mask = code.first(high - i, n)
        total = code.variable(kit.vector, group.vector(i, n, mask))
        with code.loop(1, count) as g:
            total.set(total.get() + group.vector(g * J.parameters + i, n, mask))
        gradient.put(i, total.get(), mask)


def finish(code: Code, J: Fields, parts: Parts, job: Pointer, me: Value, low: Value, high: Value,
           scale: Value, step: Value) -> None:  # fmt: skip
    """Reduce a thread's part of the gradient, and add the penalty's slope to its weights."""
    with code.loop(0, J.depth) as k:
        layer = Layer(code, J.pointer("layers", I64), k)
        middle = layer.W + layer.n_in * layer.n_out
        for start, end, weights in ((layer.W, middle, 1), (middle, middle + layer.n_out, 0)):
            first = code.select(start > low, start, low)
            last = least(code, end, high)
            there = first < last
            if not weights:
                there = there & (layer.b >= 0)
            with code.when(there):
                code.call(parts.apply, job, me, first, last - first, weights, scale, step, FINISH)


# ---- whole runs


def train(kit: Kit, parts: Parts, by_slabs: Function, by_groups: Function) -> Callable[..., None]:
    """Updates `first` to `last`, each thread with its number; ends early where a number is not."""

    def body(code: Code, job: Pointer, me: Value, threads: Value) -> None:
        J = Fields(code, job, JOB)
        sync = J.pointer("sync", I64)
        data = Fields(code, J.pointer("data", I64), DATA)
        rows = data.rows
        u, step, epoch = (code.variable(I64, x) for x in (J.first, J.step, J.epoch))
        going = code.variable(I64, 1)
        result = code.place(F64, 2)
        mode = flush_to_zero(code, kit)
        with code.repeat(lambda: (u.get() < J.last) & (going.get() != 0)):
            batch = u.get() % J.batches
            first = batch * J.batch
            size = least(code, J.batch, rows - first)
            earlier = code.select(data.order != 0, u.get() // J.batches * rows, 0)
            arguments = (job, me, threads, earlier + first, size, step.get(), result)
            code.choose(
                J.grouped != 0,
                lambda: code.call(by_groups, *arguments),
                lambda: code.call(by_slabs, *arguments),
            )
            with code.when((J.update == 0) & (me == 0)):
                running = J.pointer("running", F64)
                running[0], running[2] = result[0], result[1]
            step.set(step.get() + code.convert(result[1] > 0.0, I64))
            strange = code.variable(I64, atomic_load(code, sync.at(STOP)))
            with code.loop(0, threads) as t:
                strange.set(strange.get() | sync[t * 8 + STATUS])

            def fail() -> None:
                going.set(0)
                with code.when(me == 0):
                    J.put("failed", u.get())

            def go_on() -> None:
                with code.when((batch == J.batches - 1) & (J.update != 0)):
                    close_epoch()
                u.set(u.get() + 1)
                with code.when((J.quick != 0) & (result[1] > 0.0)):
                    go_on_quickly()

            def go_on_quickly() -> None:
                weight = result[1]
                counts = code.select(J.alone != 0, code.convert(rows, F64), weight)
                inputs, left, now = J.pointer("inputs", kit.real), J.last - u.get(), step.get()
                made = code.call_at(
                    J.pointer("quick", I64), I64,
                    inputs, inputs.at(J.y_place), inputs.at(J.w_place),
                    J.pointer("theta", kit.real), J.pointer("slots", I64),
                    (rows + (kit.lanes - 1)) // kit.lanes * kit.lanes, left,
                    reduced(code, J, weight), counts / weight, counts,
                    J.pointer("losses", F64).at(epoch.get()),
                    J.pointer("objectives", F64).at(epoch.get()),
                    J.pointer("steps", F64).at((now - J.step) * J.step_size), J.step_size,
                )  # fmt: skip
                for variable in (u, epoch, step):
                    variable.set(variable.get() + made)
                with code.when(made < left):
                    fail()

            def close_epoch() -> None:
                with code.when(me == 0):
                    running = J.pointer("running", F64)
                    J.pointer("losses", F64)[epoch.get()] = running[0] / running[2]
                    J.pointer("objectives", F64)[epoch.get()] = running[1] / running[2]
                    running[0], running[1], running[2] = 0.0, 0.0, 0.0
                with code.when(J.held_out != 0):
                    code.call(parts.validate, job, me, threads, epoch.get())
                epoch.set(epoch.get() + 1)

            code.choose(strange.get() != 0, fail, go_on)
        with code.when(me == 0):
            J.put("step", step.get())
            J.put("epoch", epoch.get())
        restore(code, mode)

    return body


SUBNORMALS_ARE_ZERO = 0x8040
"""x86's bits for results and for operands."""


def flush_to_zero(code: Code, kit: Kit) -> tuple[Pointer, Value] | None:
    """Let subnormal numbers be 0 on this thread; gives back what it takes to undo that.

    A moment of Adam's whose gradient has vanished decays towards the smallest numbers and stays
    there, and divisions and roots of such numbers take many times as long.
    """
    if not kit.target.x86:
        return None
    mode = code.place(I32)
    code.call(code.module.declare("llvm.x86.sse.stmxcsr", None, [POINTER]), mode)
    before = mode[0]
    mode[0] = before | SUBNORMALS_ARE_ZERO
    code.call(code.module.declare("llvm.x86.sse.ldmxcsr", None, [POINTER]), mode)
    return mode, before


def restore(code: Code, changed: tuple[Pointer, Value] | None) -> None:
    """Subnormal numbers as they were."""
    if changed is not None:
        mode, before = changed
        mode[0] = before
        code.call(code.module.declare("llvm.x86.sse.ldmxcsr", None, [POINTER]), mode)


def predict(kit: Kit, functions: Tiles) -> Callable[..., None]:
    """The network's answers to all rows, tile by tile."""
    n = kit.lanes

    def body(code: Code, job: Pointer, me: Value, threads: Value) -> None:
        J = Fields(code, job, JOB)
        D = Fields(code, J.pointer("data", I64), DATA)
        layers, theta = J.pointer("layers", I64), J.pointer("theta", kit.real)
        columns = Layer(code, layers, code.constant(0, I64)).n_in
        inputs = J.pointer("inputs", kit.real).at(me * J.input_size)
        work = J.pointer("works", kit.real).at(me * J.work_size)
        a, out = work.at(J.output_a), J.pointer("out", kit.real)
        start, end = share((D.rows + (J.tile - 1)) // J.tile, me, threads)
        tile: Variable = code.variable(I64, start)
        sync = J.pointer("sync", I64)
        with code.repeat(lambda: (tile.get() < end) & (atomic_load(code, sync.at(STOP)) == 0)):
            first = tile.get() * J.tile
            count = least(code, J.tile, D.rows - first)
            ld = (count + (n - 1)) // n * n
            code.call(functions.gather, inputs, ld, D.pointer("X", kit.real), D.x_row, D.x_column,
                      columns, D.pointer("order", I64), first, count)  # fmt: skip
            look_ahead(code, kit, functions, D, layers, first + count, count)
            code.call(functions.forward, layers, J.depth, theta, inputs, work, ld, 0)

            def one_number(first: Value = first, count: Value = count) -> None:
                with code.loop(0, count, n) as s:
                    out.put(first + s, a.vector(s, n), code.first(count - s, n))

            def several(first: Value = first, count: Value = count, ld: Value = ld) -> None:
                with code.loop(0, count, n) as s, code.loop(0, J.outputs, n) as j:
                    block = transposed(code, [a.vector((j + i) * ld + s, n) for i in range(n)])
                    wide = code.first(J.outputs - j, n)
                    for i in range(n):
                        with code.when(s + i < count):
                            out.put((first + s + i) * J.outputs + j, block[i], wide)

            code.choose(J.outputs == 1, one_number, several)
            tile.set(tile.get() + 1)

    return body
