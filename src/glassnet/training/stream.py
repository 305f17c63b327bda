"""The one stream of training: a generator of epochs, which all that watches a run iterates.

Pause is not calling `next`; stop is `break`; go on later is `train` with a record's state.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from glassnet.core.data import check_samples, numbers
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.initializers import Initializer
from glassnet.core.optimizers import LBFGS
from glassnet.engines.base import Engine, Losses, Samples, State, Task
from glassnet.engines.chance import Chance
from glassnet.engines.choice import EngineName, choose
from glassnet.training.lbfgs import lbfgs_epochs

Metric = Callable[[Array, Array], float]  # from outputs and targets, both (n, n_out)


@dataclass(frozen=True, eq=False)
class Epoch:
    """What is known after an epoch.

    epoch : how many epochs the state has behind it; the first record says 1.
    loss : Σ w·ℓ / Σ w over the training rows, measured batch by batch before each update, so in
        the first record it is the loss of the initial weights if there is one batch. No penalty.
    objective : what was minimised, reduction and penalties included, measured likewise.
    val_loss : the same as `loss` on the validation rows, after the epoch; None without them.
    metrics : by name, on the validation rows or else on the training rows, after the epoch.
    lr : the learning rate of the epoch's last update; None for L-BFGS, which has none.
    seconds : since the stream began.
    state : all that is needed to go on from here.
    costs : loss, objective and validation loss of every epoch since the record before; one, unless
        `every` was given. The three numbers above are the last of them.
    best : the best record so far, once the stream goes through `keep_best`.
    """

    epoch: int
    costs: Losses
    metrics: Mapping[str, float]
    lr: float | None
    seconds: float
    state: State
    best: Epoch | None = None

    @property
    def loss(self) -> float:
        """The training loss, before the updates."""
        return float(self.costs.loss[-1])

    @property
    def objective(self) -> float:
        """What was minimised, before the updates."""
        return float(self.costs.objective[-1])

    @property
    def val_loss(self) -> float | None:
        """The validation loss, after the updates."""
        return None if self.costs.validation is None else float(self.costs.validation[-1])


def start(
    task: Task,
    rng: int | np.random.Generator | np.random.RandomState = 0,
    *,
    dtype: DTypeLike = np.float64,
    initializer: Initializer | None = None,
    theta: ArrayLike | None = None,
) -> State:
    """The state before the first epoch: initial weights, slots at 0.

    Weights are drawn from `rng` first; what is left of the stream orders the batches. With `theta`
    given nothing is drawn. dtype is float64 or float32.
    """
    try:
        precise = np.dtype(dtype) in (np.dtype(np.float64), np.dtype(np.float32))
    except TypeError:
        precise = False
    if not precise:
        raise BadInput(f"dtype={dtype!r}", "float64 or float32 is expected")
    chance = Chance.of(rng)  # first of all: it refuses what is no source of chance
    generator: Any = chance.generator() if isinstance(rng, int | np.integer) else rng
    if theta is None:
        first = task.net.init(generator, initializer, dtype)
    else:
        first = numbers("theta", theta, dtype).copy()
        if first.shape != (task.net.n_params,):
            raise BadInput(f"theta has shape {first.shape}", f"{(task.net.n_params,)} is expected")
    slots = (first.copy(),) if isinstance(task.optimizer, LBFGS) else task.optimizer.start(first)
    return State(first, slots, step=0, epoch=0, chance=Chance.of(generator))


def train(
    task: Task,
    X: ArrayLike,
    y: ArrayLike,
    state: State | None = None,
    *,
    engine: Engine | EngineName = "auto",
    epochs: int | None = None,
    batch_size: int | None = None,
    shuffle: bool = True,
    weight: ArrayLike | None = None,
    validation: tuple[ArrayLike, ...] | None = None,
    metrics: Mapping[str, Metric] | None = None,
    every: int = 1,
) -> Iterator[Epoch]:
    """A stream of epochs, the first of which is computed when it is asked for.

    Parameters
    ----------
    task : network, loss, optimizer and the rest of what is to be learnt.
    X, y : (n, n_in) and (n, n_out), converted to the dtype of the state.
    state : where to begin: `start(task, seed)`, or the state of any record. A run that goes on from
        a record's state ends in the same bits as one that was never interrupted.
    engine : who does the arithmetic: an engine, or "fused", "reference", or "auto", which is the
        fused engine where it is to be had, else the reference.
    epochs : how many more; None goes on for ever.
    batch_size : rows an update; None for all. The last batch of an epoch is short where the rows do
        not divide evenly; none is left out. L-BFGS takes all, and makes a record an iteration.
    shuffle : each epoch in an order drawn from the state's chance. With one batch an epoch nothing
        is drawn.
    weight : (n,), one a sample.
    validation : (X, y) or (X, y, weight): rows to measure on, not to learn from.
    metrics : functions of outputs and targets, by name.
    every : one record every so many epochs; a fast engine then makes them in one go.

    Raises
    ------
    BadInput : at once, before the first epoch.
    Divergence : when a quantity is not finite; it carries the last good state.
    """
    state = start(task) if state is None else state
    _check_state(task, state)
    _check_counts(epochs=epochs, batch_size=batch_size, every=every)
    dtype = state.theta.dtype
    samples = check_samples(task.net, task.loss, X, y, weight, dtype)
    held_out = None
    if validation is not None:
        if not isinstance(validation, tuple | list) or len(validation) not in {2, 3}:
            raise BadInput(
                f"validation is no pair but {type(validation).__name__}",
                "(X, y) or (X, y, weight) is expected",
            )
        held_weight = validation[2] if len(validation) == 3 else None
        held_out = check_samples(
            task.net, task.loss, validation[0], validation[1], held_weight, dtype
        )
    run = Run(task, samples, held_out, choose(engine), dict(metrics or {}))
    if isinstance(task.optimizer, LBFGS):
        return run.records(lbfgs_epochs(run.engine, task, state, samples, held_out, epochs))
    return run.records(run.chunks(state, epochs, every, batch_size, shuffle=shuffle))


@dataclass(frozen=True)
class Run:
    """One call of `train`, with its data checked."""

    task: Task
    samples: Samples
    validation: Samples | None
    engine: Engine
    metrics: dict[str, Metric]

    def chunks(
        self, state: State, epochs: int | None, every: int, batch_size: int | None, *, shuffle: bool
    ) -> Generator[tuple[State, Losses], None, None]:
        """States `every` epochs apart, the last chunk shorter where they do not divide evenly."""
        end = None if epochs is None else state.epoch + epochs
        while end is None or state.epoch < end:
            state, costs = self.engine.epochs(
                self.task,
                state,
                self.samples,
                n=every if end is None else min(every, end - state.epoch),
                batch_size=batch_size,
                shuffle=shuffle,
                validation=self.validation,
            )
            yield state, costs

    def records(self, chunks: Generator[tuple[State, Losses], None, None]) -> Iterator[Epoch]:
        """A record for each chunk."""
        began = time.perf_counter()
        optimizer = self.task.optimizer
        try:
            for state, costs in chunks:
                yield Epoch(
                    epoch=state.epoch,
                    costs=costs,
                    metrics=self.measure(state),
                    lr=None if isinstance(optimizer, LBFGS) else optimizer.rate(state.step - 1),
                    seconds=time.perf_counter() - began,
                    state=state,
                )
        finally:
            chunks.close()  # L-BFGS's thread ends with the stream, also when a metric fails

    def measure(self, state: State) -> dict[str, float]:
        """The metrics on the validation rows, or on the training rows where there are none."""
        if not self.metrics:
            return {}
        X, y, _ = self.samples if self.validation is None else self.validation
        with np.errstate(all="ignore"):  # a run about to diverge says so itself
            outputs = self.engine.predict(self.task.net, state.theta, X)
            return {name: float(metric(outputs, y)) for name, metric in self.metrics.items()}


def last(stream: Iterator[Epoch]) -> Epoch:
    """The last record of a stream, for when the way there does not matter."""
    record = None
    for record in stream:  # noqa: B007
        pass
    if record is None:
        raise BadInput("the stream has no epochs", "at least one is expected", "Try epochs=100.")
    return record


def _check_state(task: Task, state: State) -> None:
    if not isinstance(state, State):
        raise BadInput(f"state={state!r}", "a State is expected", "Try start(task, 42).")
    expected = 1 if isinstance(task.optimizer, LBFGS) else len(task.optimizer.slots)
    shape, fits = (task.net.n_params,), len(state.slots) == expected
    for array in (state.theta, *state.slots):
        fits = fits and array.shape == shape
    if not fits:
        raise BadInput(
            f"a state with {state.theta.size} parameters and {len(state.slots)} slots",
            f"the task has {task.net.n_params} and {expected}",
            "Begin with start(task, seed).",
        )


def _check_counts(**counts: int | None) -> None:
    for name, count in counts.items():
        if count is None or (type(count) is int and count >= 1):
            continue
        if not isinstance(count, int | np.integer) or isinstance(count, bool) or count < 1:
            raise BadInput(f"{name}={count!r}", "a whole number of 1 or more is expected")
