"""Time: the loss curve, which is the slider of time; runs pinned beside it."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from glassnet.lab.drawings.views import CurveView
from glassnet.lab.panels.fields import Fields, button
from glassnet.lab.panels.training import Status, figures
from glassnet.lab.pick import Pick
from glassnet.lab.session import Session


class TimePanel:
    """Along the bottom."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.fields = fields = Fields(session)
        with ui.element("div").classes("lab-bar"):
            ui.label("Time").classes("lab-title").props("role=heading aria-level=2")
            self.status = Status()
            ui.element("span").classes("lab-space")
            fields.switch("Logarithmic", lambda: session.view.log, lambda on: session.look(log=on))
            act = fields.act
            hint = "Keep this curve, and lay the next run beside it"
            button("Pin", lambda: act(session.pin), icon="push_pin", hint=hint, name="Pin this run")
            self.unpin = button("Unpin", lambda: act(session.unpin), name="Unpin all runs")
            hint = "What was recorded in this epoch"
            button("", lambda: act(self._epoch), icon="info", name=hint, hint=hint)
        self.view = CurveView(on_epoch=self._go)

    def structure(self, structure: dict[str, Any]) -> None:
        """Another run."""
        self.view.structure(structure)

    def next(self, frame: dict[str, Any]) -> tuple[str, ...]:
        """The calls that show the next picture, and the figures."""
        return self.view.next(frame), self.status.show(figures(frame))

    def refresh(self) -> None:
        """What the fields show."""
        self.fields.refresh()
        self.unpin.set_visibility(bool(self.session.pins))

    def _go(self, given: dict[str, Any]) -> None:
        self.fields.act(lambda: self.session.go(int(given["epoch"])))

    def _epoch(self) -> None:
        self.session.choose(Pick("epoch", unit=self.session.position.epoch))
