"""A small problem to train on, the optimizers to train it with, and what tests ask of states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.core.activations import Sigmoid, Tanh
from glassnet.core.losses import BinaryCrossEntropy, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS, SGD, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSProp
from glassnet.core.schedules import Cosine
from glassnet.engines.base import Losses, State, Task
from glassnet.engines.chance import Chance
from glassnet.training.stream import Epoch
from tests.engines.instances import same_bits

STEPWISE: list[Optimizer] = [
    SGD(0.1),
    Momentum(0.05),
    Nesterov(0.05),
    RMSProp(0.01),
    Adam(0.01),
    AdamW(0.01),
    Adam(Cosine(0.02, 40)),
]
OPTIMIZERS: list[Optimizer | LBFGS] = [*STEPWISE, LBFGS()]

TASK = Task(
    Network.mlp(2, 4, 1, activation=Tanh(), output=Sigmoid()),
    BinaryCrossEntropy(),
    Adam(0.02),
    l1=1e-4,
    l2=1e-3,
    clip=5.0,
)
LINE = Task(Network.mlp(3, 2), SquaredError(), SGD(0.1))


def rows(n: int = 23, seed: int = 0) -> tuple[Any, Any, Any]:
    """X (n, 2), y (n, 1) of 0 and 1, weights (n,)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    y = (X[:, :1] * X[:, 1:] > 0).astype(float)
    return X, y, rng.uniform(0.2, 3.0, n)


def line_rows(n: int = 40, seed: int = 0) -> tuple[Any, Any]:
    """X (n, 3), y (n, 2): a line with noise, which least squares solves exactly."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    y = X @ rng.normal(size=(3, 2)) + [0.5, -1.0] + 0.1 * rng.normal(size=(n, 2))
    return X, y


def same_records(one: list[Epoch], other: list[Epoch]) -> bool:
    """Whether states and costs are the same to the last bit; the clock may differ."""
    return len(one) == len(other) and all(
        same_bits(a.state, b.state)
        and a.costs.loss.tobytes() == b.costs.loss.tobytes()
        and a.costs.objective.tobytes() == b.costs.objective.tobytes()
        and (a.epoch, a.val_loss, a.lr, a.metrics) == (b.epoch, b.val_loss, b.lr, b.metrics)
        for a, b in zip(one, other, strict=True)
    )


def told(
    *losses: float, validation: tuple[float, ...] | None = None, first: int = 1
) -> Iterator[Epoch]:
    """A stream that says these losses, for stages that only look at numbers."""
    state = State(np.zeros(1), (), 0, 0, Chance.of(0))
    for i, loss in enumerate(losses):
        held = None if validation is None else np.array([validation[i]])
        costs = Losses(np.array([loss]), np.array([loss]), held)
        here = replace(state, theta=np.full(1, float(first + i)), epoch=first + i)
        yield Epoch(first + i, costs, {}, 0.1, float(i), here)
