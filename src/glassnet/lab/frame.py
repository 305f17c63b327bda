"""Frames: the numbers that the drawings need, as plain lists and text, many times a second.

Maps are the network's answers over a grid of the two chosen inputs, a byte each, so that a page
can paint them as they come. Nothing here is a number of its own: all of it is `forward`, the
timeline's losses and the trace.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from glassnet.core.activations import Activation, Sigmoid, Softmax, Tanh
from glassnet.core.backprop import forward
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.engines.base import sums
from glassnet.lab.data import Data, unit_of
from glassnet.lab.pick import layer_words
from glassnet.lab.problem import Problem
from glassnet.lab.session import Session
from glassnet.lab.timeline import Timeline
from glassnet.walkthrough.numerals import true_minus

GRID = 40
"""Cells of the decision map, each way; a neuron's own map has half as many."""
INPUTS, NEURONS = 4, 8
"""Drawn in full; of more some are shown and the rest is counted."""
POINTS = 1000
"""Points drawn of each kind, training and validation; of more, evenly spread ones."""
CURVE = 300
"""Points of a loss curve."""


# ---------------------------------------------------------------- the structure


def structure(session: Session) -> dict[str, Any]:
    """What stays as it is from frame to frame: the network's shape, the points, the axes."""
    one, view = session.problem, session.view
    net, data = one.task.net, one.data
    shown = drawn(net, view.axes)
    return {
        "sizes": list(net.sizes),
        "shown": shown,
        "elided": [size - len(units) for size, units in zip(net.sizes, shown, strict=True)],
        "names": [
            [data.inputs[i] for i in shown[0]],
            *([f"h{j + 1}" for j in units] for units in shown[1:-1]),
            [data.outputs[j] for j in shown[-1]],
        ],
        "layers": [layer_words(net, k) for k in range(len(net.sizes))],
        "activations": [str(layer.activation) for layer in net.layers],
        "formulas": [true_minus(layer.activation.formula) for layer in net.layers],
        "bias": net.layers[0].bias,
        "labels": list(data.labels),
        "kind": data.sort,
        "standardised": data.target is not None and bool(unit_of(data.target)),
        "axes": list(view.axes),
        "axis_names": axis_names(session),
        "held_at": held_at(session),
        "range": ranges(session),
        "grid": GRID,
        "cells": GRID // 2,
        "line": net.n_in == 1,
        "editable": net.n_in <= 2,
        "points": points(session),
    }


def drawn(net: Network, axes: tuple[int, int]) -> list[list[int]]:
    """Which inputs and neurons of each layer are drawn; the inputs of the axes are among them."""
    inputs = list(dict.fromkeys((*axes, *range(net.n_in))))[:INPUTS]
    return [sorted(inputs), *(list(range(min(layer.n_out, NEURONS))) for layer in net.layers)]


def axis_names(session: Session) -> list[str]:
    """The names of the two axes; with one input the second is the target."""
    data, (i, j) = session.data, session.view.axes
    if data.X.shape[1] == 1:
        return [data.inputs[0], data.outputs[0]]
    return [data.inputs[i], data.inputs[j]]


def held_at(session: Session) -> list[dict[str, Any]]:
    """What the inputs that are not drawn over are held at."""
    centre = held(session)
    return [
        {"input": i, "name": name, "value": float(centre[i])}
        for i, name in enumerate(session.data.inputs)
        if i not in session.view.axes
    ]


def held(session: Session) -> Array:
    """A value for each input: as chosen, else the mean of the training rows."""
    if session.view.at:
        return np.array(session.view.at)
    return np.asarray(session.data.X.mean(axis=0))


def ranges(session: Session) -> list[list[float]]:
    """From where to where the axes go: all points, and a margin of a twelfth on each side."""
    data, (i, j) = session.data, session.view.axes
    X = data.X if data.held_X is None else np.vstack([data.X, data.held_X])
    columns = [X[:, i], X[:, j]]
    if X.shape[1] == 1:
        y = data.y if data.held_y is None else np.vstack([data.y, data.held_y])
        columns[1] = y[:, 0]
    found = []
    for column in columns:
        low, high = float(column.min()), float(column.max())
        margin = (high - low) / 12 or 1.0
        found.append([low - margin, high + margin])
    return found


def points(session: Session) -> dict[str, list[Any]]:
    """Training and validation points as they lie over the two axes."""
    data, (i, j) = session.data, session.view.axes
    found: dict[str, list[Any]] = {"x": [], "y": [], "c": [], "held": [], "row": []}
    for flag, X, y in ((0, data.X, data.y), (1, data.held_X, data.held_y)):
        if X is None or y is None:
            continue
        rows = np.unique(np.linspace(0, len(X) - 1, min(len(X), POINTS)).astype(np.intp))
        up = X[rows, j] if X.shape[1] > 1 else y[rows, 0]
        c = data.classes_of(y[rows]) if data.labels else y[rows, 0]
        found["x"] += X[rows, i].tolist()
        found["y"] += up.tolist()
        found["c"] += c.tolist()
        found["held"] += [flag] * len(rows)
        found["row"] += rows.tolist()
    return found


# ---------------------------------------------------------------- a frame


def frame(session: Session, number: int = 0) -> dict[str, Any]:
    """Everything that moves: weights, maps, the current sample's answers, losses, curves."""
    one, state, position = session.problem, session.state, session.position
    net = one.task.net
    shown = drawn(net, session.view.axes)
    with np.errstate(all="ignore"):
        passes = forward(net, state.theta, grid_rows(session))
        layers = [passes[0].x, *(p.a for p in passes)]  # of the grid
        X = one.data.held_X if position.held else one.data.X
        targets = one.data.held_y if position.held else one.data.y
        assert X is not None
        assert targets is not None
        sample = forward(net, state.theta, X[position.row : position.row + 1])
        answers = [sample[0].x, *(p.a for p in sample)]  # (1, n)
        loss, score = measured(session, one, validation=False)
        held_loss, held_score = measured(session, one, validation=True)
    found: dict[str, Any] = {
        "id": number,
        "epoch": position.epoch,
        "end": session.timeline.end,
        "goal": session.setting.epochs,
        "update": state.step + 1,
        "batch": [position.batch, session.batches],
        "phase": None if session.playing or position.phase == "all" else position.phase,
        "playing": session.playing,
        "rate": round(session.player.rate) if session.playing else 0,
        "loss": finite(loss),
        "val": finite(held_loss),
        "score": finite(score),
        "val_score": finite(held_score),
        "score_name": one.metric[0],
        "W": [],
        "b": [],
        "maps": [],
        "scale": [],
        "a": [listed(a[0, units]) for a, units in zip(answers, shown, strict=True)],
        "sample": {"row": position.row, "held": position.held},
        "answer": one.data.said(answers[-1][0]),
        "wanted": one.data.said(targets[position.row]),
        "pick": {
            "kind": session.pick.kind,
            "layer": session.pick.layer,
            "unit": session.pick.unit,
            "source": session.pick.source,
        },
        "curve": curves(session),
    }
    for k, (W, b) in enumerate(net.views(state.theta)):
        found["W"].append(listed(W[np.ix_(shown[k], shown[k + 1])].ravel()))
        found["b"].append([] if b is None else listed(b[shown[k + 1]]))
    for k, (values, units) in enumerate(zip(layers, shown, strict=True)):
        kind = None if k == 0 else net.layers[k - 1].activation
        if k == 0:  # by the data: one that is held is no more than the rounding of its mean
            scales = [input_scale(one.data, i) for i in units]
        else:
            scales = [scale(column, kind) for column in values[:, units].T]
        maps = neuron_maps(values[:, units], scales, square=net.n_in > 1)
        found["maps"].append(maps)
        found["scale"].append([list(ends) for ends in scales])
    return found | answer_map(session, layers[-1])


def grid_rows(session: Session) -> Array:
    """The grid's cells as rows (GRID², n_in), the top row first; with one input GRID rows."""
    (low, high), (bottom, top) = ranges(session)
    across = cells(low, high)
    if session.data.X.shape[1] == 1:
        return across[:, None]
    i, j = session.view.axes
    rows = np.tile(held(session), (GRID * GRID, 1))
    rows[:, j] = np.repeat(cells(bottom, top)[::-1], GRID)
    rows[:, i] = np.tile(across, GRID)
    return rows


def cells(low: float, high: float) -> Array:
    """The middles of GRID cells from low to high."""
    return low + (np.arange(GRID) + 0.5) * ((high - low) / GRID)


def neuron_maps(values: Array, scales: list[tuple[float, float]], *, square: bool) -> str:
    """The small maps of some neurons, one after the other; each from its lowest to its highest."""
    maps = []
    for column, (low, high) in zip(values.T, scales, strict=True):
        small = column.reshape(GRID, GRID)[::2, ::2] if square else np.tile(column[::2], 20)
        maps.append(in_bytes(small, low, high))
    return base64.b64encode(b"".join(maps)).decode()


def scale(values: Array, activation: Activation | None) -> tuple[float, float]:
    """What the two ends of the colours mean: the activation's own range, else ± the largest."""
    if isinstance(activation, Sigmoid | Softmax):
        return 0.0, 1.0
    if isinstance(activation, Tanh):
        return -1.0, 1.0
    return both_ways(values[np.isfinite(values)])


def input_scale(data: Data, i: int) -> tuple[float, float]:
    """The same of an input: ± the largest of its column."""
    held = [] if data.held_X is None else [data.held_X[:, i]]
    return both_ways(np.concatenate([data.X[:, i], *held]))


def both_ways(values: Array) -> tuple[float, float]:
    """± the largest."""
    most = float(np.abs(values).max()) if len(values) else 0.0
    return (-most, most) if most > 0 else (-1.0, 1.0)


def in_bytes(values: Array, low: float, high: float) -> bytes:
    """0 for low, 255 for high; 128 for what is not a number."""
    share = np.nan_to_num((values - low) / (high - low), nan=0.5, posinf=1.0, neginf=0.0)
    return np.clip(np.rint(share * 255), 0, 255).astype(np.uint8).tobytes()


def answer_map(session: Session, answers: Array) -> dict[str, Any]:
    """The network's answer over the grid: a line, probabilities, or classes and confidence."""
    data = session.data
    if data.X.shape[1] == 1:
        return {"map": None, "classes": None, "map_range": None, "line": listed(answers[:, 0])}
    found: dict[str, Any] = {"classes": None, "line": None, "map_range": [0.0, 1.0]}
    if not data.labels:
        low, high = float(data.y[:, 0].min()), float(data.y[:, 0].max())
        high = high if high > low else low + 1.0
        found["map"] = text_of(in_bytes(answers[:, 0], low, high))
        return found | {"map_range": [low, high]}
    classes = data.classes_of(answers).astype(np.uint8).tobytes()
    if len(data.labels) == 2:
        found["map"] = text_of(in_bytes(answers[:, 0], 0.0, 1.0))
        return found | ({"classes": text_of(classes)} if session.view.hard else {})
    # how sure: from a guess among all classes to certainty
    least = 1.0 / len(data.labels)
    sure = in_bytes(answers.max(axis=1), least, 1.0)
    if session.view.hard:
        sure = bytes([255]) * len(sure)
    return found | {"map": text_of(sure), "classes": text_of(classes), "map_range": [least, 1.0]}


def text_of(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode()


def measured(session: Session, one: Problem, *, validation: bool) -> tuple[float, float]:
    """Loss and score of the state shown, on training or validation rows; nan without them."""
    data = one.data
    X, y = (data.held_X, data.held_y) if validation else (data.X, data.y)
    if X is None or y is None:
        return math.nan, math.nan
    task, theta = one.task, session.state.theta
    if len(X) * task.net.n_params > 2_000_000:  # NumPy would take longer than a frame may
        total = session.engine.sums(task, theta, (X, y, None))
        answers = session.engine.predict(task.net, theta, X)
    else:
        total = sums(task, theta, (X, y, None))
        answers = forward(task.net, theta, X)[-1].a
    return total.loss / total.weight, one.metric[1](answers, y)


def curves(session: Session) -> dict[str, Any]:
    """Losses of all epochs, thinned out evenly; the last one is always there."""
    own = curve(session.timeline)
    own["log"] = session.view.log
    own["pins"] = [{"name": pin.name, **curve(pin.timeline)} for pin in session.pins]
    return own


def curve(timeline: Timeline) -> dict[str, Any]:
    """Training and validation losses, at most CURVE of them: x is the epoch."""
    loss, validation = timeline.curve("loss"), timeline.curve("validation")
    n = len(loss)
    if not n:
        return {"x": [], "loss": [], "val": []}
    chosen = np.unique(np.linspace(0, n - 1, min(n, CURVE)).astype(np.intp))
    held_out = not np.isnan(validation[0])
    return {
        "x": (chosen + 1).tolist(),
        "loss": listed(loss[chosen]),
        "val": listed(validation[chosen]) if held_out else [],
    }


def listed(values: Array) -> list[float | None]:
    """Plain numbers; None for what is not finite."""
    return [value if math.isfinite(value) else None for value in values.tolist()]


def finite(value: float) -> float | None:
    """The number, or None where it is none."""
    return value if math.isfinite(value) else None
