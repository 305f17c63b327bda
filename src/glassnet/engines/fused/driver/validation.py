"""The loss of rows that are not learnt from."""

from __future__ import annotations

from collections.abc import Callable

from glassnet.engines.fused.arrays import DATA
from glassnet.engines.fused.assembler import F64, I64, Code, Function, Pointer, Value
from glassnet.engines.fused.driver.job import JOB, MEASURE, Fields
from glassnet.engines.fused.driver.meeting import STOP, atomic_load, least, share
from glassnet.engines.fused.target import Kit

HELD_GROUPS = 16
"""The validation rows are summed in so many groups, in order, whatever the number of threads."""


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
