"""What it costs to open a network: recording a trace, and one number of a large one explained."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam
from glassnet.engines.base import Samples, Task
from glassnet.engines.reference import Reference
from glassnet.walkthrough.trace import trace

ROUNDS, MOST_TIMES, MOST_SECONDS, MOST_BYTES = 51, 10.0, 2.0, 1e9


@dataclass(frozen=True)
class Opened:
    name: str
    task: Task
    n: int


JOBS = [
    Opened(
        "4-3-1, 3 samples",
        Task(
            Network.mlp(4, 3, 1, activation=Sigmoid(), output=Sigmoid(), bias=False),
            SquaredError(), SGD(0.1), reduction="sum",
        ),
        3,
    ),
    Opened(
        "2-10-1, 1000 samples",
        Task(Network.mlp(2, 10, 1, output=Sigmoid()), BinaryCrossEntropy(), Adam(), l2=0.01),
        1000,
    ),
    Opened(
        "20-64-32-5, 64 samples",
        Task(
            Network.mlp(20, 64, 32, 5, activation=Tanh(), output=Softmax()),
            CrossEntropy(), Adam(), l1=0.001, l2=0.01, clip=1.0,
        ),
        64,
    ),
    Opened(
        "784-512-512-10, 256 samples",
        Task(
            Network.mlp(784, 512, 512, 10, activation=ReLU(), output=Softmax()),
            CrossEntropy(), Adam(),
        ),
        256,
    ),
]  # fmt: skip


def data(job: Opened) -> tuple[Any, Samples]:
    rng = np.random.default_rng(0)
    net = job.task.net
    X = rng.normal(size=(job.n, net.n_in))
    y = np.eye(max(net.n_out, 2))[rng.integers(0, max(net.n_out, 2), job.n)][:, : net.n_out]
    return net.init(0), (X, y, None)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_recording_beside_forward_and_backward(benchmark: Any, job: Opened) -> None:
    theta, samples = data(job)
    engine, plain_seconds = Reference(), []

    def plain() -> None:
        """The engine's turn, just before each trace's."""
        began = time.perf_counter()
        engine.loss_and_grad(job.task, theta, samples)
        plain_seconds.append(time.perf_counter() - began)

    benchmark.group = f"trace: {job.name}"
    made = benchmark.pedantic(
        lambda: trace(job.task, samples[0], samples[1], theta=theta),
        setup=plain, rounds=ROUNDS, iterations=1, warmup_rounds=3,
    )  # fmt: skip
    assert made["J"].value == engine.loss_and_grad(job.task, theta, samples)[0]
    if benchmark.stats is None:  # --benchmark-disable
        return
    ratio = benchmark.stats.stats.median / median(plain_seconds[-ROUNDS:])
    benchmark.extra_info["ratio"] = ratio
    print(f"\n{job.name}: a trace costs {ratio:.1f} forward and backward passes")
    assert ratio <= MOST_TIMES


def test_one_number_of_a_large_network(benchmark: Any) -> None:
    job = JOBS[-1]
    theta, (X, y, _) = data(job)

    def opened() -> Any:
        return trace(job.task, X, y, theta=theta).explain("dL_dW2", 100, 7)

    benchmark.group = f"explain: {job.name}"
    found = benchmark.pedantic(opened, rounds=5, iterations=1, warmup_rounds=1)
    assert len(found.workings[0].terms) == 6
    assert found.workings[0].hidden == job.n - 6
    tracemalloc.start()  # NumPy tells it of its arrays
    opened()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES
    if benchmark.stats is None:
        return
    seconds = benchmark.stats.stats.max
    benchmark.extra_info["megabytes"] = peak / 1e6
    print(f"\n{job.name}: traced and one number explained in {seconds:.2f} s, {peak / 1e6:.0f} MB")
    assert seconds < MOST_SECONDS
