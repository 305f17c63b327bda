"""Threads: how many there are for us, and compiled code that runs on them and can be interrupted."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from functools import cache

import numpy as np

from glassnet.engines.fused.driver import STOP

Kernel = Callable[[int, int, int], None]
"""Compiled: the address of a job, which thread this is, of how many. Lets go of Python's lock."""

SLICE = 0.05
"""Seconds that one call of compiled code may take, by a guess: between calls Python hears Ctrl-C."""
RATE = 20e9
"""Operations a second, for such guesses."""


def available() -> int:
    """Processors that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, count or 1)


def in_one_call(operations: float) -> int:
    """How many pieces of work of so many operations one call may do."""
    return max(1, int(SLICE * RATE / operations))


def execute(
    kernel: Kernel, table: np.ndarray, sync: np.ndarray, threads: int, operations: float
) -> None:
    """Run a job on so many threads. A long one leaves this thread free to be interrupted."""
    job = address = int(table.ctypes.data)
    aside = operations / threads > 2 * SLICE * RATE  # then its first part does not run here either
    if threads == 1 and not aside:
        kernel(address, 0, 1)
        return
    helpers = [
        threading.Thread(target=kernel, args=(job, me, threads), daemon=True)
        for me in range(0 if aside else 1, threads)
    ]
    try:
        for helper in helpers:
            helper.start()
        if not aside:
            kernel(job, 0, threads)
        for helper in helpers:
            helper.join()
    except BaseException:
        sync[STOP] = 1  # nobody waits for one that is not coming
        for helper in helpers:
            if helper.ident is not None:
                helper.join()
        raise


@cache
def give_way() -> int:
    """The address of the system's function that gives the processor to another thread."""
    try:
        return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0
    except (OSError, AttributeError, TypeError):
        return 0
