"""When training leaves the finite numbers: which quantity did so first, in which layer, when."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glassnet.core.backprop import backward, forward, sample_losses
from glassnet.core.errors import GlassnetError
from glassnet.core.formula import Array
from glassnet.core.optimizers import Optimizer
from glassnet.engines.base import Samples, State, Task, clipped, complete, sums


class Divergence(GlassnetError, ArithmeticError):
    """A quantity was not finite.

    epoch : the epoch in which it happened, counted from 1.
    step : the update in which it happened, counted from 1.
    layer : its layer, counted from 1; None for what belongs to no layer.
    quantity : its name, "z2" or "dL_dW1" for example.
    state : the last good state, that before the epoch, from which one can go on with other
        settings. Its numbers are finite; where they are huge, go back to an earlier record.
    """

    def __init__(
        self, epoch: int, step: int, layer: int | None, quantity: str, state: State
    ) -> None:
        where = f" in layer {layer}" if layer else ""
        super().__init__(
            f"training diverged in epoch {epoch}, update {step}: {quantity}{where} is not finite",
            "every number must stay finite",
            "Try a smaller learning rate, clipping (clip=1.0), or inputs of a smaller scale.",
        )
        self.epoch, self.step, self.layer, self.quantity = epoch, step, layer, quantity
        self.state = state

    def __reduce__(self) -> tuple[type, tuple[int, int, int | None, str, State]]:  # type: ignore[override]
        return type(self), (self.epoch, self.step, self.layer, self.quantity, self.state)


def first_not_finite(
    task: Task, theta: Array, slots: tuple[Array, ...], samples: Samples, step: int
) -> tuple[int | None, str]:
    """(layer, name) of the first quantity of this update that is not finite, in order."""
    with np.errstate(all="ignore"):
        for layer, name, value in _quantities(task, theta, slots, samples, step):
            if not np.isfinite(value).all():
                return layer, name
    return None, "theta"


def _quantities(
    task: Task, theta: Array, slots: tuple[Array, ...], samples: Samples, step: int
) -> Iterator[tuple[int | None, str, Array]]:
    # everything that one update computes, in the order in which it is computed
    X, y, weight = samples
    net = task.net
    depth = len(net.layers)
    for name, part in net.named(theta).items():
        yield int(name[1:]), name, part
    masks = task.masks(step, len(X), theta.dtype)
    passes = forward(net, theta, X, masks)
    for number, p in enumerate(passes, 1):
        yield number, f"z{number}", p.z
        yield number, f"a{number}", p.a
        if p.m is not None:
            yield number, f"h{number}", p.h
    yield None, "loss", sample_losses(net, task.loss, passes, y)
    partials = backward(net, theta, passes, task.loss, y, weight)
    for number, back in zip(range(depth, 0, -1), reversed(partials), strict=True):
        for name in ("dL_dh", "dL_da", "da_dz", "dL_dz", "dL_dW", "dL_db"):
            value = getattr(back, name)
            if value is not None:
                yield number, f"{name}{number}", value
    J, g = complete(task, theta, sums(task, theta, samples, masks))
    yield None, "objective", np.asarray(J)  # sums and penalties can overflow where no term does
    if isinstance(task.optimizer, Optimizer):
        g = clipped(task, g)
        yield None, "gradient", g
        theta, slots = task.optimizer.step(theta, g, slots, step)
        for name, slot in zip(task.optimizer.slots, slots, strict=True):
            yield None, name, slot
        for name, part in net.named(theta).items():
            yield int(name[1:]), f"new {name}", part
