"""Dropout in the engines: one loop written out beside them, and the promises about chance."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.activations import ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.dropout import Dropout, philox
from glassnet.core.errors import BadInput
from glassnet.core.losses import CrossEntropy, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS, SGD, Adam
from glassnet.engines.base import State, Task
from glassnet.engines.divergence import Divergence
from glassnet.engines.reference import Reference, mean_loss
from tests.engines.instances import begin, data, engines, same_bits

TASKS = [
    Task(Network.mlp(2, 5, 1, activation=Sigmoid()), SquaredError(), SGD(0.1), dropout=Dropout()),
    Task(
        Network.mlp(2, 9, 6, 3, activation=[ReLU(), Tanh()], output=Softmax()), CrossEntropy(),
        Adam(0.01), l2=0.01, clip=0.5, dropout=Dropout((0.2, 0.5), seed=4),
    ),
    Task(
        Network.mlp(2, 40, 40, 1, activation=Tanh()), SquaredError(), Adam(0.01),
        reduction="batch", l1=0.001, dropout=Dropout(0.3, seed=2**63),
    ),
]  # fmt: skip
tasks = pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.net}")


@pytest.mark.parametrize("batch_size", [None, 5, 23])
@engines
def test_a_loop_written_out(engine, batch_size):
    """tanh, ½(a-y)², plain descent, in a dozen lines of NumPy: no line of the library in it."""
    net = Network.mlp(2, 6, 1, activation=Tanh())
    task = Task(net, SquaredError(), SGD(0.3), dropout=Dropout(0.25, seed=7))
    X, y, _ = data(task)
    start = begin(task)
    after, costs = engine.epochs(
        task, start, (X, y, None), n=3, batch_size=batch_size, shuffle=False
    )
    W1, b1, W2, b2 = (np.array(part) for part in net.named(start.theta).values())
    step, size = 0, batch_size or 23
    for epoch in range(3):
        total = 0.0
        for first in range(0, 23, size):
            x, t = X[first : first + size], y[first : first + size]
            m = task.dropout.masks(net, step, len(x))[0]
            a1 = np.tanh(x @ W1 + b1)
            error = (m * a1) @ W2 + b2 - t
            total += 0.5 * float((error**2).sum())
            back = error @ W2.T * m * (1 - a1**2)
            W2, b2, W1, b1 = (
                W2 - 0.3 * (m * a1).T @ error / len(x), b2 - 0.3 * error.mean(axis=0),
                W1 - 0.3 * x.T @ back / len(x), b1 - 0.3 * back.mean(axis=0),
            )  # fmt: skip
            step += 1
        assert costs.loss[epoch] == pytest.approx(total / 23, rel=1e-12)
    found = np.concatenate([part.ravel() for part in (W1, b1, W2, b2)])
    np.testing.assert_allclose(after.theta, found, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("batch_size", [None, 5, 23, 100], ids=str)
@tasks
@engines
def test_calls_one_by_one_through_pickle_are_one_call(engine, task, batch_size):
    samples = data(task)
    options = {"batch_size": batch_size, "validation": data(task, 9, seed=1)}
    once, costs = engine.epochs(task, begin(task), samples, n=5, **options)
    state, each = begin(task), []
    for _ in range(5):
        state, cost = engine.epochs(task, pickle.loads(pickle.dumps(state)), samples, **options)
        each.append((cost.loss[0], cost.objective[0], cost.validation[0]))
    assert same_bits(once, state)
    together = zip(costs.loss, costs.objective, costs.validation, strict=True)
    assert list(together) == each


@pytest.mark.parametrize("batch_size", [None, 5])
@tasks
@engines
def test_rates_of_zero_are_none(engine, task, batch_size):
    samples = data(task)
    hidden = len(task.net.layers) - 1
    plain, costs = engine.epochs(
        replace(task, dropout=None), begin(task), samples, n=4, batch_size=batch_size
    )
    for rate in (0.0, (0.0,) * hidden):
        nothing = replace(task, dropout=Dropout(rate, seed=3))
        state, same = engine.epochs(nothing, begin(task), samples, n=4, batch_size=batch_size)
        assert same_bits(plain, state)
        assert costs.loss.tobytes() == same.loss.tobytes()
    dropped, _ = engine.epochs(task, begin(task), samples, n=4, batch_size=batch_size)
    assert not same_bits(plain, dropped)


@tasks
@engines
def test_orders_are_drawn_as_without_it(engine, task):
    samples = data(task)
    one, _ = engine.epochs(task, begin(task), samples, n=3, batch_size=4)
    other, _ = engine.epochs(replace(task, dropout=None), begin(task), samples, n=3, batch_size=4)
    assert one.chance == other.chance


@tasks
@engines
def test_all_but_updates_see_the_whole_network(engine, task):
    samples, state = data(task), begin(task)
    plain = replace(task, dropout=None)
    J, g = engine.loss_and_grad(task, state.theta, samples)
    J_plain, g_plain = engine.loss_and_grad(plain, state.theta, samples)
    assert J_plain == J
    assert g.tobytes() == g_plain.tobytes()
    assert engine.sums(task, state.theta, samples).loss == pytest.approx(
        engine.sums(plain, state.theta, samples).loss, rel=0
    )
    held = data(task, 11, seed=1)
    after, costs = engine.epochs(task, state, samples, n=1, validation=held)
    assert costs.validation[0] == pytest.approx(mean_loss(plain, after.theta, held), rel=1e-12)
    assert costs.loss[0] != pytest.approx(mean_loss(plain, state.theta, samples), rel=1e-6)


@engines
def test_a_batch_that_weighs_nothing_takes_no_mask(engine):
    """The update after it is the first one."""
    task = TASKS[1]
    X, y, weight = data(task)
    weight[:5] = 0.0
    one, _ = engine.epochs(task, begin(task), (X, y, weight), batch_size=5, shuffle=False)
    rest, _ = engine.epochs(
        task, begin(task), (X[5:], y[5:], weight[5:]), batch_size=5, shuffle=False
    )
    assert one.step == rest.step == 4
    np.testing.assert_allclose(one.theta, rest.theta, rtol=1e-13)


@engines
def test_a_word_on_the_threshold_keeps_its_neuron(engine):
    """A word w is below w/2³² of all words, so with that rate it is the first that stays."""
    net = Network.mlp(1, 1, 1, bias=False)
    word = int(philox((0, 0, 1, 0), (5, 0))[0])
    ones = np.ones((1, 1)), np.zeros((1, 1)), None
    for w, stays in ((word, True), (word + 1, False)):
        task = Task(net, SquaredError(), SGD(0.1), dropout=Dropout(w / 2**32, seed=5))
        _, costs = engine.epochs(task, replace(begin(task), slots=()), ones)
        assert bool(costs.loss[0]) == stays


@engines
def test_divergence_is_named_with_the_masks_of_that_update(engine):
    """Of two neurons at 1e200 the one that is kept makes a loss that no number holds."""
    net = Network.mlp(1, 2, 1, activation=ReLU(), bias=False)
    ones = np.ones((1, 1)), np.zeros((1, 1)), None
    for seed in range(12):
        dropout = Dropout(0.5, seed)
        task = Task(net, SquaredError(), SGD(0.0), dropout=dropout)
        theta = np.array([1e200, 1e200, 1.0, 1.0])
        kept = next(step for step in range(9) if dropout.masks(net, step, 1)[0].any())
        with pytest.raises(Divergence) as error:
            engine.epochs(task, State(theta, (), 0, 0, begin(task).chance), ones, n=9)
        assert (error.value.step, error.value.quantity) == (kept + 1, "loss")


@engines
def test_a_layer_that_leaves_the_numbers_where_it_is_multiplied_is_named(engine):
    net = Network.mlp(1, 1, 1, activation=ReLU(), bias=False)
    task = Task(net, SquaredError(), SGD(0.1), dropout=Dropout(0.9, seed=3))
    theta = np.array([1e308, 1e-308])
    kept = next(step for step in range(99) if task.dropout.masks(net, step, 1)[0].any())
    state = State(theta, (), kept, 0, begin(task).chance)
    with pytest.raises(Divergence, match="h1 in layer 1 is not finite"):
        engine.epochs(task, state, (np.ones((1, 1)), np.zeros((1, 1)), None))


def test_what_makes_no_sense_is_refused():
    net = Network.mlp(2, 3, 1)
    with pytest.raises(BadInput, match=r"dropout=0\.5, a Dropout or None is expected"):
        Task(net, SquaredError(), dropout=0.5)
    with pytest.raises(BadInput, match="2 rates of dropout for 1 hidden layer"):
        Task(net, SquaredError(), dropout=Dropout((0.1, 0.2)))
    with pytest.raises(BadInput, match="with L-BFGS, a stepwise optimizer is expected"):
        Task(net, SquaredError(), LBFGS(), dropout=Dropout(0.1))
    Task(net, SquaredError(), LBFGS(), dropout=Dropout(0.0))


def test_it_helps_where_a_network_learns_noise_by_heart():
    """Thirty noisy samples of a sine, fifty neurons: the whole network fits the noise."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, (30, 1))
    y = np.sin(X) + rng.normal(0, 0.4, X.shape)
    new = np.linspace(-3, 3, 100)[:, None]
    net = Network.mlp(1, 50, 50, 1, activation=ReLU())
    best = {}
    for dropout in (None, Dropout(0.2)):
        task = Task(net, SquaredError(), Adam(0.01), dropout=dropout)
        state, _ = Reference().epochs(task, begin(task), (X, y, None), n=1500)
        best[dropout] = mean_loss(task, state.theta, (new, np.sin(new), None))
    assert best[Dropout(0.2)] < 0.7 * best[None]
