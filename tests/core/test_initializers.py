"""Initial weights: bounds, variance, and the order in which chance is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from glassnet.core.activations import Identity, ReLU, Sigmoid, Tanh
from glassnet.core.errors import BadInput
from glassnet.core.initializers import Glorot, He, Initializer, LeCun, Scaled, Uniform, Zeros
from glassnet.core.network import Dense, Network
from tests.core.instances import INITIALIZERS, kinds_of

each = pytest.mark.parametrize("initializer", INITIALIZERS, ids=str)
streams = pytest.mark.parametrize(
    "stream", [np.random.default_rng, np.random.RandomState], ids=["generator", "legacy"]
)
VARIANCES = {
    Glorot: lambda n_in, n_out: 2 / (n_in + n_out),
    He: lambda n_in, n_out: 2 / n_in,
    LeCun: lambda n_in, n_out: 1 / n_in,
}


def test_every_initializer_of_the_library_is_tested_here():
    assert {type(initializer) for initializer in INITIALIZERS} == kinds_of(Initializer)


@streams
@each
def test_mean_variance_and_bounds(initializer, stream):
    n_in, n_out = 200, 300
    W = initializer(stream(0), n_in, n_out)
    assert W.shape == (n_in, n_out)
    assert W.dtype == np.float64
    if isinstance(initializer, Zeros):
        assert not W.any()
        return
    if isinstance(initializer, Uniform):
        low, high = initializer.low, initializer.high
        mean, variance = (low + high) / 2, (high - low) ** 2 / 12
        assert low <= W.min() < low + 1e-3
        assert high - 1e-3 < W.max() < high
    else:
        mean, variance = 0.0, VARIANCES[type(initializer)](n_in, n_out)
        if initializer.distribution == "uniform":
            bound = math.sqrt(3 * variance)
            assert bound * 0.999 < np.abs(W).max() <= bound
        else:
            kurtosis = ((W / W.std()) ** 4).mean()
            assert kurtosis == pytest.approx(3.0, abs=0.1)
            assert np.abs(W).max() > 3 * math.sqrt(variance)
    # five standard errors of the mean and of the variance of 60,000 numbers
    assert W.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / W.size))
    assert W.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / W.size))


@streams
@pytest.mark.parametrize("kind", VARIANCES, ids=lambda kind: kind.__name__)
def test_numbers_are_drawn_row_by_row(kind, stream):
    deviation = math.sqrt(VARIANCES[kind](3, 2))
    bound = math.sqrt(3) * deviation
    normal, uniform = stream(1).normal(size=6), stream(1).uniform(size=6)
    W = kind("normal")(stream(1), 3, 2)
    np.testing.assert_allclose(W.ravel(), deviation * normal, rtol=1e-13)
    W = kind("uniform")(stream(1), 3, 2)
    np.testing.assert_allclose(W.ravel(), bound * (2 * uniform - 1), rtol=1e-12, atol=1e-15)


def test_glorots_bound_is_the_papers():
    W = Glorot()(np.random.default_rng(0), 4, 2)
    again = np.random.default_rng(0).uniform(-1.0, 1.0, (4, 2))  # √(6/(4 + 2)) = 1
    np.testing.assert_allclose(W, again, rtol=1e-15)


@streams
@each
def test_layers_draw_one_after_the_other_and_biases_nothing(initializer, stream):
    net = Network.mlp(3, 4, 2, 1, activation=Tanh())
    theta = net.init(stream(5), initializer)
    rng = stream(5)
    for (W, b), layer in zip(net.views(theta), net.layers, strict=True):
        np.testing.assert_array_equal(W, initializer(rng, layer.n_in, layer.n_out))
        assert b is not None
        assert not b.any()


def test_legacy_stream_as_the_notebook_drew():
    stream = np.random.RandomState(42)
    net = Network.mlp(4, 3, 1, activation=Sigmoid(), output=Sigmoid(), bias=False)
    first, second = net.init(stream, Uniform()), net.init(stream, Uniform())
    notebook = np.random.RandomState(42)
    for theta in (first, second):
        expected = [notebook.uniform(size=(4, 3)), notebook.uniform(size=(3, 1))]
        np.testing.assert_array_equal(theta, np.concatenate([W.ravel() for W in expected]))


def test_by_default_the_activation_chooses():
    net = Network((Dense(30, 40, ReLU()), Dense(40, 50, Tanh()), Dense(50, 2, Identity())))
    rng = np.random.default_rng(8)
    expected = [He()(rng, 30, 40), Glorot()(rng, 40, 50), Glorot()(rng, 50, 2)]
    for (W, _), drawn in zip(net.views(net.init(8)), expected, strict=True):
        np.testing.assert_array_equal(W, drawn)


@each
def test_float32_begins_at_the_same_place(initializer):
    net = Network.mlp(3, 4, 1)
    wide, narrow = net.init(1, initializer), net.init(1, initializer, np.float32)
    assert narrow.dtype == np.float32
    np.testing.assert_array_equal(narrow, wide.astype(np.float32))


def test_a_seed_is_the_generator_of_that_seed():
    net = Network.mlp(3, 4, 1)
    np.testing.assert_array_equal(net.init(7), net.init(np.random.default_rng(7)))
    np.testing.assert_array_equal(net.init(np.int64(7)), net.init(7))
    assert (net.init(7) != net.init(8)).any()


@pytest.mark.parametrize("kind", sorted(kinds_of(Scaled), key=str))
def test_a_distribution_that_there_is_not(kind):
    with pytest.raises(BadInput, match="distribution='gamma', 'uniform' or 'normal' is expected"):
        kind("gamma")


@pytest.mark.parametrize("abstract", [Initializer, Scaled])
def test_the_abstract_ones_draw_nothing(abstract):
    with pytest.raises(NotImplementedError):
        abstract()(np.random.default_rng(0), 2, 2)
