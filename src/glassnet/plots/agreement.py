"""Predicted numbers beside the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.errors import BadInput
from glassnet.plots.canvas import INK, axes, mark_of, named

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        ax.scatter(t, p, s=22, alpha=0.75, label=outputs, zorder=2, **mark_of(k))
    ax.legend(frameon=False, loc="upper left")
    what = f" {name}" if name else ""
    return named(ax, f"true{what}", f"predicted{what}")
