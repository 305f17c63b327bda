"""The one check of samples, targets and sample weights, where data come in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.losses import Loss
from glassnet.core.network import Network


def numbers(name: str, values: ArrayLike, dtype: np.typing.DTypeLike) -> Array:
    """`values` as finite numbers of the dtype, else an error that names the first that is not."""
    try:
        array = np.asarray(values)
        kind = array.dtype.kind
        if kind == "O" and not any(isinstance(v, str | bytes) for v in array.flat):
            array = array.astype(np.float64)  # None as NaN, and integers too large for NumPy's
        elif kind not in "fiub":  # NumPy would read "1.5", and cut complex numbers
            raise TypeError
    except (TypeError, ValueError):
        raise BadInput(
            f"{name} holds something that is no number",
            "numbers are expected",
            "Encode text and categories as numbers first, as `glassnet train` does.",
        ) from None
    if array.dtype != dtype:
        with np.errstate(over="ignore"):
            array = array.astype(dtype)
    if not all_finite(array):
        bad = np.argwhere(~np.isfinite(array))
        where = ", ".join(map(str, bad[0]))
        raise BadInput(
            f"{name}[{where}] is {array[tuple(bad[0])]} ({len(bad)} such in all)",
            "finite numbers are expected",
            "Fill in or leave out missing values, and scale very large ones.",
        )
    return array


def all_finite(array: Array) -> bool:
    """Whether each number is finite.

    Of many the sum tells, in half the time: one that is not finite makes the sum such. Very large
    ones may do so too, so then each is looked at.
    """
    if array.size > 2**16:
        axes: list[Any] = [array, [*range(array.ndim)], []]
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(np.einsum(*axes)):  # copies nothing, wherever the numbers lie
                return True
    return int(np.count_nonzero(np.isfinite(array))) == array.size


def check_X(net: Network, X: ArrayLike, dtype: np.typing.DTypeLike) -> Array:
    """X as (n, n_in)."""
    X = numbers("X", X, dtype)
    if X.ndim != 2:
        raise BadInput(
            f"X has shape {X.shape}",
            "two dimensions are expected, a row for each sample",
            "One sample: X.reshape(1, -1). One feature: X.reshape(-1, 1).",
        )
    if X.shape[1] != net.n_in:
        hint = "Did you pass X.T?" if X.shape[0] == net.n_in else ""
        raise BadInput(f"X has {X.shape[1]} columns", f"the network expects {net.n_in}", hint)
    return X


def check_y(net: Network, loss: Loss, X: Array, y: ArrayLike) -> Array:
    """Y as (n, n_out), with a row for each row of X, and sensible to the loss."""
    y = numbers("y", y, X.dtype)
    if y.shape != (len(X), net.n_out):
        hint = "Did you pass y.T?" if y.shape == (net.n_out, len(X)) else ""
        if y.ndim == 1 and len(y) == len(X) and net.n_out == 1:
            hint = "Make it a column: y.reshape(-1, 1)."
        elif y.ndim == 1 and len(y) == len(X):
            hint = "Give one column for each output: np.eye(n_classes)[y] for classes."
        raise BadInput(f"y has shape {y.shape}", f"{(len(X), net.n_out)} is expected", hint)
    loss.check_targets(y)
    return y


def check_weight(X: Array, weight: ArrayLike | None) -> Array | None:
    """Sample weights as (n,), none negative, not all 0; None stays None."""
    if weight is None:
        return None
    weight = numbers("weight", weight, X.dtype)
    if weight.shape != (len(X),):
        raise BadInput(
            f"weight has shape {weight.shape}", f"{(len(X),)} is expected: one number a sample"
        )
    if (weight < 0).any() or not weight.any():
        raise BadInput("the weights are negative or all 0", "at least one above 0 is expected")
    return weight


def check_samples(
    net: Network,
    loss: Loss,
    X: ArrayLike,
    y: ArrayLike,
    weight: ArrayLike | None = None,
    dtype: np.typing.DTypeLike = np.float64,
) -> tuple[Array, Array, Array | None]:
    """X (n, n_in), y (n, n_out) and weight (n,) or None, all of one dtype; n ≥ 1."""
    X = check_X(net, X, dtype)
    if not len(X):
        raise BadInput("X has no rows", "at least one sample is expected")
    y = check_y(net, loss, X, y)
    return X, y, check_weight(X, weight)
