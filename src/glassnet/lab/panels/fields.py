"""Fields: boxes, choices and switches that show a value of the session and change it.

A field asks the session what to show, and hands it what was typed. What the session refuses is
said in one line, and the field shows the old value again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui

from glassnet.core.errors import GlassnetError
from glassnet.lab.session import Session


class Fields:
    """The fields of one panel."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._fields: list[tuple[Any, Callable[[], Any]]] = []
        self._showing = False

    def act(self, what: Callable[..., Any], *given: Any) -> None:
        """Do it; what is refused is said on the page."""
        try:
            what(*given)
        except GlassnetError as error:
            self.session.say(str(error), refused=True)
            self.refresh()
        else:
            self.session.accept()

    def refresh(self) -> None:
        """Show what the session now has."""
        self._showing = True
        try:
            for element, read in self._fields:
                value = read()
                if element.value != value:
                    element.value = value
        finally:
            self._showing = False

    def choice(
        self,
        label: str,
        options: list[Any] | Mapping[Any, str],
        read: Callable[[], Any],
        write: Callable[[Any], Any],
    ) -> ui.select:
        """One of several; what a link or a model brought is offered too: `huber:delta=2`."""
        known = {one: one for one in options} if isinstance(options, list) else dict(options)
        made = ui.select(offered(known, read()), value=read(), label=label)
        made.props(f'dense options-dense outlined aria-label="{label}"').classes("lab-field")
        made.on_value_change(lambda e: self._changed(e.value, read, write))

        def shown() -> Any:
            value = read()
            assert isinstance(made.options, dict)
            if value not in made.options:
                made.set_options(offered(made.options, value))
            return value

        self._fields.append((made, shown))
        return made

    def text(
        self, label: str, read: Callable[[], str], write: Callable[[str], Any], hint: str = ""
    ) -> ui.input:
        """A box to type in: Enter or leaving it makes it count."""
        made = ui.input(label, value=read()).props(f'dense outlined aria-label="{label}"')
        made.classes("lab-field")
        if hint:
            made.tooltip(hint)

        def typed() -> None:
            self._changed(str(made.value), read, write)

        def entered() -> None:
            as_it_was = str(made.value) == read()
            typed()
            if as_it_was:  # which is right, too
                self.session.accept()

        made.on("keydown.enter", entered).on("blur", typed)
        self._fields.append((made, read))
        return made

    def switch(
        self, label: str, read: Callable[[], bool], write: Callable[[bool], Any]
    ) -> ui.switch:
        """On or off."""
        made = ui.switch(label, value=read())
        made.on_value_change(lambda e: self._changed(e.value, read, write))
        self._fields.append((made, read))
        return made

    def _changed(self, value: Any, read: Callable[[], Any], write: Callable[[Any], Any]) -> None:
        if not self._showing and value != read():
            self.act(write, value)


def offered(options: Mapping[Any, str], value: Any) -> dict[Any, str]:
    """The options, and the value among them."""
    return {**options, **({} if value in options else {value: str(value)})}


def button(
    label: str, act: Callable[[], Any], *, icon: str = "", hint: str = "", name: str = ""
) -> ui.button:
    """A flat button with a name for screen readers."""
    made = ui.button(label, icon=icon or None, on_click=act, color=None)
    made.props(f'flat no-caps aria-label="{name or label}"').classes("lab-button")
    if hint:
        made.tooltip(hint)
    return made
