"""All weights and biases as a table, for those who read or hear numbers; to be typed over."""

from __future__ import annotations

from nicegui import ui

from glassnet.core.network import Network
from glassnet.lab.panels.fields import Fields
from glassnet.lab.pick import layer_words, neuron_words
from glassnet.lab.session import Session
from glassnet.walkthrough.numerals import true_minus

MOST = (64, 32), (32, 16), (16, 12), (8, 8), (4, 4)
"""Rows and columns of a layer that are written out: the first that make few enough in all."""
CELLS = 600
"""Numbers written out in all: each is a box, and thousands would keep every page waiting."""


def written(net: Network) -> tuple[int, int]:
    """The most rows and columns of each layer that are written out."""
    for rows, columns in MOST:
        if sum(min(one.n_in, rows) * min(one.n_out, columns) for one in net.layers) <= CELLS:
            break
    return rows, columns


class Numbers:
    """A dialog."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.fields = Fields(session)
        props = 'maximized aria-label="All weights and biases"'
        with ui.dialog().props(props) as self.dialog, ui.card().classes("lab-dialog"):
            with ui.row().classes("lab-row lab-ends"):
                ui.label("All weights and biases").classes("lab-title").props(
                    "role=heading aria-level=2"
                )
                ui.button("Close", on_click=self.dialog.close, color=None).props(
                    "flat no-caps"
                ).classes("lab-button")
            self.told = ui.label("")
            self.content = ui.column().classes("lab-tables")

    def open(self) -> None:
        """As they stand now."""
        self.session.pause()
        self._draw()
        self.dialog.open()

    def _draw(self) -> None:
        session = self.session
        net, data = session.problem.task.net, session.data
        self.told.set_text(
            f"Before update {session.state.step + 1}. Type over a number and press Enter: −1/3 and "
            "0,5 are numbers too."
        )
        rows, columns = written(net)
        self.content.clear()
        with self.content:
            for k, (W, b) in enumerate(net.views(session.state.theta), 1):
                ui.label(f"To the {layer_words(net, k)}").classes("lab-title")
                with (
                    ui.element("div").classes("lab-scroll"),
                    ui.element("table").classes("lab-table"),
                ):
                    with ui.element("tr"):
                        self._head("from", "col")
                        for j in range(min(W.shape[1], columns)):
                            words = neuron_words(net, k, j, (), data.outputs)
                            self._head(words.removeprefix("hidden "), "col")
                    for i in range(min(W.shape[0], rows)):
                        with ui.element("tr"):
                            self._head(neuron_words(net, k - 1, i, data.inputs), "row")
                            for j in range(min(W.shape[1], columns)):
                                self._cell(f"W{k}[{i},{j}]", float(W[i, j]))
                    if b is not None:
                        with ui.element("tr"):
                            self._head("bias", "row")
                            for j in range(min(len(b), columns)):
                                self._cell(f"b{k}[{j}]", float(b[j]))
                if W.shape[0] > rows or W.shape[1] > columns:
                    ui.label(f"{W.shape[0]} × {W.shape[1]} in all; the model file has every one.")

    def _head(self, text: str, scope: str) -> None:
        with ui.element("th").props(f"scope={scope}"):
            ui.label(text)

    def _cell(self, place: str, value: float) -> None:
        with ui.element("td"):
            box = ui.input(value=true_minus(f"{value:.6g}"))
            box.props(f'dense borderless aria-label="{place}"')
            # an element less than a tooltip
            box.props(f'title="{place} = {true_minus(repr(value))}"')

            def typed() -> None:
                self.fields.act(self.session.edit, place, str(box.value))
                self._draw()

            box.on("keydown.enter", typed)
