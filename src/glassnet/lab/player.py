"""The player: it trains a session's run on in short pieces, at a speed, until a goal is reached."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from glassnet.core.errors import GlassnetError
from glassnet.engines.base import State
from glassnet.lab import limits, workers
from glassnet.lab.timeline import Timeline

SPEEDS = (1, 10, 100, 1000, 0)
"""Epochs a second; 0 is as fast as it goes."""

WINDOW = 0.5
"""Seconds over which the rate is measured."""


@dataclass(frozen=True, eq=False)
class Pin:
    """A run laid beside the present one."""

    name: str
    query: str  # the run alone, as a link has it
    timeline: Timeline
    alive: bool  # whether it goes on beside the present run; else it stays as it was


@dataclass(frozen=True)
class Goal:
    """Where to stop: after this epoch, or once the training loss is below."""

    epoch: int
    below: float | None = None


class Player:
    """Plays one timeline at a time. `arrived` is told of each place, `ended` of why it stopped."""

    def __init__(
        self,
        arrived: Callable[[int, State | None], None],
        ended: Callable[[str | GlassnetError], None],
    ) -> None:
        self.arrived, self.ended = arrived, ended
        self.goal: Goal | None = None  # None: it stands
        self.speed = 100
        self.rate = 0.0  # epochs a second
        self._task: asyncio.Task[None] | None = None

    @property
    def playing(self) -> bool:
        """Whether it runs."""
        return self.goal is not None

    def play(self, timeline: Timeline, epoch: int, goal: Goal, pins: list[Pin]) -> None:
        """From the end of this epoch on."""
        self.goal = goal
        self._task = asyncio.get_running_loop().create_task(self._run(timeline, epoch, goal, pins))

    def stop(self) -> None:
        """Stand still; what is being computed is the timeline's, but is not shown."""
        self.goal = None

    async def _run(self, timeline: Timeline, epoch: int, goal: Goal, pins: list[Pin]) -> None:
        size, done, began = 1, 0, time.perf_counter()
        seen, since = epoch, began
        why: str | GlassnetError = ""
        try:
            while epoch < goal.epoch:
                asked = min(size, goal.epoch - epoch)
                if self.speed:
                    asked = min(asked, int((time.perf_counter() - began) * self.speed) - done)
                if asked < 1:
                    await asyncio.sleep(min(0.02, 1 / self.speed))
                    if self.goal is not goal:
                        return
                    continue
                start = time.perf_counter()
                state = await workers.training(partial(further, timeline, epoch + asked, pins))
                if self.goal is not goal:  # stopped, or sent elsewhere, meanwhile
                    return
                now = time.perf_counter()
                size = workers.next_size(max(size, asked), (now - start), limits.EPOCHS)
                there = first_below(timeline, epoch, epoch + asked, goal.below)
                epoch, done = epoch + asked, done + asked
                if self.speed and done < (now - began) * self.speed / 2:
                    began, done = now, 0  # slower than asked: do not try to catch up
                if now - since > WINDOW:
                    self.rate = (epoch - seen) / (now - since)
                    seen, since = epoch, now
                if there is not None:
                    self.arrived(there, None)
                    why = f"The loss fell below {goal.below:g} in epoch {there}."
                    break
                self.arrived(epoch, state)
        except GlassnetError as error:
            why = error
        if self.goal is goal:
            self.goal = None
            self.ended(why)


def further(timeline: Timeline, epoch: int, pins: list[Pin]) -> State:
    """The state at the end of an epoch, trained to if need be; living pins go as far."""
    state = timeline.reach(epoch)
    for pin in pins:
        if pin.alive and pin.timeline.end < epoch:
            with contextlib.suppress(GlassnetError):  # its curve ends there
                pin.timeline.reach(epoch)
    return state


def first_below(timeline: Timeline, after: int, upto: int, below: float | None) -> int | None:
    """The first of some epochs whose training loss is below a number."""
    if below is None:
        return None
    found = np.flatnonzero(timeline.curve()[after:upto] < below)
    return after + int(found[0]) + 1 if len(found) else None


async def train_to(timeline: Timeline, epoch: int) -> None:
    """So far at least, in pieces, so that pages answer."""
    size = 1
    while timeline.end < epoch:
        asked, start = min(size, epoch - timeline.end), time.perf_counter()
        await workers.training(partial(further, timeline, timeline.end + asked, []))
        size = workers.next_size(asked, time.perf_counter() - start, limits.EPOCHS)
