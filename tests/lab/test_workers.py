"""Workers: who trains gives way to who answers, and pieces are sized by their work."""

import asyncio
import os
import sys
import threading
import time

import pytest

from glassnet.lab import workers


def nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's")
def test_who_trains_gives_way_to_who_draws_and_answers() -> None:
    async def found() -> tuple[int, int]:
        return await workers.training(nice), await workers.drawing(nice)

    training, drawing = asyncio.run(found())
    assert drawing == nice()
    assert training == min(nice() + workers.BEHIND, 19)


def test_a_piece_is_timed_by_its_work_and_not_by_its_waiting() -> None:
    _, seconds = workers.timed(lambda: time.sleep(0.3))
    assert 0.05 < seconds < 0.29  # a third, for engines whose threads work while this one waits

    def busy() -> None:
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass

    assert workers.timed(busy)[1] >= 0.05


def test_the_next_piece_takes_about_as_long_as_one_should() -> None:
    assert workers.next_size(100, workers.PIECE, 10**6) == 100
    assert workers.next_size(100, workers.PIECE * 4, 10**6) == 25
    assert workers.next_size(100, workers.PIECE / 100, 10**6) == 200  # at most twice as much
    assert workers.next_size(100, 0.0, 150) == 150
    assert workers.next_size(1, 10.0, 10**6) == 1
