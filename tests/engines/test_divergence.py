"""Divergence names epoch, update, layer and the first quantity, and carries the last good state."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.activations import Exp, Identity, ReLU
from glassnet.core.losses import SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam, Momentum, RMSProp
from glassnet.engines.base import State, Task
from glassnet.engines.chance import Chance
from glassnet.engines.divergence import Divergence, first_not_finite
from tests.engines.instances import begin, data, engines, same_bits

DEEP = Network.mlp(2, 3, 3, 1, activation=ReLU(), bias=False)
LINE = Network.mlp(1, 1, bias=False)
ONE = (np.ones((1, 1)), np.zeros((1, 1)), None)


def state_of(task, theta, dtype=np.float64):
    theta = np.asarray(theta, dtype=dtype)
    return State(theta, task.optimizer.start(theta), 0, 0, Chance.of(0))


def line(weight, task=None, samples=ONE, dtype=np.float64):
    """One weight, one row: x = 1, y = 0, so a = z = w, ℓ = ½w², dL/dw = w."""
    task = task or Task(LINE, SquaredError(), SGD(0.1))
    return task, state_of(task, [weight], dtype), samples


HUGE = np.full(DEEP.n_params, 1e155)
TWO = (np.ones((1, 2)), np.zeros((1, 1)), None)  # a row with two inputs


def sgd(net=LINE, lr=0.1, **options):
    return Task(net, SquaredError(), SGD(lr), **options)


def row(x, n=1):
    return np.full((n, 1), x), np.zeros((n, 1)), None


# name -> task, weights, samples, and what is to be named: layer and quantity
CASES = {
    # weights huge: the sums of one layer leave the floating numbers before all else
    "z of layer 2": (sgd(DEEP), HUGE, TWO, 2, "z2"),
    "z of layer 3": (sgd(DEEP), HUGE * 1e-45, TWO, 3, "z3"),
    "loss": (sgd(), [1e200], ONE, None, "loss"),
    # the sum of two losses, each of them finite
    "objective": (sgd(), [1.7e154], row(1.0, n=2), None, "objective"),
    "penalty": (sgd(l2=0.5), [1e155], row(0.0), None, "objective"),
    # dL/dW = x·a = 1e250·1e100, while the loss of ½·1e200 is fine
    "dL_dW": (sgd(), [1e-150], row(1e250), 1, "dL_dW1"),
    # the gradient is fine and its square is not
    "slot of Adam": (Task(LINE, SquaredError(), Adam(0.1)), [1e-50], row(1e150), None, "v"),
    "slot of RMSProp": (Task(LINE, SquaredError(), RMSProp(0.1)), [1e-50], row(1e150), None, "v"),
    "slot of Momentum": (Task(LINE, SquaredError(), Momentum(1e200)), [1e150], ONE, None, "v"),
    "learning rate": (sgd(lr=1e200), [1e150], ONE, 1, "new W1"),
    "the start": (sgd(), [np.nan], ONE, 1, "W1"),
}


@pytest.mark.parametrize("name", CASES)
@engines
def test_the_first_quantity_is_named(engine, name):
    task, theta, samples, layer, quantity = CASES[name]
    start = state_of(task, theta)
    with pytest.raises(Divergence) as error:
        engine.epochs(task, start, samples, n=5)
    found = error.value
    assert (found.layer, found.quantity) == (layer, quantity)
    assert (found.epoch, found.step) == (1, 1)
    assert same_bits(found.state, start)
    where = f" in layer {layer}" if layer else ""
    assert str(found).startswith(
        f"training diverged in epoch 1, update 1: {quantity}{where} is not finite, "
    )
    assert str(found).endswith(
        "Try a smaller learning rate, clipping (clip=1.0), or inputs of a smaller scale."
    )
    assert "\n" not in str(found)


@engines
def test_float32_diverges_where_float64_does_not(engine):
    task, start, samples = line(1e-5, Task(LINE, SquaredError(), Adam(0.1)))
    scaled = (samples[0] * 1e13, samples[1], None)  # g = 1e21, g² = 1e42
    engine.epochs(task, start, scaled)
    narrow = tuple(None if part is None else part.astype(np.float32) for part in scaled)
    with pytest.raises(Divergence) as error:
        engine.epochs(task, state_of(task, [1e-5], np.float32), narrow)
    assert error.value.quantity == "v"


@engines
def test_bias_and_slopes_by_name(engine):
    net = Network.mlp(1, 1, 1, activation=Exp(), output=Identity())
    task = Task(net, SquaredError(), SGD(0.1))
    # a1 = e^88, W2 = 1e270: z2 overflows; with W2 = 1e100 the loss does
    for W2, quantity, layer in ((1e300, "z2", 2), (1e120, "loss", None)):
        with pytest.raises(Divergence) as error:
            engine.epochs(task, state_of(task, [100.0, 0.0, W2, 0.0]), ONE)
        assert (error.value.layer, error.value.quantity) == (layer, quantity)


@engines
def test_too_large_a_rate_grows_until_it_breaks(engine):
    """w ← w·(1 - 1e3): the loss ½w² overflows in an epoch that can be reckoned."""
    task, start, samples = line(1.0, Task(LINE, SquaredError(), SGD(1e3 + 1)))
    # |w| is 1000^k after k updates, and the first whose square overflows is 1000^52 = 1e156
    with pytest.raises(Divergence) as error:
        engine.epochs(task, start, samples, n=100)
    found = error.value
    assert (found.epoch, found.step) == (53, 53)
    assert found.state.epoch == found.state.step == 52
    np.testing.assert_allclose(np.abs(found.state.theta), 1e156, rtol=1e-12)
    assert found.quantity == "loss"


@engines
def test_in_the_middle_of_an_epoch(engine):
    """The state is that before the epoch, and the update is counted within it."""
    task = Task(Network.mlp(2, 3, 1), SquaredError(), SGD(0.01))
    X, y, weight = data(task)
    good, _ = engine.epochs(task, begin(task), (X, y, weight), n=2, batch_size=4, shuffle=False)
    y = y.copy()
    y[9] = 1e200  # in the third of six batches
    with pytest.raises(Divergence) as error:
        engine.epochs(task, good, (X, y, weight), n=2, batch_size=4, shuffle=False)
    found = error.value
    assert (found.epoch, found.step, found.quantity) == (3, 12 + 3, "loss")
    assert same_bits(found.state, good)


@engines
def test_training_goes_on_from_the_state_that_it_carries(engine):
    task, start, samples = line(1e100, Task(LINE, SquaredError(), SGD(1e250)))
    with pytest.raises(Divergence) as error:
        engine.epochs(task, start, samples)
    found = pickle.loads(pickle.dumps(error.value))
    assert same_bits(found.state, error.value.state)
    assert str(found) == str(error.value)
    calm = replace(task, optimizer=SGD(0.5))
    state, costs = engine.epochs(calm, found.state, samples, n=400)
    assert state.epoch == 400
    assert np.isfinite(costs.loss).all()
    assert costs.loss[-1] < 1e-20 < costs.loss[0]


@engines
def test_clipping_holds_what_would_diverge(engine):
    task = Task(Network.mlp(2, 4, 1), SquaredError(), SGD(2.0))
    samples = data(task)
    with pytest.raises(Divergence):
        engine.epochs(task, begin(task), samples, n=500)
    _, costs = engine.epochs(replace(task, clip=0.01), begin(task), samples, n=500)
    assert np.isfinite(costs.loss).all()


@engines
def test_no_warnings_come_with_it(engine):
    task, start, samples = line(1e200)
    with np.errstate(all="raise"), pytest.raises(Divergence):
        engine.epochs(task, start, samples)


def test_divergence_is_an_arithmetic_error():
    assert issubclass(Divergence, ArithmeticError)


def test_where_all_is_finite_theta_is_named():
    task, start, samples = line(1.0)
    assert first_not_finite(task, start.theta, (), samples, 0) == (None, "theta")
