"""The proof of a gradient: each parameter moved a little up and down, and the slope measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.data import check_samples, numbers
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.engines.base import Engine, Task
from glassnet.engines.reference import Reference

STEP = 6e-6  # about the cube root of float64's eps: truncation and rounding weigh the same


@dataclass(frozen=True)
class Checked:
    """The gradient of one weight matrix or bias, beside its measurement.

    error : the largest |computed - measured| / max(|computed|, |measured|, floor). The floor is the
        slope of which rounding leaves just the digits that `tol` asks for:
        10·eps·(|J|/step + |y|) / tol.
    """

    name: str  # W1, b1, …
    layer: int  # from 1
    shape: tuple[int, ...]
    computed: Array  # dJ/dW
    measured: Array  # (J(w + h) - J(w - h)) / 2h
    relative: Array
    kinks: int  # parameters whose step crossed a kink: nothing can be measured there
    tol: float

    @property
    def error(self) -> float:
        """The largest relative error; those at a kink do not count."""
        return float(np.nanmax(self.relative, initial=0.0))

    @property
    def worst(self) -> tuple[int, ...]:
        """Where it is."""
        filled = np.where(np.isnan(self.relative), -1.0, self.relative)
        return tuple(int(i) for i in np.unravel_index(filled.argmax(), self.shape))

    @property
    def agrees(self) -> bool:
        """Whether every slope agrees with its measurement."""
        return self.error <= self.tol

    @property
    def verdict(self) -> str:
        """In words."""
        if not self.agrees:
            return "wrong"
        return f"right, {self.kinks} at a kink not measured" if self.kinks else "right"


def check_gradients(
    task: Task,
    theta: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    engine: Engine | None = None,
    tol: float = 1e-6,
    step: float = STEP,
) -> list[Checked]:
    """(J(w + h) - J(w - h)) / 2h beside dJ/dw for every parameter, a record for each W and b.

    In float64, whatever the network was trained in. h = step·max(1, |w|). The error of the formula
    falls with h², that of rounding grows with 1/h. Where there is a kink at w (ReLU's, or l1's) no
    slope can be measured; that is said, not counted as wrong.
    """
    theta = numbers("theta", theta, np.float64).copy()
    if theta.shape != (task.net.n_params,):
        raise BadInput(f"theta has shape {theta.shape}", f"{(task.net.n_params,)} is expected")
    samples = check_samples(task.net, task.loss, X, y, weight, np.float64)
    engine = engine or Reference()

    def objective(i: int, value: float) -> float:
        moved = theta.copy()
        moved[i] = value
        return engine.loss_and_grad(task, moved, samples)[0]

    here, grad = engine.loss_and_grad(task, theta, samples)
    # what rounding leaves of a slope: of J, and of the outputs where J is next to nothing
    outputs = max(1.0, float(np.abs(samples[1]).max()))
    if task.reduction == "sum":
        outputs *= len(samples[0]) if samples[2] is None else float(samples[2].sum())
    floor = 10.0 * np.finfo(np.float64).eps * (abs(here) / step + outputs) / tol
    measured, kink = np.empty_like(theta), np.zeros_like(theta)
    for i, slope in enumerate(grad):
        measured[i], kink[i] = measure(
            partial(objective, i), theta[i], here, slope, step=step, tol=tol, floor=floor
        )
    named = zip(
        task.net.named(theta),
        task.net.named(grad).values(),
        task.net.named(measured).values(),
        task.net.named(kink).values(),
        strict=True,
    )
    return [_compare(name, g, m, k, tol, floor) for name, g, m, k in named]


def measure(
    objective: Callable[[float], float],
    w: float,
    here: float,
    slope: float,
    *,
    step: float = STEP,
    tol: float = 1e-6,
    floor: float = 0.0,
) -> tuple[float, bool]:
    """The measured slope of a function of one number at w, and whether it sits at a kink.

    here is the function's value at w, slope what was computed, floor the slope of which rounding
    leaves just the digits that tol asks for.

    A kink beside w spoils the centred difference. Then the slope is taken from either side alone,
    and from a shorter step: where the objective is smooth all of them agree, whatever was computed.
    As the step gets shorter the slopes to the right and to the left come together; if they stay
    apart there is a kink at w itself.
    """
    gaps: list[float] = []
    agreed = None
    for part in (1.0, 1.0 / 16.0):
        h = part * step * max(1.0, abs(w))
        right, left = w + h, w - h  # rounded: the steps taken are right - w and w - left
        above, below = objective(right), objective(left)
        rise, fall = (above - here) / (right - w), (here - below) / (w - left)
        measured = (above - below) / (right - left)
        if not math.isfinite(slope):
            return measured, False  # whatever was measured, it is wrong
        size = max(abs(measured), abs(slope), floor)
        slack = tol * size / part
        gaps.append(abs(rise - fall))
        if agreed is None and abs(measured - slope) <= slack:
            agreed = measured
        if agreed is not None and gaps[0] <= 1e-3 * size:
            return agreed, False
        if agreed is None:
            for side, near in ((right - w, above), (left - w, below)):
                far = objective(w + 2.0 * side)
                one_sided = (4.0 * near - 3.0 * here - far) / (2.0 * side)
                if agreed is None and abs(one_sided - slope) <= 4.0 * slack:
                    agreed = one_sided
    # by what was measured alone: a slope of 1e30, as of ln a at a = 0, would hide any kink
    kink = gaps[1] > max(0.5 * gaps[0], tol * max(abs(measured), floor) / part)
    return measured if agreed is None else agreed, kink


def _compare(
    name: str, grad: Array, measured: Array, kink: Array, tol: float, floor: float
) -> Checked:
    size = np.maximum(np.abs(grad), np.abs(measured))
    with np.errstate(invalid="ignore"):  # inf/inf, told below
        relative = np.abs(grad - measured) / np.maximum(size, floor)
    relative[~np.isfinite(relative)] = np.inf  # no slope at all is no agreement
    relative[kink > 0] = np.nan
    return Checked(name, int(name[1:]), grad.shape, grad, measured, relative, int(kink.sum()), tol)
