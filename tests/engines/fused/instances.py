"""Random tasks with all that one can have, drawn so that every kind comes up many times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.core.activations import Exp, Identity, Sigmoid, Softmax, Softplus, Tanh
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, Loss, Poisson
from glassnet.core.network import Dense, Network
from glassnet.core.optimizers import Adam
from glassnet.core.schedules import Schedule
from glassnet.engines.base import Samples, State, Task
from glassnet.engines.chance import Chance
from tests.core.instances import ALL_ACTIVATIONS, ALL_LOSSES, OPTIMIZERS, SCHEDULES, sensible

HIDDEN = [a for a in ALL_ACTIVATIONS if a != Exp()]  # e^(e^…) leaves the floating numbers
BORDERS = [1, 2, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 23, 31, 32, 33]  # where blocks begin and end
WIDE = [63, 64, 65, 96, 127, 128, 130, 191, 192, 193, 300]
ROWS = [1, 2, 3, 7, 16, 17, 31, 64, 65, 130, 257, 700]


def outputs(loss: Loss) -> list[Any]:
    """Activations whose answers a loss can judge."""
    if isinstance(loss, BinaryCrossEntropy):
        return [Sigmoid()]
    if isinstance(loss, CrossEntropy):
        return [Softmax(), Softmax(), Sigmoid(), Softplus()]
    if isinstance(loss, Poisson):
        return [Exp(), Exp(), Softplus(), Sigmoid()]
    return [Identity(), Identity(), *HIDDEN]


@dataclass(frozen=True, eq=False)
class Case:
    """What `Engine.epochs` is given, and its name in a report."""

    task: Task
    state: State
    samples: Samples
    validation: Samples | None
    batch_size: int | None
    shuffle: bool

    @property
    def options(self) -> dict[str, Any]:
        return {
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "validation": self.validation,
        }

    @property
    def dtype(self) -> Any:
        return self.state.theta.dtype

    def __str__(self) -> str:
        net = self.task.net
        kinds = [str(layer.activation) for layer in net.layers]
        return (
            f"{net} {kinds} {self.task.loss} {self.task.optimizer} {self.task.reduction} "
            f"{self.dtype} n={len(self.samples[0])} batch={self.batch_size}"
        )


def case(seed: int, *, adam: bool = False, narrow: bool = False) -> Case:
    """The case of a number. Kinds take turns, so that a hundred cases have all of them.

    narrow : few parameters, so that the engine sums by groups.
    """
    rng = np.random.default_rng([seed, 20])
    dtype = np.float32 if seed % 3 == 2 else np.float64
    loss = ALL_LOSSES[seed % len(ALL_LOSSES)]
    possible = outputs(loss)
    last = possible[seed // len(ALL_LOSSES) % len(possible)]
    depth = int(rng.integers(1, 5))
    widths = BORDERS[:8] if narrow else BORDERS
    sizes = [int(rng.choice(widths)) for _ in range(depth + 1)]
    if not narrow and seed % 5 == 0:
        sizes[int(rng.integers(depth))] = int(rng.choice(WIDE))
    if isinstance(last, Softmax):
        sizes[-1] = max(2, sizes[-1])
    kinds = [*(HIDDEN[(seed + 5 * i) % len(HIDDEN)] for i in range(depth - 1)), last]
    biases = [bool(rng.integers(4)) for _ in range(depth)]
    net = Network(tuple(map(Dense, sizes, sizes[1:], kinds, biases)))
    n = int(rng.choice(ROWS[:-1] if max(sizes) > 60 else ROWS))
    batch_size = [None, None, 1, 5, 16, 33, 200][int(rng.integers(7))]
    if batch_size == 1:
        n = min(n, 31)
    reduction = ("mean", "sum", "batch")[seed // 2 % 3]
    optimizer: Any = Adam(0.01) if adam else OPTIMIZERS[seed % len(OPTIMIZERS)]
    # no step so large that the run grows without end: its last bits would soon be its first
    lr = 0.01 / n if reduction == "sum" else 0.01
    if seed % 4 == 1:
        optimizer = replace(optimizer, lr=replace(SCHEDULES[seed // 4 % len(SCHEDULES)], lr=lr))
    elif not isinstance(optimizer.lr, Schedule):
        optimizer = replace(optimizer, lr=lr)
    task = Task(
        net,
        loss,
        optimizer,
        reduction=reduction,
        l1=float(rng.choice([0.0, 0.0, 1e-3])),
        l2=float(rng.choice([0.0, 0.0, 1e-2])),
        clip=None if rng.random() < 0.7 else float(rng.choice([0.05, 0.5, 100.0])),
    )
    theta = (0.5 * net.init(seed) + 0.05 * rng.normal(size=net.n_params)).astype(dtype)
    samples, held = (rows(task, rng, count, dtype) for count in (n, int(rng.choice(ROWS[:-1]))))
    weight = samples[2]
    if weight is not None and batch_size and n > 2 * batch_size:
        weight[batch_size : 2 * batch_size] = 0.0  # a batch in which no sample counts
    return Case(
        task,
        State(theta, task.optimizer.start(theta), int(rng.choice([0, 7])), 0, Chance.of(seed)),
        samples,
        held if rng.integers(2) else None,
        batch_size,
        bool(rng.integers(2)),
    )


def rows(task: Task, rng: np.random.Generator, n: int, dtype: Any) -> Samples:
    """Rows that a task can learn from; weights for two of three, some of them 0."""
    X = rng.normal(size=(n, task.net.n_in))
    _, _, y = sensible(task.loss, rng, n, task.net.n_out)
    weight = rng.uniform(0.1, 3.0, n) * (rng.random(n) < 0.9)
    weight[0] += 0.5
    kept = weight.astype(dtype) if rng.integers(3) else None
    return X.astype(dtype), y.astype(dtype), kept


def plain(n_in: int, *sizes: int, dtype: Any = np.float64, n: int = 50, **task: Any) -> Case:
    """A network of tanh with a linear output, on n rows."""
    net = Network.mlp(n_in, *sizes, activation=task.pop("activation", Tanh()))
    from glassnet.core.losses import SquaredError

    of = Task(net, task.pop("loss", SquaredError()), task.pop("optimizer", Adam(0.01)), **task)
    rng = np.random.default_rng(n)
    theta = net.init(1).astype(dtype)
    samples = rows(of, rng, n, dtype)
    state = State(theta, of.optimizer.start(theta), 0, 0, Chance.of(0))  # type: ignore[union-attr]
    return Case(of, state, (*samples[:2], None), None, None, True)
