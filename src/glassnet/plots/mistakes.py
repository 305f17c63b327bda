"""Which classes were taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.errors import BadInput
from glassnet.plots.canvas import INK, axes, named
from glassnet.plots.classes import classes_of, values_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap


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
    named(ax, "predicted class", "true class")
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
    values = [values_of(part) for part in (true, predicted)]
    if len(values[0]) != len(values[1]):
        raise BadInput(
            f"{len(values[0])} true and {len(values[1])} predicted classes",
            "the same number of both is expected",
        )
    both, names = classes_of(np.concatenate(values), labels)
    rows, columns = np.split(both, 2)
    counts = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(counts, (rows, columns), 1)
    return counts, names


def _blues() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shares", ("#f3f6fa", "#8db7dd", "#12508a"))
