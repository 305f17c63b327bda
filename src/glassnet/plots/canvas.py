"""What the pictures share: axes, colours and marks, and the file that they become."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

from glassnet.core.errors import BadInput
from glassnet.exchange.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From the palette of Okabe and Ito; blue and orange first, then by falling difference in lightness.
COLOURS = ("#1764ab", "#f39c1f", "#56b894", "#d1495b", "#7fb8e0", "#7d4e9e", "#d9c21c", "#4d4d4d")
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
INK = "#333333"
SIZE = (6.4, 4.8)  # inches; with DPI a picture is 1280 × 960
DPI = 200


def axes(width: float = SIZE[0], height: float = SIZE[1], columns: int = 1) -> Any:
    """Axes on a new figure of so many inches, `columns` of them side by side where more than 1."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    return figure.subplots(1, columns)


def save(ax: Axes, path: str | os.PathLike[str]) -> None:
    """The whole figure as a file, of the format that the name ends in; whole or not at all."""
    picture = io.BytesIO()
    kind = os.path.splitext(path)[1].lstrip(".").lower() or "png"  # noqa: PTH122
    figure = ax.figure.figure  # of a subfigure, the whole one
    if kind not in figure.canvas.get_supported_filetypes():
        raise BadInput(
            f"a picture named {os.fspath(path)}", "a known ending is expected", "Try .png."
        )
    figure.savefig(picture, format=kind, dpi=DPI)
    write_bytes(path, picture.getvalue())


def mark_of(k: int) -> dict[str, Any]:
    """How the points of class k look; the edge parts marks where they overlap."""
    return {
        "color": COLOURS[k % len(COLOURS)],
        "marker": MARKERS[k % len(MARKERS)],
        "edgecolors": "white" if k % 2 == 0 else INK,
        "linewidths": 0.5,
    }


def named(ax: Axes, x: str, y: str) -> Axes:
    """The same axes with names and a quiet frame."""
    ax.set_xlabel(x, fontsize=12, color=INK)
    ax.set_ylabel(y, fontsize=12, color=INK)
    ax.tick_params(colors=INK, labelsize=10.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("#888888")
    return ax
