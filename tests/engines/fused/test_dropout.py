"""Dropout in compiled code: the reference engine's masks, whichever way a gradient is summed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.activations import ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.dropout import Dropout
from glassnet.core.losses import SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD
from glassnet.engines.base import Task
from glassnet.engines.divergence import Divergence
from glassnet.engines.fused import Fused, tiny
from glassnet.engines.fused.plan import plan
from glassnet.engines.fused.target import kit
from glassnet.engines.reference import Reference
from tests.engines.fused.instances import case, plain
from tests.engines.fused.test_memory import OWN, SHAPES, peak
from tests.engines.fused.test_random_networks import close, drift, outcome, tolerance
from tests.engines.fused.test_targets import forced, levels  # noqa: F401
from tests.engines.instances import same_bits

RATES = [0.1, 0.5, 0.8]


def dropping(c, seed=0):
    """The case with dropout: one rate for all, or one each, some of them 0."""
    hidden = len(c.task.net.layers) - 1
    rate = RATES[seed % 3]
    each = tuple([0.0, 0.3, 0.6][(seed + i) % 3] for i in range(hidden))
    return replace(c, task=replace(c.task, dropout=Dropout(each if seed % 2 else rate, seed << 30)))


@pytest.mark.parametrize("seed", range(90))
def test_random_networks(seed):
    engine, c = Fused(threads=1 + seed % 2), dropping(case(seed), seed)
    expected, costs = outcome(Reference(), c)
    if isinstance(expected, Divergence):
        assert str(outcome(engine, c)[0]) == str(expected)
        return
    after, found = engine.epochs(c.task, c.state, c.samples, n=5, **c.options)
    assert (after.step, after.epoch, after.chance) == (
        expected.step, expected.epoch, expected.chance,
    )  # fmt: skip
    bound = max(tolerance(c.dtype), 30 * drift(c, expected))
    close(after.theta, expected.theta, bound, "theta")
    for name in ("loss", "objective", "validation"):
        ours, theirs = getattr(found, name), getattr(costs, name)
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            close(ours, theirs, 10 * bound, name)


def one_step(sizes, n, dtype=np.float64, *, batch_size=None, activation=None, threads=1, rate=0.4):
    """Two updates of plain descent, so that a wrong mask shows at once, on both engines."""
    net = Network.mlp(*sizes, activation=activation or Tanh())
    task = Task(net, SquaredError(), SGD(0.1), dropout=Dropout(rate, seed=11))
    c = plain(*sizes, n=n, dtype=dtype)
    state = replace(c.state, slots=(), step=2**32 - 1)  # the counter begins anew between the two
    options = {"n": 2, "batch_size": batch_size}
    after, costs = Fused(threads).epochs(task, state, c.samples, **options)
    expected, theirs = Reference().epochs(task, state, c.samples, **options)
    close(after.theta, expected.theta, tolerance(dtype), "theta")
    close(costs.loss, theirs.loss, tolerance(dtype), "loss")


WAYS = {
    "lanes, in one tile": ((3, 5, 5, 1), 20, None),
    "lanes, several groups": ((3, 12, 12, 1), 9000, None),
    "lanes, batches that end short": ((3, 7, 1), 45, 13),
    "groups": ((30, 60, 40, 2), 700, None),
    "groups, batches": ((30, 60, 40, 2), 700, 333),
    "slabs": ((40, 200, 90, 3), 500, None),
    "several slabs": ((300, 300, 300, 3), 2500, None),
    "slabs, batches": ((40, 200, 90, 3), 500, 130),
    "one row an update": ((4, 9, 1), 7, 1),
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_summing(way, dtype, threads):
    sizes, n, batch_size = WAYS[way]
    one_step(sizes, n, dtype, batch_size=batch_size, threads=threads)


def test_the_ways_are_what_they_are_called():
    def of(way):
        sizes, n, batch_size = WAYS[way]
        net, whole = Network.mlp(*sizes), batch_size is None
        rates = (*(0.4,) * (len(sizes) - 2), 0.0)
        return plan(kit(np.float64), net, SquaredError(), batch_size or n, whole=whole,
                    learning=True, rates=rates), n  # fmt: skip

    found = {way: of(way) for way in WAYS}
    assert all(
        how.by_lanes == way.startswith(("lanes", "one row")) for way, (how, _) in found.items()
    )
    assert all(how.grouped != ("slabs" in way) for way, (how, _) in found.items())
    how, n = found["lanes, several groups"]
    assert n > how.group > how.tile
    how, n = found["several slabs"]
    assert how.tile * how.tiles_a_slab < n
    assert found["lanes, in one tile"][0].resident
    assert found["groups"][0].resident


@pytest.mark.parametrize("activation", [Softmax(), ReLU(), Sigmoid()], ids=str)
@pytest.mark.parametrize("n", [1, 7, 8, 9, 31, 33, 65])
def test_rows_and_neurons_that_fill_no_vector(n, activation):
    for hidden in (1, 2, 3, 4, 5, 9):
        one_step((3, hidden, hidden, 2), n, activation=activation)


@pytest.mark.parametrize("name", WAYS)
def test_the_same_bits_for_any_number_of_threads_and_of_calls(name):
    sizes, n, batch_size = WAYS[name]
    c = dropping(plain(*sizes, n=n), seed=2)
    options = {"batch_size": batch_size}
    once, costs = Fused(1).epochs(c.task, c.state, c.samples, n=3, **options)
    for threads in (2, 3, 4):
        other, found = Fused(threads).epochs(c.task, c.state, c.samples, n=3, **options)
        assert same_bits(once, other)
        assert costs.loss.tobytes() == found.loss.tobytes()
    state = c.state
    for _ in range(3):
        state, _ = Fused(2).epochs(c.task, state, c.samples, **options)
    assert same_bits(once, state)


def test_what_is_written_out_for_a_tiny_network_knows_no_masks(monkeypatch):
    """The long run of a network that has such code already is as that of one that has none."""
    c = dropping(plain(3, 4, 1, n=24))
    before, _ = Fused().epochs(c.task, c.state, c.samples, n=3)
    monkeypatch.setattr(tiny, "WORTH", 0.0)
    bare = replace(c.task, dropout=None)
    Fused().epochs(bare, c.state, c.samples, n=3)
    after, _ = Fused().epochs(c.task, c.state, c.samples, n=3)
    assert same_bits(before, after)


def test_lanes_beyond_the_last_row_are_its_copies():
    """Where the last row's neuron of 1e200 is left out, no copy of that row may keep it."""
    net = Network.mlp(1, 1, 1, activation=ReLU(), bias=False)
    for seed in range(8):
        dropout = Dropout(0.5, seed)
        m = dropout.masks(net, 0, 1)[0]
        if m is not None and not m.any():
            task = Task(net, SquaredError(), SGD(0.1), dropout=dropout)
            c = plain(1, 1, 1, n=1)
            state = replace(c.state, slots=(), theta=np.array([1e200, 1e200]))
            samples = np.ones((1, 1)), np.zeros((1, 1)), None
            after, costs = Fused().epochs(task, state, samples)
            assert costs.loss[0] == 0.0
            np.testing.assert_array_equal(after.theta, state.theta)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
def test_memory_stays_within_the_promise(shape, dtype):
    sizes, n, batch_size = SHAPES[shape]
    c = dropping(plain(*sizes, n=n, dtype=dtype))
    theta = c.state.theta.nbytes
    for threads in (1, 2):
        used = peak(
            lambda threads=threads: Fused(threads).epochs(
                c.task, c.state, c.samples, n=2, batch_size=batch_size, shuffle=False
            )
        )
        assert used <= OWN + 6 * theta, f"{used / 1e6:.2f} MB on {threads}"


@levels
@pytest.mark.usefixtures("forced")
def test_the_same_on_other_instruction_sets(level):
    assert level
    for dtype in (np.float64, np.float32):
        one_step((5, 13, 6, 2), 43, dtype)
        one_step((40, 200, 90, 3), 101, dtype, batch_size=30, activation=Softmax())
