"""From a gradient to the next theta: penalty, clipping, optimizer, and what the batch has cost."""

from __future__ import annotations

from collections.abc import Callable

from glassnet.engines.fused.assembler import F64, I64, Code, Function, Pointer, Value
from glassnet.engines.fused.driver.job import BOTH, FINISH, JOB, UPDATE, Fields, Parts
from glassnet.engines.fused.driver.meeting import LINE, STATUS, share
from glassnet.engines.fused.target import Kit
from glassnet.engines.fused.tiles import Layer


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
