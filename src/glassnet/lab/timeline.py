"""The timeline: every past epoch of a run can be gone to, exactly as it was.

Losses are kept of all epochs. Of states some are kept, the keyframes; one that lies between two of
them is computed again from the one before it, which gives the same bits, since engines are
deterministic. Where keyframes grow too many, some are let go, so that the others lie evenly.

    epoch     0 ......... 300 ......... 600 ..... 700
    keyframe  ▪     ▪      ▪      ▪      ▪      ▪
    segment   [ learning rate 1.0 ][ 0.3, W1[0,2] typed over ]
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal, get_args

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.engines.base import Engine, State
from glassnet.engines.choice import EngineName
from glassnet.engines.divergence import Divergence
from glassnet.lab import limits
from glassnet.lab.problem import Problem, first_state
from glassnet.training.stream import Epoch, last, train

FEWEST, MOST = 16, 512
"""Keyframes of one run: MOST, fewer where states are large."""

Curve = Literal["loss", "objective", "validation"]


@dataclass(frozen=True, eq=False)
class Segment:
    """What was learnt and how, from the end of an epoch on."""

    first: int
    problem: Problem


def bytes_of(state: State) -> int:
    """What it takes to keep a state."""
    return sum(array.nbytes for array in (state.theta, *state.slots))


class Timeline:
    """A run from its first state on.

    One thread at a time trains on. Who looks or changes something does not wait for it: what was
    being trained while the run was changed is not kept.
    """

    def __init__(self, problem: Problem, engine: Engine | EngineName = "auto") -> None:
        begin = first_state(problem)
        self.engine = engine
        self.end = 0
        self._training = Lock()  # of who trains on, for as long as it takes
        self._kept = Lock()  # of the lists alone, never for long
        self._changed = 0  # how often
        self._segments = [Segment(0, problem)]
        self._epochs = [0]  # of the keyframes, in order
        self._states = [begin]
        self._most = int(np.clip(limits.KEYFRAMES // max(bytes_of(begin), 1), FEWEST, MOST))
        self._curves: dict[Curve, Array] = {name: np.empty(1024) for name in get_args(Curve)}

    def curve(self, name: Curve = "loss") -> Array:
        """One number for each epoch so far, nan where it was not measured."""
        return self._curves[name][: self.end]

    def problem_at(self, epoch: int) -> Problem:
        """What is learnt after this epoch."""
        return self._segments[self._segment(epoch)].problem

    def at(self, epoch: int, before: State | None = None) -> State:
        """The state at the end of an epoch, as it was; after what was changed there.

        before : the state of an earlier epoch of this run, where one is at hand.
        """
        if not 0 <= epoch <= self.end:
            raise BadInput(
                f"epoch {epoch}", f"0 to {self.end} is expected: so far the run has come"
            )
        one, state = self.nearest(epoch)
        # what is played again would else begin at the keyframe for every piece
        if before is not None and state.epoch < before.epoch <= epoch:
            state = before
        return self.onward(one, state, epoch - state.epoch)

    def nearest(self, epoch: int) -> tuple[Problem, State]:
        """The last state that is kept of this epoch or one before, and what was learnt from it."""
        with self._kept:
            k = bisect_right(self._epochs, epoch) - 1
            return self.problem_at(self._epochs[k]), self._states[k]

    def away(self, epoch: int) -> int:
        """How many epochs must be trained to have the state of this one."""
        return epoch - self.nearest(epoch)[1].epoch

    def onward(self, one: Problem, state: State, epochs: int) -> State:
        """The state so many epochs later; nothing of it is kept."""
        return self._train(one, state, epochs).state if epochs else state

    @property
    def busy(self) -> bool:
        """Whether somebody trains on it just now."""
        return self._training.locked()

    def advance(self, epochs: int) -> State:
        """So many epochs more at the end. Where they diverge, it stands at the last good one."""
        with self._training:
            return self._advance(epochs)

    def reach(self, epoch: int, before: State | None = None) -> State:
        """The state at the end of an epoch, trained to if need be; nobody comes in between."""
        with self._training:
            if epoch > self.end:
                return self._advance(epoch - self.end)
        return self.at(epoch, before)

    def _advance(self, epochs: int) -> State:
        with self._kept:
            changed, end, last_kept = self._changed, self.end, self._epochs[-1]
            one, state = self.problem_at(end), self._states[-1]
        state = self.onward(one, state, end - last_kept)
        epochs = min(epochs, limits.EPOCHS - end)
        if epochs < 1:
            raise BadInput(
                f"{end} epochs are behind this run",
                f"{limits.EPOCHS} are the most that are kept",
                "Begin a new run.",
            )
        try:
            return self._go_on(one, state, epochs, changed)
        except Divergence as error:
            if error.state.epoch > state.epoch:  # what was good before it is kept
                self._go_on(one, state, error.state.epoch - state.epoch, changed)
            raise

    def change(self, epoch: int, problem: Problem, state: State) -> None:
        """From this epoch on something else is learnt, from this state; what followed is gone."""
        with self._kept:
            self._afford(epoch, problem, state)
            self._changed += 1
            kept = bisect_right(self._epochs, epoch - 1)
            del self._epochs[kept:], self._states[kept:]
            self._epochs.append(epoch)
            self._states.append(state)
            self._segments = [one for one in self._segments if one.first < epoch]
            self._segments.append(Segment(epoch, problem))
            self.end = epoch

    def _afford(self, epoch: int, problem: Problem, state: State) -> None:
        # where a segment begins its state and its rows stay, so these are bounded apart
        kept = [one for one in self._segments if 0 < one.first < epoch]
        pinned = [(self._states[bisect_right(self._epochs, o.first) - 1], o.problem) for o in kept]
        before, total = self._segments[0].problem, 0
        for its, one in [*pinned, (state, problem)]:
            total += bytes_of(its) + (one.data.X is not before.data.X) * (
                one.data.X.nbytes + one.data.y.nbytes
            )
            before = one
        if total > limits.CHANGED and kept:
            raise BadInput(
                f"{len(kept) + 1} changes of so large a run",
                f"{limits.CHANGED // 2**20} MB of states and rows are kept for them on this page",
                "Go back to an epoch before some of them, or begin a new run.",
            )

    def take_curves(self, other: Timeline) -> None:
        """The curves of another run, as far as it has come, in place of one's own."""
        with other._kept:
            self.end = other.end
            self._curves = {name: other.curve(name).copy() for name in other._curves}

    def forget_states(self) -> None:
        """Losses alone are kept, for a run that is only looked at beside another."""
        with self._kept:
            self._changed += 1
            self._epochs, self._states = self._epochs[:1], self._states[:1]

    @property
    def keyframes(self) -> int:
        """How many states are kept."""
        return len(self._epochs)

    def _segment(self, epoch: int) -> int:
        return bisect_right([one.first for one in self._segments], epoch) - 1

    def _train(
        self, one: Problem, state: State, epochs: int, validation: tuple[Any, ...] | None = None
    ) -> Epoch:
        X, y = one.data.X, one.data.y
        return last(
            train(
                one.task,
                X,
                y,
                state,
                engine=self.engine,
                epochs=epochs,
                batch_size=one.batch,
                validation=validation,
                every=epochs,
            )
        )

    def _go_on(self, one: Problem, state: State, epochs: int, changed: int) -> State:
        record = self._train(one, state, epochs, one.validation)
        with self._kept:
            if changed == self._changed:
                self._keep(record)
        return record.state

    def _keep(self, record: Epoch) -> None:
        costs, begin, end = record.costs, self.end, record.state.epoch
        measured: dict[Curve, Any] = {
            "loss": costs.loss,
            "objective": costs.objective,
            "validation": np.nan if costs.validation is None else costs.validation,
        }
        for name, values in measured.items():
            room = self._curves[name]
            if end > len(room):
                room = self._curves[name] = np.concatenate([room, np.empty(max(end, len(room)))])
            room[begin:end] = values
        self.end = end
        self._epochs.append(end)
        self._states.append(record.state)
        if len(self._epochs) > self._most:
            self._thin()

    def _thin(self) -> None:
        # those that are left lie evenly over the whole run, so that no jump is far from one;
        # where a segment begins, and the last one, stay
        firsts = {one.first for one in self._segments}
        apart = 2 * self.end / self._most
        keep, before = [], -apart
        for k, epoch in enumerate(self._epochs):
            if epoch - before >= apart or epoch in firsts or epoch == self.end:
                keep.append(k)
                before = epoch
        self._epochs = [self._epochs[k] for k in keep]
        self._states = [self._states[k] for k in keep]
