"""What glassnet recorded of a run, and how far another spelling of it may be off.

A notebook adds the same numbers in another order and rounds elsewhere. How much that matters is not
guessed but measured: the run is made again from weights that differ by a few roundings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.engines.base import Samples, State, Task
from glassnet.engines.divergence import Divergence
from glassnet.training.stream import Epoch, train
from glassnet.walkthrough.trace import Trace, trace

NUDGES = 2
ROUNDINGS = 4  # a nudge, in units of the last place
MARGIN = 100.0  # a notebook may be so much further off than a nudge
CHAOS = 1e-3  # where that comes to more than this share of a number, it proves nothing
ORDERS = 1_000_000  # row numbers; a run that draws more takes its rows as they come


def tolerance(dtype: np.dtype[np.generic]) -> float:
    """The relative difference that is mere rounding: 1e-9 in float64."""
    return 1e-9 if dtype == np.float64 else 1e-4


@dataclass(frozen=True, eq=False)
class Batches:
    """How an epoch's rows are taken. `orders` (epochs, n), or None for that of the data."""

    size: int
    orders: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Recording:
    """A run by the reference engine.

    losses : (epochs,) as recorded, before the updates. off : what each may be off, relatively.
    theta : after the last update; before : the parameters of the last epoch's beginning.
    """

    losses: Array
    off: Array
    theta: Array
    before: Array
    theta_off: float

    @property
    def horizon(self) -> int:
        """Epochs until the first whose loss is a matter of rounding; all where there is none."""
        chaotic = np.flatnonzero(self.off > CHAOS)
        return int(chaotic[0]) if len(chaotic) else len(self.losses)


def batches(state: State, rows: int, size: int | None, epochs: int, *, shuffle: bool) -> Batches:
    """The rows of every update of a run, as the engine will take them."""
    size = rows if size is None else min(size, rows)
    if size == rows or not shuffle or rows * epochs > ORDERS:
        return Batches(size, None)
    orders, chance = [], state.chance
    for _ in range(epochs):
        order, chance = chance.permutation(rows)
        orders.append(order)
    return Batches(size, np.array(orders))


def record(task: Task, samples: Samples, state: State, epochs: int, taken: Batches) -> Recording:
    """The run, and what rounding does to it."""
    losses, theta, before = _run(task, samples, state, epochs, taken)
    dtype = theta.dtype
    off, theta_off = np.full(epochs, tolerance(dtype)), tolerance(dtype)
    for seed in range(NUDGES):
        other = replace(state, theta=nudged(state.theta, seed))
        try:
            moved, end, _ = _run(task, samples, other, epochs, taken)
        except Divergence:
            return Recording(losses, np.full(epochs, np.inf), theta, before, np.inf)
        share = np.abs(moved - losses) / np.maximum(np.abs(losses), np.finfo(dtype).tiny)
        # rounding that has grown once is not forgotten: the tolerance never falls again
        off = np.maximum(off, np.maximum.accumulate(MARGIN * share))
        largest = max(float(np.abs(theta).max()), float(np.finfo(dtype).tiny))
        theta_off = max(theta_off, MARGIN * float(np.abs(end - theta).max()) / largest)
    return Recording(losses, off, theta, before, theta_off)


def _run(
    task: Task, samples: Samples, state: State, epochs: int, taken: Batches
) -> tuple[Array, Array, Array]:
    X, y, weight = samples
    stream: Iterator[Epoch] = train(
        task, X, y, state, epochs=epochs, batch_size=taken.size,
        shuffle=taken.orders is not None, weight=weight, engine="reference",
    )  # fmt: skip
    losses, before, theta = [], state.theta, state.theta
    for epoch in islice(stream, epochs):
        losses.append(epoch.loss)
        before, theta = theta, epoch.state.theta
    return np.array(losses), theta, before


def nudged(theta: Array, seed: int) -> Array:
    """The parameters a few roundings away."""
    step = ROUNDINGS * np.finfo(theta.dtype).eps
    push = np.random.default_rng(seed).uniform(-1, 1, theta.shape)
    return np.asarray(theta * (1.0 + step * push), dtype=theta.dtype)


def slack(walk: Trace) -> dict[str, float]:
    """What each number of a trace may be off beyond its tolerance: cancellation loses digits."""
    assert walk.samples is not None
    X, y, weight = walk.samples
    found: dict[str, float] = {}
    for seed in range(NUDGES):
        theta = nudged(walk.theta, seed)
        state = _state(walk, theta)
        other = trace(walk.task, X, y, weight=weight, state=state)
        for name, value in walk.values.items():
            moved = float(np.abs(other.values[name] - value).max(initial=0.0))
            found[name] = max(found.get(name, 0.0), MARGIN * moved)
    return found


def _state(walk: Trace, theta: Array) -> State:
    from glassnet.engines.chance import Chance

    return State(theta, walk.slots, walk.step, 0, Chance.of(0))


def check_finite(walk: Trace) -> None:
    """Refuse a trace that a notebook could not prove."""
    for name, value in walk.values.items():
        if not np.isfinite(value).all():
            raise BadInput(f"{name} holds nan or infinity", "a notebook needs finite numbers")
