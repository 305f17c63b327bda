"""The player: it trains a session's run on in short pieces, at a speed, until a goal is reached."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from glassnet.core.errors import GlassnetError
from glassnet.engines.base import Engine, State
from glassnet.engines.choice import EngineName
from glassnet.lab import limits, workers
from glassnet.lab.problem import Problem
from glassnet.lab.timeline import Timeline
from glassnet.training.stream import last, train

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
        arrived: Callable[[int, State], None],
        ended: Callable[[str | GlassnetError], None],
    ) -> None:
        self.arrived, self.ended = arrived, ended
        self.goal: Goal | None = None  # None: it stands
        self.speed = 100
        self.rate = 0.0  # epochs a second
        self._sought: object | None = None  # the search that counts; older ones come to nothing
        self._task: asyncio.Task[None] | None = None

    @property
    def playing(self) -> bool:
        """Whether it runs, or is on its way to a place."""
        return self.goal is not None or self._sought is not None

    def play(self, timeline: Timeline, epoch: int, goal: Goal, pins: list[Pin]) -> None:
        """From the end of this epoch on."""
        self.goal, self._sought = goal, None
        self._task = asyncio.get_running_loop().create_task(self._run(timeline, epoch, goal, pins))

    def seek(
        self, timeline: Timeline, epoch: int, batch: int, found: Callable[[State, State], None]
    ) -> None:
        """Find the states at the end of an epoch and some batches on; a newer search counts."""
        self.goal, self._sought, self.rate = None, object(), 0.0
        work = self._seek(timeline, epoch, batch, found, self._sought)
        self._task = asyncio.get_running_loop().create_task(work)

    def stop(self) -> None:
        """Stand still; what is being computed is the timeline's, but is not shown."""
        self.goal = self._sought = None

    async def _seek(
        self,
        timeline: Timeline,
        epoch: int,
        batch: int,
        found: Callable[[State, State], None],
        sought: object,
    ) -> None:
        why: GlassnetError | None = None
        try:
            states = await find(timeline, epoch, batch, lambda: self._sought is sought)
        except GlassnetError as error:
            why = error
        if self._sought is not sought:
            return
        self._sought = None
        if why is not None:
            self.ended(why)
        elif states is not None:
            found(*states)

    async def _run(self, timeline: Timeline, epoch: int, goal: Goal, pins: list[Pin]) -> None:
        size, done, began = 1, 0, time.perf_counter()
        seen, since = epoch, began
        why: str | GlassnetError = ""
        try:
            found = await find(timeline, epoch, wanted=lambda: self.goal is goal)
            if found is None:
                return
            state, _ = found
            while epoch < goal.epoch:
                asked = min(size, goal.epoch - epoch)
                if self.speed:
                    asked = min(asked, int((time.perf_counter() - began) * self.speed) - done)
                if asked < 1:
                    await asyncio.sleep(min(0.02, 1 / self.speed))
                    if self.goal is not goal:
                        return
                    continue
                before = state
                piece = partial(further, timeline, epoch + asked, pins, before)
                state, took = await workers.training(partial(workers.timed, piece))
                if self.goal is not goal:  # stopped, or sent elsewhere, meanwhile
                    return
                now = time.perf_counter()
                size = workers.next_size(max(size, asked), took, limits.EPOCHS)
                there = first_below(timeline, epoch, epoch + asked, goal.below)
                epoch, done = epoch + asked, done + asked
                if self.speed and done < (now - began) * self.speed / 2:
                    began, done = now, 0  # slower than asked: do not try to catch up
                if now - since > WINDOW:
                    self.rate = (epoch - seen) / (now - since)
                    seen, since = epoch, now
                if there is not None:
                    state = await workers.training(partial(timeline.at, there, before))
                    if self.goal is not goal:
                        return
                    self.arrived(there, state)
                    why = f"The loss fell below {goal.below:g} in epoch {there}."
                    break
                self.arrived(epoch, state)
            why = why or never_below(timeline, epoch, goal.below)
        except GlassnetError as error:
            why = error
        if self.goal is goal:
            self.goal = None
            self.ended(why)


def further(timeline: Timeline, epoch: int, pins: list[Pin], before: State | None = None) -> State:
    """The state at the end of an epoch, trained to if need be; living pins go as far.

    before : the state of an earlier epoch of this run, from which it is near.
    """
    state = timeline.reach(epoch, before)
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


def never_below(timeline: Timeline, epoch: int, below: float | None) -> str:
    """That the loss did not come so far, where that was asked for."""
    loss = timeline.curve()[epoch - 1]
    return "" if below is None else f"Epoch {epoch}: the loss is {loss:.4g}, not below {below:g}."


def always() -> bool:
    """Nobody stops it."""
    return True


async def find(
    timeline: Timeline, epoch: int, batch: int = 0, wanted: Callable[[], bool] = always
) -> tuple[State, State] | None:
    """The states at the end of an epoch and some batches on, in pieces; None once not wanted."""
    await train_to(timeline, epoch, wanted)
    if not wanted():
        return None
    one, state = timeline.nearest(epoch)
    size = 1
    while wanted() and state.epoch < epoch:
        asked = min(size, epoch - state.epoch)
        piece = partial(timeline.onward, one, state, asked)
        state, took = await workers.training(partial(workers.timed, piece))
        size = workers.next_size(asked, took, limits.EPOCHS)
    if not wanted():
        return None
    begin, one = state, timeline.problem_at(epoch)
    done, size = 0, 1
    while wanted() and done < batch:
        asked = min(size, batch - done)
        upto = done + asked
        piece = partial(batches, one, state, done, upto, timeline.engine)
        state, took = await workers.training(partial(workers.timed, piece))
        size = workers.next_size(asked, took, limits.EPOCHS)
        done = upto
    return (begin, state) if wanted() else None


def batches(one: Problem, state: State, done: int, upto: int, engine: Engine | EngineName) -> State:
    """The state after so many batches of an epoch, from that after fewer.

    Each batch is an epoch of its own, in the order of the epoch that it belongs to.
    """
    if done == upto:
        return state
    assert one.batch is not None
    order, _ = state.chance.permutation(len(one.data.X))
    for b in range(done, upto):
        rows = order[b * one.batch : (b + 1) * one.batch]
        X, y = one.data.X[rows], one.data.y[rows]
        after = last(train(one.task, X, y, state, engine=engine, epochs=1)).state
        state = replace(after, epoch=state.epoch, chance=state.chance)
    return state


async def train_to(timeline: Timeline, epoch: int, wanted: Callable[[], bool] = always) -> None:
    """So far at least, in pieces, so that pages answer; no further once it is not wanted."""
    size = 1
    while timeline.end < epoch and wanted():
        asked = min(size, epoch - timeline.end)
        piece = partial(further, timeline, timeline.end + asked, [])
        _, took = await workers.training(partial(workers.timed, piece))
        size = workers.next_size(asked, took, limits.EPOCHS)
