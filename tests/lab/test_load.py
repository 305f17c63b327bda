"""Twenty visitors at once, each with a network of an own that trains as fast as it goes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from glassnet.lab import workers
from glassnet.lab.frame import frame
from glassnet.lab.link import opened
from glassnet.lab.pick import Pick
from glassnet.lab.session import Session

VISITORS = 20
SECONDS = 4.0
FREEZE = 1.0
"""Seconds that no page may stand still."""

QUERY = "n=1000&hidden=10&optimizer=sgd:lr=0.1&epochs=1000000&seed="


@dataclass
class Seen:
    """What one visitor saw: when frames came, and how long clicks took."""

    frames: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        return float(np.diff(self.frames).max())


async def watch(session: Session, seen: Seen, until: float) -> None:
    """As the page does: a frame after each change, no more than 25 a second."""
    news = asyncio.Event()
    session.subscribe(lambda _: news.set())
    number = 0
    while time.perf_counter() < until:
        await news.wait()
        news.clear()
        number += 1
        frame(session, number)
        seen.frames.append(time.perf_counter())
        await asyncio.sleep(0.04)


async def click(session: Session, seen: Seen, until: float, rng: np.random.Generator) -> None:
    """Now and then another neuron, and the arithmetic of it."""
    while time.perf_counter() < until:
        await asyncio.sleep(rng.uniform(0.2, 0.6))
        began = time.perf_counter()
        await asyncio.sleep(0)  # behind whatever else the loop has to do, as a click is
        session.choose(Pick("neuron", layer=1, unit=int(rng.integers(10))))
        session.shown()
        seen.clicks.append(time.perf_counter() - began)


async def lateness(late: list[float], until: float) -> None:
    """How late the loop is: what every page and every click waits for."""
    while time.perf_counter() < until:
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        late.append(time.perf_counter() - began - 0.005)


def visited() -> tuple[list[Session], list[Seen], list[float]]:
    """Twenty sessions after some seconds of play, what each saw, how late the loop was."""
    sessions = [opened(f"{QUERY}{seed}&speed=0") for seed in range(VISITORS)]
    seen = [Seen() for _ in sessions]
    late: list[float] = []

    async def all_at_once() -> None:
        until = time.perf_counter() + SECONDS
        for session in sessions:
            session.play()
        rng = np.random.default_rng(0)
        await asyncio.gather(
            lateness(late, until),
            *(watch(one, its, until) for one, its in zip(sessions, seen, strict=True)),
            *(click(one, its, until, rng) for one, its in zip(sessions, seen, strict=True)),
        )
        assert all(session.playing for session in sessions)
        for session in sessions:
            session.pause()
        await asyncio.sleep(0.3)

    asyncio.run(all_at_once())
    return sessions, seen, late


@pytest.mark.slow
def test_twenty_visitors_train_and_nobody_freezes() -> None:
    for _ in range(3):  # a neighbour on the processor is no fault of ours
        sessions, seen, late = visited()
        waits = [max(late), *(one.longest for one in seen), *(max(one.clicks) for one in seen)]
        epochs = np.array([session.timeline.end for session in sessions])
        if max(waits) < FREEZE and epochs.max() < 4 * epochs.min():
            break
    assert max(waits) < FREEZE
    assert epochs.min() > 100
    assert epochs.max() < 4 * epochs.min()  # turns are fair
    for seed in (0, 7, 19):  # to the bit what it would be without the others
        mine = sessions[seed].timeline
        alone = opened(f"{QUERY}{seed}").timeline
        alone.advance(mine.end)
        assert np.array_equal(mine.curve(), alone.curve())
        assert np.array_equal(mine.at(mine.end).theta, alone.at(mine.end).theta)


@pytest.mark.slow
def test_a_long_way_back_does_not_stop_the_others() -> None:
    heavy = opened("n=5000&hidden=128-128-128&activations=tanh|tanh|tanh")
    late: list[float] = []
    timeline, goal = heavy.timeline, 60
    timeline.advance(goal)
    began = time.perf_counter()
    expected = timeline.onward(*timeline.nearest(0), goal - 1)
    alone = time.perf_counter() - began

    async def away() -> None:
        heavy.go(goal - 1)
        while heavy.playing:
            await lateness(late, time.perf_counter() + 0.01)

    asyncio.run(away())
    assert heavy.position.epoch == goal - 1
    assert np.array_equal(heavy.state.theta, expected.theta)
    assert max(late) < alone / 3  # not in one go


@pytest.mark.slow
def test_one_heavy_run_does_not_stop_the_others() -> None:
    heavy = "n=5000&hidden=128-128-128&activations=tanh|tanh|tanh&speed=0&epochs=1000000"
    sessions = [opened(heavy), *(opened(f"{QUERY}{seed}&speed=0") for seed in range(3))]
    late: list[float] = []

    async def all_at_once() -> None:
        until = time.perf_counter() + SECONDS
        for session in sessions:
            session.play()
        await lateness(late, until)
        for session in sessions:
            session.pause()
        await workers.training(lambda: None)

    asyncio.run(all_at_once())
    assert max(late) < FREEZE
    assert min(session.timeline.end for session in sessions[1:]) > 100
