"""A session: what one visitor has, and a method for each thing that one can do on the page.

It stands between the panels and the training stream. Panels call its methods and are told what
changed; the numbers they show come from its timeline and its trace. Where a step leads is said in
`steps.py`, what a change makes of a run in `run.py`, what an update consists of in `update.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from glassnet.core.errors import BadInput, GlassnetError
from glassnet.engines.base import Engine, State
from glassnet.engines.choice import EngineName, choose
from glassnet.engines.divergence import Divergence
from glassnet.lab import limits, steps
from glassnet.lab.data import Data
from glassnet.lab.limits import within
from glassnet.lab.number import number
from glassnet.lab.pick import Pick
from glassnet.lab.player import Goal, Pin, Player
from glassnet.lab.position import Phase, Position, View
from glassnet.lab.problem import Problem, in_batches, in_its_unit
from glassnet.lab.run import begun, changed
from glassnet.lab.setting import KEPT, Change, Point, Setting
from glassnet.lab.timeline import Timeline
from glassnet.lab.update import Update, cost, update_at, updates
from glassnet.walkthrough.trace import Trace

News = Literal["frame", "structure", "controls", "pick", "message"]
"""What may have changed: the numbers; network or data; the controls; what is selected."""

FIRST_PICK = Pick("neuron", layer=1, unit=0)
"""Never an empty panel: the first neuron is open from the start."""

Then = Callable[[], None]


class Session:
    """What one visitor has."""

    def __init__(
        self,
        setting: Setting | None = None,
        *,
        engine: Engine | EngineName = "auto",
        table: Data | None = None,
    ) -> None:
        self.engine = choose(engine)
        self.table = table
        self.position = Position()
        self.view = View()
        self.pick = FIRST_PICK
        self.pins: list[Pin] = []
        self.player = Player(self._arrived, self._ended)
        self.message = ""
        self._refused = False  # whether that is why something was not done
        self._watchers: list[Callable[[News], None]] = []
        self._update: Update | None = None  # the one that was asked for last
        self._run = begun(setting or Setting(), self.engine, table)
        self.view = replace(self.view, axes=self.data.axes)
        self._keep_pick()

    # ------------------------------------------------------------ what there is

    @property
    def origin(self) -> Setting:
        """The setting before anything was changed on the way."""
        return self._run.origin

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was changed on the way."""
        return self._run.changes

    @property
    def timeline(self) -> Timeline:
        """Every past epoch of the run."""
        return self._run.timeline

    @property
    def setting(self) -> Setting:
        """What holds at the position: before a change what was set before it."""
        return self._run.setting(self.position.epoch)

    @property
    def problem(self) -> Problem:
        """What is learnt at the position, and how."""
        return self.timeline.problem_at(self.position.epoch)

    @property
    def data(self) -> Data:
        """The rows at the position."""
        return self.problem.data

    @property
    def update(self) -> Update:
        """The update that one stands in."""
        place, kept = (self.position.epoch, self.position.batch), self._update
        if kept is None or (kept.epoch, kept.batch) != place:
            kept = self._update = update_at(self.timeline, *place, near=kept)
        return kept

    @property
    def state(self) -> State:
        """The state before the update that one stands in."""
        return self.update.state

    @property
    def batches(self) -> int:
        """How many updates make an epoch."""
        return updates(self.problem)

    @property
    def rows(self) -> np.ndarray:
        """The training rows of the present update, in their order."""
        return self.update.rows

    @property
    def trace(self) -> Trace:
        """Every number of the update that comes next."""
        return self.update.trace

    def shown(self) -> tuple[Trace, int]:
        """The trace that the arithmetic is read from, and the sample's place in it."""
        return self.update.follow(self.position)

    @property
    def playing(self) -> bool:
        """Whether it trains just now, be it only to come to a place that was asked for."""
        return self.player.playing

    @property
    def reached(self) -> Phase:
        """How far the present update was followed: what lies beyond is not computed yet.

        The way forward is there from the start: it is what the maps are painted with.
        """
        phase = "all" if self.playing else self.position.phase
        return "forward" if phase == "ready" else phase

    def query(self) -> str:
        """The run alone: its setting and what was changed on its way, as a link has it."""
        return self._run.query()

    # ------------------------------------------------------------ watchers

    def subscribe(self, watcher: Callable[[News], None]) -> None:
        """To be told of what changes."""
        self._watchers.append(watcher)

    def _tell(self, *news: News) -> None:
        for watcher in list(self._watchers):
            for one in news:
                watcher(one)

    def say(self, message: str, *, refused: bool = False) -> None:
        """A line for the visitor, "" for none. It stands until one goes on or changes something.

        refused : it says why something was not done; it stands until something is done.
        """
        self.message, self._refused = message, refused
        self._tell("message")

    def accept(self) -> None:
        """Something was done: what was refused before is no longer of interest."""
        if self._refused:
            self._hush()

    def _hush(self) -> None:
        if self.message:
            self.say("")

    def close(self) -> None:
        """The visitor is gone: nothing runs on, nothing is kept."""
        self.pause()
        self._watchers.clear()
        self.pins.clear()
        self._update = None
        self.timeline.forget_states()

    # ------------------------------------------------------------ within an update

    def next(self) -> None:
        """Forward, loss, backward, update, one at a time; then the next update's forward."""
        self.pause()
        self._bring(steps.forth(self.position, self.batches))

    def back(self) -> None:
        """The operation before this one; before the first, the update before."""
        self.pause()
        before = self.timeline.problem_at(max(self.position.epoch - 1, 0))
        self._bring(steps.back(self.position, updates(before)))

    def step_sample(self) -> None:
        """The next sample of the batch, followed forward and back; after the last the update."""
        self.pause()
        if self.position.phase == "update":
            self._bring(steps.beyond(self.position, self.batches, "backward"), self._first_sample)
        else:
            self.move(steps.next_followed(self.position, self.rows))

    def step_batch(self) -> None:
        """The whole update at once."""
        self.pause()
        self._bring(steps.beyond(self.position, self.batches, "all"))

    def next_sample(self, by: int = 1) -> None:
        """Another sample of the present update."""
        self.move(steps.neighbour(self.position, self.rows, by))

    def choose_sample(self, row: int, *, held: bool = False) -> None:
        """Look at one sample from now on."""
        X = self.data.held_X if held else self.data.X
        if X is None or not 0 <= row < len(X):
            raise BadInput(f"sample {row + 1}", f"1 to {0 if X is None else len(X)} is expected")
        self.move(replace(self.position, row=row, held=held))
        if self.pick.kind in ("none", "epoch", "loss"):
            self.choose(Pick("sample"))

    # ------------------------------------------------------------ epochs

    def step_epochs(self, epochs: int = 1) -> None:
        """So many epochs more, at once where they are few."""
        within("epochs at a time", epochs, limits.EPOCHS, 1)
        goal = self.position.epoch + epochs
        within("epochs of a run", goal, limits.EPOCHS)
        if epochs == 1:
            self.pause()
            self._bring(replace(self.position, epoch=goal, batch=0, phase="all"))
            return
        self._play(Goal(goal))

    def play(self) -> None:
        """Train on, until it is stopped or stops by itself."""
        if self.position.epoch >= self.setting.epochs:
            self.say(
                f"{self.setting.epochs} epochs are behind this run. Raise their number, "
                "rewind, or step on."
            )
            return
        self._play(Goal(self.setting.epochs))

    def until(self, loss: float) -> None:
        """Train on until the training loss is below this."""
        if not np.isfinite(loss):
            raise BadInput(f"a loss of {loss}", "a finite number is expected")
        self._play(Goal(max(self.setting.epochs, self.position.epoch + 1), loss))

    def pause(self) -> None:
        """Stop where it is."""
        if self.playing:
            self.player.stop()
            self._tell("controls", "frame", "pick")

    def toggle(self) -> None:
        """Play, or pause."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def go(self, epoch: int) -> None:
        """To the end of a past epoch, exactly as it was."""
        self.pause()
        epoch = max(0, min(epoch, self.timeline.end))
        self._bring(replace(self.position, epoch=epoch, batch=0, phase="all" if epoch else "ready"))

    def rewind(self) -> None:
        """To the start: the same initial weights, the same batches."""
        self.go(0)

    def new_start(self) -> None:
        """Other initial weights: the next draw from the same stream."""
        self._begin(replace(self.setting, start=self.setting.start + 1))

    # ------------------------------------------------------------ changes

    def set(self, **asked: Any) -> None:
        """Other settings. What can change in the midst of a run does so; else a new one begins."""
        now = self.setting
        fields = {name: value for name, value in asked.items() if value != getattr(now, name)}
        on_the_way = set(fields) <= {*KEPT, *(() if self.position.epoch else ("points",))}
        if not fields:
            self._hush()
            self._tell("controls")  # however it was spelled, it is shown as it is
            return
        if set(fields) == {"epochs"}:
            asked_for = replace(now, **fields)  # refused, where it is no number of epochs
            self._run = replace(self._run, epochs=asked_for.epochs)
            self._hush()
            self._tell("controls")
        elif on_the_way and self.position.epoch:
            self.change(Change(self.position.epoch, tuple(fields.items())))
        else:
            typed = [replace(one, fields=()) for one in self.changes if one.epoch == 0]
            setting = in_its_unit(replace(now, **fields), now, self._run.rows)
            batch = self.position.batch if on_the_way else 0
            self._begin(setting, typed if on_the_way else [])
            self._say_what_is_gone(batch)

    def use_set(self, name: str) -> None:
        """Another built-in set; what was never touched follows its preset."""
        self._begin(self.setting.with_data(name))

    def use_table(self, data: Data) -> None:
        """The visitor's own rows."""
        setting = replace(self.setting.with_data("table"), held=0.0, batch=None)
        self._begin(in_batches(setting, data), table=data)

    def edit(self, where: str, text: str) -> None:
        """Type over a weight or a bias: `edit("W1[0,2]", "-1/3")`."""
        typed = ((where, number(text)),)
        self.pause()
        self.change(Change(self.position.epoch, weights=typed))

    def add_point(self, x: tuple[float, ...], y: float) -> None:
        """One more training point; y is a class, as its place in the labels, or a number."""
        self._points(("add", *map(float, x), float(y)))

    def move_point(self, row: int, x: tuple[float, ...]) -> None:
        """A training point elsewhere."""
        self._points(("move", row, *map(float, x)))

    def delete_point(self, row: int) -> None:
        """A training point less."""
        self._points(("delete", row))

    def _points(self, point: Point) -> None:
        if self.position.epoch:
            self.change(Change(self.position.epoch, points=(point,)))
        else:
            self.set(points=(*self.setting.points, point))

    def change(self, change: Change) -> None:
        """From its epoch on; what followed is gone."""
        epoch, kept = change.epoch, self._update
        batch = self.position.batch if self.position.epoch == epoch else 0
        known = kept is not None and kept.epoch == epoch
        state = kept.begin if kept is not None and known else self.timeline.at(epoch)
        self._run = changed(self._run, change, state)
        goal = self.player.goal
        self.player.stop()  # what is being computed belongs to the run as it was
        self._update = None
        self._hush()
        self.move(replace(self.position, epoch=epoch, batch=0))
        self._say_what_is_gone(batch)
        if goal is not None:
            self.player.play(self.timeline, epoch, replace(goal), self.pins)
        self._tell("structure", "controls", "pick")

    def _say_what_is_gone(self, batch: int) -> None:
        # a timeline is cut between epochs: one cannot learn otherwise from the midst of one on
        if batch:
            updates = "update" if batch == 1 else f"{batch} updates"
            self.say(
                f"This counts from the start of epoch {self.position.epoch + 1}: the {updates} "
                "that had been made in it are gone."
            )

    def _begin(
        self, setting: Setting, changes: Sequence[Change] = (), table: Data | None = None
    ) -> None:
        # a new run; where the setting makes none, the old one stays
        run = begun(setting, self.engine, table or self.table, self._run)
        self.pause()
        other_inputs = run.rows.inputs != self._run.rows.inputs
        self._run, self._update, self.table = run, None, table or self.table
        self.message = ""
        row = 0 if self.position.held else min(self.position.row, len(self.data.X) - 1)
        self.position = Position(row=row)
        if other_inputs:  # other axes to draw over
            self.view = replace(self.view, axes=self.data.axes, at=())
        self._keep_pick()
        for change in changes:
            self.change(change)
        self._tell("structure", "controls", "pick", "message", "frame")

    # ------------------------------------------------------------ what is looked at

    def look(self, **changed: Any) -> None:
        """Another view of the same numbers."""
        self.view = replace(self.view, **changed)
        self._tell("structure", "controls", "pick", "frame")

    def choose(self, pick: Pick) -> None:
        """What is selected; a second click on the same lets go of it."""
        self.pick = Pick("none") if pick == self.pick else pick
        self._tell("pick", "frame")

    def _keep_pick(self) -> None:
        try:
            self.pick.check(self.problem.task.net)
        except BadInput:  # the new network has no such neuron
            self.pick = FIRST_PICK

    def pin(self) -> None:
        """Keep this run's curve beside those that follow."""
        within("runs beside each other", len(self.pins) + 1, limits.PINS)
        kept = Timeline(self.timeline.problem_at(0), self.engine)
        kept.take_curves(self.timeline)
        self._hush()
        self.pins.append(Pin(f"run {len(self.pins) + 1}", self.query(), kept, alive=False))
        self._tell("controls", "frame")

    def unpin(self) -> None:
        """No runs beside this one."""
        self.pins.clear()
        self._hush()
        self._tell("controls", "frame")

    # ------------------------------------------------------------ from place to place

    def move(self, position: Position) -> None:
        """Be there: whatever is shown follows."""
        self._stand(position)
        self._tell("frame", "pick", "controls")

    def stand(self, position: Position, begin: State, state: State) -> None:
        """Be there, where the states at the end of the epoch and of the batch are known."""
        self._know(position.epoch, position.batch, begin, state)
        self.move(position)

    def _know(self, epoch: int, batch: int, begin: State, state: State) -> None:
        self._update = Update(self.timeline.problem_at(epoch), epoch, batch, begin, state)

    def _stand(self, position: Position) -> None:
        one = self.timeline.problem_at(position.epoch)
        rows = one.data.held_X if position.held else one.data.X
        row = min(position.row, len(one.data.X if rows is None else rows) - 1)
        other = one is not self.problem
        self.position = replace(position, row=row, held=position.held and rows is not None)
        if other:  # past a change: other settings hold, perhaps other points
            self._tell("structure", "controls")

    def _first_sample(self) -> None:
        self.move(steps.first_followed(self.position, self.rows))

    def _bring(self, there: Position, then: Then = lambda: None) -> None:
        # at once where that is quick; else the old picture stays until a worker has found the state
        self._hush()
        far = cost(self.timeline, there.epoch, there.batch, self._update) > limits.QUICK
        if far or (there.epoch > self.timeline.end and self.timeline.busy):

            def found(begin: State, state: State) -> None:
                position = self.position  # another sample may have been chosen meanwhile
                self.stand(replace(there, row=position.row, held=position.held), begin, state)
                then()

            self.player.seek(self.timeline, there.epoch, there.batch, found)
            self._tell("controls", "frame", "pick")
            return
        try:
            if there.epoch > self.timeline.end:
                self.timeline.reach(there.epoch)
        except GlassnetError as error:
            self._stopped(error)
        else:
            self.move(there)
            then()

    def _play(self, goal: Goal) -> None:
        self.message = ""
        self.player.play(self.timeline, self.position.epoch, goal, self.pins)
        self._tell("controls", "message", "pick")

    def _arrived(self, epoch: int, state: State) -> None:
        self._know(epoch, 0, state, state)
        self._stand(replace(self.position, epoch=epoch, batch=0, phase="all"))
        self._tell("frame")

    def _ended(self, why: str | GlassnetError) -> None:
        if isinstance(why, GlassnetError):
            self._stopped(why)
        elif why:
            self.say(why)
        self._tell("controls", "frame", "pick")

    def _stopped(self, error: GlassnetError) -> None:
        self.player.stop()
        if isinstance(error, Divergence):
            self.position = replace(self.position, epoch=self.timeline.end, batch=0, phase="all")
            self._update = None
        hint = " Rewind, or go back to an epoch before it went wrong, and change it there."
        self.say(str(error) + hint * (isinstance(error, Divergence) and self.timeline.end > 0))
        self._tell("controls", "frame", "pick")
