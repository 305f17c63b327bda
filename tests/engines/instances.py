"""The engines that the contract tests run for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, Huber, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam, AdamW, Momentum
from glassnet.engines.base import Engine, Samples, State, Task
from glassnet.engines.chance import Chance
from glassnet.engines.fused import Fused
from glassnet.engines.reference import Reference
from tests.core.instances import sensible

ENGINES: list[Engine] = [Reference(), Fused(), Fused(threads=2)]
NAMES = ["Reference", "Fused", "Fused on two threads"]
engines = pytest.mark.parametrize("engine", ENGINES, ids=NAMES)

TASKS = [
    Task(
        Network.mlp(2, 5, 1, activation=Sigmoid(), output=Sigmoid(), bias=False),
        SquaredError(),
        SGD(0.1),
        reduction="sum",
    ),
    Task(Network.mlp(2, 6, 3, output=Softmax()), CrossEntropy(), Adam(0.01), l2=0.01),
    Task(
        Network.mlp(2, 4, 4, 1, activation=[ReLU(), Tanh()], output=Sigmoid()),
        BinaryCrossEntropy(),
        AdamW(0.01),
        l1=0.001,
        clip=0.5,
    ),
    Task(Network.mlp(2, 4, 5, activation=Tanh()), Huber(0.25), Momentum(0.01)),
]
tasks = pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.net}-{task.loss}")


def begin(task: Task, seed: int = 0, dtype: Any = np.float64) -> State:
    """The state before the first epoch."""
    theta = task.net.init(seed, dtype=dtype)
    return State(theta, task.optimizer.start(theta), 0, 0, Chance.of(seed))  # type: ignore[union-attr]


def data(task: Task, n: int = 23, seed: int = 0, dtype: Any = np.float64) -> Samples:
    """Rows that the task can learn from, with weights."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, task.net.n_in))
    _, _, y = sensible(task.loss, rng, n, task.net.n_out)
    return X.astype(dtype), y.astype(dtype), rng.uniform(0.2, 3.0, n).astype(dtype)


def same_bits(one: State, other: State) -> bool:
    """Whether two states are the same to the last bit."""
    return (
        one.theta.tobytes() == other.theta.tobytes()
        and [slot.tobytes() for slot in one.slots] == [slot.tobytes() for slot in other.slots]
        and (one.step, one.epoch, one.chance) == (other.step, other.epoch, other.chance)
    )
