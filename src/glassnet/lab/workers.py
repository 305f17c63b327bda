"""Workers: a few threads that train for all visitors, a short piece of each one's run by turns.

A piece takes some hundredths of a second, so that with twenty visitors each moves on several times
a second; the compiled engine lets go of Python's lock meanwhile, so that pages answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")

PIECE = 0.02
"""Seconds that a piece of a run should take."""
BEHIND = 10
"""How much nicer who trains is than who answers the pages, as the system counts priorities."""


@cache
def _pool(kind: str) -> ThreadPoolExecutor:
    # drawing does not queue behind training
    cores = os.cpu_count() or 1
    return ThreadPoolExecutor(
        max(1, min(cores, 4)),
        thread_name_prefix=f"lab-{kind}",
        initializer=_give_way if kind == "training" else None,
    )


def _give_way() -> None:
    # else a page waits for its answer behind all who train; only Linux has priorities of threads
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            here = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), here + BEHIND)


async def training(work: Callable[[], T]) -> T:
    """The result of a piece of a run, computed by one of the workers."""
    return await asyncio.get_running_loop().run_in_executor(_pool("training"), work)


async def drawing(work: Callable[[], T]) -> T:
    """The result of what a page is to be shown."""
    return await asyncio.get_running_loop().run_in_executor(_pool("drawing"), work)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result and the seconds of work, without those in a queue: so turns stay fair.

    Those of this thread on a processor, since on a busy machine pieces would grow ever shorter;
    where an engine has threads of its own, a third of what passed.
    """
    began, busy = time.perf_counter(), time.thread_time()
    result = work()
    return result, max(time.thread_time() - busy, (time.perf_counter() - began) / 3)


def next_size(size: int, seconds: float, most: int) -> int:
    """How many epochs the next piece should have, from the time that the last one took."""
    if seconds <= 0:
        return min(size * 2, most)
    return max(1, min(int(size * min(PIECE / seconds, 2.0)) or 1, most))
