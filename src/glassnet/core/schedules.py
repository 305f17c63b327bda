"""Schedules: the learning rate as a function of the step, counted in updates from 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassnet.core.formula import Formula, constant


@dataclass(frozen=True)
class Schedule(Formula):
    """lr = f(step). To write one's own: a frozen dataclass with `f`."""

    f: ClassVar[Callable[..., float]]  # f(step, *constants) -> learning rate

    def __call__(self, step: int) -> float:
        """The learning rate of the update that follows `step` others."""
        return float(self.f(step, *self.constants))


@dataclass(frozen=True)
class Constant(Schedule):
    """lr = lr."""

    lr: float = constant(0.01, "of 0 or more")

    @staticmethod
    def f(step: int, lr: float) -> float:
        return lr


@dataclass(frozen=True)
class Exponential(Schedule):
    """lr·decay^(step/steps): multiplied by `decay` over every `steps` updates, smoothly."""

    lr: float = constant(0.01, "of 0 or more")
    decay: float = constant(0.5, "of 0 or more")
    steps: int = constant(1000, "of 1 or more")

    @staticmethod
    def f(step: int, lr: float, decay: float, steps: int) -> float:
        return lr * decay ** (step / steps)


@dataclass(frozen=True)
class Staircase(Schedule):
    """lr·decay^⌊step/steps⌋: multiplied by `decay` after every `steps` updates, at once."""

    lr: float = constant(0.01, "of 0 or more")
    decay: float = constant(0.5, "of 0 or more")
    steps: int = constant(1000, "of 1 or more")

    @staticmethod
    def f(step: int, lr: float, decay: float, steps: int) -> float:
        return lr * decay ** (step // steps)


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """lr/(step + 1)^power, as scikit-learn's 'invscaling'."""

    lr: float = constant(0.01, "of 0 or more")
    power: float = constant(0.5)

    @staticmethod
    def f(step: int, lr: float, power: float) -> float:
        return lr / (step + 1) ** power


@dataclass(frozen=True)
class Cosine(Schedule):
    """end + ½(lr - end)(1 + cos(π·step/steps)), and `end` from `steps` on.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, equation 5,
    without the restarts.
    """

    lr: float = constant(0.01, "of 0 or more")
    steps: int = constant(1000, "of 1 or more")
    end: float = constant(0.0, "of 0 or more")

    @staticmethod
    def f(step: int, lr: float, steps: int, end: float) -> float:
        return end + 0.5 * (lr - end) * (1.0 + np.cos(np.pi * min(step, steps) / steps))


@dataclass(frozen=True)
class Warmup(Schedule):
    """lr·min(1, (step + 1)/steps): grows in a straight line over `steps` updates, then stays."""

    lr: float = constant(0.01, "of 0 or more")
    steps: int = constant(100, "of 1 or more")

    @staticmethod
    def f(step: int, lr: float, steps: int) -> float:
        return lr * min(1.0, (step + 1) / steps)
