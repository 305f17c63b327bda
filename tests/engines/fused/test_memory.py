"""Memory: a bounded workspace beside three times the parameters, and no copy of the data."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from glassnet.core.activations import LeakyReLU
from glassnet.core.losses import SquaredError
from glassnet.core.network import Network
from glassnet.engines.fused import Fused, tiny
from glassnet.engines.fused.target import kit
from tests.engines.fused.instances import plain

OWN = 2_000_000
"""Bytes that the engine may take for itself, beside three times the parameters."""


@pytest.fixture(autouse=True)
def no_compilation(monkeypatch):
    """Code for one tiny network is made in the middle of a run: its text is no buffer."""
    monkeypatch.setattr(tiny, "WORTH", float("inf"))


def peak(call):
    """Bytes allocated at the most while it runs; what is kept for later calls is there already."""
    call()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SHAPES = {
    "tiny": ((4, 3, 1), 3, None),
    "tiny, many rows": ((2, 10, 1), 100_000, None),
    "small": ((64, 64, 10), 1797, 32),
    "wide": ((784, 512, 512, 10), 600, 128),
    "very wide": ((1024, 1024, 10), 300, None),
    "deep": ((20, *[32] * 16, 1), 5000, 256),
    "deep and wide": ((100, *[300] * 8, 1), 1000, 500),
    "one column": ((1, 4, 1), 100_000, 1000),
    "many columns": ((5000, 8, 1), 300, None),
    "many outputs": ((8, 8, 3000), 300, 100),
    "big batch": ((20, 64, 64, 1), 50_000, 20_000),
    "batches of one": ((20, 64, 64, 1), 200, 1),
}


@pytest.mark.parametrize("validation", [False, True], ids=["", "validation"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
def test_own_buffers_are_bounded(shape, dtype, validation):
    sizes, n, batch_size = SHAPES[shape]
    c = plain(*sizes, n=n, dtype=dtype)
    held = c.samples if validation else None
    theta = c.state.theta.nbytes
    # theta, its gradient and two slots of Adam's; theta's three and no more are the engine's own
    state = 3 * theta
    for threads in (1, 2):
        used = peak(
            lambda threads=threads: Fused(threads).epochs(
                c.task, c.state, c.samples, n=3, batch_size=batch_size, shuffle=False,
                validation=held,
            )
        )  # fmt: skip
        assert used <= OWN + 3 * theta + state, f"{used / 1e6:.2f} MB on {threads}"
        used = peak(
            lambda threads=threads: Fused(threads).sums(c.task, c.state.theta, c.samples)
        )  # fmt: skip
        assert used <= OWN + 3 * theta


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
def test_predictions_take_their_answer_and_little_more(shape, dtype):
    sizes, n, _ = SHAPES[shape]
    c = plain(*sizes, n=n, dtype=dtype)
    answer = n * sizes[-1] * c.state.theta.itemsize
    for threads in (1, 2):
        used = peak(lambda: Fused(threads).predict(c.task.net, c.state.theta, c.samples[0]))  # noqa: B023
        assert used <= OWN + 3 * c.state.theta.nbytes + answer


@pytest.mark.parametrize("way", ["rows", "Fortran", "slices"])
def test_a_million_rows_are_not_copied(way):
    net = Network.mlp(8, 16, 1)
    c = plain(8, 16, 1, n=100)
    X = np.zeros((1_000_000, 8), np.float64)
    if way == "Fortran":
        X = np.asfortranarray(X)
    if way == "slices":
        X = np.zeros((1_000_000, 16))[:, ::2]
    y, weight = np.zeros((1_000_000, 1)), np.ones(1_000_000)
    samples = (X, y, weight)
    for threads in (1, 2):
        engine = Fused(threads)
        assert peak(lambda: engine.epochs(c.task, c.state, samples)) < OWN  # noqa: B023
        assert peak(lambda: engine.sums(c.task, c.state.theta, samples)) < OWN  # noqa: B023
        used = peak(lambda: engine.predict(net, c.state.theta, X))  # noqa: B023
        assert used < OWN + 8_000_000
        batches = {"batch_size": 1000, "shuffle": False, "validation": samples}
        assert peak(lambda: engine.epochs(c.task, c.state, samples, **batches)) < OWN  # noqa: B023


def test_shuffling_takes_the_order_itself():
    """NumPy's permutation of the rows, and no more of their number."""
    c = plain(2, 3, 1, n=100)
    samples = np.zeros((300_000, 2)), np.zeros((300_000, 1)), None
    used = peak(lambda: Fused(1).epochs(c.task, c.state, samples, n=3, batch_size=5000))
    assert used < OWN + 3 * 8 * 300_000


def test_nothing_is_kept_of_a_run():
    """What a run held is given back, data and all."""
    c = plain(20, 64, 64, 1, n=5000)
    Fused(2).epochs(c.task, c.state, c.samples, n=2)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(5):
        samples = tuple(None if a is None else a.copy() for a in c.samples)
        Fused(2).epochs(c.task, c.state, samples, n=2, validation=samples)
        Fused(2).predict(c.task.net, c.state.theta, samples[0])
        del samples
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 60_000


def test_networks_not_worth_code_of_their_own_are_forgotten():
    """A search over many small tasks keeps nothing of most of them."""
    tiny.own.cache_clear()
    for i in range(tiny.KEPT + 10):
        net = Network.mlp(2, 3, 1, activation=LeakyReLU(alpha=0.001 * i))
        assert tiny.own(kit(np.float64), net, SquaredError(), None).address(1.0) == 0
    assert tiny.own.cache_info().currsize == tiny.KEPT
    assert tiny.own(kit(np.float64), net, SquaredError(), None).spent == 1.0
