"""The smallest numbers: 0 while training on x86, and nowhere else."""

import threading

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines.fused import Fused
from glassnet.engines.fused.target import host

NET = gn.Network.mlp(3, 6, 1, activation=gn.Tanh())
TASK = gn.Task(NET, gn.SquaredError(), gn.Adam(0.01))
X = np.random.default_rng(0).normal(size=(40, 3))
X[:, 1] = 0.0  # the gradient of its weights is 0, so their moments are left to decay
SAMPLES = X, X[:, :1] ** 2, None


def decaying(dtype, threads=1):
    """The state after 200 updates from moments that are close to the smallest normal number."""
    state = gn.start(TASK, 1, dtype=dtype)
    small = np.full(NET.n_params, 4 * np.finfo(dtype).tiny, dtype)
    state = gn.engines.base.State(state.theta, (small, small), 0, 0, state.chance)
    samples = tuple(x if x is None else x.astype(dtype) for x in SAMPLES)
    return (
        Fused(threads=threads).epochs(TASK, state, samples, n=40, batch_size=8)[0],
        samples,
        state,
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_moments_that_have_vanished_are_no_subnormal_numbers(dtype):
    after, samples, state = decaying(dtype)
    m = after.slots[0]
    still = NET.views(m)[0][0][1]  # of the weights of the input that is always 0
    if host().x86:
        np.testing.assert_array_equal(still, 0.0)
        assert not np.any((m != 0) & (np.abs(m) < np.finfo(dtype).tiny))
    expected = gn.Reference().epochs(TASK, state, samples, n=40, batch_size=8)[0]
    far = np.abs(after.theta - expected.theta).max() / np.abs(expected.theta).max()
    assert far < (1e-12 if dtype == "float64" else 1e-5)


def test_they_vanish_alike_on_any_number_of_threads():
    assert decaying("float64")[0].slots[0].tobytes() == decaying("float64", 3)[0].slots[0].tobytes()


def test_afterwards_small_numbers_are_what_they_were():
    tiny = np.full(64, 5e-324)

    def small_ones_are_there():
        return np.all(tiny + tiny == 1e-323) and np.all(np.full(64, 2.3e-308) / 4 > 0)

    decaying("float64", 2)
    assert small_ones_are_there()
    steep = gn.Task(NET, gn.SquaredError(), gn.SGD(1e200))
    with pytest.raises(gn.Divergence):
        Fused(threads=1).epochs(steep, gn.start(steep, 1), SAMPLES, n=20, batch_size=8)
    assert small_ones_are_there()
    found = []
    other = threading.Thread(target=lambda: found.append(small_ones_are_there()))
    other.start()
    other.join()
    assert found == [True]
