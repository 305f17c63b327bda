"""Arithmetic: every number of what is selected, and a box to type over a weight or a bias."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from nicegui import ui

from glassnet.core.errors import GlassnetError
from glassnet.lab.arithmetic import Asked, Content, arithmetic
from glassnet.lab.drawings.shown import Shown, Words
from glassnet.lab.panels.fields import Fields
from glassnet.lab.pick import Pick
from glassnet.lab.position import PHASES
from glassnet.lab.session import Session

ONE_SAMPLE = {"neuron", "input", "sample"}
"""What is seen on one sample, which may be one that the update does not learn from."""


class Sums(Shown, component="arithmetic.js"):
    """The HTML, whose parts can be chosen; with it what it is of."""


class Arithmetic:
    """The panel at the right."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.fields = Fields(session)
        self.content: Content | None = None
        self._typing = False
        with ui.column().classes("sum-panel"):
            self.title = Words().classes("lab-title sum-title")
            self.title.props("role=heading aria-level=2 tabindex=-1")
            self.live = Words().classes("sum-live").props("aria-live=polite")
            with ui.column().classes("sum-editor") as self.editor:
                self.box = ui.input("").props("dense outlined inputmode=text autocomplete=off")
                self.box.classes("lab-field")
                self.box.on(
                    "focus", self._begin, js_handler="(e) => { e.target.select(); emit(); }"
                )
                # also after Enter, when the box has the focus still: a new number is being typed
                self.box.on("update:model-value", self._begin, args=[])
                self.box.on("blur", self._leave)
                self.box.on("keydown.enter", self._apply)
                # Escape gives up what was typed; the page's own Escape lets go of the selection
                give_up = "(e) => { e.stopPropagation(); e.target.blur(); }"
                self.box.on("keydown.escape", js_handler=give_up)
                self.error = ui.label("").classes("sum-error").props("role=alert")
            self.sums = Sums()
            self.sums.on("pick", lambda e: self._choose(e.args))
            self._views()
        self.next()

    def _views(self) -> None:
        view, look = (lambda: self.session.view), self.session.look
        with ui.row().classes("sum-views").props('role=group aria-label="How numbers are shown"'):
            self.fields.choice(
                "Digits",
                {False: "4 digits", True: "exact: all digits"},
                lambda: view().exact,
                lambda value: look(exact=value),
            )
            self.fields.choice(
                "Names",
                {False: "mathematics", True: "the notebook's"},
                lambda: view().seed_names,
                lambda value: look(seed_names=value),
            )
            self.fields.choice(
                "Samples",
                {False: "as rows", True: "as columns"},
                lambda: view().columns,
                lambda value: look(columns=value),
            )

    def next(self) -> tuple[str, ...]:
        """The calls that show the arithmetic of what is now selected, where one now stands."""
        self.fields.refresh()
        before = self.content.place if self.content else None
        content = self.content = arithmetic(asked(self.session))
        if self.editor.visible != bool(content.place):
            self.editor.set_visibility(bool(content.place))
        if content.place != before:
            self._typing = False
            self._say("")
            label = f"Type over {content.place}"
            self.box.props(f'label="{label}" aria-label="{label}"')
        if not self._typing and self.box.value != content.typed:
            self.box.set_value(content.typed)
        return (
            self.title.show(content.title),
            self.sums.show([content.html, self.session.pick.json, self._phase()]),
            "" if self.session.playing else self.live.show(content.said),  # not many times a second
        )

    def _phase(self) -> str:
        # where Next has come to: the page shows the part that tells of it
        phase = self.session.position.phase
        return phase if phase in PHASES and not self.session.playing else ""

    def focus(self) -> None:
        """To the box, where something can be typed over."""
        if self.content and self.content.place:
            self.box.run_method("focus")

    # ------------------------------------------------------------ what is done here

    def _choose(self, given: Any) -> None:
        try:
            pick = Pick.of(given)
            if pick.kind == "sample":
                self.session.choose_sample(pick.unit)
            else:
                self.session.choose(pick.check(self.session.problem.task.net))
        except GlassnetError as error:  # the page shows what is no longer there
            self.session.say(str(error))

    def _begin(self) -> None:
        self._typing = True

    def _leave(self) -> None:
        self._typing = False
        self._restore()

    def _restore(self) -> None:
        self._say("")
        if self.content and self.box.value != self.content.typed:
            self.box.set_value(self.content.typed)

    def _apply(self) -> None:
        if not self.content or not self.content.place:
            return
        try:
            self._typing = False  # so that the number comes back as it was understood
            self.session.edit(self.content.place, str(self.box.value))
            self._say("")
        except GlassnetError as error:
            self._typing = True
            self._say(str(error))

    def _say(self, text: str) -> None:
        if self.error.text != text:
            self.error.set_text(text)


def asked(session: Session) -> Asked:
    """What the session has selected, as the arithmetic is asked for it."""
    view, data, position = session.view, session.data, session.position
    rows: Sequence[int] | np.ndarray = session.rows
    trace, sample, called = session.trace, position.among(session.rows), ""
    if session.pick.kind in ONE_SAMPLE:
        trace, sample = session.shown()
        if trace is not session.trace:
            rows = [position.row]
            called = f"{'validation ' * position.held}sample {position.row + 1}"
    return Asked(
        trace,
        session.pick,
        sample,
        reached=session.reached,
        digits=None if view.exact else 4,
        names="seed" if view.seed_names else "math",
        layout="columns" if view.columns else "rows",
        inputs=data.inputs,
        outputs=data.outputs,
        scaling=data.scaling,
        rows=rows,
        called=called,
        update=session.state.step + 1,
        proofs=not session.playing,
        recorded=recorded(session),
    )


def recorded(session: Session) -> tuple[tuple[str, float | str], ...]:
    """What was noted when this epoch was trained."""
    epoch = session.position.epoch
    if session.pick.kind != "epoch" or not epoch:
        return ()
    found: list[tuple[str, float | str]] = []
    for label, curve in (
        ("training loss", session.timeline.curve("loss")),
        ("validation loss", session.timeline.curve("validation")),
    ):
        value = float(curve[epoch - 1]) if epoch <= len(curve) else math.nan
        if not math.isnan(value):
            found.append((label, value))
    return tuple(found)
