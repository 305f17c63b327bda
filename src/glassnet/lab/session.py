"""A session: what one visitor has, and a method for each thing that one can do on the page.

It stands between the panels and the training stream. Panels call its methods and are told what
changed; the numbers they show come from its timeline and its trace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, cast
from urllib.parse import urlencode

import numpy as np

from glassnet.core.errors import BadInput, GlassnetError
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS
from glassnet.engines.base import Engine, State
from glassnet.engines.choice import EngineName, choose
from glassnet.engines.divergence import Divergence
from glassnet.exchange import names
from glassnet.lab import limits
from glassnet.lab.data import Data, built_in, edited
from glassnet.lab.limits import within
from glassnet.lab.number import number
from glassnet.lab.pick import Pick
from glassnet.lab.player import Goal, Pin, Player, batches
from glassnet.lab.position import PHASES, Phase, Position, View
from glassnet.lab.problem import Problem, in_batches, problem
from glassnet.lab.setting import KEPT, Change, Setting
from glassnet.lab.timeline import Timeline
from glassnet.walkthrough.explain import place
from glassnet.walkthrough.trace import Trace, trace

News = Literal["frame", "structure", "controls", "pick", "message", "closed"]
"""What may have changed: the numbers; network or data; the controls; what is selected."""

FIRST_PICK = Pick("neuron", layer=1, unit=0)
"""Never an empty panel: the first neuron is open from the start."""


def parameter(net: Network, where: str) -> tuple[str, tuple[int, ...]]:
    """The array and the index of a weight or a bias, "W1[0,2]", if the network has it."""
    name, index = place(where)
    shapes = {part: array.shape for part, array in net.named(np.empty(net.n_params)).items()}
    if name not in shapes or len(index) != len(shapes[name]):
        raise BadInput(f"{where} to type over", "a weight or a bias is expected", "Try W1[0,0].")
    if any(not 0 <= i < size for i, size in zip(index, shapes[name], strict=True)):
        raise BadInput(where, f"{name} has shape {shapes[name]}, counted from 0")
    return name, index


EACH = 100_000
"""What a batch that is replayed alone takes beside its arithmetic, as rows times weights."""


def updates(one: Problem) -> int:
    """How many updates make an epoch."""
    n = len(one.data.X)
    return -(-n // (one.batch or n))


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
        self.changes: list[Change] = []
        self.pins: list[Pin] = []
        self.player = Player(self._arrived, self._ended)
        self.message = ""
        self._watchers: list[Callable[[News], None]] = []
        self._base: tuple[Setting, Data] | None = None
        self._inputs: tuple[str, ...] = ()  # those that the axes were chosen among
        self._seen: dict[str, Any] = {}  # state and trace of the position, made when asked for
        self.origin = setting or Setting()  # before anything was changed on the way
        self._epochs = self.origin.epochs  # one number for the whole run
        self.timeline: Timeline
        self._begin(self.origin)

    # ------------------------------------------------------------ what there is

    @property
    def setting(self) -> Setting:
        """What holds at the position: before a change what was set before it."""
        return self._setting_at(self.position.epoch)

    @property
    def problem(self) -> Problem:
        """What is learnt at the position, and how."""
        return self.timeline.problem_at(self.position.epoch)

    @property
    def data(self) -> Data:
        """The rows at the position."""
        return self.problem.data

    @property
    def state(self) -> State:
        """The state before the update that one stands in."""
        position = self.position
        return self._kept("state", (position.epoch, position.batch), self._find_state)

    @property
    def batches(self) -> int:
        """How many updates make an epoch."""
        return updates(self.problem)

    @property
    def rows(self) -> np.ndarray:
        """The training rows of the present update, in their order."""
        position = self.position
        return self._kept("rows", (position.epoch, position.batch), self._find_rows)

    @property
    def trace(self) -> Trace:
        """Every number of the update that comes next."""
        position = self.position
        return self._kept("trace", (position.epoch, position.batch), self._find_trace)

    def shown(self) -> tuple[Trace, int]:
        """The trace that the arithmetic is read from, and the sample's place in it.

        A sample that is not among the rows of the update is only followed forward.
        """
        position = self.position
        found = np.flatnonzero(self.rows == position.row)
        if not position.held and len(found):
            return self.trace, int(found[0])
        X = self.data.held_X if position.held else self.data.X
        assert X is not None
        row = X[position.row : position.row + 1]
        return trace(self.problem.task, row, theta=self.state.theta), 0

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

    # ------------------------------------------------------------ watchers

    def subscribe(self, watcher: Callable[[News], None]) -> None:
        """To be told of what changes."""
        self._watchers.append(watcher)

    def _tell(self, *news: News) -> None:
        for watcher in list(self._watchers):
            for one in news:
                watcher(one)

    def say(self, message: str) -> None:
        """A line for the visitor, "" for none."""
        self.message = message
        self._tell("message")

    def close(self) -> None:
        """The visitor is gone: nothing runs on, nothing is kept."""
        self.pause()
        self._watchers.clear()
        self.pins.clear()
        self._seen.clear()
        self.timeline.forget_states()

    # ------------------------------------------------------------ within an update

    def next(self) -> None:
        """Forward, loss, backward, update, one at a time; then the next update's forward."""
        self.pause()
        position = self.position
        if position.phase in ("ready", "all"):
            self.move(replace(position, phase="forward"))
        elif position.phase != "update":
            following = PHASES[PHASES.index(position.phase) + 1]
            self.move(replace(position, phase=following))
        else:
            self._take_update("forward")

    def back(self) -> None:
        """The operation before this one; before the first, the update before."""
        self.pause()
        position = self.position
        if position.phase in PHASES[1:]:
            before = PHASES[PHASES.index(position.phase) - 1]
            self.move(replace(position, phase=before))
        elif position.batch:
            self._bring(replace(position, batch=position.batch - 1, phase="update"))
        elif position.epoch:
            epoch = position.epoch - 1
            last_one = updates(self.timeline.problem_at(epoch)) - 1
            self._bring(replace(position, epoch=epoch, batch=last_one, phase="update"))
        else:
            self.move(replace(position, phase="ready"))

    def step_sample(self) -> None:
        """The next sample of the batch, followed forward and back; after the last the update."""
        self.pause()
        position, rows = self.position, self.rows
        if position.phase in ("update", "all"):
            if position.phase == "update":
                self._take_update("backward", self._first_sample)
            else:
                self._first_sample()
            return
        found = np.flatnonzero(rows == position.row)
        k = int(found[0]) if len(found) and not position.held else -1
        if position.phase in ("ready", "forward", "loss"):
            k = max(k, 0) - 1 if k >= 0 else -1  # this sample first
        if k + 1 < len(rows):
            self.move(replace(position, row=int(rows[k + 1]), held=False, phase="backward"))
        else:
            self.move(replace(position, phase="update"))

    def step_batch(self) -> None:
        """The whole update at once."""
        self.pause()
        self._take_update("all")

    def next_sample(self, by: int = 1) -> None:
        """Another sample of the present update."""
        position, rows = self.position, self.rows
        found = np.flatnonzero(rows == position.row)
        k = int(found[0]) if len(found) and not position.held else -by
        self.move(replace(position, row=int(rows[(k + by) % len(rows)]), held=False))

    def choose_sample(self, row: int, *, held: bool = False) -> None:
        """Look at one sample from now on."""
        X = self.data.held_X if held else self.data.X
        if X is None or not 0 <= row < len(X):
            raise BadInput(f"sample {row + 1}", f"1 to {0 if X is None else len(X)} is expected")
        self.move(replace(self.position, row=row, held=held))
        if self.pick.kind in ("none", "epoch", "loss"):
            self.choose(Pick("sample"))

    def choose(self, pick: Pick) -> None:
        """What is selected; a second click on the same lets go of it."""
        self.pick = Pick("none") if pick == self.pick else pick
        self._tell("pick", "frame")

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
        self._run(Goal(goal))

    def play(self) -> None:
        """Train on, until it is stopped or stops by itself."""
        if self.position.epoch >= self.setting.epochs:
            self.say(
                f"{self.setting.epochs} epochs are behind this run. Raise their number, "
                "rewind, or step on."
            )
            return
        self._run(Goal(self.setting.epochs))

    def until(self, loss: float) -> None:
        """Train on until the training loss is below this."""
        if not np.isfinite(loss):
            raise BadInput(f"a loss of {loss}", "a finite number is expected")
        self._run(Goal(max(self.setting.epochs, self.position.epoch + 1), loss))

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

    def set(self, **changed: Any) -> None:
        """Other settings. What can change in the midst of a run does so; else a new one begins."""
        changed = {
            name: value for name, value in changed.items() if value != getattr(self.setting, name)
        }
        if not changed:
            return
        setting = replace(self.setting, **changed)
        if set(changed) == {"epochs"}:
            self._epochs = setting.epochs
            self._tell("controls")
        elif not set(changed) <= {*KEPT, "points"} or self.position.epoch == 0:
            weights = [replace(one, fields=()) for one in self.changes if one.epoch == 0]
            same = set(changed) <= {*KEPT, "points"}
            self._begin(setting, weights if same else [])
        else:
            epoch = self.position.epoch
            self._check(setting)
            self.change(Change(epoch, tuple(changed.items())))

    def use_set(self, name: str) -> None:
        """Another built-in set; what was never touched follows its preset."""
        self._begin(self.setting.with_data(name))

    def use_table(self, data: Data) -> None:
        """The visitor's own rows."""
        setting = replace(self.setting.with_data("table"), held=0.0, batch=None)
        self.table = data
        self._begin(in_batches(setting, data))

    def edit(self, where: str, text: str) -> None:
        """Type over a weight or a bias: `edit("W1[0,2]", "-1/3")`."""
        parameter(self.problem.task.net, where)
        self.pause()
        self.change(Change(self.position.epoch, weights=((where, number(text)),)))

    def add_point(self, x: tuple[float, ...], y: float) -> None:
        """One more training point; y is a class, as its place in the labels, or a number."""
        self._points(("add", *map(float, x), float(y)))

    def move_point(self, row: int, x: tuple[float, ...]) -> None:
        """A training point elsewhere."""
        self._points(("move", row, *map(float, x)))

    def delete_point(self, row: int) -> None:
        """A training point less."""
        self._points(("delete", row))

    def look(self, **changed: Any) -> None:
        """Another view of the same numbers."""
        self.view = replace(self.view, **changed)
        self._tell("structure", "controls", "pick", "frame")

    def pin(self) -> None:
        """Keep this run's curve beside those that follow."""
        within("runs beside each other", len(self.pins) + 1, limits.PINS)
        kept = Timeline(self.timeline.problem_at(0), self.engine)
        kept.take_curves(self.timeline)
        self.pins.append(Pin(f"run {len(self.pins) + 1}", self.query(), kept, alive=False))
        self._tell("controls", "frame")

    def unpin(self) -> None:
        """No runs beside this one."""
        self.pins.clear()
        self._tell("controls", "frame")

    def query(self) -> str:
        """The run alone: its setting and what was changed on its way, as a link has it."""
        parts = [self.origin.query()]
        if self.table is not None and self.origin.data == "table":
            parts.append(f"rows={self.table.mark}")  # the rows themselves are in no link
        parts += [urlencode({"change": c.text()}) for c in self.changes]
        if self.setting.epochs != self.origin.epochs:
            parts.append(urlencode({"epochs": self.setting.epochs}))
        return "&".join(filter(None, parts))

    # ------------------------------------------------------------ inside

    def _begin(self, setting: Setting, changes: list[Change] | None = None) -> None:
        # a new run; where the setting makes none, the old one stays
        timeline = Timeline(self._make(setting), self.engine)
        self.pause()
        self.origin, self._epochs = setting, setting.epochs
        self.timeline = timeline
        self.changes = []
        self.message = ""
        row = min(self.position.row, len(self.data.X) - 1) if not self.position.held else 0
        self.position = Position(row=row)
        self._seen.clear()
        if self._inputs != self.data.inputs:  # other axes to draw over
            self._inputs = self.data.inputs
            self.view = replace(self.view, axes=self.data.axes, at=())
        try:
            self.pick.check(self.problem.task.net)
        except BadInput:  # the new network has no such neuron
            self.pick = FIRST_PICK
        for change in changes or []:
            self.change(change)
        self._tell("structure", "controls", "pick", "message", "frame")

    def _setting_at(self, epoch: int) -> Setting:
        held = self.timeline.problem_at(epoch).setting
        return held if held.epochs == self._epochs else replace(held, epochs=self._epochs)

    def _make(self, setting: Setting) -> Problem:
        return problem(setting, self._data(setting))

    def _check(self, setting: Setting) -> None:
        self._make(setting)

    def _data(self, setting: Setting) -> Data:
        if setting.data == "table":
            if self.table is None:
                raise BadInput("a link to a table", "the table is expected", "Open it here again.")
            return edited(self.table, setting.points)
        bare = Setting(
            data=setting.data,
            n=setting.n,
            noise=setting.noise,
            data_seed=setting.data_seed,
            held=setting.held,
            scaled=setting.scaled,
        )
        if self._base is None or self._base[0] != bare:
            self._base = (bare, built_in(bare))
        return edited(self._base[1], setting.points)

    def _points(self, point: tuple[Any, ...]) -> None:
        self.set(points=(*self.setting.points, point))

    def change(self, change: Change) -> None:
        """From its epoch on; what followed is gone. What is not typed over stays as it is."""
        within("changes of a run", len(self.changes) + 1, limits.CHANGES)
        epoch = change.epoch
        state = self._epoch_state() if epoch == self.position.epoch else self.timeline.at(epoch)
        setting = replace(self._setting_at(epoch), **dict(change.fields))
        one = self._make(setting) if change.fields else self.timeline.problem_at(epoch)
        theta, slots, step = state.theta, state.slots, state.step
        optimizer = names.optimizer(setting.optimizer)
        if type(optimizer) is not type(self.timeline.problem_at(epoch).task.optimizer):
            assert not isinstance(optimizer, LBFGS)
            slots, step = optimizer.start(theta), 0  # another optimizer begins anew
        if change.weights:
            theta = theta.copy()
            named = one.task.net.named(theta)
            for where, value in change.weights:
                name, index = parameter(one.task.net, where)
                named[name][index] = value
        state = replace(state, theta=theta, slots=slots, step=step)
        self.timeline.change(epoch, one, state)
        goal = self.player.goal
        self.player.stop()  # what is being computed belongs to the run as it was
        self._epochs = setting.epochs
        self.changes = [*(c for c in self.changes if c.epoch <= epoch), change]
        self._seen.clear()
        self.move(replace(self.position, epoch=epoch, batch=0))
        if goal is not None:
            self.player.play(self.timeline, epoch, replace(goal), self.pins)
        self._tell("structure", "controls", "pick")

    def move(self, position: Position) -> None:
        """Be there: whatever is shown follows."""
        self._stand(position)
        self._tell("frame", "pick", "controls")

    def stand(self, position: Position, begin: State, state: State) -> None:
        """Be there, where the states at the end of the epoch and of the batch are known."""
        self._seen["begin"] = (self._key(position.epoch), begin)
        self._seen["state"] = (self._key((position.epoch, position.batch)), state)
        self.move(position)

    def _stand(self, position: Position) -> None:
        one = self.timeline.problem_at(position.epoch)
        rows = one.data.held_X if position.held else one.data.X
        row = min(position.row, len(one.data.X if rows is None else rows) - 1)
        other = one is not self.problem
        self.position = replace(position, row=row, held=position.held and rows is not None)
        if other:  # past a change: other settings hold, perhaps other points
            self._tell("structure", "controls")

    def _take_update(self, phase: Phase, then: Callable[[], None] = lambda: None) -> None:
        position = self.position
        if position.batch + 1 < self.batches:
            self._bring(replace(position, batch=position.batch + 1, phase=phase), then)
        else:
            self._bring(replace(position, epoch=position.epoch + 1, batch=0, phase=phase), then)

    def _first_sample(self) -> None:
        self.move(replace(self.position, row=int(self.rows[0]), held=False, phase="backward"))

    def _bring(self, there: Position, then: Callable[[], None] = lambda: None) -> None:
        # at once where that is quick; else the old picture stays until a worker has found the state
        if self._cost(there) > limits.QUICK:

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

    def _cost(self, there: Position) -> int:
        """Rows times numbers in theta that must be gone through to be there."""
        one = self.timeline.problem_at(there.epoch)
        weights, rows = one.task.net.n_params, len(one.data.X)
        known = self._known("begin", there.epoch)
        epochs = 0 if known is not None else self.timeline.away(there.epoch)
        replayed = there.batch - self._nearest_batch(there)[0]
        return epochs * (rows * weights + EACH * updates(one) // 100) + replayed * (
            (one.batch or rows) * weights + EACH
        )

    def _stopped(self, error: GlassnetError) -> None:
        self.player.stop()
        if isinstance(error, Divergence):
            self.position = replace(self.position, epoch=self.timeline.end, batch=0, phase="all")
            self._seen.clear()
        hint = " Rewind, or go back to an epoch before it went wrong, and change it there."
        self.say(str(error) + hint * (isinstance(error, Divergence) and self.timeline.end > 0))
        self._tell("controls", "frame", "pick")

    def _run(self, goal: Goal) -> None:
        self.message = ""
        self.player.play(self.timeline, self.position.epoch, goal, self.pins)
        self._tell("controls", "message", "pick")

    def _arrived(self, epoch: int, state: State | None) -> None:
        self._stand(replace(self.position, epoch=epoch, batch=0, phase="all"))
        if state is not None:  # the timeline need not be asked, which may be at work
            self._seen["begin"] = (self._key(epoch), state)
            self._seen["state"] = (self._key((epoch, 0)), state)
        self._tell("frame")

    def _ended(self, why: str | GlassnetError) -> None:
        if isinstance(why, GlassnetError):
            self._stopped(why)
        elif why:
            self.say(why)
        self._tell("controls", "frame", "pick")

    def _known(self, what: str, key: Any) -> Any:
        kept = self._seen.get(what)
        return kept[1] if kept is not None and kept[0] == self._key(key) else None

    def _kept(self, what: str, key: Any, make: Callable[[], Any]) -> Any:
        # made once for a position; the timeline's object tells one run from another
        kept = self._seen.get(what)
        whole = self._key(key)
        if kept is None or kept[0] != whole:
            kept = (whole, make())
            self._seen[what] = kept
        return kept[1]

    def _key(self, key: Any) -> tuple[Any, ...]:
        return id(self.timeline), len(self.changes), key

    def _find_state(self) -> State:
        position = self.position
        done, state = self._nearest_batch(position)
        if state is None:
            state = self._epoch_state()
        return batches(self.problem, state, done, position.batch, self.engine)

    def _epoch_state(self) -> State:
        # before the first batch of the epoch that one stands in
        epoch = self.position.epoch
        return cast("State", self._kept("begin", epoch, lambda: self.timeline.at(epoch)))

    def _nearest_batch(self, there: Position) -> tuple[int, State | None]:
        # the state that is shown, where it lies before that place in the same epoch
        kept = self._seen.get("state")
        if kept is not None:
            batch = kept[0][-1][1]
            if kept[0] == self._key((there.epoch, batch)) and batch <= there.batch:
                return batch, kept[1]
        return 0, None

    def _find_rows(self) -> np.ndarray:
        one, batch = self.problem, self.position.batch
        if one.batch is None:
            return np.arange(len(one.data.X))
        order, _ = self.state.chance.permutation(len(one.data.X))
        return np.asarray(order[batch * one.batch : (batch + 1) * one.batch])

    def _find_trace(self) -> Trace:
        one, rows = self.problem, self.rows
        with np.errstate(all="ignore"):  # a run about to diverge is shown as it is
            return trace(one.task, one.data.X[rows], one.data.y[rows], state=self.state)
