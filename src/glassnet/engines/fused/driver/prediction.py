"""The network's answers to all rows."""

from __future__ import annotations

from collections.abc import Callable

from glassnet.engines.fused.arrays import DATA
from glassnet.engines.fused.assembler import I64, Code, Pointer, Value, Variable
from glassnet.engines.fused.driver.job import JOB, Fields
from glassnet.engines.fused.driver.meeting import STOP, atomic_load, least, share
from glassnet.engines.fused.driver.one_tile import look_ahead
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import Layer, Tiles, transposed


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
