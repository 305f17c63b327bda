"""An update: the states before it, its rows, and every number of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glassnet.engines.base import State
from glassnet.lab.player import batches
from glassnet.lab.position import Position
from glassnet.lab.problem import Problem
from glassnet.lab.timeline import Timeline
from glassnet.walkthrough.trace import Trace, trace

EACH = 100_000
"""What a batch that is replayed alone takes beside its arithmetic, as rows times weights."""


@dataclass(frozen=True, eq=False)
class Update:
    """One update of a run; its rows and its trace are made when asked for, and kept.

    epoch, batch : how many epochs, and batches of the next one, are behind it.
    begin, state : before the first batch of its epoch, and before itself.
    """

    problem: Problem
    epoch: int
    batch: int
    begin: State
    state: State

    @cached_property
    def rows(self) -> np.ndarray:
        """Its training rows, in their order."""
        n, size = len(self.problem.data.X), self.problem.batch
        if size is None:
            return np.arange(n)
        order, _ = self.begin.chance.permutation(n)
        return np.asarray(order[self.batch * size : (self.batch + 1) * size])

    @cached_property
    def trace(self) -> Trace:
        """Every number of it."""
        one, rows = self.problem, self.rows
        with np.errstate(all="ignore"):  # a run about to diverge is shown as it is
            return trace(one.task, one.data.X[rows], one.data.y[rows], state=self.state)

    def follow(self, here: Position) -> tuple[Trace, int]:
        """A trace in which a position's sample is found, and its place there.

        A sample that is not among the rows of the update is only followed forward.
        """
        place = here.among(self.rows)
        if place is not None:
            return self.trace, place
        X, row = self.problem.data.held_X if here.held else self.problem.data.X, here.row
        assert X is not None
        with np.errstate(all="ignore"):
            return trace(self.problem.task, X[row : row + 1], theta=self.state.theta), 0


def updates(one: Problem) -> int:
    """How many updates make an epoch."""
    n = len(one.data.X)
    return -(-n // (one.batch or n))


def update_at(timeline: Timeline, epoch: int, batch: int, near: Update | None = None) -> Update:
    """The update after so many epochs and batches; from a near one of the same run if it can."""
    one = timeline.problem_at(epoch)
    if near is None or near.epoch != epoch:
        begin = state = timeline.at(epoch)
        done = 0
    else:
        begin = near.begin
        done, state = (near.batch, near.state) if near.batch <= batch else (0, begin)
    state = batches(one, state, done, batch, timeline.engine)
    return Update(one, epoch, batch, begin, state)


def cost(timeline: Timeline, epoch: int, batch: int, near: Update | None = None) -> int:
    """Rows times numbers in theta that `update_at` must go through."""
    one = timeline.problem_at(epoch)
    weights, rows = one.task.net.n_params, len(one.data.X)
    same = near is not None and near.epoch == epoch
    epochs = 0 if same else timeline.away(epoch)
    done = near.batch if near is not None and same and near.batch <= batch else 0
    return epochs * (rows * weights + EACH * updates(one) // 100) + (batch - done) * (
        (one.batch or rows) * weights + EACH
    )
