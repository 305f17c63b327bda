"""Backpropagation: forward and backward, with every partial derivative a named field.

The chain rule is written out; there is no tape. L stands for the sum over the samples of their
weighted losses, L = Σ_s w_s·ℓ_s: whether the mean is wanted is decided once, at the end
(`objective.py`), so that the terms of each sample can be read off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glassnet.core.formula import Array
from glassnet.core.losses import Loss
from glassnet.core.network import Network


@dataclass(frozen=True, slots=True)
class Pass:
    """What one layer saw and answered on the way forward."""

    x: Array  # (n, n_in), what came in
    z: Array  # (n, n_out), x @ W + b
    a: Array  # (n, n_out), activation(z)
    m: Array | None = None  # (n, n_out), its mask; None where no neuron is left out

    @property
    def h(self) -> Array:
        """m ∘ a (n, n_out), handed to the layer above; a itself where there is no mask."""
        return self.a if self.m is None else self.m * self.a


@dataclass(frozen=True, slots=True)
class Partials:
    """What one layer learnt on the way back.

    In the output layer `dL_da` and `da_dz` are None where the closed form of dL/dz was used.
    """

    dL_da: Array | None  # (n, n_out)
    da_dz: Array | None  # (n, n_out); (n, n_out, n_out) for softmax
    dL_dz: Array  # (n, n_out)
    dL_dW: Array  # (n_in, n_out), the shape of W
    dL_db: Array | None  # (n_out,), None where there is no bias
    dL_dx: Array  # (n, n_in), handed to the layer below; no rows where it was not wanted
    dL_dh: Array | None = None  # (n, n_out), before the mask; None where there is none


def forward(
    net: Network, theta: Array, X: Array, masks: Sequence[Array | None] | None = None
) -> list[Pass]:
    """The passes of all layers, in order; the last one's `a` is the network's answer.

    masks : dropout's m (n, n_out), one a layer or None; without them the whole network answers.
    """
    passes, x = [], X  # (n, n_in)
    for (W, b), layer, m in zip(
        net.views(theta), net.layers, masks or [None] * len(net.layers), strict=True
    ):
        z = x @ W if b is None else x @ W + b  # (n, n_out)
        a = layer.activation(z)  # (n, n_out)
        passes.append(Pass(x, z, a, m))
        x = passes[-1].h  # (n, n_out), m ∘ a
    return passes


def sample_losses(net: Network, loss: Loss, passes: Sequence[Pass], y: Array) -> Array:
    """ℓ (n,): the loss of each sample, from z where the closed form is to be had."""
    out = passes[-1]
    closed = loss.closes(net.layers[-1].activation)
    return loss.from_z(out.z, y) if closed else loss(out.a, y)


def backward(
    net: Network,
    theta: Array,
    passes: Sequence[Pass],
    loss: Loss,
    y: Array,
    weight: Array | None = None,
    *,
    closed: bool = True,
    to_inputs: bool = True,
) -> list[Partials]:
    """The partials of all layers, first layer first.

    weight : (n,), one a sample, or None for ones.
    closed : use the closed form of dL/dz at the output where loss and activation have one. With
        False the chain rule is followed through dL/da and da/dz there too.
    to_inputs : follow it to the network's inputs. No gradient needs that, and of sparse inputs it
        would be as large as the inputs written out.
    """
    dL_da, partials = None, []
    for (W, b), layer, p in zip(
        reversed(net.views(theta)), reversed(net.layers), reversed(passes), strict=True
    ):
        da_dz = dL_dh = None
        if p is passes[-1] and closed and loss.closes(layer.activation):
            # (n, n_out), a - y: the slope of the activation cancels
            dL_dz = weighted(loss.slope_z(p.a, y), weight)
        else:
            if dL_da is None:
                dL_da = weighted(loss.slope(p.a, y), weight)  # (n, n_out)
            elif p.m is not None:
                dL_dh, dL_da = dL_da, p.m * dL_da  # (n, n_out)
            da_dz = layer.activation.slope(p.z, p.a)
            dL_dz = layer.activation.chain(dL_da, da_dz)  # (n, n_out)
        dL_dW = p.x.T @ dL_dz  # (n_in, n_out), the shape of W
        dL_db = None if b is None else dL_dz.sum(axis=0)  # (n_out,)
        wanted = dL_dz if to_inputs or p is not passes[0] else dL_dz[:0]
        dL_dx = wanted @ W.T  # (n, n_in), handed to the layer below
        partials.append(Partials(dL_da, da_dz, dL_dz, dL_dW, dL_db, dL_dx, dL_dh))
        dL_da = dL_dx
    return partials[::-1]


def weighted(slope: Array, weight: Array | None) -> Array:
    """w_s·dℓ_s (n, n_out): each sample's slope times its weight."""
    return slope if weight is None else weight[:, None] * slope


def flatten(partials: Sequence[Partials]) -> Array:
    """The gradient as one flat vector in the layout of theta."""
    parts = [part.ravel() for p in partials for part in (p.dL_dW, p.dL_db) if part is not None]
    return np.concatenate(parts)
