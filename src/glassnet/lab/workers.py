"""Workers: a few threads that train for all visitors, a short piece of each one's run by turns.

A piece takes some hundredths of a second, so that with twenty visitors each moves on several times
a second; the compiled engine lets go of Python's lock meanwhile, so that pages answer.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")

PIECE = 0.02
"""Seconds that a piece of a run should take."""


@cache
def _pool(kind: str) -> ThreadPoolExecutor:
    # drawing does not queue behind training
    cores = os.cpu_count() or 1
    return ThreadPoolExecutor(max(1, min(cores, 4)), thread_name_prefix=f"lab-{kind}")


async def training(work: Callable[[], T]) -> T:
    """The result of a piece of a run, computed by one of the workers."""
    return await asyncio.get_running_loop().run_in_executor(_pool("training"), work)


async def drawing(work: Callable[[], T]) -> T:
    """The result of what a page is to be shown."""
    return await asyncio.get_running_loop().run_in_executor(_pool("drawing"), work)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result and the seconds that it took, without those in the queue: so turns stay fair."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def next_size(size: int, seconds: float, most: int) -> int:
    """How many epochs the next piece should have, from the time that the last one took."""
    if seconds <= 0:
        return min(size * 2, most)
    return max(1, min(int(size * min(PIECE / seconds, 2.0)) or 1, most))
