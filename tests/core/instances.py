"""Every instance that the contract tests run for, and formulas of each, written independently.

The formulas take and give mpmath's numbers: fifty digits, so that what differs is the library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np

from glassnet.core.activations import (
    ELU,
    GELU,
    Activation,
    Exp,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from glassnet.core.initializers import Glorot, He, Initializer, LeCun, Uniform, Zeros
from glassnet.core.losses import (
    Absolute,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Pinball,
    Poisson,
    SquaredError,
)
from glassnet.core.optimizers import SGD, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSProp
from glassnet.core.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    Schedule,
    Staircase,
    Warmup,
)

mp.mp.dps = 50

Number = Any  # mpmath's mpf, which carries no types

# instance -> (formula, {kink: the slope stated there})
ACTIVATIONS: dict[Activation, tuple[Callable[[Number], Number], dict[float, float]]] = {
    Sigmoid(): (lambda z: 1 / (1 + mp.exp(-z)), {}),
    Tanh(): (lambda z: mp.sinh(z) / mp.cosh(z), {}),
    ReLU(): (lambda z: z if z > 0 else mp.mpf(0), {0.0: 0.0}),
    LeakyReLU(): (lambda z: z if z > 0 else mp.mpf(0.01) * z, {0.0: 0.01}),
    LeakyReLU(alpha=0.3): (lambda z: z if z > 0 else mp.mpf(0.3) * z, {0.0: 0.3}),
    ELU(): (lambda z: z if z > 0 else mp.exp(z) - 1, {}),
    ELU(alpha=0.4): (lambda z: z if z > 0 else mp.mpf(0.4) * (mp.exp(z) - 1), {0.0: 0.4}),
    GELU(): (lambda z: z * mp.erfc(-z / mp.sqrt(2)) / 2, {}),
    SiLU(): (lambda z: z / (1 + mp.exp(-z)), {}),
    Softplus(): (lambda z: mp.log1p(mp.exp(z)), {}),
    Identity(): (lambda z: z, {}),
    Exp(): (mp.exp, {88.0: float(mp.exp(88))}),
}
ELEMENTWISE = list(ACTIVATIONS)
ALL_ACTIVATIONS = [*ELEMENTWISE, Softmax()]

# instance -> formula of one output a and its target y
LOSSES: dict[Loss, Callable[[Number, Number], Number]] = {
    SquaredError(): lambda a, y: (a - y) ** 2 / 2,
    BinaryCrossEntropy(): lambda a, y: -(y * mp.log(a)) - (1 - y) * mp.log(1 - a),
    CrossEntropy(): lambda a, y: -(y * mp.log(a)),
    Huber(): lambda a, y: (a - y) ** 2 / 2 if abs(a - y) < 1 else abs(a - y) - mp.mpf(0.5),
    Huber(delta=0.25): lambda a, y: (
        (a - y) ** 2 / 2 if abs(a - y) < 0.25 else (abs(a - y) - mp.mpf(0.125)) / 4
    ),
    Absolute(): lambda a, y: abs(a - y),
    Pinball(): lambda a, y: abs(a - y) / 2,
    Pinball(tau=0.9): lambda a, y: mp.mpf(0.9) * (y - a) if y > a else (1 - mp.mpf(0.9)) * (a - y),
    Poisson(): lambda a, y: a - y + (y * mp.log(y / a) if y else 0),
}
ALL_LOSSES = list(LOSSES)
LINKED = [loss for loss in ALL_LOSSES if loss.link is not None]

INITIALIZERS: list[Initializer] = [
    *(kind(shape) for kind in (Glorot, He, LeCun) for shape in ("uniform", "normal")),
    Uniform(),
    Uniform(-0.5, 2.0),
    Zeros(),
]

OPTIMIZERS: list[Optimizer] = [
    SGD(0.1),
    Momentum(0.1),
    Momentum(0.1, momentum=0.5),
    Nesterov(0.1),
    RMSProp(0.01),
    Adam(0.01),
    AdamW(0.01, decay=0.1),
    SGD(Exponential(0.1, 0.5, 10)),
]

SCHEDULES: list[Schedule] = [
    Constant(0.2),
    Exponential(0.2, 0.5, 10),
    Staircase(0.2, 0.5, 10),
    InverseScaling(0.2, 0.5),
    Cosine(0.2, 100, 0.01),
    Warmup(0.2, 10),
]


def kinds_of(base: type) -> set[type]:
    """The classes that stand in the core under `base`, themselves without subclasses there."""
    found = set()
    for kind in base.__subclasses__():
        deeper = kinds_of(kind)
        found |= deeper or ({kind} if kind.__module__.startswith("glassnet.core.") else set())
    return found


def sensible(loss: Loss, rng: np.random.Generator, n: int, k: int) -> tuple[Any, Any, Any]:
    """(a, z, y), each (n, k): outputs that the loss can judge, sums z, and targets for it.

    With a link a = link(z); distances from kinks are at least 0.05.
    """
    z = rng.uniform(-3.0, 3.0, (n, k))
    if isinstance(loss, CrossEntropy):
        y = rng.dirichlet(np.ones(k), n)
    elif isinstance(loss, BinaryCrossEntropy):
        y = rng.uniform(0.0, 1.0, (n, k))
        y[::2] = np.round(y[::2])
    elif isinstance(loss, Poisson):
        y = rng.poisson(3.0, (n, k)).astype(float)
    else:
        far = rng.uniform(0.05, 0.2, (n, k)) * rng.choice([-1.0, 1.0], (n, k))
        far[::2] = rng.uniform(1.05, 3.0, far[::2].shape) * np.sign(far[::2])
        y = z + far
    return (z if loss.link is None else loss.link(z)), z, y


def exact(formula: Callable[..., Number], *arrays: Any) -> Any:
    """The formula over arrays, number by number, with fifty digits and then rounded."""
    return np.vectorize(lambda *x: float(formula(*map(mp.mpf, x))), otypes=[float])(*arrays)


def exact_slope(formula: Callable[..., Number], x: Any, *others: Any) -> Any:
    """d formula/d x over arrays, from centred differences with fifty digits."""
    h = mp.mpf(10) ** -15

    def slope(x: float, *others: float) -> float:
        at = [mp.mpf(other) for other in others]
        return float((formula(mp.mpf(x) + h, *at) - formula(mp.mpf(x) - h, *at)) / (2 * h))

    return np.vectorize(slope, otypes=[float])(x, *others)
