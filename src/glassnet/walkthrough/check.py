"""The proof of a gradient: each parameter moved a little up and down, and the slope measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.data import check_samples
from glassnet.core.formula import Array
from glassnet.engines.base import Engine, Task
from glassnet.engines.reference import Reference

STEP = 6e-6  # about the cube root of float64's eps: truncation and rounding weigh the same


@dataclass(frozen=True)
class Checked:
    """The gradient of one weight matrix or bias, beside its measurement.

    error : the largest |computed - measured| / max(|computed|, |measured|, floor), where the floor
        is 1e-5 of the layer's largest slope, at least 1e-8: a slope of 0 has no digits to compare.
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
    falls with h², that of rounding grows with 1/h. Where there is a kink between w - h and w + h
    (ReLU's, or l1's) the slope cannot be measured so; that is said, not counted as wrong.
    """
    theta = np.array(theta, dtype=np.float64)
    samples = check_samples(task.net, task.loss, X, y, weight, np.float64)
    engine = engine or Reference()

    def objective(i: int, value: float) -> float:
        moved = theta.copy()
        moved[i] = value
        return engine.loss_and_grad(task, moved, samples)[0]

    here, grad = engine.loss_and_grad(task, theta, samples)
    measured, kink = np.empty_like(theta), np.zeros(theta.shape, dtype=bool)
    for i, w in enumerate(theta):
        h = step * max(1.0, abs(w))
        right, left = w + h, w - h  # rounded: the steps taken are right - w and w - left
        above, below = objective(i, right), objective(i, left)
        measured[i] = (above - below) / (right - left)
        kink[i] = _at_kink(grad[i], (above - here) / (right - w), (here - below) / (w - left), tol)
    named = zip(
        task.net.named(theta),
        task.net.named(grad).values(),
        task.net.named(measured).values(),
        task.net.named(kink.astype(theta.dtype)).values(),
        strict=True,
    )
    return [_compare(name, g, m, k, tol) for name, g, m, k in named]


def _at_kink(slope: float, right: float, left: float, tol: float) -> bool:
    """Whether the slopes to both sides differ and the computed one lies between them.

    A wrong derivative of a smooth function lies outside: there both sides agree.
    """
    scale = max(abs(slope), abs(right), abs(left))
    slack = tol * scale
    differ = abs(right - left) > 100 * slack
    return differ and min(left, right) - slack <= slope <= max(left, right) + slack


def _compare(name: str, grad: Array, measured: Array, kink: Array, tol: float) -> Checked:
    size = np.maximum(np.abs(grad), np.abs(measured))
    floor = max(1e-5 * float(np.abs(grad).max()), 1e-8)
    relative = np.abs(grad - measured) / np.maximum(size, floor)
    missed = np.logical_and(kink, relative > tol)
    relative[missed] = np.nan
    return Checked(
        name, int(name[1:]), grad.shape, grad, measured, relative, int(missed.sum()), tol
    )
