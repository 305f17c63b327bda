"""Losses: how far an output is from its target. Each derivative stands under its function.

`f` and `df` are the long form, from the output a, number by number; they hold for any output
activation. A loss that belongs to one activation (its `link`) has the closed form too, from the
output's sum z: it loses no digits where the activation saturates, and the chain rule's product
dL/da · da/dz collapses to a - y. Both give the same numbers wherever the long form can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassnet.core.activations import Activation, Exp, Sigmoid, Softmax
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array, Formula, constant

TINY = 1e-30  # probabilities are held above it in the long forms: ln 0 is no number


@dataclass(frozen=True)
class Loss(Formula):
    """ℓ = Σ_outputs f(a, y), one number for each sample.

    To write one's own: a frozen dataclass with `f` and `df`, passed wherever a loss is wanted.
    """

    f: ClassVar[Callable[..., Array]]  # f(a, y, *constants) -> (n, n_out)
    df: ClassVar[Callable[..., Array]]  # df(a, y, *constants) -> df/da, (n, n_out)
    link: ClassVar[Activation | None] = None  # the output activation with which it closes
    fz: ClassVar[Callable[..., Array]]  # fz(z, y, *constants): f from z, where there is a link
    dfz: ClassVar[Callable[..., Array]]  # dfz(a, y, *constants): df/dz, where there is a link

    def __call__(self, a: Array, y: Array) -> Array:
        """ℓ (n,) from outputs a and targets y, both (n, n_out)."""
        return np.asarray(self.f(a, y, *self.constants), dtype=a.dtype).sum(axis=1)

    def slope(self, a: Array, y: Array) -> Array:
        """dℓ/da (n, n_out)."""
        return np.asarray(self.df(a, y, *self.constants), dtype=a.dtype)

    def closes(self, activation: Activation) -> bool:
        """Whether dℓ/dz has the closed form with this output activation."""
        return self.link is not None and self.link == activation

    def from_z(self, z: Array, y: Array) -> Array:
        """ℓ (n,) from the output's sums z: the closed form."""
        return np.asarray(self.fz(z, y, *self.constants), dtype=z.dtype).sum(axis=1)

    def slope_z(self, a: Array, y: Array) -> Array:
        """dℓ/dz (n, n_out): the closed form."""
        return np.asarray(self.dfz(a, y, *self.constants), dtype=a.dtype)

    def check_targets(self, y: Array) -> None:
        """Refuse targets (n, n_out) for which the loss has no meaning."""


@dataclass(frozen=True)
class SquaredError(Loss):
    """ℓ = ½(a - y)².

    With the half, as in the notebook and in scikit-learn; PyTorch and Keras have none.
    """

    @staticmethod
    def f(a: Array, y: Array) -> Array:
        r = a - y
        return 0.5 * r * r

    @staticmethod
    def df(a: Array, y: Array) -> Array:
        return a - y


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """ℓ = -y·ln a - (1 - y)·ln(1 - a).

    For an output a and a target y between 0 and 1.
    """

    link: ClassVar[Activation | None] = Sigmoid()

    @staticmethod
    def f(a: Array, y: Array) -> Array:
        return -y * np.log(np.maximum(a, TINY)) - (1.0 - y) * np.log(np.maximum(1.0 - a, TINY))

    @staticmethod
    def df(a: Array, y: Array) -> Array:
        return (1.0 - y) / np.maximum(1.0 - a, TINY) - y / np.maximum(a, TINY)

    @staticmethod
    def fz(z: Array, y: Array) -> Array:
        # ln(1 + e^z) - y·z, with the exponential of -|z|
        return np.maximum(z, 0.0) - y * z + np.log1p(np.exp(-np.abs(z)))

    @staticmethod
    def dfz(a: Array, y: Array) -> Array:
        return a - y

    def check_targets(self, y: Array) -> None:
        """Targets lie between 0 and 1."""
        if ((y < 0) | (y > 1)).any():
            raise BadInput(
                f"y runs from {y.min():g} to {y.max():g}",
                "binary cross-entropy expects targets between 0 and 1",
                "Encode the classes as 0 and 1, or use SquaredError() for numbers.",
            )


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """ℓ = -Σ_k y_k·ln a_k.

    For a distribution a over classes and a target distribution y.
    """

    link: ClassVar[Activation | None] = Softmax()

    @staticmethod
    def f(a: Array, y: Array) -> Array:
        return -y * np.log(np.maximum(a, TINY))

    @staticmethod
    def df(a: Array, y: Array) -> Array:
        return -y / np.maximum(a, TINY)

    @staticmethod
    def fz(z: Array, y: Array) -> Array:
        z = z - z.max(axis=1, keepdims=True)
        return y * (np.log(np.exp(z).sum(axis=1, keepdims=True)) - z)

    @staticmethod
    def dfz(a: Array, y: Array) -> Array:
        return a - y  # since the targets of a sample add up to 1

    def check_targets(self, y: Array) -> None:
        """Targets are distributions: not negative, each row adding up to 1."""
        if (y < 0).any() or (np.abs(y.sum(axis=1) - 1.0) > 1e-5).any():
            raise BadInput(
                "some rows of y are no distribution over the classes",
                "cross-entropy expects each row to be ≥ 0 and to add up to 1",
                "Encode class k as a row with 1 in column k, 0 elsewhere: np.eye(n_classes)[y].",
            )


@dataclass(frozen=True)
class Huber(Loss):
    """ℓ = ½r² where |r| ≤ delta, else delta·(|r| - ½·delta); r = a - y.

    Huber, "Robust estimation of a location parameter", 1964.
    """

    delta: float = constant(1.0, "above 0")

    @staticmethod
    def f(a: Array, y: Array, delta: float) -> Array:
        r = np.abs(a - y)
        near = np.minimum(r, delta)  # squared only where it is small
        return near * (r - 0.5 * near)

    @staticmethod
    def df(a: Array, y: Array, delta: float) -> Array:
        return np.minimum(np.maximum(a - y, -delta), delta)


@dataclass(frozen=True)
class Absolute(Loss):
    """ℓ = |a - y|.

    At a = y the slope is taken as 0.
    """

    @staticmethod
    def f(a: Array, y: Array) -> Array:
        return np.abs(a - y)

    @staticmethod
    def df(a: Array, y: Array) -> Array:
        return np.sign(a - y)


@dataclass(frozen=True)
class Pinball(Loss):
    """ℓ = tau·(y - a) where y > a, else (1 - tau)·(a - y).

    It is lowest where a is the tau-quantile of y. At a = y the slope is taken as 0. Koenker and
    Bassett, "Regression quantiles", 1978.
    """

    tau: float = constant(0.5, "between 0 and 1")

    @staticmethod
    def f(a: Array, y: Array, tau: float) -> Array:
        r = y - a
        return np.maximum(tau * r, (tau - 1.0) * r)

    @staticmethod
    def df(a: Array, y: Array, tau: float) -> Array:
        s = np.sign(a - y)
        return np.where(s > 0, (1.0 - tau) * s, tau * s)


@dataclass(frozen=True)
class Poisson(Loss):
    """ℓ = a - y + y·ln(y/a).

    Half the Poisson deviance, for a mean a > 0 and a count y ≥ 0.
    """

    link: ClassVar[Activation | None] = Exp()

    @staticmethod
    def f(a: Array, y: Array) -> Array:
        return a - y + y * (np.log(np.maximum(y, TINY)) - np.log(np.maximum(a, TINY)))

    @staticmethod
    def df(a: Array, y: Array) -> Array:
        return 1.0 - y / np.maximum(a, TINY)

    @staticmethod
    def fz(z: Array, y: Array) -> Array:
        return np.exp(np.minimum(z, 88.0)) - y + y * (np.log(np.maximum(y, TINY)) - z)

    @staticmethod
    def dfz(a: Array, y: Array) -> Array:
        return a - y

    def check_targets(self, y: Array) -> None:
        """Counts are not negative."""
        if (y < 0).any():
            raise BadInput(
                f"y goes down to {y.min():g}",
                "the Poisson loss expects counts of 0 or more",
                "Use SquaredError() or Huber() for numbers with a sign.",
            )
