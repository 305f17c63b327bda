"""Initial weights: how chance is drawn before the first step. Biases begin at 0.

`rng` is NumPy's `Generator` or its legacy `RandomState`; both draw by the same names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array, Formula, constant


class Random(Protocol):
    """What is asked of a random stream: `np.random.Generator` and `RandomState` both have it."""

    def uniform(self, low: float, high: float, size: tuple[int, ...]) -> Array:
        """Numbers uniform in [low, high)."""
        ...

    def normal(self, loc: float, scale: float, size: tuple[int, ...]) -> Array:
        """Normal numbers with mean loc and standard deviation scale."""
        ...


@dataclass(frozen=True)
class Initializer(Formula):
    """W (n_in, n_out) drawn from a random stream."""

    def __call__(self, rng: Random, n_in: int, n_out: int) -> Array:
        """W (n_in, n_out) in float64."""
        raise NotImplementedError


@dataclass(frozen=True)
class Scaled(Initializer):
    """Var W = gain/fan: an abstract family, which keeps signals from growing or fading."""

    distribution: Literal["uniform", "normal"] = "uniform"

    def __post_init__(self) -> None:
        if self.distribution not in ("uniform", "normal"):
            raise BadInput(
                f"distribution={self.distribution!r}", "'uniform' or 'normal' is expected"
            )

    def variance(self, n_in: int, n_out: int) -> float:
        """Var W, of each weight."""
        raise NotImplementedError

    def __call__(self, rng: Random, n_in: int, n_out: int) -> Array:
        """W (n_in, n_out), uniform within ±√(3·Var W) or normal with mean 0."""
        deviation = math.sqrt(self.variance(n_in, n_out))
        if self.distribution == "normal":
            return rng.normal(0.0, deviation, (n_in, n_out))
        bound = math.sqrt(3.0) * deviation
        return rng.uniform(-bound, bound, (n_in, n_out))


@dataclass(frozen=True)
class Glorot(Scaled):
    """Var W = 2/(n_in + n_out), for activations that are straight near 0: tanh, sigmoid.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, equation 16.
    """

    def variance(self, n_in: int, n_out: int) -> float:
        """Var W, of each weight."""
        return 2.0 / (n_in + n_out)


@dataclass(frozen=True)
class He(Scaled):
    """Var W = 2/n_in, for activations that are flat on one side: ReLU and its kin.

    He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015, equation 10.
    """

    distribution: Literal["uniform", "normal"] = "normal"

    def variance(self, n_in: int, n_out: int) -> float:
        """Var W, of each weight."""
        return 2.0 / n_in


@dataclass(frozen=True)
class LeCun(Scaled):
    """Var W = 1/n_in.

    LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, section 4.6.
    """

    distribution: Literal["uniform", "normal"] = "normal"

    def variance(self, n_in: int, n_out: int) -> float:
        """Var W, of each weight."""
        return 1.0 / n_in


@dataclass(frozen=True)
class Uniform(Initializer):
    """W uniform in [low, high); [0, 1) as in the notebook."""

    low: float = constant(0.0)
    high: float = constant(1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low > self.high:
            raise BadInput(f"low={self.low} and high={self.high}", "low must not exceed high")

    def __call__(self, rng: Random, n_in: int, n_out: int) -> Array:
        """W (n_in, n_out)."""
        return rng.uniform(self.low, self.high, (n_in, n_out))


@dataclass(frozen=True)
class Zeros(Initializer):
    """W = 0: every neuron of a layer stays the same as its neighbours. A lesson, not a default."""

    def __call__(self, rng: Random, n_in: int, n_out: int) -> Array:
        """W (n_in, n_out), with nothing drawn."""
        return np.zeros((n_in, n_out))
