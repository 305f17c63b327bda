"""Samples in the plane of two inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.errors import BadInput
from glassnet.plots.canvas import axes, mark_of, named
from glassnet.plots.classes import classes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    X = plane(X)
    ax = ax or axes()
    classes, names = (np.zeros(len(X), int), ("",)) if y is None else classes_of(y, labels)
    if len(classes) != len(X):
        raise BadInput(f"{len(classes)} targets for {len(X)} samples", "one each is expected")
    for k, name in enumerate(names):
        across, up = X[classes == k].T
        ax.scatter(across, up, s=size, label=name, zorder=3, **mark_of(k))
    if y is not None:
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, borderaxespad=0.2,
            handletextpad=0.2, columnspacing=1.2,
        )  # fmt: skip
    return named(ax, *inputs)


def plane(X: ArrayLike) -> np.ndarray:
    """X (n, 2), of two inputs."""
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or X.shape[1] != 2 or not len(X):
        raise BadInput(f"X has shape {X.shape}", "(n, 2) is expected", "Choose two inputs to draw.")
    return X
