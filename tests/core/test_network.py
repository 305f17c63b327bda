"""The network: layout of theta, its views, names and errors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from glassnet.core.activations import Identity, ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.errors import BadInput
from glassnet.core.network import Dense, Network

NETS = [
    Network.mlp(3, 2),
    Network.mlp(3, 2, bias=False),
    Network.mlp(4, 3, 1, output=Sigmoid(), bias=False),
    Network.mlp(2, 5, 4, 3, activation=[ReLU(), Tanh()], output=Softmax()),
    Network((Dense(2, 3, Tanh(), bias=False), Dense(3, 2), Dense(2, 1, bias=False))),
]
each = pytest.mark.parametrize("net", NETS, ids=str)


@each
def test_layout_is_weights_row_by_row_then_biases_layer_by_layer(net):
    flat = np.arange(net.n_params, dtype=float)
    expected = 0.0
    for (W, b), layer in zip(net.views(flat), net.layers, strict=True):
        assert W.shape == (layer.n_in, layer.n_out)
        np.testing.assert_array_equal(W.ravel(), expected + np.arange(W.size))
        expected += W.size
        assert (b is not None) == layer.bias
        if b is not None:
            assert b.shape == (layer.n_out,)
            np.testing.assert_array_equal(b, expected + np.arange(b.size))
            expected += b.size
    assert expected == net.n_params == sum(layer.n_params for layer in net.layers)


@each
def test_views_share_memory_both_ways(net):
    flat = np.zeros(net.n_params)
    parts = [part for pair in net.views(flat) for part in pair if part is not None]
    assert all(np.shares_memory(part, flat) for part in parts)
    for part in parts:
        np.add(part, 1.0, out=part)
    np.testing.assert_array_equal(flat, 1.0)
    flat[:] = 5.0
    assert all((part == 5.0).all() for part in parts)


@each
def test_views_of_what_is_read_only_are_read_only(net):
    flat = np.zeros(net.n_params)
    flat.setflags(write=False)
    W, _ = net.views(flat)[0]
    with pytest.raises(ValueError, match="read-only"):
        W[0, 0] = 1.0


@each
def test_names_and_mask(net):
    flat = np.arange(net.n_params, dtype=float)
    named = net.named(flat)
    assert tuple(named) == net.names
    np.testing.assert_array_equal(np.concatenate([v.ravel() for v in named.values()]), flat)
    for name, is_weight in net.named(net.weight_mask).items():
        assert is_weight.all() == (name[0] == "W")
        assert is_weight.any() == (name[0] == "W")
    assert not net.weight_mask.flags.writeable


def test_names_say_where_there_is_no_bias():
    assert NETS[3].names == ("W1", "b1", "W2", "b2", "W3", "b3")
    assert NETS[4].names == ("W1", "W2", "b2", "W3")


def test_mlp():
    net = NETS[3]
    assert net.sizes == (2, 5, 4, 3)
    assert (net.n_in, net.n_out, str(net)) == (2, 3, "2-5-4-3")
    assert [layer.activation for layer in net.layers] == [ReLU(), Tanh(), Softmax()]
    assert net.n_params == (2 + 1) * 5 + (5 + 1) * 4 + (4 + 1) * 3
    assert [layer.activation for layer in Network.mlp(1, 2, 3, 1, activation=ReLU()).layers] == [
        ReLU(),
        ReLU(),
        Identity(),
    ]
    assert Network.mlp(2, 3).layers == (Dense(2, 3, Identity(), bias=True),)


@each
def test_a_network_is_a_key(net):
    again = pickle.loads(pickle.dumps(net))
    assert again == net
    assert {net: "compiled"}[again] == "compiled"
    assert Network(list(net.layers)) == net
    assert Network((*net.layers, Dense(net.n_out, 1))) != net
    with pytest.raises(AttributeError):
        net.layers = ()


NO_ACTIVATION = (
    "is not an activation, an instance of one is expected. For example Tanh() or"
    " LeakyReLU(alpha=0.1)."
)
NO_CHANCE = "as a source of chance, a seed of 0 or more, or a NumPy generator is expected. Try 42."
NO_INITIALIZER = (
    "is not an initializer, an instance of one is expected. For example He() or Uniform(-1, 1)."
)
REFUSED = [
    (lambda: Network(()), "a network without layers, at least one is needed."),
    (
        lambda: Network((Dense(2, 3), Dense(4, 1))),
        "a layer with 3 outputs below one with 4 inputs, the two numbers must be the same.",
    ),
    (lambda: Dense(0, 3), "a layer from 0 to 3, each side needs at least 1 neuron."),
    (
        lambda: Network.mlp(2.5, 3),
        "a layer from 2.5 to 3, two whole numbers of neurons are expected.",
    ),
    (
        lambda: Network.mlp(2, 1).init(-1),
        f"-1 {NO_CHANCE}",
    ),
    (
        lambda: Network.mlp(2, 1).init(None),
        f"None {NO_CHANCE}",
    ),
    (
        lambda: Network.mlp(2, 1).init(0, "he"),
        f"'he' {NO_INITIALIZER}",
    ),
    (
        lambda: Network.mlp(2, 1).views(np.zeros(2)),
        "parameters of shape (2,), (3,) is expected for 2-1.",
    ),
    (lambda: Network.mlp(2, 0, 1), "a layer from 2 to 0, each side needs at least 1 neuron."),
    (
        lambda: Network.mlp(3),
        "sizes (3,), at least inputs and outputs are needed. Try Network.mlp(2, 8, 1).",
    ),
    (
        lambda: Network.mlp(2, 3, 1, activation=[Tanh(), Tanh()]),
        "2 activations for 1 hidden layers, one for all or one for each is expected.",
    ),
    (lambda: Network.mlp(2, 3, 1, activation="tanh"), f"'tanh' {NO_ACTIVATION}"),
    (lambda: Network.mlp(2, 3, 1, activation=["tanh"]), f"'tanh' {NO_ACTIVATION}"),
    (lambda: Network.mlp(2, 1, output=Sigmoid), f"{Sigmoid!r} {NO_ACTIVATION}"),
]


@pytest.mark.parametrize(("make", "text"), REFUSED, ids=[text[:30] for _, text in REFUSED])
def test_what_is_no_network_is_refused_in_one_line(make, text):
    with pytest.raises(BadInput) as error:
        make()
    assert str(error.value) == text
