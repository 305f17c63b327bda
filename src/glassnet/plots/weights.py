"""A network with its weights and biases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.plots.canvas import COLOURS, INK, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def network(
    model: tuple[Network, Array],
    ax: Axes | None = None,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    most: int = 8,
) -> Axes:
    """The network with its weights and biases: blue above 0, orange and dashed below, thick if far.

    model : a network and its parameters, `(net, theta)`.
    inputs, outputs : names for the first and the last column.
    most : neurons drawn of a layer; of more the rest is counted.

    Weights are written beside their links where there is room, biases under their neurons.
    """
    net, theta = model
    tall = min(max(net.sizes), most)
    ax = ax or axes(width=2.4 + 3.0 * len(net.layers), height=max(2.4, 0.8 * tall + 0.9))
    places = [_neurons(k, size, most) for k, size in enumerate(net.sizes)]
    parameters = list(net.views(np.asarray(theta)))
    largest = max(float(np.abs(W).max()) for W, _ in parameters) or 1.0
    for k, (W, b) in enumerate(parameters):
        below, above = places[k], places[k + 1]
        for i, (x, up) in enumerate(below):
            for j, (to_x, to_up) in enumerate(above):
                weight = float(W[i, j])
                colour, style = _signed(weight)
                width = 0.4 + 4.6 * abs(weight) / largest
                ax.plot([x, to_x], [up, to_up], color=colour, ls=style, lw=width, zorder=1)
                if len(below) * len(above) <= 16:
                    t = 0.2 + 0.6 * (i + 0.5) / len(below)  # side by side, not on each other
                    _note(ax, x + t * (to_x - x), up + t * (to_up - up), f"{weight:.3g}", weight)
        if b is not None:
            for (x, up), bias in zip(above, b.tolist(), strict=False):
                _note(ax, x, up - 0.36, f"b = {bias:.3g}", bias)
    named = {0: list(inputs), len(net.layers): list(outputs)}
    for k, column in enumerate(places):
        letter = "x" if k == 0 else "y" if k == len(net.layers) else "h"
        for j, (x, up) in enumerate(column):
            ax.plot([x], [up], "o", ms=22, mfc="white", mec=INK, mew=1.2, zorder=3)
            short = f"{letter}{j + 1}"
            ax.text(x, up, short, ha="center", va="center", fontsize=8, color=INK, zorder=4)
            name = named.get(k, [])[j] if j < len(named.get(k, [])) else short
            if name not in (short, letter):
                side, where = (-0.12, "right") if k == 0 else (0.12, "left")
                ax.text(x + side, up, name[:22], ha=where, va="center", fontsize=8, color=INK)
        more = net.sizes[k] - len(column)
        said = "inputs" if k == 0 else str(net.layers[k - 1].activation)
        low = min(up for _, up in column) - 0.6
        said = f"and {more} more\n{said}" if more else said
        ax.text(k, low, said, ha="center", va="top", fontsize=8, color=INK)
    ax.set_xlim(-0.5, len(net.layers) + 0.5)
    ax.set_ylim(-tall / 2 - 1.0, tall / 2 + 0.1)
    ax.set_axis_off()
    return ax


def _neurons(k: int, size: int, most: int) -> list[tuple[float, float]]:
    # where the neurons of layer k stand: one under the other around 0
    count = min(size, most)
    return [(float(k), (count - 1) / 2 - j) for j in range(count)]


def _signed(value: float) -> tuple[str, str]:
    # colour and line of what is above or below 0
    return (COLOURS[0], "-") if value >= 0 else ("#b36b00", "--")


def _note(ax: Axes, x: float, y: float, text: str, value: float) -> None:
    ax.text(x, y, text, ha="center", va="center", fontsize=7, color=_signed(value)[0], zorder=2,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.9})  # fmt: skip
