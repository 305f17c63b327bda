"""One update of a wide network: its gradient summed slab by slab, and updated row by row."""

from __future__ import annotations

from collections.abc import Callable

from glassnet.engines.fused.assembler import F64, I64, Code, Pointer, Value
from glassnet.engines.fused.blocks import ADD
from glassnet.engines.fused.driver.job import BOTH, FINISH, JOB, Fields, Parts
from glassnet.engines.fused.driver.meeting import STOP, atomic_load, least, share
from glassnet.engines.fused.driver.one_tile import learn_tile
from glassnet.engines.fused.driver.update import (
    clip_and_update,
    keep_account,
    price_of_weights,
    reduced,
)
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import Layer

ROWS_AT_ONCE = 4096
"""Numbers of a block of rows of dL/dW: it is updated while it lies in the first-level cache."""


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
