"""One update of all other networks: a gradient for each group of samples, added up in order."""

from __future__ import annotations

from collections.abc import Callable

from glassnet.engines.fused.assembler import F64, I64, Code, Pointer, Value
from glassnet.engines.fused.blocks import ADD
from glassnet.engines.fused.driver.job import FINISH, GO_ON, JOB, START, UPDATE, Fields, Parts
from glassnet.engines.fused.driver.meeting import LINE, STOP, atomic_load, least, share
from glassnet.engines.fused.driver.one_tile import learn_tile
from glassnet.engines.fused.driver.update import (
    clip_and_update,
    keep_account,
    price_of_weights,
    reduced,
)
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import Layer


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
