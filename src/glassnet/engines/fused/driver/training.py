"""Whole runs: update after update, epoch after epoch."""

from __future__ import annotations

from collections.abc import Callable

from glassnet.engines.fused.arrays import DATA
from glassnet.engines.fused.assembler import F64, I32, I64, POINTER, Code, Function, Pointer, Value
from glassnet.engines.fused.driver.job import JOB, Fields, Parts
from glassnet.engines.fused.driver.meeting import STATUS, STOP, atomic_load, least
from glassnet.engines.fused.driver.update import reduced
from glassnet.engines.fused.target import Kit


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
