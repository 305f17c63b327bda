"""The objective: from the losses of the samples to the one number that training lowers.

    mean:   J = Σ_s w_s·ℓ_s / Σ_s w_s + l1·Σ|W| + ½·l2·ΣW²
    sum:    J = Σ_s w_s·ℓ_s           + l1·Σ|W| + ½·l2·ΣW²
    batch:  J = (Σ_s w_s·ℓ_s + l1·Σ|W| + ½·l2·ΣW²) / Σ_s w_s

The penalties are on weights, never on biases. In `mean` and `sum` they are not divided by the
number of samples; in `batch`, scikit-learn's convention, each batch divides them by its own.
"""

from __future__ import annotations

import math
from typing import Literal, TypeVar

import numpy as np

from glassnet.core.formula import Array
from glassnet.core.network import Network

Reduction = Literal["mean", "sum", "batch"]

Total = TypeVar("Total", float, Array)


def reduce(total: Total, weight: float, reduction: Reduction) -> Total:
    """Σ_s w_s·(…) as it is for the sum, else divided by Σ_s w_s. A loss or a gradient."""
    return total if reduction == "sum" else total / weight


def penalty_f(W: Array, l1: float, l2: float) -> Array:
    """l1·|W| + ½·l2·W², number by number."""
    return l1 * np.abs(W) + 0.5 * l2 * W * W


def penalty_df(W: Array, l1: float, l2: float) -> Array:
    """l1·sign W + l2·W."""
    return l1 * np.sign(W) + l2 * W


def penalty(net: Network, theta: Array, l1: float, l2: float) -> float:
    """l1·Σ|W| + ½·l2·ΣW²."""
    return float(penalty_f(theta[net.weight_mask], l1, l2).sum())


def penalty_slope(net: Network, theta: Array, l1: float, l2: float) -> Array:
    """l1·sign W + l2·W in the layout of theta, 0 for biases."""
    return np.where(net.weight_mask, penalty_df(theta, l1, l2), 0.0).astype(theta.dtype)


def norm(g: Array) -> float:
    """‖g‖ = √Σg², scaled by the largest |g| so that no square overflows."""
    largest = float(np.abs(g).max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    scaled = g / largest
    return largest * math.sqrt(float(scaled @ scaled))


def clip_by_norm(g: Array, limit: float) -> Array:
    """g·min(1, limit/‖g‖).

    Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013,
    algorithm 1.
    """
    length = norm(g)
    return g * float(limit / length) if length > limit else g
