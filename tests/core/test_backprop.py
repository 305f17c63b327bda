"""Forward and backward: every partial against differences, and the laws that a gradient obeys."""

from __future__ import annotations

import numpy as np
import pytest

from glassnet.core.activations import ELU, GELU, Exp, Identity, ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.backprop import Partials, backward, flatten, forward, sample_losses
from glassnet.core.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Pinball,
    Poisson,
    SquaredError,
)
from glassnet.core.network import Dense, Network
from tests.core.instances import ALL_ACTIVATIONS, sensible

# (network, loss): closed forms and long ones, with and without biases, softmax inside
CASES = [
    (Network.mlp(3, 1), SquaredError()),
    (Network.mlp(3, 4, 2, activation=Tanh()), SquaredError()),
    (Network.mlp(3, 4, 1, activation=GELU(), output=Sigmoid()), BinaryCrossEntropy()),
    (Network.mlp(3, 4, 5, 3, activation=[ELU(), Sigmoid()], output=Softmax()), CrossEntropy()),
    (Network.mlp(3, 4, 2, activation=Tanh(), output=Exp(), bias=False), Poisson()),
    (Network.mlp(3, 4, 2, activation=Softmax(), output=Identity()), Huber(0.25)),
    (Network.mlp(3, 4, 5, activation=Tanh(), output=Sigmoid()), CrossEntropy()),
    (Network((Dense(3, 4, Tanh(), bias=False), Dense(4, 1, Identity()))), Pinball(0.9)),
    (Network.mlp(3, 4, 3, activation=ReLU(), output=Softmax()), SquaredError()),
]
each = pytest.mark.parametrize(
    ("net", "loss"), CASES, ids=[f"{net}-{loss}-{net.layers[0].activation}" for net, loss in CASES]
)
closing = pytest.mark.parametrize("closed", [True, False], ids=["closed", "long"])


def samples(net, loss, n=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, net.n_in))
    _, _, y = sensible(loss, rng, n, net.n_out)
    theta = rng.normal(size=net.n_params) * 0.7
    return theta, X, y, rng.uniform(0.2, 3.0, n)


def total(net, loss, theta, X, y, weight=None):
    losses = sample_losses(net, loss, forward(net, theta, X), y)
    return float(losses.sum() if weight is None else weight @ losses)


def gradient(net, loss, theta, X, y, weight=None, *, closed=True):
    return flatten(backward(net, theta, forward(net, theta, X), loss, y, weight, closed=closed))


@each
def test_forward_is_the_formula(net, loss):
    theta, X, _, _ = samples(net, loss)
    passes = forward(net, theta, X)
    x = X
    for p, (W, b), layer in zip(passes, net.views(theta), net.layers, strict=True):
        by_hand = [
            [
                sum(float(x[s, i] * W[i, j]) for i in range(layer.n_in))
                + (0.0 if b is None else float(b[j]))
                for j in range(layer.n_out)
            ]
            for s in range(len(X))
        ]
        np.testing.assert_array_equal(p.x, x)
        np.testing.assert_allclose(p.z, by_hand, rtol=1e-13, atol=1e-14)
        np.testing.assert_array_equal(p.a, layer.activation(p.z))
        x = p.a


@closing
@each
def test_gradient_against_centred_differences(net, loss, closed):
    for weight in (None, samples(net, loss)[3]):
        theta, X, y, _ = samples(net, loss)
        h = 1e-5
        numeric = [
            (
                total(net, loss, theta + step, X, y, weight)
                - total(net, loss, theta - step, X, y, weight)
            )
            / (2 * h)
            for step in h * np.eye(net.n_params)
        ]
        grad = gradient(net, loss, theta, X, y, weight, closed=closed)
        np.testing.assert_allclose(grad, numeric, rtol=1e-7, atol=1e-7 * np.abs(grad).max())


@closing
@each
def test_every_named_partial_is_what_its_name_says(net, loss, closed):
    """Each field against the difference that moving that very quantity makes."""
    theta, X, y, weight = samples(net, loss, n=3)
    passes = forward(net, theta, X)
    partials = backward(net, theta, passes, loss, y, weight, closed=closed)
    h = 1e-5

    def upper_loss(x, depth):
        """L of an output x of layer `depth`, through the layers above it."""
        for (W, b), layer in list(zip(net.views(theta), net.layers, strict=True))[depth:]:
            x = layer.activation(x @ W if b is None else x @ W + b)
        return float(weight @ loss(x, y))

    def numeric(f, at):
        slope = np.empty_like(at)
        for index in np.ndindex(at.shape):
            up, down = at.copy(), at.copy()
            up[index] += h
            down[index] -= h
            slope[index] = (f(up) - f(down)) / (2 * h)
        return slope

    for depth, (p, back, layer) in enumerate(zip(passes, partials, net.layers, strict=True), 1):
        activation = layer.activation
        dL_da = numeric(lambda a, depth=depth: upper_loss(a, depth), p.a)
        dL_dz = numeric(
            lambda z, depth=depth, activation=activation: upper_loss(activation(z), depth), p.z
        )
        dL_dx = numeric(lambda x, depth=depth: upper_loss(x, depth - 1), p.x)
        at = {"rtol": 1e-6, "atol": 1e-7}
        if closed and depth == len(net.layers) and loss.closes(activation):
            assert back.dL_da is None
            assert back.da_dz is None
        else:
            np.testing.assert_allclose(back.dL_da, dL_da, **at, err_msg="dL_da")
            np.testing.assert_array_equal(back.da_dz, activation.slope(p.z, p.a))
        np.testing.assert_allclose(back.dL_dz, dL_dz, **at, err_msg="dL_dz")
        np.testing.assert_allclose(back.dL_dx, dL_dx, **at, err_msg="dL_dx")


@each
def test_shapes_and_layout(net, loss):
    theta, X, y, _ = samples(net, loss)
    partials = backward(net, theta, forward(net, theta, X), loss, y, closed=False)
    grad = flatten(partials)
    assert grad.shape == theta.shape
    for back, (dW, db), (W, b), layer in zip(
        partials, net.views(grad), net.views(theta), net.layers, strict=True
    ):
        assert isinstance(back, Partials)
        assert back.dL_dz.shape == back.dL_da.shape == (len(X), layer.n_out)
        assert back.dL_dx.shape == (len(X), layer.n_in)
        assert back.dL_dW.shape == W.shape
        np.testing.assert_array_equal(back.dL_dW, dW)
        if b is None:
            assert back.dL_db is None
        else:
            np.testing.assert_array_equal(back.dL_db, db)


@closing
@each
def test_backward_twice_is_the_same_and_adds_nothing_up(net, loss, closed):
    theta, X, y, weight = samples(net, loss)
    arrays = (theta, X, y, weight)
    for array in arrays:
        array.setflags(write=False)  # it would fail if it wrote
    passes = forward(net, theta, X)
    for p in passes:
        for array in (p.x, p.z, p.a):
            array.setflags(write=False)
    first = backward(net, theta, passes, loss, y, weight, closed=closed)
    kept = flatten(first).copy()
    second = backward(net, theta, passes, loss, y, weight, closed=closed)
    np.testing.assert_array_equal(flatten(second), kept)
    np.testing.assert_array_equal(flatten(first), kept)


@each
def test_both_ways_agree(net, loss):
    theta, X, y, weight = samples(net, loss)
    closed = gradient(net, loss, theta, X, y, weight, closed=True)
    long = gradient(net, loss, theta, X, y, weight, closed=False)
    np.testing.assert_allclose(closed, long, rtol=1e-10, atol=1e-13)


@each
def test_the_order_of_the_samples_does_not_matter(net, loss):
    theta, X, y, weight = samples(net, loss, n=9)
    order = np.random.default_rng(1).permutation(9)
    one = gradient(net, loss, theta, X, y, weight)
    other = gradient(net, loss, theta, X[order], y[order], weight[order])
    np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@each
def test_a_weight_of_two_is_the_row_twice_and_none_is_ones(net, loss):
    theta, X, y, _ = samples(net, loss)
    weight = np.array([1.0, 2.0, 1.0, 1.0, 2.0, 1.0])
    twice = [0, 1, 1, 2, 3, 4, 4, 5]
    np.testing.assert_allclose(
        gradient(net, loss, theta, X, y, weight),
        gradient(net, loss, theta, X[twice], y[twice]),
        rtol=1e-11,
        atol=1e-13,
    )
    np.testing.assert_array_equal(
        gradient(net, loss, theta, X, y, np.ones(6)), gradient(net, loss, theta, X, y)
    )


@each
def test_a_weight_of_zero_is_no_row(net, loss):
    theta, X, y, weight = samples(net, loss)
    weight[[0, 3]] = 0.0
    counted = [1, 2, 4, 5]
    np.testing.assert_allclose(
        gradient(net, loss, theta, X, y, weight),
        gradient(net, loss, theta, X[counted], y[counted], weight[counted]),
        rtol=1e-11,
        atol=1e-13,
    )
    assert not gradient(net, loss, theta, X, y, 0 * weight).any()


@each
def test_the_gradient_is_the_sum_of_its_samples(net, loss):
    theta, X, y, weight = samples(net, loss)
    alone = [
        gradient(net, loss, theta, X[s : s + 1], y[s : s + 1], weight[s : s + 1]) for s in range(6)
    ]
    np.testing.assert_allclose(
        gradient(net, loss, theta, X, y, weight), np.sum(alone, axis=0), rtol=1e-11, atol=1e-13
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@each
def test_dtype_is_kept_all_the_way(net, loss, dtype):
    theta, X, y, weight = (array.astype(dtype) for array in samples(net, loss))
    passes = forward(net, theta, X)
    for closed in (True, False):
        partials = backward(net, theta, passes, loss, y, weight, closed=closed)
        for back in partials:
            for name in Partials.__dataclass_fields__:
                value = getattr(back, name)
                assert value is None or value.dtype == dtype, name
        assert flatten(partials).dtype == dtype
    assert sample_losses(net, loss, passes, y).dtype == dtype


@each
def test_no_rows_cost_nothing(net, loss):
    theta, X, y, _ = samples(net, loss)
    grad = gradient(net, loss, theta, X[:0], y[:0])
    assert grad.shape == theta.shape
    assert not grad.any()


@closing
@pytest.mark.parametrize("activation", ALL_ACTIVATIONS, ids=str)
def test_nan_in_one_input_shows_in_loss_and_gradient(activation, closed):
    net = Network.mlp(2, 3, 2, activation=activation)
    theta, X, y, _ = samples(net, SquaredError())
    X[2, 1] = np.nan
    passes = forward(net, theta, X)
    losses = sample_losses(net, SquaredError(), passes, y)
    assert np.isnan(losses).tolist() == [s == 2 for s in range(6)]
    grad = gradient(net, SquaredError(), theta, X, y, closed=closed)
    for dW, db in net.views(grad):
        assert np.isnan(dW).all()
        assert np.isnan(db).all()


@each
def test_the_gradient_is_the_same_without_the_way_to_the_inputs(net, loss):
    theta, X, y, weight = samples(net, loss)
    passes = forward(net, theta, X)
    whole = backward(net, theta, passes, loss, y, weight)
    short = backward(net, theta, passes, loss, y, weight, to_inputs=False)
    np.testing.assert_array_equal(flatten(short), flatten(whole))
    assert short[0].dL_dx.shape == (0, net.n_in)
    for above, same in zip(short[1:], whole[1:], strict=True):
        np.testing.assert_array_equal(above.dL_dx, same.dL_dx)
