"""Pictures for a slide: each function draws on matplotlib Axes and gives them back.

Without `ax` a figure of its own is made. Nothing here touches pyplot or its global figures, so
that pictures can be drawn without a display and in several threads. Blue and orange differ in
lightness, and marks in shape, so that all of it can be read in grey and by the colour-blind.

    ax = decision_boundary((net, state.theta), X, y)
    save(ax, "boundary.png")
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.backprop import forward
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.exchange.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

# From the palette of Okabe and Ito; blue and orange first, then by falling difference in lightness.
COLOURS = ("#1764ab", "#f39c1f", "#56b894", "#d1495b", "#7fb8e0", "#7d4e9e", "#d9c21c", "#4d4d4d")
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
INK = "#333333"
SHADES = ("#86acd2", "#bccbd9", "#e6e6e4", "#f6e3c6", "#fbdca8")  # lightness never falls
SIZE = (6.4, 4.8)  # inches; with DPI a picture is 1280 × 960
DPI = 200

Predict = Callable[[Array], Array]  # X (n, 2) -> (n, n_out)


class Losses(Protocol):
    """What a history of training has: `glassnet.training.history.History` for one."""

    @property
    def epoch(self) -> Sequence[float]:
        """The epochs, counted from 1."""
        ...

    @property
    def loss(self) -> Sequence[float]:
        """The training loss of each."""
        ...

    @property
    def val_loss(self) -> Sequence[float]:
        """The validation loss of each, or nothing."""
        ...


def loss_curve(
    history: Losses | ArrayLike,
    ax: Axes | None = None,
    *,
    validation: ArrayLike | None = None,
    log: bool = False,
) -> Axes:
    """Loss over epochs: training as a line, validation as a dashed one.

    history : a `History`, or the losses themselves, one for each epoch from 1.
    log : a logarithmic axis for the loss.
    """
    epoch, loss, held_out = _columns(history, validation)
    ax = ax or axes()
    width = 2.0 if len(epoch) <= 2000 else 1.0  # spikes close together stay apart
    ax.plot(epoch, loss, color=COLOURS[0], lw=width, label="training")
    if len(held_out):
        ax.plot(epoch, held_out, color=COLOURS[1], lw=width, ls=(0, (4, 1.5)), label="validation")
        ax.legend(frameon=False)
    if log:
        from matplotlib.ticker import LogLocator, NullFormatter

        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    else:
        ax.set_ylim(bottom=0)
    ax.set_xlim(epoch[0] if len(epoch) > 1 else 0, epoch[-1])
    ax.grid(axis="y", color="#e4e4e4", lw=0.8)
    ax.set_axisbelow(True)
    return _named(ax, "epoch", "mean loss")


def scatter(
    X: ArrayLike,
    y: ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    labels: Sequence[str] = (),
    inputs: Sequence[str] = ("x1", "x2"),
    size: float = 22.0,
) -> Axes:
    """The samples in the plane of their two inputs, a colour and a shape for each class.

    y : a column of 0 and 1, one-hot rows, or one class a sample; None for samples without.
    labels : the names of the classes in order; without them classes are called by their value.
    """
    X = _plane(X)
    ax = ax or axes()
    classes, names = (np.zeros(len(X), int), ("",)) if y is None else _classes(y, labels)
    if len(classes) != len(X):
        raise BadInput(f"{len(classes)} targets for {len(X)} samples", "one each is expected")
    for k, name in enumerate(names):
        across, up = X[classes == k].T
        ax.scatter(across, up, s=size, label=name, zorder=3, **_mark(k))
    if y is not None:
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, borderaxespad=0.2,
            handletextpad=0.2, columnspacing=1.2,
        )  # fmt: skip
    return _named(ax, *inputs)


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
    X = _plane(X)
    ax = ax or axes()
    _, names = _classes(y, labels)
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


def confusion(
    true: ArrayLike, predicted: ArrayLike, labels: Sequence[str] = (), ax: Axes | None = None
) -> Axes:
    """How many samples of each class (rows) were taken for which (columns).

    The shade is the share of the row, so that a rare class is judged like a common one. Classes
    come as in `scatter`; `labels` names them in order.
    """
    counts, names = confusion_counts(true, predicted, labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax = ax or axes(
        width=max(4.8, 1.6 + 0.55 * len(names)), height=max(4.4, 1.2 + 0.5 * len(names))
    )
    ax.imshow(shares, cmap=_blues(), vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        colour = "white" if shares[i, j] > 0.55 else INK if count else "#a0a0a0"  # errors stand out
        ax.text(j, i, str(count), ha="center", va="center", color=colour, fontsize=11)
    turned = max(map(len, names)) > 60 // max(len(names), 4)
    ax.set_xticks(range(len(names)), names, rotation=40 if turned else 0,
                  ha="right" if turned else "center")  # fmt: skip
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(length=0)
    _named(ax, "predicted class", "true class")
    ax.spines[:].set_visible(False)
    return ax


def confusion_counts(
    true: ArrayLike, predicted: ArrayLike, labels: Sequence[str] = ()
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The counts (n_classes, n_classes), row by true and column by predicted class, and the names.

    >>> confusion_counts(["a", "a", "b"], ["a", "b", "b"])[0]
    array([[1, 1],
           [0, 1]])
    """
    values = [_values(part) for part in (true, predicted)]
    if len(values[0]) != len(values[1]):
        raise BadInput(
            f"{len(values[0])} true and {len(values[1])} predicted classes",
            "the same number of both is expected",
        )
    both, names = _classes(np.concatenate(values), labels)
    rows, columns = np.split(both, 2)
    counts = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(counts, (rows, columns), 1)
    return counts, names


def predicted_vs_true(
    true: ArrayLike, predicted: ArrayLike, ax: Axes | None = None, *, name: str = ""
) -> Axes:
    """Predictions over the truth: on the line they agree.

    true, predicted : (n,), or (n, n_out) with a colour and a shape for each output.
    name : what is predicted, with its unit, for the axes.
    """
    true, predicted = (np.asarray(part, dtype=float) for part in (true, predicted))
    if true.shape != predicted.shape or true.ndim not in (1, 2) or not true.size:
        raise BadInput(f"shapes {true.shape} and {predicted.shape}", "the same shape is expected")
    ax = ax or axes(width=5.2, height=4.8)
    low, high = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    margin = 0.04 * (high - low) or 0.5
    ends = (low - margin, high + margin)
    ax.plot(ends, ends, color=INK, lw=1, ls=(0, (4, 3)), zorder=1, label="predicted = true")
    columns = zip(true.reshape(len(true), -1).T, predicted.reshape(len(true), -1).T, strict=True)
    for k, (t, p) in enumerate(columns):
        outputs = f"output {k + 1}" if true.ndim == 2 and true.shape[1] > 1 else None
        ax.scatter(t, p, s=22, alpha=0.75, label=outputs, zorder=2, **_mark(k))
    ax.legend(frameon=False, loc="upper left")
    what = f" {name}" if name else ""
    return _named(ax, f"true{what}", f"predicted{what}")


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


# ---------------------------------------------------------------- what the pictures share


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


def _mark(k: int) -> dict[str, Any]:
    # how the points of class k look; the edge parts marks where they overlap
    return {
        "color": COLOURS[k % len(COLOURS)],
        "marker": MARKERS[k % len(MARKERS)],
        "edgecolors": "white" if k % 2 == 0 else INK,
        "linewidths": 0.5,
    }


def _named(ax: Axes, x: str, y: str) -> Axes:
    ax.set_xlabel(x, fontsize=12, color=INK)
    ax.set_ylabel(y, fontsize=12, color=INK)
    ax.tick_params(colors=INK, labelsize=10.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("#888888")
    return ax


def _columns(history: Any, validation: ArrayLike | None) -> tuple[np.ndarray, ...]:
    # epochs, losses and validation losses, (n,) each; the last may be empty
    if hasattr(history, "loss"):
        epoch, loss, held_out = history.epoch, history.loss, history.val_loss
    else:
        loss, held_out = history, ()
        epoch = range(1, len(np.atleast_1d(loss)) + 1)
    if validation is not None:
        held_out = validation
    columns = tuple(np.asarray(column, dtype=float) for column in (epoch, loss, held_out))
    if not columns[1].size or columns[1].ndim != 1 or len(columns[2]) not in (0, len(columns[1])):
        raise BadInput(
            f"losses of shape {columns[1].shape} and {columns[2].shape}",
            "one number an epoch is expected, at least one",
        )
    return columns


def _plane(X: ArrayLike) -> np.ndarray:
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or X.shape[1] != 2 or not len(X):
        raise BadInput(f"X has shape {X.shape}", "(n, 2) is expected", "Choose two inputs to draw.")
    return X


def _values(y: ArrayLike) -> np.ndarray:
    # one value a sample: a column is flattened, of one-hot rows the place of the 1
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] > 1:
        return np.asarray(y.argmax(axis=1))
    return y.ravel()


def _classes(y: ArrayLike, labels: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    # the class of each sample (n,), as its place in the names, and the names
    values = _values(y)
    if values.dtype.kind in "OUS":
        names = tuple(labels) or tuple(dict.fromkeys(sorted(map(str, values))))
        place = {name: k for k, name in enumerate(names)}
        unknown = sorted({str(value) for value in values} - place.keys())
        if unknown:
            raise BadInput(f"a class {unknown[0]!r}", f"one of {', '.join(names)} is expected")
        return np.array([place[str(value)] for value in values]), names
    if labels:
        classes = values.astype(int)
        if not np.array_equal(classes, values) or classes.min() < 0 or classes.max() >= len(labels):
            raise BadInput(
                f"classes from {values.min()} to {values.max()}",
                f"places in the {len(labels)} labels are expected",
            )
        return classes, tuple(labels)
    found, classes = np.unique(values, return_inverse=True)
    return classes, tuple(f"{value:g}" for value in found.astype(float))


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


def _blues() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shares", ("#f3f6fa", "#8db7dd", "#12508a"))
