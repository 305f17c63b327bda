"""The run as Python, which ends in the same bits on the same machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from glassnet.core.initializers import Initializer
from glassnet.engines.base import Task
from glassnet.engines.reference import Reference
from glassnet.exchange import names
from glassnet.lab.data import built_in
from glassnet.lab.outputs.code import built_in_set, edits, own_rows, spell, table
from glassnet.lab.outputs.file import goal
from glassnet.lab.problem import BURNT, left_out, problem, rows_for
from glassnet.lab.session import Session
from glassnet.lab.setting import Change, Setting
from glassnet.walkthrough.explain import place


def python(session: Session) -> str:
    """The run in a few lines of Python, which end in the same bits on the same machine."""
    end = goal(session)
    changes = [change for change in session.changes if change.epoch <= end]
    return "\n".join(Program(session, end, changes).lines()) + "\n"


@dataclass(frozen=True, eq=False)
class Program:
    """The lines of a run up to its epoch `end`, with the changes that were made before it."""

    session: Session
    end: int
    changes: Sequence[Change]

    def lines(self) -> list[str]:
        """All of it."""
        origin = self.session.origin
        told = [*self.data(origin), *self.task(), *self.start(), *self.run()]
        needed = [
            ("from dataclasses import replace", any("replace(" in line for line in told)),
            ("import numpy as np", any("np." in line for line in told)),
        ]
        above = [line for line, used in needed if used]
        return [*above, "", "import glassnet as gn", "", *told][0 if above else 1 :]

    def data(self, setting: Setting) -> list[str]:
        """X and y, as drawn, split, scaled and edited."""
        lines = own_rows(self.session) if setting.data == "table" else built_in_set(setting)
        return [*lines, *edits(self.session, setting.points)]

    def task(self) -> list[str]:
        """Network and task."""
        task = self.first
        net = task.net
        parts = [*map(str, net.sizes)]
        hidden = [layer.activation for layer in net.layers[:-1]]
        if hidden:
            same = all(one == hidden[0] for one in hidden)
            spelled = [spell(one) for one in hidden]
            parts.append(f"activation={spelled[0] if same else '[' + ', '.join(spelled) + ']'}")
        parts.append(f"output={spell(net.layers[-1].activation)}")
        if not net.layers[0].bias:
            parts.append("bias=False")
        others = [
            f"{field.name}={spell(getattr(task, field.name))}"
            for field in fields(Task)
            if field.name not in ("net", "loss", "optimizer")
            and getattr(task, field.name) != field.default
        ]
        given = ", ".join([spell(task.loss), spell(task.optimizer), *others])
        return [f"net = gn.Network.mlp({', '.join(parts)})", f"task = gn.Task(net, {given})"]

    @cached_property
    def first(self) -> Task:
        """The task before any change."""
        origin = self.session.origin
        if origin.data != "table":
            return problem(origin, built_in(origin)).task
        return problem(origin, rows_for(origin, table(self.session))).task

    def start(self) -> list[str]:
        """The initial weights, drawn as the page draws them."""
        setting = self.session.origin
        initializer = names.initializer(setting.initializer) if setting.initializer else None
        named = "" if initializer is None else f", initializer={spell(initializer)}"
        legacy = setting.data.startswith("notebook")
        if not legacy and not setting.start:
            return [f"state = gn.start(task, {setting.seed}{named})"]
        made = "RandomState" if legacy else "default_rng"
        lines = [f"rng = np.random.{made}({setting.seed})"]
        burnt = BURNT.get(setting.data, 0)
        if burnt:
            lines.append(f"rng.uniform(size={burnt})  # what the notebook drew before")
        if setting.start:
            lines += [
                f"for _ in range({setting.start}):  # earlier starts",
                f"    {_draw(initializer)}",
            ]
        return [*lines, f"state = gn.start(task, rng{named})"]

    def run(self) -> Iterator[str]:
        """Training, with what was changed on the way, and its loss."""
        here, batch = 0, self.session.origin.batch
        for change in self.changes:
            if change.epoch > here:
                yield self.train(change.epoch - here, batch)
                here = change.epoch
            for name, value in change.fields:
                if name == "batch":
                    batch = value
                elif name == "optimizer":
                    yield from self.optimizer(value, change)
                elif name == "dropout":
                    dropout = left_out(replace(self.session.origin, dropout=value), self.first.net)
                    yield f"task = replace(task, dropout={spell(dropout)})"
                elif name != "epochs":
                    yield f"task = replace(task, {name}={spell(value)})"
            yield from edits(self.session, change.points)
            if change.weights:
                yield from self.weights(change)
        if self.end > here:
            yield self.train(self.end - here, batch)
        if self.session.position.batch:
            yield f"# the page stands {self.session.position.batch} updates into the next epoch"
        yield ""
        yield "total = gn.Reference().sums(task, state.theta, (X, y, None))"
        yield "print(state.epoch, total.loss / total.weight)"

    def train(self, epochs: int, batch: int | None) -> str:
        """So many epochs."""
        settings = f"epochs={epochs}"
        if batch is not None:
            settings += f", batch_size={batch}"
        if isinstance(self.session.engine, Reference):
            settings += ', engine="reference"'
        return f"state = gn.last(gn.train(task, X, y, state, {settings})).state"

    def optimizer(self, text: str, change: Change) -> Iterator[str]:
        """Another optimizer, or another constant of the same."""
        after = names.optimizer(text)
        yield f"task = replace(task, optimizer={spell(after)})"
        if type(after) is not type(self._optimizer_before(change)):
            yield "slots = task.optimizer.start(state.theta)  # another optimizer begins anew"
            yield "state = replace(state, slots=slots, step=0)"

    def _optimizer_before(self, change: Change) -> Any:
        text = self.session.origin.optimizer
        for one in self.changes:
            if one is change:
                break
            text = dict(one.fields).get("optimizer", text)
        return names.optimizer(text)

    def weights(self, change: Change) -> Iterator[str]:
        """Weights typed over."""
        yield "theta = state.theta.copy()"
        for where, value in change.weights:
            name, index = place(where)
            yield f'net.named(theta)["{name}"][{", ".join(map(str, index))}] = {value!r}'
        yield "state = replace(state, theta=theta)"


def _draw(initializer: Initializer | None) -> str:
    return "net.init(rng)" if initializer is None else f"net.init(rng, {spell(initializer)})"
