"""Learning: the optimizer and its constants, batches, penalties, dropout. All change live."""

from __future__ import annotations

from dataclasses import fields as fields_of

from nicegui import ui

from glassnet.core.errors import BadInput
from glassnet.exchange import names
from glassnet.lab.number import number, numbers
from glassnet.lab.panels.fields import Fields
from glassnet.lab.session import Session
from glassnet.lab.setting import Setting, rates
from glassnet.walkthrough.numerals import true_minus

CALLED = {
    "sgd": "SGD",
    "momentum": "Momentum",
    "nesterov": "Nesterov",
    "rmsprop": "RMSProp",
    "adam": "Adam",
    "adamw": "AdamW",
}
RATES = {"sgd": 1.0, "momentum": 0.1, "nesterov": 0.1, "rmsprop": 0.01, "adam": 0.03, "adamw": 0.03}
"""Learning rates to begin with on sets of this size."""


class Learning:
    """A row of fields."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.fields = fields = Fields(session)
        with (
            ui.element("div")
            .classes("lab-bar lab-learning")
            .props('role=group aria-label="How it learns"')
        ):
            fields.choice("Optimizer", CALLED, self._name, self._use)
            fields.text("Learning rate", self._rate, self._set_rate).classes("lab-rate")
            self.constants = ui.element("div").classes("lab-bar")
            self._drawn = ""
            fields.text(
                "Batch", self._batch, self._set_batch, "rows an update: all, or a number"
            ).classes("lab-short")
            fields.choice(
                "Reduction",
                {"mean": "mean", "sum": "sum", "batch": "batch by batch"},
                lambda: session.setting.reduction,
                lambda value: session.set(reduction=value),
            )
            for name in ("l1", "l2"):
                self._penalty(name)
            fields.text(
                "Clip",
                self._clip,
                self._set_clip,
                "a gradient longer than this is shortened to it, before each step; or none",
            ).classes("lab-short")
            fields.text(
                "Dropout",
                self._dropout,
                lambda text: session.set(dropout=rates(numbers(text))),
                "the share of hidden neurons left out of each update by chance, one for all layers "
                "or one for each: 0.5 0.2; the maps are drawn with the whole network",
            ).classes("lab-short")
            fields.text(
                "Epochs",
                lambda: str(session.setting.epochs),
                lambda text: session.set(epochs=whole(text)),
                "Play stops there",
            ).classes("lab-short")
            self.formula = ui.label("").classes("lab-formula")
        self.refresh()

    def refresh(self) -> None:
        """The session's values; the formulas; the constants of its optimizer."""
        self.fields.refresh()
        setting = self.session.setting
        optimizer = names.optimizer(setting.optimizer)
        self.formula.set_text(true_minus(" ".join([optimizer.formula, *beside(setting)])))
        text = names.as_text(optimizer)
        if text == self._drawn:
            return
        self._drawn = text
        self.constants.clear()
        with self.constants:
            for field in fields_of(optimizer):
                if field.name != "lr":
                    self._constant(field.name, getattr(optimizer, field.name))

    def _penalty(self, name: str) -> None:
        session = self.session
        self.fields.text(
            name.upper(),
            lambda: f"{getattr(session.setting, name):g}",
            lambda text: session.set(**{name: number(text)}),
        ).classes("lab-short")

    def _constant(self, name: str, value: object) -> None:
        box = ui.input(name, value=f"{value}").props(f'dense outlined aria-label="{name}"')
        box.classes("lab-field lab-short")

        def typed() -> None:
            if str(box.value) != f"{value}":
                self.fields.act(self._set_constant, name, str(box.value))

        box.on("keydown.enter", typed).on("blur", typed)

    def _set_constant(self, name: str, text: str) -> None:
        stored = names.as_json(names.optimizer(self.session.setting.optimizer))
        stored[name] = number(text)
        self.session.set(optimizer=names.as_text(names.from_json("optimizer", stored)))

    def _name(self) -> str:
        return type(names.optimizer(self.session.setting.optimizer)).__name__.lower()

    def _use(self, name: str) -> None:
        made = names.optimizer(f"{name}:lr={RATES[name]}")
        self.session.set(optimizer=names.as_text(made))

    def _rate(self) -> str:
        optimizer = names.optimizer(self.session.setting.optimizer)
        return f"{getattr(optimizer, 'lr', '')}"

    def _set_rate(self, text: str) -> None:
        self._set_constant("lr", text)

    def _clip(self) -> str:
        clip = self.session.setting.clip
        return "none" if clip is None else f"{clip:g}"

    def _set_clip(self, text: str) -> None:
        none = text.strip().lower() in ("none", "")
        self.session.set(clip=None if none else number(text))

    def _dropout(self) -> str:
        dropout = self.session.setting.dropout
        return " ".join(
            f"{rate:g}" for rate in (dropout if isinstance(dropout, tuple) else (dropout,))
        )

    def _batch(self) -> str:
        size = self.session.setting.batch
        return "all" if size is None else str(size)

    def _set_batch(self, text: str) -> None:
        self.session.set(batch=None if text.strip().lower() == "all" else whole(text))


def beside(setting: Setting) -> list[str]:
    """What else an update does, as formulas."""
    found = []
    penalty = ["l1·sign W"] * bool(setting.l1) + ["l2·W"] * bool(setting.l2)
    if penalty:
        found.append(f"Penalty on weights: g ← {' + '.join(['g', *penalty])}.")
    if setting.clip is not None:
        found.append(f"Clipped: g ← g·min(1, {setting.clip:g}/‖g‖).")
    if any(setting.dropout) if isinstance(setting.dropout, tuple) else setting.dropout:
        found.append("Dropout in updates: h = m∘a; the whole network is drawn.")
    return found


def whole(text: str) -> int:
    """A whole number that was typed."""
    value = number(text)
    if value != int(value):
        raise BadInput(f"{text!r} was typed", "a whole number is expected")
    return int(value)
