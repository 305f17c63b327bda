"""Keys: everything can be done without a mouse; ? shows what each key does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui
from nicegui.element import Element

HELP = (
    ("Space", "play, pause"),
    ("→", "the next operation: forward, loss, backward, update"),
    ("Shift + →", "one epoch"),
    ("←", "one operation back"),
    ("R", "rewind: the same start, the same batches"),
    ("D, Shift + D", "the next sample, the one before"),
    ("Tab", "to the next part of the page"),
    ("arrows", "over the neurons, once the network has the focus; Enter opens"),
    ("E", "type over the selected weight or bias"),
    ("Esc", "let go of what is selected"),
    ("?", "this table"),
)
"""What the keys do, for people."""


class Keys(Element, component="keys.js"):
    """Hears the keys that it is given, wherever on the page they are pressed."""

    def __init__(self, acts: Mapping[str, Callable[[], Any]]) -> None:
        super().__init__()
        self._props["keys"] = list(acts)
        self.on("pressed", lambda e: acts[e.args["key"]]())


def key_help() -> ui.dialog:
    """The table of keys."""
    with ui.dialog().props('aria-label="Keys"') as dialog, ui.card().classes("lab-dialog"):
        ui.label("Keys").classes("lab-title").props("role=heading aria-level=2")
        with ui.element("table").classes("lab-keys"):
            for key, what in HELP:
                with ui.element("tr"):
                    with ui.element("th").props("scope=row"):
                        ui.label(key)
                    with ui.element("td"):
                        ui.label(what)
        ui.button("Close", on_click=dialog.close, color=None).props("flat no-caps").classes(
            "lab-button"
        )
    return dialog
