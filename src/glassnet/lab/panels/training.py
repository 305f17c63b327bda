"""Training: the big Next, Play and the other ways through a run; what has come of it so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from glassnet.lab.drawings.shown import Shown
from glassnet.lab.number import number
from glassnet.lab.panels.fields import Fields, button
from glassnet.lab.player import SPEEDS
from glassnet.lab.session import Session

NEXT = {
    "ready": "Next: forward",
    "all": "Next: forward",
    "forward": "Next: loss",
    "loss": "Next: backward",
    "backward": "Next: update",
    "update": "Next: forward again",
}
"""What Next will do, on the button itself."""

FIGURES = ("epoch", "update", "loss", "validation loss", "score", "answer, wanted", "speed")
WHEN = {
    None: "next update",
    "ready": "next update",
    "forward": "update under way",
    "loss": "update under way",
    "backward": "update under way",
    "update": "update done",
}
"""How far the update is."""


class Training:
    """The bar at the top."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.fields = Fields(session)
        act = self.fields.act
        with ui.element("div").classes("lab-bar lab-run").props('role=toolbar aria-label="Run"'):
            self.next = button("Next", lambda: act(session.next)).classes("lab-primary lab-next")
            self.play = button("Play", lambda: act(session.toggle), icon="play_arrow")
            self.play.classes("lab-play")
            button(
                "",
                lambda: act(session.back),
                icon="undo",
                name="Back",
                hint="One operation back: ←",
            )
            button(
                "",
                lambda: act(session.rewind),
                icon="first_page",
                name="Rewind",
                hint="Same start, same batches: R",
            )
            button(
                "",
                lambda: act(session.new_start),
                icon="casino",
                name="New start",
                hint="New start: other initial weights",
            )
            self._steps()
            self.fields.choice(
                "Speed",
                {s: f"{s} epoch{'s' * (s > 1)}/s" if s else "full speed" for s in SPEEDS},
                lambda: session.player.speed,
                self._speed,
            ).classes("lab-speed")

    def _steps(self) -> None:
        session, act = self.session, self.fields.act
        more = (
            ui.button("Step", icon="expand_more", color=None)
            .props("flat no-caps")
            .classes("lab-button")
        )
        # a menu, for those who hear it, holds nothing to type in: so it is only a part of this one
        with (
            more,
            ui.menu()
            .props('auto-close=false role=dialog aria-label="Steps"')
            .classes("lab-menu") as menu,
        ):
            steps: list[tuple[str, Callable[[], Any]]] = [
                ("one operation", session.next),
                ("one sample", session.step_sample),
                ("one batch", session.step_batch),
                ("one epoch", session.step_epochs),
                ("10 epochs", lambda: session.step_epochs(10)),
                ("100 epochs", lambda: session.step_epochs(100)),
                ("1000 epochs", lambda: session.step_epochs(1000)),
            ]
            with ui.element("div").props('role=menu aria-label="Steps"'):
                for label, step in steps:
                    item = ui.menu_item(
                        label, on_click=lambda step=step: act(step), auto_close=False
                    )
                    item.props("role=menuitem")
            with ui.element("div").classes("lab-bar lab-until"):
                below = ui.input("until loss <", value="0.01").props("dense outlined")

                def until() -> None:
                    session.until(number(str(below.value)))
                    menu.close()

                below.on("keydown.enter", lambda: act(until))
                button("Go", lambda: act(until), name="Train until the loss is below")

    def _speed(self, speed: int) -> None:
        self.session.player.speed = speed
        self.session.move(self.session.position)

    def refresh(self) -> None:
        """Buttons as they now stand."""
        session = self.session
        label = "Pause" if session.playing else "Play"
        icon = "pause" if session.playing else "play_arrow"
        if self.play.text != label:
            self.play.set_text(label)
            self.play.props(f'icon={icon} aria-label="{label}"')
        words = NEXT["all" if session.playing else session.position.phase]
        if self.next.text != words:
            self.next.set_text(words)
            self.next.props(f'aria-label="{words}"')
        self.fields.refresh()


class Status(Shown, component="figures.js"):
    """How far the run is, and how well it does."""

    def __init__(self) -> None:
        super().__init__()
        self.start = [[name, ""] for name in FIGURES]
        self.classes("lab-status").props('role=group aria-label="Status"')


def figures(frame: dict[str, Any]) -> list[list[str]]:
    """What each figure of a frame is called, and the figure."""
    batch, batches = frame["batch"]
    score, held = frame["score"], frame["val_score"]
    scores = _score(score, frame["score_name"])
    if held is not None:
        scores += f", {_score(held, frame['score_name'])}"
    rate = f"{frame['rate']:,} epochs/s".replace(",", " ") if frame["rate"] else "–"
    shown = {
        "epoch": f"{frame['epoch']}" + (f" + {batch}/{batches}" if batch else ""),
        "update": f"{frame['update']}",
        "loss": _figure(frame["loss"]),
        "validation loss": _figure(frame["val"]),
        "score": scores,
        "answer, wanted": f"{frame['answer']}, {frame['wanted']}",
        "speed": rate,
    }
    called = {
        "update": WHEN[frame["phase"]],
        "score": frame["score_name"] + (", validation" if held is not None else ""),
    }
    return [[called.get(name, name), shown[name]] for name in FIGURES]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _score(value: float | None, name: str) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if name == "accuracy" else f"{value:.3f}"
