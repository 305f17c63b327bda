"""Threads: which pieces of work are whose, and where all meet."""

from __future__ import annotations

from collections.abc import Callable

from glassnet.engines.fused.assembler import I64, Code, Pointer, Value

COUNT, GENERATION, STOP, STATUS = 0, 16, 32, 64
"""Places in `sync`, each in a cache line of its own; STATUS has one line for each thread."""

PATIENCE = 2000
"""Looks at a closed gate, some ten microseconds, before the processor is given away."""

LINE = 16
"""Numbers in a cache line at most: no two threads write to the same one."""


def least(code: Code, a: Value, b: Value) -> Value:
    """The smaller of two whole numbers."""
    return code.select(a < b, a, b)


def share(total: Value, me: Value, threads: Value) -> tuple[Value, Value]:
    """Which of so many pieces of work are this thread's: from, and up to."""
    return total * me // threads, total * (me + 1) // threads


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
