"""A run: what it began from, what was changed on the way, and its timeline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS
from glassnet.engines.base import Engine, State
from glassnet.exchange import names
from glassnet.lab import limits
from glassnet.lab.data import Data, built_in
from glassnet.lab.limits import within
from glassnet.lab.problem import Problem, problem, rows_for
from glassnet.lab.setting import Change, Setting
from glassnet.lab.timeline import Timeline
from glassnet.walkthrough.explain import place


@dataclass(frozen=True, eq=False)
class Run:
    """What one visitor trains; a change makes it another run on the same timeline.

    origin : before anything was changed on the way.
    rows : of the set or the table, before points were edited.
    epochs : where play stops; one number for the whole run, whatever was changed when.
    """

    origin: Setting
    rows: Data
    timeline: Timeline
    epochs: int
    changes: tuple[Change, ...] = ()

    def setting(self, epoch: int) -> Setting:
        """What holds after this epoch."""
        return _until(self.timeline.problem_at(epoch).setting, self.epochs)

    def query(self) -> str:
        """The run alone: its setting and what was changed on its way, as a link has it."""
        parts = [self.origin.query()]
        if self.origin.data == "table":
            parts.append(f"rows={self.rows.mark}")  # the rows themselves are in no link
        parts += [urlencode({"change": change.text()}) for change in self.changes]
        if self.epochs != self.origin.epochs:
            parts.append(urlencode({"epochs": self.epochs}))
        return "&".join(filter(None, parts))


def begun(setting: Setting, engine: Engine, table: Data | None, before: Run | None = None) -> Run:
    """A new run; the rows of the one before serve again where they are the same set's."""
    if setting.data == "table":
        if table is None:
            raise BadInput("a link to a table", "the table is expected", "Open it here again.")
        rows = table
    elif before is not None and _set(before.origin) == _set(setting):
        rows = before.rows
    else:
        rows = built_in(_set(setting))
    one = problem(setting, rows_for(setting, rows))
    return Run(setting, rows, Timeline(one, engine), setting.epochs)


def changed(run: Run, change: Change, state: State) -> Run:
    """Other from an epoch on, at whose end it is in this state; what followed is gone.

    What is not typed over stays as it is.
    """
    epoch = change.epoch
    kept = tuple(one for one in run.changes if one.epoch <= epoch)
    changes = (*kept[:-1], *kept[-1].and_then(change)) if kept else (change,)
    within("changes of a run", len(changes), limits.CHANGES)
    before = one = run.timeline.problem_at(epoch)
    setting = change.of(run.setting(epoch))
    if change.fields or change.points:
        same = setting.points == before.setting.points
        one = problem(setting, before.data if same else rows_for(setting, run.rows))
    optimizer = names.optimizer(setting.optimizer)
    if type(optimizer) is not type(before.task.optimizer):
        assert not isinstance(optimizer, LBFGS)  # another optimizer begins anew
        state = replace(state, slots=optimizer.start(state.theta), step=0)
    run.timeline.change(epoch, one, _typed(one, change, state))
    return replace(run, changes=changes, epochs=setting.epochs)


def parameter(net: Network, where: str) -> tuple[str, tuple[int, ...]]:
    """The array and the index of a weight or a bias, "W1[0,2]", if the network has it."""
    name, index = place(where)
    shapes = {part: array.shape for part, array in net.named(np.empty(net.n_params)).items()}
    if name not in shapes or len(index) != len(shapes[name]):
        raise BadInput(f"{where} to type over", "a weight or a bias is expected", "Try W1[0,0].")
    if any(not 0 <= i < size for i, size in zip(index, shapes[name], strict=True)):
        raise BadInput(where, f"{name} has shape {shapes[name]}, counted from 0")
    return name, index


def _set(setting: Setting) -> Setting:
    # what its rows come from, and nothing else
    return Setting(
        data=setting.data,
        n=setting.n,
        noise=setting.noise,
        data_seed=setting.data_seed,
        held=setting.held,
        scaled=setting.scaled,
    )


def _until(setting: Setting, epochs: int) -> Setting:
    return setting if setting.epochs == epochs else replace(setting, epochs=epochs)


def _typed(one: Problem, change: Change, state: State) -> State:
    if not change.weights:
        return state
    theta = state.theta.copy()
    named = one.task.net.named(theta)
    for where, value in change.weights:
        name, index = parameter(one.task.net, where)
        named[name][index] = value
    return replace(state, theta=theta)
