"""Losses over epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.errors import BadInput
from glassnet.plots.canvas import COLOURS, axes, named

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    elif not min(loss.min(), held_out.min(initial=0.0)) < 0:  # a loss of one's own may be below
        ax.set_ylim(bottom=0)
    ax.set_xlim(epoch[0] if len(epoch) > 1 else 0, epoch[-1])
    ax.grid(axis="y", color="#e4e4e4", lw=0.8)
    ax.set_axisbelow(True)
    return named(ax, "epoch", "mean loss")


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
