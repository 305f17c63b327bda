"""The engine of sparse rows: the products are SciPy's, the update goes through theta in blocks.

Wide sparse samples have a first layer whose update takes longer than its products. Written as in
`core` it walks through memory once an operation; block by block the numbers stay in the cache.
The formulas are called as they are, and work number by number, so the bits of an update are the
same in blocks of any size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from glassnet.core.backprop import Partials, backward, forward, sample_losses
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.core.objective import penalty_df, penalty_f
from glassnet.core.optimizers import Optimizer
from glassnet.engines.base import Losses, Samples, State, Sums, Task, total_weight, weighted_sum
from glassnet.engines.blas import one_thread
from glassnet.engines.reference import Reference, mean_loss, take

BLOCK = 2**14
"""Numbers of theta at a time: with gradient, slots and what lies between they fit into a cache."""


@dataclass(frozen=True)
class Blockwise:
    """The reference engine, with an update of its own where formulas are glassnet's."""

    plain: Reference = Reference()

    def predict(self, net: Network, theta: Array, X: Array) -> Array:
        """The network's answer (n, n_out)."""
        return self.plain.predict(net, theta, X)

    def sums(self, task: Task, theta: Array, samples: Samples) -> Sums:
        """Loss and gradient summed over the samples."""
        return self.plain.sums(task, theta, samples)

    def loss_and_grad(self, task: Task, theta: Array, samples: Samples) -> tuple[float, Array]:
        """The objective J and dJ/dθ (n_params,)."""
        return self.plain.loss_and_grad(task, theta, samples)

    def epochs(
        self,
        task: Task,
        state: State,
        samples: Samples,
        *,
        n: int = 1,
        batch_size: int | None = None,
        shuffle: bool = True,
        validation: Samples | None = None,
    ) -> tuple[State, Losses]:
        """The state after n more epochs and what each cost. See `Engine.epochs`."""
        after = None
        if by_blocks(task):
            with one_thread(task.net, len(samples[0])):
                after = epochs(task, state, samples, n, batch_size, validation, shuffle=shuffle)
        if after is None:  # something is not finite: the reference says what, and where it began
            return self.plain.epochs(
                task, state, samples, n=n, batch_size=batch_size, shuffle=shuffle,
                validation=validation,
            )  # fmt: skip
        return after


def by_blocks(task: Task) -> bool:
    """Whether an update needs no more than each number and its own gradient."""
    ours = type(task.optimizer).__module__.startswith("glassnet.")  # one's own may look at all
    return ours and task.clip is None and task.reduction == "batch"


def epochs(
    task: Task, state: State, samples: Samples, n: int, batch_size: int | None,
    validation: Samples | None, *, shuffle: bool,
) -> tuple[State, Losses] | None:  # fmt: skip
    """n epochs as the reference's, whose bits theta and the slots have; None where one diverges."""
    rows = len(samples[0])
    size = rows if batch_size is None else min(batch_size, rows)
    theta, slots = state.theta.copy(), tuple(slot.copy() for slot in state.slots)
    step, chance, order = state.step, state.chance, None
    losses, objectives = np.zeros(n), np.zeros(n)
    validated = None if validation is None else np.empty(n)
    for epoch in range(n):
        if shuffle and size < rows:
            order, chance = chance.permutation(rows)
        counted = 0  # rows of batches in which some sample counts
        for start in range(0, rows, size):
            X, y, weight = take(samples, slice(start, start + size), order)
            whole = total_weight(X, weight)
            if whole == 0:
                continue
            with np.errstate(all="ignore"):
                passes = forward(task.net, theta, X, task.masks(step, len(X), theta.dtype))
                loss = weighted_sum(sample_losses(task.net, task.loss, passes, y), weight)
                partials = backward(task.net, theta, passes, task.loss, y, weight, to_inputs=False)
                penalty = update(task, theta, slots, step, partials, whole)
            del passes, partials  # before the next come: a gradient is as large as theta
            if not math.isfinite(loss + penalty):
                return None
            step += 1
            share = len(X) / whole  # each batch is a data set of its own, which counts by its rows
            losses[epoch] += loss * share
            objectives[epoch] += (loss + penalty) * share
            counted += len(X)
        losses[epoch] /= counted
        objectives[epoch] /= counted
        if validation is not None and validated is not None:
            validated[epoch] = mean_loss(task, theta, validation)
    after = State(theta, slots, step, state.epoch + n, chance)
    return after, Losses(losses, objectives, validated)


def update(
    task: Task,
    theta: Array,
    slots: tuple[Array, ...],
    step: int,
    partials: list[Partials],
    weight: float,
) -> float:
    """Move theta and the slots; l1·Σ|W| + ½·l2·ΣW² before it, NaN where something is not finite."""
    rule, penalty = task.optimizer, 0.0
    assert isinstance(rule, Optimizer)
    rate, l1, l2 = rule.rate(step), task.l1, task.l2
    for place, dL, weighs in blocks(partials):
        old, g = theta[place], dL  # g in place: nobody else has it
        if weighs and (l1 or l2):
            penalty += float(penalty_f(old, l1, l2).sum())
            g += penalty_df(old, l1, l2)
        g /= weight
        kept = [slot[place] for slot in slots]
        new = rule.f(old, g, rate, step + 1, *kept, *rule.constants)
        for now, numbers in zip((old, *kept), new, strict=True):
            if not math.isfinite(numbers @ numbers):  # nor is it where a square is too large
                return math.nan
            now[:] = numbers
    return penalty


def blocks(partials: list[Partials]) -> Iterator[tuple[slice, Array, bool]]:
    """The gradient in the layout of theta: (a place there, its numbers, whether of weights)."""
    begin = 0
    for layer in partials:
        for part, weighs in ((layer.dL_dW, True), (layer.dL_db, False)):
            if part is None:
                continue
            flat = part.reshape(-1)
            for at in range(0, flat.size, BLOCK):
                g = flat[at : at + BLOCK]
                yield slice(begin + at, begin + at + g.size), g, weighs
            begin += flat.size
