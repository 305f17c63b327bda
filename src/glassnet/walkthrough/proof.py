"""The proof of a derivative: what it is the slope of, moved a little up and down, and measured.

Every derivative of a trace can be proved, not only those of parameters: ∂L/∂z₂[s,j] by moving that
one sum and following it forward, ∂a₁/∂z₁ by moving one sum and looking at what the neurons answer.
In float64, whatever the network was trained in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from glassnet.core.backprop import Pass, forward, sample_losses
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.engines.base import Samples, Sums, Task, complete, total_weight, weighted_sum
from glassnet.walkthrough.check import STEP, measure
from glassnet.walkthrough.explain import at
from glassnet.walkthrough.naming import handed

DERIVATIVE = re.compile(r"d(?P<of>L|J|[za]\d+)_d(?P<by>X|[zahWb]\d+)")
TOLERANCE = 1e-6
STEPS = (STEP, STEP / 32.0, STEP / 1024.0, STEP / 32768.0)
"""The shorter ones for slopes that change within the longer: of ln a at a = 0.0001."""


class Exact(Protocol):
    """A trace in float64."""

    @property
    def task(self) -> Task:
        """What is learnt and how."""
        ...

    @property
    def net(self) -> Network:
        """The architecture."""
        ...

    @property
    def theta(self) -> Array:
        """The parameters."""
        ...

    @property
    def samples(self) -> Samples | None:
        """Inputs, targets and weights."""
        ...

    @property
    def values(self) -> Any:
        """Every quantity by name."""
        ...


@dataclass(frozen=True)
class Proof:
    """A derivative beside its measurement.

    error : |computed - measured| / max(|computed|, |measured|), but not finer than rounding allows.
    kink : there is no one slope at this point, so nothing can be measured.
    """

    name: str
    index: tuple[int, ...]
    computed: float
    measured: float
    error: float
    kink: bool
    tol: float = TOLERANCE

    @property
    def place(self) -> str:
        """dL_dW2[1,0]."""
        return at(self.name, self.index)

    @property
    def agrees(self) -> bool:
        """Whether the two agree; a kink proves nothing either way."""
        return self.kink or self.error <= self.tol

    @property
    def verdict(self) -> str:
        """In words: right, wrong, or at a kink."""
        if self.kink:
            return "at a kink, not measurable"
        return "right" if self.agrees else "wrong"


def is_derivative(name: str) -> bool:
    """Whether a step is a derivative, which can be proved."""
    return DERIVATIVE.fullmatch(name) is not None


def prove(exact: Exact, name: str, index: tuple[int, ...]) -> Proof:
    """The proof of one number of a trace in float64."""
    found = DERIVATIVE.fullmatch(name)
    if found is None:
        raise BadInput(f"{name} is no derivative", "one is expected", "Try dL_dW1 or dL_dz1.")
    computed = float(np.asarray(exact.values[name])[index])
    function, w, size = _function(exact, found["of"], found["by"], index)
    here = function(w)
    best = Proof(name, index, computed, math.nan, math.inf, kink=False)
    for step in STEPS:
        # the slope of which rounding leaves just the digits that are asked for
        floor = 10.0 * np.finfo(np.float64).eps * (abs(here) / step + size) / TOLERANCE
        with np.errstate(all="ignore"):
            measured, kink = measure(
                function, w, here, computed, step=step, tol=TOLERANCE, floor=floor
            )
        largest = max(abs(computed), abs(measured))
        if step < STEP and largest < floor:  # a shorter step would prove less
            break
        error = abs(computed - measured) / max(largest, floor)
        if not error >= best.error:
            best = Proof(name, index, computed, measured, float(error), bool(kink))
        if best.agrees:
            break
    return best


def _function(
    exact: Exact, of: str, by: str, index: tuple[int, ...]
) -> tuple[Callable[[float], float], float, float]:
    """The function of one number whose slope is asked for, that number, and the size of outputs."""
    net, values = exact.net, exact.values
    if of in {"L", "J"} and by in net.names:
        return _by_parameter(exact, of, by, index)
    if of == "L":
        return _by_activation(exact, by, index)
    layer = int(of[1:])
    activation = net.layers[layer - 1].activation
    if of[0] == "a":  # da_dz, number by number or each with each
        s, i, j = index if len(index) == 3 else (index[0], index[1], index[1])
        row = np.array(values[f"z{layer}"][s : s + 1])

        def answer(value: float) -> float:
            moved = row.copy()
            moved[0, j] = value
            return float(activation(moved)[0, i])

        return answer, float(row[0, j]), 1.0
    W = np.array(values[f"W{layer}"])
    below = values[handed(layer - 1, values)]
    if by[0] == "W":  # dz_dW[s,i]: a sum by one of its weights
        s, i = index

        def by_weight(value: float) -> float:
            moved = W[:, 0].copy()
            moved[i] = value
            return float(below[s] @ moved)

        return by_weight, float(W[i, 0]), 1.0
    i, j = index

    def by_input(value: float) -> float:
        moved = np.array(below[0])
        moved[i] = value
        return float(moved @ W[:, j])

    return by_input, float(below[0, i]), 1.0


def masks_of(exact: Exact) -> list[Array | None]:
    """Dropout's masks as they were drawn: they stand still while a number moves."""
    return [exact.values.get(f"m{k}") for k in range(1, len(exact.net.layers) + 1)]


def _by_parameter(
    exact: Exact, of: str, by: str, index: tuple[int, ...]
) -> tuple[Callable[[float], float], float, float]:
    # what lies below the layer that moves stands still, so only the layers from it on are followed
    assert exact.samples is not None
    X, y, weight = exact.samples
    task, net, theta = exact.task, exact.net, exact.theta
    below = int(by[1:]) - 1
    above = Network(net.layers[below:])  # theta's end are its parameters
    start, x = len(theta) - above.n_params, exact.values[handed(below, exact.values)]
    masks, n = masks_of(exact)[below:], total_weight(X, weight)

    def total(value: float) -> float:
        moved = theta.copy()
        above.named(moved[start:])[f"{by[0]}1"][index] = value
        passes = forward(above, moved[start:], x, masks)
        L = weighted_sum(sample_losses(net, task.loss, passes, y), weight)
        # J from the sums of losses and weights; of the gradient's sum nothing is asked
        return L if of == "L" else complete(task, moved, Sums(L, moved, n))[0]

    size = max(1.0, float(np.abs(y).max())) * len(X)
    return total, float(net.named(theta)[by][index]), size


def _by_activation(
    exact: Exact, by: str, index: tuple[int, ...]
) -> tuple[Callable[[float], float], float, float]:
    # only sample s moves, so only its loss is followed
    assert exact.samples is not None
    X, y, weight = exact.samples
    net, loss = exact.net, exact.task.loss
    s, j = index
    w = 1.0 if weight is None else float(weight[s])
    rows, targets = np.array(X[s : s + 1]), y[s : s + 1]
    masks = [None if m is None else m[s : s + 1] for m in masks_of(exact)]
    passes = forward(net, exact.theta, rows, masks)
    start = 0 if by == "X" else int(by[1:])
    array = rows if by == "X" else getattr(passes[start - 1], by[0])
    # the layers above the number that moves are a network themselves, theta's end their parameters
    above = Network(net.layers[start:]) if start < len(net.layers) else None

    def lost(value: float) -> float:
        moved = array.copy()
        moved[0, j] = value
        if by[0] == "a" and start == len(net.layers):
            return w * float(loss(moved, targets)[0])  # from a, so the long form
        found, x = passes[:start], moved
        if by[0] in "za":
            last = found[-1]
            z, a = last.z, moved
            if by[0] == "z":
                z, a = moved, net.layers[start - 1].activation(moved)
            found[-1] = Pass(last.x, z, a, last.m)
            x = found[-1].h
        if above is not None:
            rest = forward(above, exact.theta[-above.n_params :], x, masks[start:])
            found = found + rest
        return w * float(sample_losses(net, loss, found, targets)[0])

    return lost, float(array[0, j]), max(1.0, float(np.abs(targets).max())) * w
