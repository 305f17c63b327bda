"""The page: the panels put together, told what changed, and drawn as often as it can follow."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

from nicegui import app, context, ui
from nicegui.events import GenericEventArguments

from glassnet.lab.drawings.shown import tell
from glassnet.lab.drawings.views import dress
from glassnet.lab.frame import frame, structure
from glassnet.lab.link import link, too_long
from glassnet.lab.panels.arithmetic import Arithmetic
from glassnet.lab.panels.data import DataPanel
from glassnet.lab.panels.keys import Keys, key_help
from glassnet.lab.panels.learning import Learning
from glassnet.lab.panels.lesson import lesson_menu, lesson_panel
from glassnet.lab.panels.network import NetworkPanel
from glassnet.lab.panels.numbers import Numbers
from glassnet.lab.panels.out import out_panel
from glassnet.lab.panels.table import table_dialog
from glassnet.lab.panels.time import TimePanel
from glassnet.lab.panels.training import Training
from glassnet.lab.pick import Pick
from glassnet.lab.session import News, Session

PACE = 1 / 30
"""Seconds between two frames at least."""
UNDER_WAY = 2
"""Frames that are sent and not yet drawn, at most: one is made while another is painted."""
SOON = 1 / 60
"""Seconds after a frame until what somebody did is shown, at most."""
SHARE = 0.5
"""Of the server's time that goes into frames at most, that of all visitors together."""
PATIENCE = 1.0
"""Seconds after which a page that did not say that it drew is sent the next frame all the same."""
TELLING = 1.0
"""Seconds between two addresses while it trains: a browser takes no more than some a second."""
READING = 0.3
"""Seconds between two refreshes of the arithmetic while it trains: nobody reads faster."""

KEEP = (
    "The address stays as it was, and a reload would bring that back. Take has all of it as Python."
)
"""What is said where the address can no longer follow."""

HERE = Path(__file__).parent


def build(session: Session, query: str = "") -> Screen:
    """All panels, in their places."""
    return Screen(session, query)


_shown: dict[Screen, float] = {}
"""When each page was shown its last frame."""


def crowd(screen: Screen) -> int:
    """How many pages have been shown a frame in the last second, this one among them."""
    now = time.perf_counter()
    _shown[screen] = now
    for one in [one for one, when in _shown.items() if now - when > PATIENCE]:
        del _shown[one]
    return len(_shown)


def area(name: str, label: str) -> ui.element:
    """A part of the page."""
    made = ui.element("section").classes(f"lab-panel lab-{name}")
    return made.props(f'aria-label="{label}" tabindex=-1')


class Screen:
    """One visitor's page."""

    def __init__(self, session: Session, query: str = "") -> None:
        self.session = session
        self.client = context.client
        self._news: set[News] = set()
        self._wake = asyncio.Event()
        self._stir = asyncio.Event()  # a frame was drawn, or somebody did something
        self._number = self._seen = 0  # the frame sent last, and the last one that was drawn
        self._later: asyncio.TimerHandle | None = None
        self._read = 0.0  # when the arithmetic was refreshed last
        self._address = ""
        self._long = False  # whether what is shown is more than an address can hold
        self._told = 0.0  # when the address was told last
        dress()
        for sheet in ("arithmetic.css", "page.css"):
            ui.add_css(HERE / sheet)
        with ui.element("div").classes("lab"):
            self._top(query)
            with area("data", "Data"):
                self.data = DataPanel(session, self._own_table)
            with area("network", "Network"):
                self.network = NetworkPanel(session, self._numbers)
            with area("arithmetic", "Arithmetic"):
                self.arithmetic = Arithmetic(session)
            with area("time", "Time"):
                self.time = TimePanel(session)
        self.numbers = Numbers(session)
        self.table = table_dialog(session)
        self.help = key_help()
        self._keys()
        self.network.view.on("drawn", self._has_drawn)
        session.subscribe(self._hear)
        self._hear("structure")
        self._hear("controls")
        self._hear("pick")
        self._hear("message")  # said before there was a page, of a link that cannot be read
        self._task = asyncio.get_running_loop().create_task(self._follow())
        self.client.on_delete(self._leave)  # else it would wait for ever

    def _top(self, query: str) -> None:
        session = self.session
        with ui.element("header").classes("lab-top lab-panel"):
            with ui.element("div").classes("lab-bar lab-main-bar"):
                ui.label("glassnet lab").classes("lab-name").props("role=heading aria-level=1")
                lesson_menu(session)
                self.training = Training(session)
                ui.element("span").classes("lab-space")
                self.out = out_panel(session)
                ui.button("?", on_click=self._help, color=None).props(
                    'flat aria-label="Keys"'
                ).classes("lab-button")
                ui.button(icon="contrast", on_click=self._theme, color=None).props(
                    'flat aria-label="Light or dark"'
                ).classes("lab-button")
            self.learning = Learning(session)
            self.message = ui.label("").classes("lab-message").props("role=alert")
            self.lesson = lesson_panel(session, query)

    def _leave(self) -> None:
        self._task.cancel()
        _shown.pop(self, None)

    def _theme(self) -> None:
        # not ui.dark_mode: it sets the colours of the whole page anew with every update of any part
        shown = "getComputedStyle(document.body).colorScheme"  # as the system or a click had it
        self.client.run_javascript(f"setDark({shown} !== 'dark')")

    def _help(self) -> None:
        self.help.open()

    def _own_table(self) -> None:
        self.table.open()

    def _numbers(self) -> None:
        self.numbers.open()

    def _keys(self) -> None:
        session, act = self.session, self.training.fields.act
        Keys(
            {
                " ": lambda: act(session.toggle),
                "ArrowRight": lambda: act(session.next),
                "Shift+ArrowRight": lambda: act(session.step_epochs),
                "ArrowLeft": lambda: act(session.back),
                "r": lambda: act(session.rewind),
                "d": lambda: act(session.next_sample),
                "D": lambda: act(session.next_sample, -1),
                "e": self.arithmetic.focus,
                "Escape": lambda: act(session.choose, Pick("none")),
                "?": self._help,
            }
        )

    # ------------------------------------------------------------ following the session

    def _hear(self, news: News) -> None:
        self._news.add(news)
        self._wake.set()
        self._stir.set()

    async def _follow(self) -> None:
        """Show what changed; no more frames go out than the page draws."""
        await self.client.connected()
        while not self.client.is_deleted:
            await self._wake.wait()
            self._wake.clear()
            began, busy = time.perf_counter(), time.thread_time()
            news, self._news = self._news, set()
            with self.client:
                try:
                    self._show(news)
                except Exception as error:  # noqa: BLE001 - one picture less, and the next one comes
                    app.handle_exception(error)
            await self._rest(began, time.thread_time() - busy)

    async def _rest(self, began: float, spent: float) -> None:
        """Until the page can follow and the others had their turn; shorter for who did something.

        Frames come by themselves while it trains; all other news are of what somebody did.
        """
        pause = max(PACE, spent * crowd(self) / SHARE)
        while True:
            behind = self._number - self._seen >= UNDER_WAY
            wait = SOON if self._news - {"frame"} else PATIENCE if behind else pause
            left = began + wait - time.perf_counter()
            if left <= 0:
                return
            self._stir.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._stir.wait()

    def _has_drawn(self, event: GenericEventArguments) -> None:
        drawn = event.args.get("id") if isinstance(event.args, dict) else None
        if isinstance(drawn, int):
            self._seen = max(self._seen, min(drawn, self._number))
            self._stir.set()

    def _show(self, news: set[News]) -> None:
        session = self.session
        if "structure" in news:
            shape = structure(session)
            for panel in (self.data, self.network, self.time):
                panel.structure(shape)
            news |= {"frame", "pick", "controls"}
        if "message" in news:
            self.message.set_text(session.message)
            self.message.set_visibility(bool(session.message))
        if "controls" in news:
            for bar in (self.training, self.learning, self.data, self.network, self.time):
                bar.refresh()
        self._number += 1
        found: dict[str, Any] = frame(session, self._number)
        panels = (self.network, self.data, self.time)
        calls = [call for panel in panels for call in panel.next(found)]
        now = time.perf_counter()
        if "pick" in news or not session.playing or now - self._read > READING:
            self._read = now
            calls += self.arithmetic.next()
            self._tell_address()
        elif self._later is None:  # what is skipped now is shown soon
            self._later = asyncio.get_running_loop().call_later(READING, self._catch_up)
        tell(self.client, *calls)

    def _catch_up(self) -> None:
        self._later = None
        self._hear("frame")

    def _tell_address(self) -> None:
        # the address shows the same again, also after a reload in the midst of training
        now = time.perf_counter()
        if self.session.playing and now - self._told < TELLING:
            return
        address = "&".join(filter(None, [link(self.session), self.lesson.query()]))
        long = too_long(address)
        if long and not self._long:  # said once, and again after it was shorter
            self.session.say(f"{long} {KEEP}")
        self._long = bool(long)
        if not long and address != self._address:
            self._address, self._told = address, now
            self.client.run_javascript(
                f"history.replaceState(null, '', '?' + {address!r} + window.location.hash)"
            )
