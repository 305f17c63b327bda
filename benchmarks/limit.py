"""What an epoch must cost at least: its operations at the pace at which one core does each.

The paces are measured in the same run, with NumPy on arrays that stay in the nearest cache. What a
program adds (memory, calls, the interpreter) is what lies above the limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Operations:
    """Of one full-batch epoch of a network of sigmoids without biases."""

    multiply_adds: int
    exponentials: int
    divisions: int

    def seconds(self, paces: Paces) -> float:
        return (
            self.multiply_adds / paces.multiply_adds
            + self.exponentials / paces.exponentials
            + self.divisions / paces.divisions
        )


@dataclass(frozen=True)
class Paces:
    """Operations a second on one core, float64."""

    multiply_adds: float
    exponentials: float
    divisions: float


def operations(sizes: tuple[int, ...], rows: int) -> Operations:
    """x @ W, xᵀ @ dL_dz, and dL_dz @ Wᵀ but for the first layer; a sigmoid is an e^ and a 1/."""
    layers = list(pairwise(sizes))
    forward = sum(n_in * n_out for n_in, n_out in layers)
    back = sum(n_in * n_out for n_in, n_out in layers[1:])
    neurons = sum(sizes[1:])
    return Operations(rows * (2 * forward + back), rows * neurons, rows * neurons)


def measure() -> Paces:
    """The paces of this machine, each the best of many."""
    square, line = np.random.default_rng(0).normal(size=(192, 192)), np.linspace(-1.0, 1.0, 2000)
    product, out = np.empty_like(square), np.empty_like(line)
    return Paces(
        multiply_adds=192**3 / best(lambda: np.dot(square, square, out=product)),
        exponentials=2000 / best(lambda: np.exp(line, out=out)),
        divisions=2000 / best(lambda: np.divide(1.0, line, out=out)),
    )


def best(f: Callable[[], object], rounds: int = 2000) -> float:
    """The shortest of the times that one call takes, in seconds."""
    shortest = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        f()
        shortest = min(shortest, time.perf_counter() - began)
    return shortest
