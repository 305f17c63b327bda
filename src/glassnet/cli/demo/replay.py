"""The teaching notebook once more, computed by the library: what `glassnet demo` shows.

Chance is drawn as the notebook draws it: one legacy stream, `RandomState(42)`, from which the
weights of the first network are taken twice (cells 9 and 41), then those of the second (cell 57).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from glassnet.core.activations import Sigmoid
from glassnet.core.backprop import Partials, Pass, backward, forward, sample_losses
from glassnet.core.formula import Array
from glassnet.core.initializers import Uniform
from glassnet.core.losses import SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD
from glassnet.datasets import Dataset, moons, notebook_moons, notebook_samples
from glassnet.engines.base import State, Task
from glassnet.training.history import History
from glassnet.training.stream import Epoch, last, start, train

Stage = Callable[[Iterator[Epoch]], Iterator[Epoch]]
Value = np.ndarray | float | tuple["Value", ...]

NUDGE = 1e-15  # relative change of the initial weights, a few times the rounding of 64 bits
NUDGED_RUNS = 5
EVERY = 100  # epochs a record


@dataclass(frozen=True)
class Run:
    """A training run of the notebook, and where it stood around its last update."""

    task: Task
    data: Dataset
    history: History
    begin: State
    before: State  # before the last update: the notebook's `output` was computed here
    after: State  # after it: the notebook's final weights

    def output(self, state: State) -> Array:
        """The network's answers (n, 1) to the run's own data."""
        return forward(self.task.net, state.theta, self.data.X)[-1].a

    def loss(self, epoch: int) -> float:
        """The loss at an epoch as the notebook counts them, from 0: that after `epoch` updates."""
        return self.history.loss[epoch]


@dataclass(frozen=True)
class PartOne:
    """Cells 5 to 47: three samples, every partial derivative, one update, then 1000 epochs."""

    data: Dataset
    task: Task  # with the learning rate 0.01 of the one update
    theta: Array
    hidden: Pass
    output: Pass
    error: Array  # (n,)
    hidden_partials: Partials
    output_partials: Partials
    updated: Array  # theta after the one update
    run: Run  # from weights drawn anew


@dataclass(frozen=True)
class PartTwo:
    """Cells 48 to 60: the moons, 10,000 epochs."""

    raw: Dataset  # before the scaling
    data: Dataset
    run: Run


@dataclass(frozen=True)
class Quantity:
    """Something that the notebook prints, as glassnet has it, laid out as in the notebook."""

    cell: int
    name: str
    value: Value


def task(*sizes: int, lr: float) -> Task:
    """The notebook's conventions: sigmoids, no bias, ½(a - y)², the gradient of the sum."""
    net = Network.mlp(*sizes, activation=Sigmoid(), output=Sigmoid(), bias=False)
    return Task(net, SquaredError(), SGD(lr), reduction="sum")


def runs(
    task: Task, data: Dataset, begins: Sequence[State], epochs: int, watch: Stage = iter
) -> list[Run]:
    """A run of so many epochs from each state, one after the other, through the stage `watch`."""
    stream = chain.from_iterable(_to_the_end(task, data, begin, epochs) for begin in begins)
    done: list[Run] = []
    history, before = History(), begins[0]
    for record in watch(stream):
        history.add(record)
        if record.epoch == epochs:
            done.append(Run(task, data, history, begins[len(done)], before, record.state))
            history = History()
        before = record.state
    return done


def _to_the_end(task: Task, data: Dataset, state: State, epochs: int) -> Iterator[Epoch]:
    # a record every hundred epochs, and one each before and after the last update
    for record in train(
        task, data.X, data.y, state, epochs=epochs - 1, every=EVERY, engine="reference"
    ):
        yield record
        state = record.state
    yield from train(task, data.X, data.y, state, epochs=1, engine="reference")


def part_one(rng: np.random.RandomState) -> PartOne:
    """Draws 15 numbers from `rng`, then 15 more."""
    data = notebook_samples()
    slow = task(4, 3, 1, lr=0.01)
    first = start(slow, rng, initializer=Uniform())
    passes = forward(slow.net, first.theta, data.X)
    partials = backward(slow.net, first.theta, passes, slow.loss, data.y)
    fast = task(4, 3, 1, lr=0.1)
    fresh = start(fast, rng, initializer=Uniform())
    return PartOne(
        data=data,
        task=slow,
        theta=first.theta,
        hidden=passes[0],
        output=passes[1],
        error=sample_losses(slow.net, slow.loss, passes, data.y),
        hidden_partials=partials[0],
        output_partials=partials[1],
        updated=last(train(slow, data.X, data.y, first, epochs=1, engine="reference")).state.theta,
        run=runs(fast, data, [fresh], 1000)[0],
    )


def part_two(rng: np.random.RandomState, watch: Stage = iter, epochs: int = 10_000) -> PartTwo:
    """Draws 30 numbers from `rng`."""
    data = notebook_moons()
    learn = task(2, 10, 1, lr=0.1)
    first = start(learn, rng, initializer=Uniform())
    (run,) = runs(learn, data, [first], epochs, watch)
    return PartTwo(moons(1000, noise=0.1, seed=42), data, run)


def nudged(run: Run, watch: Stage = iter, times: int = NUDGED_RUNS) -> list[Run]:
    """The run again, from weights that differ from its own by up to 1e-15 of themselves."""
    theta = run.begin.theta
    pushes = [np.random.default_rng(seed).uniform(-1, 1, theta.shape) for seed in range(times)]
    begins = [start(run.task, theta=theta * (1.0 + NUDGE * push)) for push in pushes]
    return runs(run.task, run.data, begins, len(run.history), watch)


def quantities(one: PartOne, two: PartTwo) -> Iterator[Quantity]:
    """All that the notebook prints, in its order and its layout: samples as columns.

    The library holds samples as rows, so what has one entry a sample is turned on its side; the
    parameters and their gradients are the same in both.
    """
    yield from _samples(one)
    yield from _partials(one)
    yield from _training(one)
    yield from _moons(two)


def _samples(one: PartOne) -> Iterator[Quantity]:
    X, y, (W1, W2) = one.data.X, one.data.y, weights(one, one.theta)
    yield Quantity(5, "X", X)
    yield Quantity(5, "X.shape", X.shape)
    yield Quantity(6, "X in matrix form", X.T)
    yield Quantity(6, "X.shape in matrix form", X.T.shape)
    yield Quantity(7, "y", y)
    yield Quantity(7, "y in matrix form", y.T)
    yield Quantity(7, "y.shape in matrix form", y.T.shape)
    names = "inputLayer_neurons, hiddenLayer_neurons, outputLayer_neurons"
    yield Quantity(8, names, one.task.net.sizes)
    names = "weights_input_hidden.shape, weights_hidden_output.shape"
    yield Quantity(10, names, (W1.shape, W2.shape))


def _partials(one: PartOne) -> Iterator[Quantity]:
    hidden, output, (W1, W2) = one.hidden, one.output, weights(one, one.theta)
    back1, back2 = one.hidden_partials, one.output_partials
    dL_da2, da2_dz2, da1_dz1 = columns(back2.dL_da, back2.da_dz, back1.da_dz)
    yield Quantity(13, "hiddenLayer_linearTransform", hidden.z.T)
    yield Quantity(13, "hiddenLayer_activations", hidden.a.T)
    yield Quantity(15, "output", output.a.T)
    yield Quantity(16, "error", one.error[None, :])
    yield Quantity(18, "error_wrt_output", dL_da2)
    yield Quantity(19, "output_wrt_outputLayer_LinearTransform", da2_dz2)
    three = (dL_da2.shape, da2_dz2.shape, hidden.a.T.shape)
    yield Quantity(21, "shapes of the three partial derivatives", three)
    yield Quantity(22, "weights_hidden_output.shape", W2.shape)
    yield Quantity(24, "error_wrt_weights_hidden_output.shape", back2.dL_dW.shape)
    yield Quantity(26, "error_wrt_output", dL_da2)
    yield Quantity(27, "output_wrt_outputLayer_LinearTransform", da2_dz2)
    yield Quantity(29, "hiddenLayer_activations_wrt_hiddenLayer_linearTransform", da1_dz1)
    five = (dL_da2.shape, da2_dz2.shape, W2.shape, da1_dz1.shape, hidden.x.T.shape)
    yield Quantity(31, "shapes of the five partial derivatives", five)
    yield Quantity(32, "weights_input_hidden.shape", W1.shape)
    yield Quantity(34, "error_wrt_weights_input_hidden", back1.dL_dW)
    yield Quantity(34, "error_wrt_weights_input_hidden.shape", back1.dL_dW.shape)


def _training(one: PartOne) -> Iterator[Quantity]:
    W1, W2 = weights(one, one.theta)
    yield Quantity(36, "weights_hidden_output, initial", W2)
    yield Quantity(37, "weights_input_hidden, initial", W1)
    W1, W2 = weights(one, one.updated)
    yield Quantity(39, "weights_hidden_output, after one update", W2)
    yield Quantity(40, "weights_input_hidden, after one update", W1)
    yield from _losses(42, one.run, 100)
    W1, W2 = weights(one, one.run.after.theta)
    yield Quantity(43, "weights_input_hidden, after update 1000", W1)
    yield Quantity(44, "weights_hidden_output, after update 1000", W2)
    yield Quantity(46, "output, before update 1000", one.run.output(one.run.before).T)
    yield Quantity(47, "y", one.data.y.T)


def _moons(two: PartTwo) -> Iterator[Quantity]:
    X, y = two.data.X, two.data.y
    yield Quantity(50, "X, first and last three rows", two.raw.X[[0, 1, 2, -3, -2, -1]])
    yield Quantity(52, "X.min(), X.max()", (float(X.min()), float(X.max())))
    yield Quantity(53, "np.unique(y)", np.unique(y))
    yield Quantity(54, "X.shape, y.shape", (X.shape, two.data.classes.shape))
    yield Quantity(56, "X.shape, y.shape in matrix form", (X.T.shape, y.T.shape))
    yield from _losses(57, two.run, 1000)
    yield Quantity(59, "output[:, :5], before update 10000", first_outputs(two.run))
    yield Quantity(60, "y[:, :5]", y.T[:, :5])


def weights(one: PartOne, theta: Array) -> tuple[Array, Array]:
    """W1 (4, 3) and W2 (3, 1) of the first part's network."""
    (W1, _), (W2, _) = one.task.net.views(theta)
    return W1, W2


def columns(*partials: Array | None) -> tuple[Array, ...]:
    """Partials with one row a sample, turned to one column a sample."""
    return tuple(part.T for part in partials if part is not None)


def first_outputs(run: Run) -> Array:
    """The answers (1, 5) to the first five samples, before the last update: cell 59."""
    return run.output(run.before)[:5].T


def _losses(cell: int, run: Run, every: int) -> Iterator[Quantity]:
    for epoch in range(0, len(run.history), every):
        yield Quantity(cell, f"Error at epoch {epoch}", run.loss(epoch))
