"""What is shown many times a second is told to the page as calls of a method, several in a message.

An element that NiceGUI updates makes the page go through all its elements anew, which takes longer
than to paint a frame; a call touches what it is for, and nothing else.
"""

from __future__ import annotations

from typing import Any

from nicegui import Client, core, json
from nicegui.element import Element


class Shown(Element):
    """An element whose content goes as calls of a method of its component.

    What it shows travels with the element until the browser has it, as the prop `start`, so that
    the first picture needs no second message; calls go in order, whatever the connection does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.start: Any = None

    def call(self, method: str, *args: Any) -> str:
        """The call, as the page runs it."""
        return f"runMethod({self.id}, {json.dumps(method)}, {json.dumps(args)})"

    def show(self, content: Any) -> str:
        """The call that shows this; none where it is shown already."""
        if content == self.start:
            return ""
        self.start = content
        return self.call("show", content)

    def _to_dict(self) -> dict[str, Any]:
        whole = super()._to_dict()
        if self.start is not None:
            whole["props"] = {**whole.get("props", {}), "start": self.start}
        return whole


class Words(Shown, component="words.js"):
    """A line of text that changes often."""


def tell(client: Client, *calls: str) -> None:
    """Send the calls as one message: a message costs as much as many numbers in it."""
    told = ";".join(filter(None, calls))
    if told and core.is_loop_running():
        client.run_javascript(told)
