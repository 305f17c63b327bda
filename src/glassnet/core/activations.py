"""Activations: what a neuron makes of its sum z. Each derivative stands under its function.

Every function is safe from -10,000 to 10,000 and beyond, in float32 too: no exponential is taken
of a large positive number, and nothing is computed as a small difference of large ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array, Formula, constant
from glassnet.core.normal import normal_cdf, normal_pdf


@dataclass(frozen=True)
class Activation(Formula):
    """a = f(z), number by number.

    To write one's own: a frozen dataclass with `f` and `df`, then pass an instance of it wherever
    an activation is wanted. Its fields are handed to both functions, in order.
    """

    f: ClassVar[Callable[..., Array]]  # f(z, *constants) -> a
    # df(z, a, *constants) -> da/dz; a is given, use it if cheaper
    df: ClassVar[Callable[..., Array]]
    rectifies: ClassVar[bool] = False  # about half of its slopes are near 0: He's initial weights

    def __call__(self, z: Array) -> Array:
        """A = f(z), of the shape and dtype of z."""
        return np.asarray(self.f(z, *self.constants), dtype=z.dtype)

    def slope(self, z: Array, a: Array) -> Array:
        """da/dz, of the shape and dtype of z."""
        return np.asarray(self.df(z, a, *self.constants), dtype=z.dtype)

    def chain(self, dL_da: Array, da_dz: Array) -> Array:
        """dL/dz = dL/da · da/dz, number by number."""
        return dL_da * da_dz  # (n, n_out)


def sigmoid(z: Array) -> Array:
    """σ(z) = 1/(1 + e^(-z)), written with e^(-|z|), which cannot overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


@dataclass(frozen=True)
class Sigmoid(Activation):
    """a = 1/(1 + e^(-z))."""

    @staticmethod
    def f(z: Array) -> Array:
        return sigmoid(z)

    @staticmethod
    def df(z: Array, a: Array) -> Array:
        return a * (1.0 - a)


@dataclass(frozen=True)
class Tanh(Activation):
    """a = tanh z."""

    @staticmethod
    def f(z: Array) -> Array:
        return np.tanh(z)

    @staticmethod
    def df(z: Array, a: Array) -> Array:
        return 1.0 - a * a


@dataclass(frozen=True)
class ReLU(Activation):
    """a = max(z, 0).

    At z = 0 the slope is taken as 0.
    """

    rectifies: ClassVar[bool] = True

    @staticmethod
    def f(z: Array) -> Array:
        return np.maximum(z, 0.0)

    @staticmethod
    def df(z: Array, a: Array) -> Array:
        return np.where(z > 0, 1.0, 0.0)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """a = z where z > 0, else alpha·z.

    At z = 0 the slope is taken as alpha.
    """

    alpha: float = constant(0.01)
    rectifies: ClassVar[bool] = True

    @staticmethod
    def f(z: Array, alpha: float) -> Array:
        return np.where(z > 0, z, alpha * z)

    @staticmethod
    def df(z: Array, a: Array, alpha: float) -> Array:
        return np.where(z > 0, 1.0, alpha)


@dataclass(frozen=True)
class ELU(Activation):
    """a = z where z > 0, else alpha·(e^z - 1).

    At z = 0 the slope is taken as alpha. Clevert, Unterthiner, Hochreiter, "Fast and accurate deep
    network learning by exponential linear units", 2016, equation 14.
    """

    alpha: float = constant(1.0)
    rectifies: ClassVar[bool] = True

    @staticmethod
    def f(z: Array, alpha: float) -> Array:
        return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0)))

    @staticmethod
    def df(z: Array, a: Array, alpha: float) -> Array:
        # not a + alpha, which would cancel
        return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0.0)))


@dataclass(frozen=True)
class GELU(Activation):
    """a = z·Φ(z).

    Φ is the distribution function of the standard normal distribution. Hendrycks and Gimpel,
    "Gaussian error linear units", 2016, section 2; exact, not its tanh form.
    """

    rectifies: ClassVar[bool] = True

    @staticmethod
    def f(z: Array) -> Array:
        return z * normal_cdf(z)

    @staticmethod
    def df(z: Array, a: Array) -> Array:
        return normal_cdf(z) + z * normal_pdf(z)


@dataclass(frozen=True)
class SiLU(Activation):
    """a = z/(1 + e^(-z)).

    Also called swish. Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units", 2018, equation 4.
    """

    rectifies: ClassVar[bool] = True

    @staticmethod
    def f(z: Array) -> Array:
        return z * sigmoid(z)

    @staticmethod
    def df(z: Array, a: Array) -> Array:
        # σ(-z) for 1 - σ(z): it keeps its digits
        return sigmoid(z) * (1.0 + z * sigmoid(-z))


@dataclass(frozen=True)
class Softplus(Activation):
    """a = ln(1 + e^z)."""

    rectifies: ClassVar[bool] = True

    @staticmethod
    def f(z: Array) -> Array:
        return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))

    @staticmethod
    def df(z: Array, a: Array) -> Array:
        return sigmoid(z)


@dataclass(frozen=True)
class Identity(Activation):
    """a = z."""

    @staticmethod
    def f(z: Array) -> Array:
        return z

    @staticmethod
    def df(z: Array, a: Array) -> Array:
        return np.ones_like(z)


@dataclass(frozen=True)
class Exp(Activation):
    """a = e^z.

    The positive output that belongs to the Poisson loss. z is held at 88, so that a stays finite in
    float32 as well: e^88 = 1.7e38. Beyond it the slope is taken as e^88 too, so that a gradient
    still leads back.
    """

    @staticmethod
    def f(z: Array) -> Array:
        return np.exp(np.minimum(z, 88.0))

    @staticmethod
    def df(z: Array, a: Array) -> Array:
        return a


@dataclass(frozen=True)
class Softmax(Activation):
    """a_i = e^(z_i)/Σ_j e^(z_j).

    Each row is a distribution over the outputs. The one activation that mixes its neurons: its
    derivative is a matrix for each sample, da_i/dz_j = a_i·(δ_ij - a_j), of shape (n, n_out,
    n_out).
    """

    @staticmethod
    def f(z: Array) -> Array:
        e = np.exp(z - z.max(axis=1, keepdims=True))  # the shift cancels, and no e exceeds 1
        return e / e.sum(axis=1, keepdims=True)

    @staticmethod
    def df(z: Array, a: Array) -> Array:
        return a[:, :, None] * (np.eye(a.shape[1]) - a[:, None, :])  # (n, n_out, n_out)

    def chain(self, dL_da: Array, da_dz: Array) -> Array:
        """dL/dz_j = Σ_i dL/da_i · da_i/dz_j, sample by sample."""
        return np.einsum("ni,nij->nj", dL_da, da_dz)  # (n, n_out)


def check_activation(activation: object) -> Activation:
    """The activation itself; an error if it is something else, text for example."""
    if isinstance(activation, Activation):
        return activation
    raise BadInput(
        f"{activation!r} is not an activation",
        "an instance of one is expected",
        "For example Tanh() or LeakyReLU(alpha=0.1).",
    )
