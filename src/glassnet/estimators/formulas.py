"""scikit-learn's own formulas, where they are not those of `core`: each to the last detail.

The engines run these as they run any other; `twin` names the formula of core that stands for one
of them in files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from glassnet.core.activations import Activation, Sigmoid, Softmax
from glassnet.core.formula import Array, constant
from glassnet.core.initializers import Initializer
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, Loss
from glassnet.core.network import Network
from glassnet.core.optimizers import SHARE, Adam, Momentum, Nesterov, Optimizer
from glassnet.core.schedules import Schedule

EPS = float(np.finfo(np.float64).eps)

# ---------------------------------------------------------------- losses


@dataclass(frozen=True)
class LogLoss(Loss):
    """ℓ = -Σ_k y_k·ln a_k, with a_k held between eps and 1 - eps.

    The slope is that of the loss without the hold, as in scikit-learn.
    """

    eps: float = constant(EPS, "between 0 and 1")
    link: ClassVar[Activation | None] = Softmax()

    @staticmethod
    def f(a: Array, y: Array, eps: float) -> Array:
        return -y * np.log(np.minimum(np.maximum(a, eps), 1.0 - eps))

    @staticmethod
    def df(a: Array, y: Array, eps: float) -> Array:
        return CrossEntropy.df(a, y)

    @staticmethod
    def fz(z: Array, y: Array, eps: float) -> Array:
        z = z - z.max(axis=1, keepdims=True)
        surprise = np.log(np.exp(z).sum(axis=1, keepdims=True)) - z  # -ln a
        return y * np.minimum(np.maximum(surprise, -math.log1p(-eps)), -math.log(eps))

    @staticmethod
    def dfz(a: Array, y: Array, eps: float) -> Array:
        return a - y


@dataclass(frozen=True)
class BinaryLogLoss(Loss):
    """ℓ = -y·ln a - (1 - y)·ln(1 - a), with a held between eps and 1 - eps.

    The slope is that of the loss without the hold, as in scikit-learn.
    """

    eps: float = constant(EPS, "between 0 and 1")
    link: ClassVar[Activation | None] = Sigmoid()

    @staticmethod
    def f(a: Array, y: Array, eps: float) -> Array:
        a = np.minimum(np.maximum(a, eps), 1.0 - eps)
        return -y * np.log(a) - (1.0 - y) * np.log(1.0 - a)

    @staticmethod
    def df(a: Array, y: Array, eps: float) -> Array:
        return BinaryCrossEntropy.df(a, y)

    @staticmethod
    def fz(z: Array, y: Array, eps: float) -> Array:
        rest = np.log1p(np.exp(-np.abs(z)))
        lowest, highest = -math.log1p(-eps), -math.log(eps)
        yes = np.minimum(np.maximum(np.maximum(-z, 0.0) + rest, lowest), highest)  # -ln a
        no = np.minimum(np.maximum(np.maximum(z, 0.0) + rest, lowest), highest)  # -ln(1 - a)
        return y * yes + (1.0 - y) * no

    @staticmethod
    def dfz(a: Array, y: Array, eps: float) -> Array:
        return a - y


# ---------------------------------------------------------------- optimizers


@dataclass(frozen=True)
class AdamHat(Optimizer):
    """m, v as Adam's; θ ← θ - lr·√(1 - β₂ᵗ)/(1 - β₁ᵗ)·m/(√v + eps).

    Adam with eps beside √v, not √v̂: "ε̂" in Kingma and Ba, end of section 2. scikit-learn's.
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
        v = beta2 * v + (1.0 - beta2) * (g * g)
        rate = lr * (1.0 - beta2**t) ** 0.5 / (1.0 - beta1**t)
        return theta - rate * m / (np.sqrt(v) + eps), m, v


@dataclass(frozen=True)
class Undamped(Optimizer):
    """Momentum's step with a momentum of 1, which forgets nothing."""

    slots: ClassVar[tuple[str, ...]] = ("v",)

    @staticmethod
    def f(theta: Array, g: Array, lr: float, t: int, v: Array) -> tuple[Array, ...]:
        return Momentum.f(theta, g, lr, t, v, 1.0)


@dataclass(frozen=True)
class UndampedNesterov(Optimizer):
    """Nesterov's step with a momentum of 1."""

    slots: ClassVar[tuple[str, ...]] = ("v",)

    @staticmethod
    def f(theta: Array, g: Array, lr: float, t: int, v: Array) -> tuple[Array, ...]:
        return Nesterov.f(theta, g, lr, t, v, 1.0)


@dataclass(frozen=True)
class EpochScaling(Schedule):
    """lr in the first epoch, then lr/(samples seen + 1)^power: 'invscaling', which moves by epochs.

    updates, rows : of an epoch.
    seen : samples before the first.
    """

    lr: float = constant(0.001, "of 0 or more")
    power: float = constant(0.5)
    updates: int = constant(1, "of 1 or more")
    rows: int = constant(1, "of 1 or more")
    seen: int = constant(0, "of 0 or more")

    @staticmethod
    def f(step: int, lr: float, power: float, updates: int, rows: int, seen: int) -> float:
        epoch = step // updates
        return lr / (seen + epoch * rows + 1) ** power if epoch else lr


def sgd(lr: float | Schedule, momentum: float, *, nesterov: bool) -> Optimizer:
    """The optimizer of solver='sgd'."""
    if momentum == 1:
        return UndampedNesterov(lr) if nesterov else Undamped(lr)
    return Nesterov(lr, momentum) if nesterov else Momentum(lr, momentum)


# ---------------------------------------------------------------- initial weights


def initial(
    net: Network,
    rng: np.random.RandomState,
    activation: Activation,
    initializer: Initializer | None = None,
) -> Array:
    """Initial theta: W and b of each layer uniform within ±√(6/(n_in + n_out)), drawn in order.

    2 in place of 6 where the layer's activation is the logistic one; for the output layer
    `activation` counts, the last of the hidden ones. With an initializer it draws W, and b is 0.
    """
    theta = np.zeros(net.n_params)
    kinds = [*(layer.activation for layer in net.layers[:-1]), activation]
    for (W, b), layer, kind in zip(net.views(theta), net.layers, kinds, strict=True):
        if initializer is not None:
            W[:] = initializer(rng, layer.n_in, layer.n_out)
            continue
        bound = np.sqrt((2.0 if isinstance(kind, Sigmoid) else 6.0) / (layer.n_in + layer.n_out))
        W[:] = rng.uniform(-bound, bound, W.shape)
        if b is not None:
            b[:] = rng.uniform(-bound, bound, b.shape)
    return theta


# ---------------------------------------------------------------- for files


def twin(value: Any) -> Any:
    """The formula of core that stands for one of these in a file; anything else as it is."""
    match value:
        case LogLoss():
            return CrossEntropy()
        case BinaryLogLoss():
            return BinaryCrossEntropy()
        case AdamHat():
            return Adam(twin(value.lr), value.beta1, value.beta2, value.eps)
        case Undamped():
            return Momentum(twin(value.lr), 1.0 - EPS)
        case UndampedNesterov():
            return Nesterov(twin(value.lr), 1.0 - EPS)
        case EpochScaling():
            return value.lr
        case Optimizer():
            return replace(value, lr=twin(value.lr))
    return value
