"""Optimizers: from a gradient to the next parameters. Each is one pure function, number by number.

`f(theta, g, lr, t, *slots, *constants)` gives back the new theta and the new slots. t counts the
updates from 1. Slots are what an optimizer remembers; they begin at 0 and have theta's layout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from glassnet.core.formula import Array, Formula, constant, plain
from glassnet.core.schedules import Schedule

SHARE = "of at least 0 and below 1"  # how much of a slot is kept


@dataclass(frozen=True)
class Optimizer(Formula):
    """θ ← f(θ, g). `lr` is a number or a schedule.

    To write one's own: a frozen dataclass with `lr` first, the names of its slots, and `f`.
    """

    lr: float | Schedule = constant(0.01, "of 0 or more", Schedule)
    slots: ClassVar[tuple[str, ...]] = ()
    f: ClassVar[Callable[..., tuple[Array, ...]]]

    @cached_property
    def constants(self) -> tuple[Any, ...]:
        """The fields after lr, which is handed to `f` by itself."""
        return tuple(plain(getattr(self, f.name)) for f in fields(self) if f.name != "lr")

    def rate(self, step: int) -> float:
        """The learning rate of the update that follows `step` others."""
        return float(self.lr(step) if isinstance(self.lr, Schedule) else self.lr)

    def start(self, theta: Array) -> tuple[Array, ...]:
        """The slots before the first update: zeros."""
        return tuple(np.zeros(theta.shape, theta.dtype) for _ in self.slots)

    def step(
        self, theta: Array, g: Array, slots: tuple[Array, ...], step: int
    ) -> tuple[Array, tuple[Array, ...]]:
        """The parameters and slots after the update that follows `step` others."""
        theta, *new = self.f(theta, g, self.rate(step), step + 1, *slots, *self.constants)
        return theta, tuple(new)


@dataclass(frozen=True)
class SGD(Optimizer):
    """θ ← θ - lr·g."""

    @staticmethod
    def f(theta: Array, g: Array, lr: float, t: int) -> tuple[Array, ...]:
        return (theta - lr * g,)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """v ← momentum·v - lr·g; θ ← θ + v.

    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964. The learning
    rate is inside v, as in scikit-learn; PyTorch's stands outside. The same for a constant lr.
    """

    momentum: float = constant(0.9, SHARE)
    slots: ClassVar[tuple[str, ...]] = ("v",)

    @staticmethod
    def f(
        theta: Array, g: Array, lr: float, t: int, v: Array, momentum: float
    ) -> tuple[Array, ...]:
        v = momentum * v - lr * g
        return theta + v, v


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """v ← momentum·v - lr·g; θ ← θ + momentum·v - lr·g.

    Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
    learning", 2013, in the form that keeps θ where the gradient was taken.
    """

    momentum: float = constant(0.9, SHARE)
    slots: ClassVar[tuple[str, ...]] = ("v",)

    @staticmethod
    def f(
        theta: Array, g: Array, lr: float, t: int, v: Array, momentum: float
    ) -> tuple[Array, ...]:
        v = momentum * v - lr * g
        return theta + momentum * v - lr * g, v


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """v ← rho·v + (1 - rho)·g²; θ ← θ - lr·g/(√v + eps).

    Hinton, "Neural networks for machine learning", lecture 6e, 2012.
    """

    lr: float | Schedule = constant(0.001, "of 0 or more", Schedule)
    rho: float = constant(0.9, SHARE)
    eps: float = constant(1e-8, "above 0")
    slots: ClassVar[tuple[str, ...]] = ("v",)

    @staticmethod
    def f(
        theta: Array, g: Array, lr: float, t: int, v: Array, rho: float, eps: float
    ) -> tuple[Array, ...]:
        v = rho * v + (1.0 - rho) * g * g
        return theta - lr * g / (np.sqrt(v) + eps), v


@dataclass(frozen=True)
class Adam(Optimizer):
    """m ← β₁m + (1 - β₁)g; v ← β₂v + (1 - β₂)g²; θ ← θ - lr·m̂/(√v̂ + eps).

    m̂ = m/(1 - β₁ᵗ) and v̂ = v/(1 - β₂ᵗ) correct for the slots' start at 0. Kingma and Ba, "Adam: a
    method for stochastic optimization", 2015, algorithm 1.
    """

    lr: float | Schedule = constant(0.001, "of 0 or more", Schedule)
    beta1: float = constant(0.9, SHARE)
    beta2: float = constant(0.999, SHARE)
    eps: float = constant(1e-8, "above 0")
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    @staticmethod
    def f(
        theta: Array,
        g: Array,
        lr: float,
        t: int,
        m: Array,
        v: Array,
        beta1: float,
        beta2: float,
        eps: float,
    ) -> tuple[Array, ...]:
        m = beta1 * m + (1.0 - beta1) * g
        v = beta2 * v + (1.0 - beta2) * g * g
        m_hat = m / (1.0 - beta1**t)
        v_hat = v / (1.0 - beta2**t)
        return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@dataclass(frozen=True)
class AdamW(Optimizer):
    """θ ← θ - lr·decay·θ, then Adam's step.

    Every parameter decays, biases too, as in PyTorch. Loshchilov and Hutter, "Decoupled weight
    decay regularization", 2019, algorithm 2.
    """

    lr: float | Schedule = constant(0.001, "of 0 or more", Schedule)
    beta1: float = constant(0.9, SHARE)
    beta2: float = constant(0.999, SHARE)
    eps: float = constant(1e-8, "above 0")
    decay: float = constant(0.01, "of 0 or more")
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    @staticmethod
    def f(
        theta: Array,
        g: Array,
        lr: float,
        t: int,
        m: Array,
        v: Array,
        beta1: float,
        beta2: float,
        eps: float,
        decay: float,
    ) -> tuple[Array, ...]:
        return Adam.f(theta - lr * decay * theta, g, lr, t, m, v, beta1, beta2, eps)


@dataclass(frozen=True)
class LBFGS(Formula):
    """θ ← θ - α·H·g, with H an approximate inverse Hessian from the last `memory` steps.

    No step of ours: SciPy's L-BFGS-B chooses α by a line search over the whole data set and decides
    itself when it has arrived. Byrd, Lu, Nocedal, Zhu, "A limited memory algorithm for bound
    constrained optimization", 1995.

    memory : how many steps back H remembers.
    gtol : stop when the largest |g| is below it.
    ftol : stop when an iteration lowers the objective by less than this share of it.
    evaluations : at most so many of the objective and its gradient.
    """

    memory: int = constant(10, "of 1 or more")
    gtol: float = constant(1e-6, "of 0 or more")
    ftol: float = constant(1e-12, "of 0 or more")
    evaluations: int = constant(15000, "of 1 or more")
