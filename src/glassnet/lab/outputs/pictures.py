"""Pictures: the network, the data with its answers, the loss curve."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glassnet.core.backprop import forward
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.lab import frame
from glassnet.lab.outputs.file import File, stem
from glassnet.lab.session import Session

if TYPE_CHECKING:
    from matplotlib.axes import Axes

What = Literal["network", "data", "curve"]

Kind = Literal["png", "svg"]

CURVE = 2000
"""Stretches of a long curve, each drawn by its lowest and its highest loss."""

_drawing = Lock()  # matplotlib's settings are of the process


def picture(session: Session, what: What, kind: Kind = "png") -> File:
    """The network, the data with its answers, or the loss curve; the same state, the same bytes."""
    import matplotlib as mpl

    draw = {"network": _network, "data": _data, "curve": _curve}.get(what)
    if draw is None or kind not in ("png", "svg"):
        raise BadInput(f"a picture of {what!r} as {kind!r}", "network, data or curve; png or svg")
    plain: Any = {"svg.hashsalt": "glassnet", "text.parse_math": False}  # a $ in a name is a $
    buffer = io.BytesIO()
    with _drawing, mpl.rc_context(plain):
        ax = draw(session)
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        ax.figure.figure.savefig(buffer, format=kind, metadata=metadata)
    return File(f"{stem(session)}-{what}.{kind}", buffer.getvalue())


def _network(session: Session) -> Axes:
    from glassnet import plots

    data = session.data
    model = (session.problem.task.net, session.state.theta)
    return plots.network(model, inputs=data.inputs, outputs=data.outputs)


def _data(session: Session) -> Axes:
    from glassnet import plots

    data, net, theta = session.data, session.problem.task.net, session.state.theta
    if not data.labels and net.n_in > 1:
        answers = forward(net, theta, data.X)[-1].a
        return plots.predicted_vs_true(data.y, answers)
    if not data.labels:
        across = np.linspace(data.X.min(), data.X.max(), 400)[:, None]
        ax = plots.scatter(np.column_stack([data.X[:, 0], data.y[:, 0]]),
                           inputs=(data.inputs[0], data.outputs[0]))  # fmt: skip
        ax.plot(across[:, 0], forward(net, theta, across)[-1].a[:, 0], color=plots.INK, lw=2)
        return ax
    if net.n_in == 1:
        raise BadInput("classes of one input", "a picture needs two inputs", "Take the curve.")
    i, j = session.view.axes
    others = frame.held(session)

    def answer(plane: Array) -> Array:
        rows = np.tile(others, (len(plane), 1))
        rows[:, i], rows[:, j] = plane.T
        return forward(net, theta, rows)[-1].a

    return plots.decision_boundary(
        answer,
        data.X[:, [i, j]],
        data.y,
        labels=data.labels,
        inputs=(data.inputs[i], data.inputs[j]),
    )


@dataclass(frozen=True)
class _Losses:
    epoch: Sequence[float]
    loss: Sequence[float]
    val_loss: Sequence[float]


def _curve(session: Session) -> Axes:
    from glassnet import plots

    loss = session.timeline.curve("loss")
    if not len(loss):
        raise BadInput("no epoch so far", "a curve needs at least one", "Press Play or Step.")
    held = session.timeline.curve("validation")
    chosen = extremes(loss)
    measured = [] if np.isnan(held).any() else held[chosen].tolist()
    told = _Losses((chosen + 1).tolist(), loss[chosen].tolist(), measured)
    ax = plots.loss_curve(told, log=session.view.log and bool((loss > 0).all()))
    for k, pin in enumerate(session.pins, 2):
        other = pin.timeline.curve("loss")
        shown = extremes(other)
        ax.plot(shown + 1, other[shown], color=plots.COLOURS[k], lw=1.0, label=pin.name)
    if session.pins:
        ax.legend(frameon=False)
    return ax


def extremes(values: Array) -> np.ndarray:
    """Places of all values, or of the lowest and the highest of each of CURVE stretches."""
    if len(values) <= 2 * CURVE:
        return np.arange(len(values))
    bounds = np.linspace(0, len(values), CURVE + 1).astype(np.intp)
    found = {0, len(values) - 1}
    for low, high in pairwise(bounds.tolist()):
        part = values[low:high]
        found |= {int(low + part.argmin()), int(low + part.argmax())}
    return np.array(sorted(found))
