"""Network: layers and neurons by + and −, an activation a layer; the network itself, drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from glassnet.exchange import names
from glassnet.exchange.names import ACTIVATIONS, INITIALIZERS, LOSSES
from glassnet.lab.drawings.views import NetworkView
from glassnet.lab.panels.fields import Fields, button
from glassnet.lab.panels.learning import whole
from glassnet.lab.pick import Pick
from glassnet.lab.session import Session
from glassnet.lab.setting import Setting
from glassnet.walkthrough.numerals import true_minus

HIDDEN = [name for name in ACTIVATIONS if name != "softmax"]


def called(activation: str) -> str:
    """An activation's own name, however it was spelled."""
    return type(names.activation(activation)).__name__.lower()


class NetworkPanel:
    """The middle of the page."""

    def __init__(self, session: Session, table: Callable[[], Any]) -> None:
        self.session = session
        self.fields = fields = Fields(session)
        with ui.element("div").classes("lab-bar"):
            ui.label("Network").classes("lab-title").props("role=heading aria-level=2")
            self.layers = ui.element("div").classes("lab-bar lab-layers")
            self.layers.props('role=group aria-label="Hidden layers"')
        self._drawn: Any = None
        self._layers: list[tuple[ui.label, ui.select, ui.tooltip]] = []  # what each one shows
        self.view = NetworkView(on_pick=self._pick)
        with ui.element("div").classes("lab-bar"):
            fields.choice(
                "Output",
                {"": "output: by the data", **{name: name for name in ACTIVATIONS}},
                lambda: session.setting.output,
                lambda value: session.set(output=value),
            )
            fields.choice(
                "Loss",
                {"": "loss: by the data", **{name: name for name in LOSSES}},
                lambda: session.setting.loss,
                lambda value: session.set(loss=value),
            )
            fields.choice(
                "Initial weights",
                {"": "by the activation", **{name: name for name in INITIALIZERS}},
                lambda: session.setting.initializer.partition(":")[0],
                lambda value: session.set(initializer=value),
            )
            fields.text(
                "Seed",
                lambda: str(session.setting.seed),
                lambda text: session.set(seed=whole(text)),
                "of the initial weights and the order of the batches",
            ).classes("lab-short")
            fields.switch("Bias", lambda: session.setting.bias, lambda on: session.set(bias=on))
            button("All numbers as a table", table, icon="table_rows")
        self.formulas = ui.element("div").classes("lab-lines lab-formula")

    def structure(self, structure: dict[str, Any]) -> None:
        """Another network."""
        self.view.structure(structure)
        self.fields.refresh()
        setting = self.session.setting
        task = self.session.problem.task
        shown = (setting.hidden, setting.activations, str(task.loss), task.net)
        if shown == self._drawn:
            return
        self._drawn = shown
        if len(setting.hidden) != len(self._layers) or not self.layers.default_slot.children:
            self.layers.clear()
            with self.layers:
                self._layers = [self._layer(k) for k in range(len(setting.hidden))]
                button("+ layer", lambda: self.fields.act(self._add), name="Add a hidden layer")
        for k in range(len(self._layers)):  # in place: what is pressed keeps the focus
            self._tell(k)
        self.formulas.clear()
        with self.formulas:
            last = task.net.layers[-1].activation
            ui.label(true_minus(f"output: {last.formula}"))
            ui.label(true_minus(f"loss: {task.loss.formula}"))

    def _layer(self, k: int) -> tuple[ui.label, ui.select, ui.tooltip]:
        act = self.fields.act
        with (
            ui.element("div")
            .classes("lab-bar lab-layer")
            .props(f'role=group aria-label="Hidden layer {k + 1}"')
        ):
            minus = f"Fewer neurons in hidden layer {k + 1}"
            button("−", lambda: act(self._neurons, k, -1), name=minus)
            count = ui.label("").classes("lab-number")
            more = f"More neurons in hidden layer {k + 1}"
            button("+", lambda: act(self._neurons, k, 1), name=more)
            chosen = ui.select(HIDDEN).props("dense options-dense borderless")
            chosen.props(f'aria-label="Activation of hidden layer {k + 1}"')
            with chosen:
                formula = ui.tooltip("")
            chosen.on_value_change(lambda e: self._choose(k, e.value))
        return count, chosen, formula

    def _tell(self, k: int) -> None:
        setting = self.session.setting
        count, chosen, formula = self._layers[k]
        count.set_text(str(setting.hidden[k]))
        count.props(f'aria-label="{setting.hidden[k]} neurons"')
        chosen.value = called(setting.activations[k])
        formula.set_text(true_minus(names.activation(setting.activations[k]).formula))

    def _neurons(self, k: int, by: int) -> None:
        self._use(self.session.setting.resized(k, by))

    def _choose(self, k: int, name: str) -> None:
        if name != called(self.session.setting.activations[k]):  # else only shown, not chosen
            self.fields.act(self._activation, k, name)

    def _activation(self, k: int, name: str) -> None:
        activations = list(self.session.setting.activations)
        activations[k] = name
        self.session.set(activations=tuple(activations))

    def _add(self) -> None:
        self._use(self.session.setting.deeper())

    def _use(self, one: Setting) -> None:
        self.session.set(hidden=one.hidden, activations=one.activations, dropout=one.dropout)

    def next(self, frame: dict[str, Any]) -> tuple[str, ...]:
        """The calls that show the next picture."""
        return (self.view.next(frame),)

    def refresh(self) -> None:
        """What the fields show."""
        self.fields.refresh()

    def _pick(self, given: dict[str, Any]) -> None:
        net = self.session.problem.task.net
        self.fields.act(lambda: self.session.choose(Pick.of(given).check(net)))
