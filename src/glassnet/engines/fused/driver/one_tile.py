"""One tile: from rows of X to the loss, and back to dL/dz."""

from __future__ import annotations

from collections.abc import Callable

from glassnet.engines.fused.arrays import DATA
from glassnet.engines.fused.assembler import F64, I64, Code, Pointer, Value
from glassnet.engines.fused.blocks import ADD
from glassnet.engines.fused.driver.job import JOB, LEARN, MEASURE, START, Fields, Parts
from glassnet.engines.fused.driver.meeting import least
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import Layer, Tiles


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
