"""Data: which set, how large and noisy; the points, and what the network answers around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from glassnet.core.errors import BadInput
from glassnet.lab.data import DRAWN
from glassnet.lab.drawings.views import DataView
from glassnet.lab.frame import held_at
from glassnet.lab.number import number
from glassnet.lab.panels.fields import Fields, button
from glassnet.lab.panels.learning import whole
from glassnet.lab.session import Session

CALLED = {
    "moons": "moons",
    "circles": "circles",
    "spiral": "spiral",
    "xor": "XOR",
    "sine": "sine",
    "iris": "iris",
    "digits": "digits",
    "notebook": "the notebook's three samples",
    "notebook_moons": "the notebook's moons",
}


OWN = "own"
"""The choice that opens the dialog for a table."""


class DataPanel:
    """The left of the page."""

    def __init__(self, session: Session, own_table: Callable[[], Any]) -> None:
        self.session = session
        self.own_table = own_table
        self.fields = fields = Fields(session)
        with ui.element("div").classes("lab-bar"):
            ui.label("Data").classes("lab-title").props("role=heading aria-level=2")
            self.set = fields.choice("Set", {**CALLED, OWN: "an own table …"}, self._set, self._use)
            self.set.classes("lab-grow")
            button(
                "",
                own_table,
                icon="upload_file",
                name="Own table",
                hint="An own table: CSV, Parquet, JSON …",
            )
        self.view = DataView(on_sample=self._sample, on_point=self._point)
        self.axes = ui.element("div").classes("lab-bar")
        with ui.element("div").classes("lab-bar lab-fours") as self.drawn:
            fields.text("Points", lambda: str(session.setting.n), self._whole("n"))
            fields.text(
                "Noise",
                lambda: f"{session.setting.noise:g}",
                lambda text: session.set(noise=number(text)),
            )
            fields.text("Seed", lambda: str(session.setting.data_seed), self._whole("data_seed"))
        with ui.element("div").classes("lab-bar"):
            self.held = fields.text(
                "Validation share",
                lambda: f"{session.setting.held:g}",
                lambda text: session.set(held=number(text)),
                "these points are only measured on, never learnt from",
            ).classes("lab-held")
            self.scaled = fields.switch(
                "Standardised",
                lambda: session.setting.scaled,
                lambda on: session.set(scaled=on),
            )
            self.hard = fields.switch(
                "Hard class", lambda: session.view.hard, lambda on: session.look(hard=on)
            )
        with ui.expansion("How the numbers were made").classes("lab-more"):
            self.scaling = ui.element("div").classes("lab-lines")
        self._shown: Any = None

    def structure(self, structure: dict[str, Any]) -> None:
        """Another set, another network."""
        self.view.structure(structure)
        setting, data = self.session.setting, self.session.data
        own = {"table": data.name} if setting.data == "table" else {}
        self.set.set_options({**CALLED, **own, OWN: "an own table …"})
        self.drawn.set_visibility(setting.data in DRAWN)
        for one in (self.held, self.scaled):
            one.set_visibility(setting.data != "table")
        self.hard.set_visibility(bool(data.labels))
        self.fields.refresh()
        told = (data.name, data.scaling, data.notes, data.inputs, self.session.view)
        if told == self._shown:
            return
        self._shown = told
        self.scaling.clear()
        with self.scaling:
            held = 0 if data.held_X is None else len(data.held_X)
            ui.label(f"{len(data.X)} training points, {held} validation points.")
            for line in (*data.scaling[:50], *data.notes[:50]):
                ui.label(line)
        self._draw_axes()

    def next(self, frame: dict[str, Any]) -> tuple[str, ...]:
        """The calls that show the next picture."""
        return (self.view.next(frame),)

    def refresh(self) -> None:
        """What the fields show."""
        self.fields.refresh()

    def _draw_axes(self) -> None:
        session = self.session
        names = dict(enumerate(session.data.inputs))
        self.axes.clear()
        if len(names) <= 2:
            return
        with self.axes:
            for k, label in enumerate(("Across", "Up")):
                chosen = ui.select(names, value=session.view.axes[k], label=label)
                chosen.props(f'dense options-dense outlined aria-label="{label}"')
                chosen.classes("lab-field")
                chosen.on_value_change(lambda e, k=k: self.fields.act(self._axis, k, e.value))
            with ui.expansion("The other inputs are held at").classes("lab-more"):
                for one in held_at(session)[:20]:
                    box = ui.input(one["name"], value=f"{one['value']:.6g}")
                    box.props("dense outlined").classes("lab-field")
                    box.on(
                        "keydown.enter",
                        lambda _, i=one["input"], box=box: self.fields.act(
                            self._hold, i, str(box.value)
                        ),
                    )

    def _axis(self, k: int, value: int) -> None:
        axes = list(self.session.view.axes)
        if value == axes[1 - k]:  # the two change places
            axes[1 - k] = axes[k]
        axes[k] = value
        self.session.look(axes=(axes[0], axes[1]))

    def _hold(self, i: int, text: str) -> None:
        session = self.session
        at = list(session.view.at or session.data.X.mean(axis=0).tolist())
        at[i] = number(text)
        session.look(at=tuple(at))

    def _set(self) -> str:
        return self.session.setting.data

    def _use(self, name: str) -> None:
        if name == OWN:
            self.own_table()
            self.fields.refresh()
        elif name != "table":
            self.session.use_set(name)

    def _whole(self, name: str) -> Callable[[str], None]:
        return lambda text: self.session.set(**{name: whole(text)})

    def _sample(self, given: dict[str, Any]) -> None:
        self.fields.act(
            lambda: self.session.choose_sample(int(given["row"]), held=bool(given.get("held")))
        )

    def _point(self, given: dict[str, Any]) -> None:
        self.fields.act(self._edit, given)

    def _edit(self, given: dict[str, Any]) -> None:
        session, op = self.session, given.get("op")
        n_in = session.data.X.shape[1]
        if op == "delete":
            session.delete_point(int(given["row"]))
            return
        if n_in > 2:
            raise BadInput(f"a point in {n_in} inputs", "points are edited where there are 1 or 2")
        x, y = (float(f"{float(given[name]):.6g}") for name in ("x", "y"))  # a hand is no finer
        across, _ = session.view.axes
        place = (x,) if n_in == 1 else ((x, y) if across == 0 else (y, x))
        if op == "add":
            session.add_point(place, y if n_in == 1 else float(given.get("c", 0)))
        elif op == "move":
            session.move_point(int(given["row"]), (x, y) if n_in == 1 else place)
