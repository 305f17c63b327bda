"""Objective and gradient of random networks against the scalar tape, which shares no code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.core.backprop import forward
from glassnet.core.network import Dense, Network
from glassnet.engines.base import Task
from tests.core.instances import ALL_ACTIVATIONS, ALL_LOSSES, sensible
from tests.engines.instances import engines
from tests.oracle import tape
from tests.oracle.tape import Setting, objective_and_gradient

ACTIVATIONS = {str(a): a for a in ALL_ACTIVATIONS if str(a) in tape.ACTIVATIONS}
LOSSES = {str(loss): loss for loss in ALL_LOSSES if str(loss) in tape.LOSSES}
HIDDEN = sorted(set(ACTIVATIONS) - {"exp"})  # e^(e^…) leaves the floating numbers
OUTPUTS = {
    "binarycrossentropy": ["sigmoid"],
    "crossentropy": ["softmax", "sigmoid", "softplus"],
    "poisson": ["exp", "softplus", "sigmoid"],
}


def test_the_oracle_knows_every_kind():
    assert set(tape.ACTIVATIONS) == set(ACTIVATIONS)
    assert set(tape.LOSSES) == set(LOSSES)
    assert {type(a) for a in ALL_ACTIVATIONS} == {type(a) for a in ACTIVATIONS.values()}
    assert {type(loss) for loss in ALL_LOSSES} == {type(loss) for loss in LOSSES.values()}


@st.composite
def networks(draw):
    depth = draw(st.integers(1, 4))
    loss = draw(st.sampled_from(sorted(LOSSES)))
    output = draw(st.sampled_from(OUTPUTS.get(loss, sorted(ACTIVATIONS))))
    penalties = st.sampled_from([0.0, 0.01, 0.5])
    return Setting(
        sizes=tuple(draw(st.lists(st.integers(1, 5), min_size=depth + 1, max_size=depth + 1))),
        activations=(*(draw(st.sampled_from(HIDDEN)) for _ in range(depth - 1)), output),
        biases=tuple(draw(st.lists(st.booleans(), min_size=depth, max_size=depth))),
        loss=loss,
        mean=draw(st.booleans()),
        l1=draw(penalties),
        l2=draw(penalties),
    )


def compare(engine, setting, n, seed, *, weighted):
    layers = zip(
        setting.sizes[:-1], setting.sizes[1:], setting.activations, setting.biases, strict=True
    )
    net = Network(tuple(Dense(i, o, ACTIVATIONS[name], bias) for i, o, name, bias in layers))
    loss = LOSSES[setting.loss]
    reduction = "mean" if setting.mean else "sum"
    task = Task(net, loss, reduction=reduction, l1=setting.l1, l2=setting.l2)

    rng = np.random.default_rng(seed)
    theta = rng.normal(size=net.n_params)
    X = rng.normal(size=(n, net.n_in))
    _, _, y = sensible(loss, rng, n, net.n_out)
    weight = rng.uniform(0.1, 3.0, n) if weighted else None

    slopes = loss.slope(forward(net, theta, X)[-1].a, y)
    terms = np.abs(slopes).max() * (n if weight is None else weight.sum())
    if terms > 1e4:  # from an `a` so near to 1 the tape's log(1 - a) has few digits left
        return

    J, grad = engine.loss_and_grad(task, theta, (X, y, weight))
    shares = [1.0] * n if weight is None else weight.tolist()
    J_tape, grad_tape = objective_and_gradient(
        setting, theta.tolist(), X.tolist(), y.tolist(), shares
    )
    assert pytest.approx(J_tape, rel=1e-10, abs=1e-13) == J
    largest = max(map(abs, grad_tape))
    # terms that cancel leave a rounding of theirs, such as softmax's where all slopes are alike
    atol = 1e-12 * largest + 1e-15 * terms
    np.testing.assert_allclose(grad, grad_tape, rtol=1e-10, atol=atol)


@engines
@settings(max_examples=250, derandomize=True, deadline=None, database=None)
@given(
    setting=networks(),
    n=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
    weighted=st.booleans(),
)
def test_random_networks_against_the_tape(engine, setting, n, seed, weighted):
    compare(engine, setting, n, seed, weighted=weighted)


@engines
@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
@pytest.mark.parametrize("mean", [True, False], ids=["mean", "sum"])
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_loss_reduction_and_number_of_outputs(engine, loss, mean, outputs):
    output = OUTPUTS.get(loss, ["identity"])[0]
    setting = Setting((3, 4, outputs), ("tanh", output), (True, True), loss, mean, 0.01, 0.1)
    compare(engine, setting, 5, outputs, weighted=True)


@engines
@pytest.mark.parametrize("output", sorted(ACTIVATIONS))
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_pair_of_activations(engine, hidden, output):
    setting = Setting((2, 3, 2), (hidden, output), (True, False), "squarederror")
    compare(engine, setting, 3, 7, weighted=False)
