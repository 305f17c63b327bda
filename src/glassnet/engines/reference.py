"""The reference engine: NumPy, calling `core`, nothing clever. Faster engines are held to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from glassnet.core.backprop import forward, sample_losses
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.core.optimizers import Optimizer
from glassnet.engines.base import (
    Losses,
    Samples,
    State,
    Sums,
    Task,
    check_stepwise,
    clipped,
    complete,
    sums,
    total_weight,
    weighted_sum,
)
from glassnet.engines.blas import one_thread
from glassnet.engines.divergence import Divergence, first_not_finite


@dataclass(frozen=True)
class Reference:
    """The engine that reads like the book."""

    def predict(self, net: Network, theta: Array, X: Array) -> Array:
        """The network's answer (n, n_out) to X (n, n_in)."""
        with one_thread(net, len(X)):
            return forward(net, theta, X)[-1].a

    def sums(self, task: Task, theta: Array, samples: Samples) -> Sums:
        """Loss and gradient summed over the samples."""
        with one_thread(task.net, len(samples[0])):
            return sums(task, theta, samples)

    def loss_and_grad(self, task: Task, theta: Array, samples: Samples) -> tuple[float, Array]:
        """The objective J and dJ/dθ (n_params,)."""
        return complete(task, theta, self.sums(task, theta, samples))

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
        loss, objective = np.empty(n), np.empty(n)
        validated = None if validation is None else np.empty(n)
        rows = len(samples[0]) if validation is None else max(len(samples[0]), len(validation[0]))
        with one_thread(task.net, rows):
            for i in range(n):
                state, loss[i], objective[i] = one_epoch(
                    task, state, samples, batch_size=batch_size, shuffle=shuffle
                )
                if validation is not None and validated is not None:
                    validated[i] = mean_loss(task, state.theta, validation)
        return state, Losses(loss, objective, validated)


def one_epoch(
    task: Task, state: State, samples: Samples, *, batch_size: int | None, shuffle: bool
) -> tuple[State, float, float]:
    """The state after one more epoch, its loss and its objective."""
    check_stepwise(task)
    assert isinstance(task.optimizer, Optimizer)
    rows = len(samples[0])
    size = rows if batch_size is None else min(batch_size, rows)
    chance, order = state.chance, None
    if shuffle and size < rows:
        order, chance = chance.permutation(rows)
    theta, slots, step = state.theta, state.slots, state.step
    loss = objective = weight = 0.0
    for start in range(0, rows, size):
        batch = take(samples, slice(start, start + size), order)
        with np.errstate(all="ignore"):  # what is not finite is named below
            masks = task.masks(step, len(batch[0]), theta.dtype)
            total = sums(task, theta, batch, masks)
            if total.weight == 0:  # a batch in which no sample counts moves nothing
                continue
            J, grad = complete(task, theta, total)
            new_theta, new_slots = task.optimizer.step(theta, clipped(task, grad), slots, step)
        finite = all(np.isfinite(array).all() for array in (new_theta, *new_slots))
        if not (math.isfinite(J) and finite):
            layer, quantity = first_not_finite(task, theta, slots, batch, step)
            raise Divergence(state.epoch + 1, step + 1, layer, quantity, state)
        theta, slots, step = new_theta, new_slots, step + 1
        # with "batch" each batch is a data set of its own, which counts by its rows
        share = float(len(batch[0])) if task.reduction == "batch" else total.weight
        loss += total.loss * (share / total.weight)
        objective += J * share
        weight += share
    after = State(theta, slots, step, state.epoch + 1, chance)
    return after, loss / weight, objective / weight


def take(samples: Samples, rows: slice, order: np.ndarray | None) -> Samples:
    """The rows of one batch: in the order of the data, or in the order drawn."""
    X, y, weight = samples
    index = rows if order is None else order[rows]
    return X[index], y[index], None if weight is None else weight[index]


def mean_loss(task: Task, theta: Array, samples: Samples) -> float:
    """Σ w·ℓ / Σ w, without penalty."""
    X, y, weight = samples
    with np.errstate(all="ignore"):
        losses = sample_losses(task.net, task.loss, forward(task.net, theta, X), y)
        return weighted_sum(losses, weight) / total_weight(X, weight)
