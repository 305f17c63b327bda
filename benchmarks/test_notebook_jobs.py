"""The notebook's two jobs: each engine beside the plain loop, by turns in one run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_moons

from benchmarks import notebook_loop
from benchmarks.limit import Paces, operations
from glassnet.core.activations import Sigmoid
from glassnet.core.initializers import Uniform
from glassnet.core.losses import SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD
from glassnet.engines.base import State, Task
from glassnet.engines.chance import Chance
from glassnet.engines.reference import Reference

ENGINES = [Reference()]
EPOCHS, LR, ROUNDS = 1000, 0.1, 25


@dataclass(frozen=True)
class Job:
    name: str
    sizes: tuple[int, ...]
    X: Any  # (n, n_in)
    y: Any  # (n, 1)
    drawn: int  # numbers that the notebook takes from its stream before this job's weights


def samples() -> Job:
    X = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
    return Job("4-3-1, 3 samples", (4, 3, 1), X, np.array([[1.0], [1.0], [0.0]]), 15)


def moons() -> Job:
    X, y = make_moons(n_samples=1000, random_state=42, noise=0.1)
    X -= X.min()
    X /= X.max()
    return Job("2-10-1, 1000 moons", (2, 10, 1), X, y.reshape(-1, 1).astype(float), 30)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
@pytest.mark.parametrize("job", [samples(), moons()], ids=lambda job: job.name)
def test_beside_the_plain_loop(
    benchmark: Any, job: Job, engine: Any, paces: Paces, results: list[dict[str, Any]]
) -> None:
    net = Network.mlp(*job.sizes, activation=Sigmoid(), output=Sigmoid(), bias=False)
    task = Task(net, SquaredError(), SGD(LR), reduction="sum")
    stream = np.random.RandomState(42)
    stream.uniform(size=job.drawn)
    theta = net.init(stream, Uniform())
    start = State(theta, (), 0, 0, Chance.of(0))
    data = (job.X, job.y, None)
    # the notebook's layout: samples as columns, weights of their own
    columns, targets = np.ascontiguousarray(job.X.T), np.ascontiguousarray(job.y.T)
    W1, W2 = (W.copy() for W, _ in net.views(theta))

    plain_seconds, plain_losses = [], []

    def plain() -> None:
        """The plain loop's turn: just before each of the engine's, and timed by itself."""
        began = time.perf_counter()
        *_, losses = notebook_loop.train(columns, targets, W1, W2, lr=LR, epochs=EPOCHS)
        plain_seconds.append(time.perf_counter() - began)
        plain_losses[:] = losses

    benchmark.group = job.name
    _, costs = benchmark.pedantic(
        lambda: engine.epochs(task, start, data, n=EPOCHS),
        setup=plain, rounds=ROUNDS, iterations=1, warmup_rounds=2,
    )  # fmt: skip

    np.testing.assert_allclose(costs.loss, plain_losses, rtol=1e-6)  # the same work was done
    if benchmark.stats is None:  # --benchmark-disable
        return
    microseconds = 1e6 / EPOCHS
    result = {
        "job": job.name if engine == Reference() else f"{job.name}, {type(engine).__name__}",
        "plain": median(plain_seconds[-ROUNDS:]) * microseconds,
        "ours": benchmark.stats.stats.median * microseconds,
        "limit": operations(job.sizes, len(job.X)).seconds(paces) * 1e6,
    }
    benchmark.extra_info.update(result)
    results.append(result)
