"""Orders drawn in compiled code are NumPy's, and so is the stream after them."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines.chance import Chance
from glassnet.engines.fused import Fused
from glassnet.engines.fused.orders import does_the_same, draw_with, numpys
from glassnet.engines.fused.run import kernels
from glassnet.engines.fused.target import kit

LENGTHS = [0, 1, 2, 3, 4, 5, 31, 32, 33, 1000, 1797, 65_536, 65_537]


@pytest.fixture(scope="module", params=["float64", "float32"])
def draw(request):
    k = kit(request.param)
    found = draw_with(kernels(k.target, k.real)[2])
    assert found is not numpys
    return found


@pytest.mark.parametrize("ahead", [0, 1, 2], ids="{} words of 32 bits before".format)
def test_orders_and_stream_are_those_of_numpy(draw, ahead):
    for seed in range(20):
        ours, theirs = (np.random.default_rng(seed) for _ in range(2))
        for rng in (ours, theirs):
            rng.integers(0, 2**32, size=ahead, dtype=np.uint32)
        for n in LENGTHS:
            order, expected = draw(ours, n), theirs.permutation(n)
            assert order.dtype == expected.dtype
            np.testing.assert_array_equal(order, expected)
            assert ours.bit_generator.state == theirs.bit_generator.state
        assert ours.random() == theirs.random()


@pytest.mark.parametrize(
    "source",
    [np.random.RandomState, lambda seed: np.random.Generator(np.random.MT19937(seed))],
    ids=["RandomState", "MT19937"],
)
def test_other_streams_are_left_to_numpy(draw, source):
    np.testing.assert_array_equal(draw(source(3), 100), source(3).permutation(100))


def test_a_loop_that_draws_otherwise_is_not_used(draw):
    assert does_the_same(draw)
    assert not does_the_same(lambda rng, n: draw(rng, n)[::-1])  # another order

    def one_more(rng, n):
        order = draw(rng, n)
        rng.random()
        return order

    assert not does_the_same(one_more)  # the same orders at first, another stream


def test_a_value_of_chance_draws_the_same_again(draw):
    chance = Chance.of(5)
    order, after = chance.permutation(50, draw)
    np.testing.assert_array_equal(order, chance.permutation(50)[0])
    np.testing.assert_array_equal(after.permutation(50)[0], after.permutation(50, draw)[0])
    assert after == chance.permutation(50)[1]


def test_both_engines_leave_the_stream_at_one_place():
    net = gn.Network.mlp(3, 4, 1)
    task = gn.Task(net, gn.SquaredError(), gn.SGD(0.01))
    samples = np.random.default_rng(0).normal(size=(50, 3)), np.zeros((50, 1)), None
    states = [
        engine.epochs(task, gn.start(task, 1), samples, n=3, batch_size=8)[0]
        for engine in (Fused(threads=1), gn.Reference())
    ]
    assert states[0].chance == states[1].chance
    np.testing.assert_allclose(states[0].theta, states[1].theta, rtol=1e-12, atol=1e-14)
