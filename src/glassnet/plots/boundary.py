"""What a network answers all over the plane of two inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.backprop import forward
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.plots.canvas import COLOURS, INK, axes
from glassnet.plots.classes import classes_of
from glassnet.plots.samples import plane, scatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes


SHADES = ("#86acd2", "#bccbd9", "#e6e6e4", "#f6e3c6", "#fbdca8")  # lightness never falls


Predict = Callable[[Array], Array]  # X (n, 2) -> (n, n_out)


def decision_boundary(
    predict: Predict | tuple[Network, Array],
    X: ArrayLike,
    y: ArrayLike,
    ax: Axes | None = None,
    *,
    labels: Sequence[str] = (),
    inputs: Sequence[str] = ("x1", "x2"),
    steps: int = 300,
    size: float = 22.0,
) -> Axes:
    """The probability as a shade, the boundary as a line, the samples on it.

    predict : a function from X (n, 2) to probabilities (n, 1) or (n, n_classes), or a network and
        its parameters: `(net, theta)`.
    steps : how fine the grid is, in points a side.
    """
    X = plane(X)
    ax = ax or axes()
    _, names = classes_of(y, labels)
    across, up = (_span(column, steps) for column in X.T)
    grid = np.column_stack([part.ravel() for part in np.meshgrid(across, up)])  # (steps², 2)
    answer = np.asarray(_function(predict)(grid))
    if answer.ndim != 2 or len(answer) != len(grid):
        raise BadInput(f"predictions of shape {answer.shape}", f"({len(grid)}, n_out) is expected")
    P = answer.reshape(len(up), len(across), -1)
    if P.shape[2] == 1:
        _shade_two(ax, across, up, P[:, :, 0], names)
    else:
        _shade_many(ax, across, up, P)
    scatter(X, y, ax, labels=labels, inputs=inputs, size=size)
    ax.set_xlim(across[0], across[-1])
    ax.set_ylim(up[0], up[-1])
    return ax


def _function(predict: Predict | tuple[Network, Array]) -> Predict:
    if callable(predict):
        return predict
    net, theta = predict
    return lambda X: forward(net, theta, X.astype(theta.dtype))[-1].a


def _span(column: np.ndarray, steps: int) -> np.ndarray:
    low, high = column.min(), column.max()
    margin = 0.06 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, steps)


def _shade_two(
    ax: Axes, across: np.ndarray, up: np.ndarray, p: np.ndarray, names: Sequence[str]
) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    cmap = LinearSegmentedColormap.from_list("glassnet", SHADES)
    shade = ax.pcolormesh(across, up, p, cmap=cmap, vmin=0, vmax=1, shading="nearest",
                          rasterized=True)  # fmt: skip
    if p.min() < 0.5 < p.max():
        ax.contour(across, up, p, levels=[0.5], colors=INK, linewidths=1.8, zorder=2)
    bar = ax.figure.colorbar(shade, ax=ax, ticks=[0, 0.5, 1], fraction=0.045, pad=0.02)
    bar.set_label(f"probability of {names[-1]}", color=INK, fontsize=11)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK, labelsize=10.5, length=0)
    bar.ax.axhline(0.5, color=INK, lw=1.8)


def _shade_many(ax: Axes, across: np.ndarray, up: np.ndarray, P: np.ndarray) -> None:
    from matplotlib.colors import to_rgb

    winner = P.argmax(axis=2)
    n = P.shape[2]
    colours = np.array([to_rgb(COLOURS[k % len(COLOURS)]) for k in range(n)])
    # from white at the level of chance, 1/n, to a light tint at certainty
    sure = (P.max(axis=2) - 1 / n) / (1 - 1 / n)
    tint = 0.42 * np.clip(sure, 0, 1)[:, :, None]
    extent = (across[0], across[-1], up[0], up[-1])
    ax.imshow(1 - tint * (1 - colours[winner]), extent=extent, origin="lower", aspect="auto")
    for k in np.unique(winner):
        lead = P[:, :, k] - np.delete(P, k, axis=2).max(axis=2)
        if lead.min() < 0 < lead.max():
            ax.contour(across, up, lead, levels=[0], colors=INK, linewidths=1.8, zorder=2)
