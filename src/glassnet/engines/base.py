"""What every engine is given and gives back.

An engine does arithmetic. It holds no chance and no state of its own: the same arguments give the
same bits. Data are checked before they reach it (`core/data.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from numpy.typing import DTypeLike

from glassnet.core.backprop import backward, flatten, forward, sample_losses
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array, check_constants, constant
from glassnet.core.losses import Loss
from glassnet.core.network import Network
from glassnet.core.objective import Reduction, clip_by_norm, penalty, penalty_slope, reduce
from glassnet.core.optimizers import LBFGS, Adam, Optimizer
from glassnet.engines.chance import Source


@dataclass(frozen=True)
class Task:
    """What is to be learnt and how: network, loss, optimizer, and what else decides an update.

    reduction : whether the objective is the mean or the sum of the samples' weighted losses;
        "batch" is a mean in which each batch stands alone, as in scikit-learn: see `objective`.
    l1, l2 : l1·Σ|W| + ½·l2·ΣW² is added to the objective; biases are left out.
    clip : the gradient is shortened to this norm before each step where it is longer.
    dropout : in the updates, and in the loss recorded from them, hidden neurons are left out by
        chance; everywhere else the network is whole.
    """

    net: Network
    loss: Loss
    optimizer: Optimizer | LBFGS = Adam()
    reduction: Reduction = "mean"
    l1: float = constant(0.0, "of 0 or more")
    l2: float = constant(0.0, "of 0 or more")
    clip: float | None = constant(None, "above 0", type(None))
    dropout: Dropout | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.net, Network):
            raise BadInput(
                f"net={self.net!r}", "a Network is expected", "Try Network.mlp(2, 8, 1)."
            )
        if not isinstance(self.loss, Loss):
            raise BadInput(
                f"loss={self.loss!r}", "an instance of a loss is expected", "Try SquaredError()."
            )
        if not isinstance(self.optimizer, Optimizer | LBFGS):
            raise BadInput(
                f"optimizer={self.optimizer!r}", "an instance of one is expected", "Try Adam()."
            )
        if self.reduction not in ("mean", "sum", "batch"):
            raise BadInput(f"reduction={self.reduction!r}", "'mean', 'sum' or 'batch' is expected")
        check_constants(self)
        check_dropout(self)

    def masks(self, step: int, n: int, dtype: DTypeLike) -> list[Array | None] | None:
        """Dropout's m (n, n_out) of each layer in update `step`, counted from 0; None without."""
        return None if self.dropout is None else self.dropout.masks(self.net, step, n, dtype)


def check_dropout(task: Task) -> None:
    """Refuse rates that are not the network's, and dropout where an objective must stand still."""
    if task.dropout is None:
        return
    if not isinstance(task.dropout, Dropout):
        raise BadInput(
            f"dropout={task.dropout!r}", "a Dropout or None is expected", "Try Dropout(0.5)."
        )
    if any(task.dropout.rates(task.net)) and isinstance(task.optimizer, LBFGS):
        raise BadInput(
            f"dropout={task.dropout} with L-BFGS",
            "a stepwise optimizer is expected, for the objective changes from step to step",
            "Try Adam().",
        )


@dataclass(frozen=True, eq=False)
class State:
    """Where a run stands, between two epochs. Nothing else is needed to go on, bit for bit."""

    theta: Array  # (n_params,)
    slots: tuple[Array, ...]  # what the optimizer remembers, each (n_params,)
    step: int  # updates so far
    epoch: int  # epochs so far
    chance: Source  # the stream from which the next epoch's order is drawn

    def __post_init__(self) -> None:
        for array in (self.theta, *self.slots):
            array.setflags(write=False)  # a record can be kept, saved, or handed to a thread


@dataclass(frozen=True)
class Sums:
    """Sums over samples: those of two partitions of the data add up to those of the whole."""

    loss: float  # Σ_s w_s·ℓ_s
    grad: Array  # its gradient, (n_params,)
    weight: float  # Σ_s w_s

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.loss + other.loss, self.grad + other.grad, self.weight + other.weight)


@dataclass(frozen=True)
class Losses:
    """What some epochs cost, one number an epoch.

    loss : Σ w·ℓ / Σ w over the epoch's batches, each measured before its update, with dropout
        where the task has it; no penalty.
    objective : the mean over the batches, by their weight, of what was minimised.

    With the reduction "batch" both are means over the batches by their rows, whatever these weigh.

    validation : the same as `loss` on the validation rows, after the epoch's last update, of the
        whole network.
    """

    loss: Array
    objective: Array
    validation: Array | None


Samples = tuple[Array, Array, Array | None]  # X (n, n_in), y (n, n_out), weight (n,) or None


class Engine(Protocol):
    """The arithmetic of a network. Dropout is a matter of `epochs` alone."""

    def predict(self, net: Network, theta: Array, X: Array) -> Array:
        """The network's answer (n, n_out) to X (n, n_in)."""
        ...

    def sums(self, task: Task, theta: Array, samples: Samples) -> Sums:
        """Loss and gradient summed over the samples: one partition's share."""
        ...

    def loss_and_grad(self, task: Task, theta: Array, samples: Samples) -> tuple[float, Array]:
        """The objective J, penalties included, and dJ/dθ (n_params,), not clipped."""
        ...

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
        """The state after n more epochs and what each cost.

        batch_size : rows an update; None for all. The last batch of an epoch is short where the
            rows do not divide evenly; none is left out.
        shuffle : each epoch in an order drawn from the state's chance. With one batch an epoch
            nothing is drawn.

        Raises `Divergence` at the first quantity that is not finite.
        """
        ...


def check_stepwise(task: Task) -> None:
    """Refuse L-BFGS where epochs are asked for: it decides itself how far it goes."""
    if isinstance(task.optimizer, LBFGS):
        raise BadInput("L-BFGS makes no epochs", "a stepwise optimizer is expected", "Use `train`.")


def sums(
    task: Task, theta: Array, samples: Samples, masks: Sequence[Array | None] | None = None
) -> Sums:
    """Forward, backward and the sums over the samples, as `core` writes them: the definition.

    masks : those of dropout in an update; without them the network is whole.
    """
    X, y, weight = samples
    passes = forward(task.net, theta, X, masks)
    losses = sample_losses(task.net, task.loss, passes, y)  # (n,)
    partials = backward(task.net, theta, passes, task.loss, y, weight, to_inputs=False)
    return Sums(weighted_sum(losses, weight), flatten(partials), total_weight(X, weight))


def weighted_sum(losses: Array, weight: Array | None) -> float:
    """Σ_s w_s·ℓ_s."""
    return float(losses.sum() if weight is None else weight @ losses)


def total_weight(X: Array, weight: Array | None) -> float:
    """Σ_s w_s, the number of samples where they all count alike."""
    return float(len(X) if weight is None else weight.sum())


def complete(task: Task, theta: Array, total: Sums) -> tuple[float, Array]:
    """J and dJ/dθ from the sums over all samples: reduce, then add the penalty."""
    if not total.weight > 0:
        raise BadInput("the samples' weights add up to 0", "a sum above 0 is expected")
    if not (task.l1 or task.l2):
        return (
            reduce(total.loss, total.weight, task.reduction),
            reduce(total.grad, total.weight, task.reduction),
        )
    J, dJ = penalty(task.net, theta, task.l1, task.l2), total.grad
    slope = penalty_slope(task.net, theta, task.l1, task.l2)
    if task.reduction == "batch":
        return (total.loss + J) / total.weight, (dJ + slope) / total.weight
    objective = reduce(total.loss, total.weight, task.reduction) + J
    return objective, reduce(dJ, total.weight, task.reduction) + slope


def clipped(task: Task, grad: Array) -> Array:
    """The gradient as the optimizer gets it."""
    return grad if task.clip is None else clip_by_norm(grad, task.clip)
