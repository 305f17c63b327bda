"""The three drawings as elements of the page: they show what they are told, tell what was done.

Each takes `structure(d)`, when the network or the data changed, and `frame(d)`, many times a
second; the two dicts are those of `lab.frame`. Nothing is computed here nor in the JavaScript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from nicegui import ui
from nicegui.events import GenericEventArguments

from glassnet.lab.drawings.shown import Shown, tell

CSS = Path(__file__).with_name("lab.css")

Told = Callable[[dict[str, Any]], Any]  # takes what an event carries


def dress() -> None:
    """The look of the lab, for the page that is being built."""
    ui.add_css(CSS)


class Drawing(Shown):
    """A drawing: the structure it stands on, the frame it shows."""

    wants: ClassVar[frozenset[str] | None] = None  # the fields of a frame it draws; None: all

    def structure(self, d: Mapping[str, Any]) -> None:
        """Stand on another network or other data."""
        self.start = {"structure": dict(d)}
        tell(self.client, self.call("structure", self.start["structure"]))

    def frame(self, d: Mapping[str, Any]) -> None:
        """Show this state."""
        tell(self.client, self.next(d))

    def next(self, d: Mapping[str, Any]) -> str:
        """The call that shows this state, to be told together with others."""
        wants = self.wants
        frame = dict(d) if wants is None else {k: v for k, v in d.items() if k in wants}
        self.start = {**(self.start or {}), "frame": frame}
        return self.call("frame", frame)

    async def timing(self) -> dict[str, Any]:
        """How many frames were drawn and dropped, and the median and worst milliseconds of 100."""
        return await self.run_method("timing")

    def _listen(self, event: str, told: Told | None) -> None:
        if told is not None:
            self.on(event, lambda e: told(_carried(e)))


def _carried(e: GenericEventArguments) -> dict[str, Any]:
    return e.args if isinstance(e.args, dict) else {}


class NetworkView(Drawing, component="network.js", dependencies=["glassnet-ink.js"]):
    """The network: maps, biases, links, the phase at work, what is picked.

    on_pick gets {kind, layer, unit, source}, with kind "none" when a pick is let go; on_drawn gets
    {id} once for every frame, also for one that a newer frame overtook.
    """

    wants = frozenset(
        {
            "id",
            "update",
            "phase",
            "playing",
            "loss",
            "W",
            "b",
            "maps",
            "scale",
            "a",
            "pick",
        }
    )

    def __init__(self, on_pick: Told | None = None, on_drawn: Told | None = None) -> None:
        super().__init__()
        self._listen("pick", on_pick)
        self._listen("drawn", on_drawn)


class DataView(Drawing, component="data.js", dependencies=["glassnet-ink.js"]):
    """The points, and behind them what the network answers.

    on_sample gets {row, held}; on_point gets {op: "add", x, y, c}, {op: "move", row, x, y} or
    {op: "delete", row}: x and y along the two axes in their units, c a class or a target.
    """

    wants = frozenset({"id", "map", "classes", "map_range", "line", "sample"})

    def __init__(self, on_sample: Told | None = None, on_point: Told | None = None) -> None:
        super().__init__()
        self._listen("sample", on_sample)
        self._listen("point", on_point)


class CurveView(Drawing, component="curve.js", dependencies=["glassnet-ink.js"]):
    """The loss curve and the slider of time. on_epoch gets {epoch}."""

    wants = frozenset({"id", "epoch", "end", "loss", "val", "curve"})

    def __init__(self, on_epoch: Told | None = None) -> None:
        super().__init__()
        self._listen("epoch", on_epoch)
