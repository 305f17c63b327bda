"""Dropout: Philox's known answers, the masks' statistics, and the chain rule through a mask."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from glassnet.core.activations import ELU, GELU, Identity, Sigmoid, Softmax, Tanh
from glassnet.core.backprop import backward, flatten, forward, sample_losses
from glassnet.core.dropout import WORD, Dropout, philox
from glassnet.core.errors import BadInput
from glassnet.core.losses import CrossEntropy, SquaredError
from glassnet.core.network import Network

# of Random123, the library of Philox's authors: counter, key, answer of philox4x32-10
KNOWN = [
    ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text):
    return tuple(int(word, 16) for word in text.split())


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN, ids=["zeros", "ones", "pi"])
def test_known_answers(counter, key, answer):
    assert philox(words(counter), words(key)) == words(answer)
    arrays = tuple(np.full((2, 3), word, np.uint64) for word in words(counter))
    for found, wanted in zip(philox(arrays, words(key)), words(answer), strict=True):
        assert found.dtype == np.uint64
        assert (found == wanted).all()


@pytest.mark.parametrize("step", [0, 7, 2**32 - 1, 2**32 + 7])
def test_each_number_of_a_mask_has_its_own_place_in_the_counter(step):
    """m[s, j] of layer k from the definition, one number at a time, in Python's own integers."""
    dropout, net = Dropout((0.3, 0.6), seed=5 << 40 | 9), Network.mlp(2, 6, 3, 1)
    *masks, last = dropout.masks(net, step, 4)
    assert last is None
    for k, (rate, m) in enumerate(zip((0.3, 0.6), masks, strict=True), 1):
        for (s, j), found in np.ndenumerate(m):
            word = philox((s, j // 4, k, step % 2**32), (9, 5 << 8))[j % 4]
            assert found == (1 / (1 - rate) if word >= rate * 2**32 else 0.0)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.9])
def test_mean_and_variance(rate):
    m = Dropout(rate, seed=3).masks(Network.mlp(1, 400, 1), 0, 500)[0]
    assert set(np.unique(m)) == {0.0, 1 / (1 - rate)}
    share = np.mean(m == 0)
    assert abs(share - rate) < 4 * np.sqrt(rate * (1 - rate) / m.size)
    assert abs(m.mean() - 1) < 4 * np.sqrt(rate / (1 - rate) / m.size)
    assert m.var() == pytest.approx(rate / (1 - rate), rel=0.05)


def test_masks_do_not_look_alike():
    """Rows, neurons, layers, updates and seeds: no two of them go together."""
    net = Network.mlp(1, 64, 64, 1)

    def drawn(seed, step):
        return [np.sign(m - 1) for m in Dropout(0.5, seed).masks(net, step, 64)[:2]]

    base = drawn(0, 0)
    others = [base[1], *drawn(1, 0), *drawn(0, 1), *drawn(2**32, 0), *drawn(0, 2**31)]
    limit = 4.5 / 64  # standard deviations of the mean of 64·64 products of signs
    for other in others:
        assert abs(np.mean(base[0] * other)) < limit
    for axis in (0, 1):
        for shift in range(1, 6):
            assert abs(np.mean(base[0] * np.roll(base[0], shift, axis))) < limit
    for means in (base[0].mean(axis=0), base[0].mean(axis=1)):
        assert np.abs(means).max() < 4.5 / 8


def test_a_mask_is_a_function_of_its_place_alone():
    net, dropout = Network.mlp(1, 7, 5, 1), Dropout(0.4, seed=8)
    many, few = dropout.masks(net, 3, 50), dropout.masks(net, 3, 20)
    for whole, part in zip(many[:2], few[:2], strict=True):
        np.testing.assert_array_equal(whole[:20], part)
    wider = dropout.masks(Network.mlp(1, 12, 5, 1), 3, 20)
    np.testing.assert_array_equal(wider[0][:, :7], few[0])
    np.testing.assert_array_equal(wider[1], few[1])


def test_no_mask_where_nothing_is_left_out():
    net = Network.mlp(1, 7, 5, 1)
    assert Dropout(0.0).masks(net, 0, 3) == [None, None, None]
    first, second, last = Dropout((0.0, 0.5)).masks(net, 0, 3)
    assert first is None
    assert last is None
    np.testing.assert_array_equal(second, Dropout(0.5).masks(net, 0, 3)[1])
    assert Dropout(0.5).masks(net, 0, 3, np.float32)[0].dtype == np.float32
    assert Dropout(0.5).masks(Network.mlp(1, 1), 0, 3) == [None]


@pytest.mark.parametrize(
    "rate", [1.0, -0.1, float("nan"), "0.5", None, True, (0.5, 1.0), ((0.5,),)]
)
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(BadInput, match=r"rate=.*(of at least 0 and below 1|one a hidden layer)"):
        Dropout(rate)


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, "1", True])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(BadInput, match="an integer from 0 up to"):
        Dropout(0.5, seed)


def test_as_many_rates_as_hidden_layers():
    with pytest.raises(BadInput, match="2 rates of dropout for 1 hidden layer, one for all or one"):
        Dropout((0.5, 0.2)).rates(Network.mlp(1, 3, 1))


def test_it_is_a_value():
    one, same = Dropout(np.float32(0.5), np.int64(3)), Dropout(0.5, 3)
    assert one == same
    assert hash(Dropout([0.5, 0.25])) == hash(Dropout((0.5, 0.25)))
    assert Dropout(0.5, 2**64 - 1).key == (WORD, WORD)


# ---- the chain rule

CASES = [
    (Network.mlp(3, 5, 4, 2, activation=[Tanh(), GELU()]), SquaredError(), (0.5, 0.25)),
    (Network.mlp(3, 5, 3, activation=Softmax(), output=Softmax()), CrossEntropy(), 0.5),
    (Network.mlp(3, 4, 4, 1, activation=[Identity(), ELU()], output=Sigmoid(), bias=False),
     SquaredError(), (0.3, 0.0)),
]  # fmt: skip
each = pytest.mark.parametrize(("net", "loss", "rate"), CASES, ids=["deep", "softmax", "identity"])


def drawn(net, rate, seed=0):
    rng = np.random.default_rng(seed)
    theta, X = rng.normal(size=net.n_params) * 0.7, rng.normal(size=(6, 3))
    y = rng.dirichlet(np.ones(net.n_out), 6)
    return theta, X, y, rng.uniform(0.2, 3.0, 6), Dropout(rate, seed=1).masks(net, 0, 6)


@each
def test_the_gradient_with_masks_held_fixed_against_differences(net, loss, rate):
    theta, X, y, weight, masks = drawn(net, rate)
    passes = forward(net, theta, X, masks)
    for closed in (True, False):
        partials = backward(net, theta, passes, loss, y, weight, closed=closed)
        h = 1e-5

        def total(theta):
            return weight @ sample_losses(net, loss, forward(net, theta, X, masks), y)

        numeric = [
            (total(theta + step) - total(theta - step)) / (2 * h)
            for step in h * np.eye(net.n_params)
        ]
        grad = flatten(partials)
        np.testing.assert_allclose(grad, numeric, rtol=1e-7, atol=1e-7 * np.abs(grad).max())


@each
def test_what_a_layer_hands_on_and_gets_back(net, loss, rate):
    theta, X, y, weight, masks = drawn(net, rate)
    passes = forward(net, theta, X, masks)
    partials = backward(net, theta, passes, loss, y, weight)
    for p, above in pairwise(passes):
        np.testing.assert_array_equal(above.x, p.h)
        np.testing.assert_array_equal(p.h, p.a if p.m is None else p.m * p.a)
    for p, back, above in zip(passes, partials, partials[1:], strict=False):
        if p.m is None:
            assert back.dL_dh is None
            np.testing.assert_array_equal(back.dL_da, above.dL_dx)
        else:
            np.testing.assert_array_equal(back.dL_dh, above.dL_dx)
            np.testing.assert_array_equal(back.dL_da, p.m * back.dL_dh)
            assert not back.dL_da[p.m == 0].any()


@each
def test_masks_of_ones_change_not_a_bit(net, loss, rate):
    theta, X, y, weight, _ = drawn(net, rate)
    ones = [np.ones((6, layer.n_out)) for layer in net.layers[:-1]]
    plain, kept = forward(net, theta, X), forward(net, theta, X, [*ones, None])
    one, other = (flatten(backward(net, theta, p, loss, y, weight)) for p in (plain, kept))
    assert one.tobytes() == other.tobytes()
