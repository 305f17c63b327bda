"""Arrays as compiled code sees them: addresses, and strides in numbers."""

from __future__ import annotations

import ctypes
from typing import Any, cast

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.engines.base import Samples

DATA = ("X", "x_row", "x_column", "y", "y_row", "y_column", "weight", "order", "rows", "places")
"""Where samples lie: addresses (weight and order may be 0) and strides, counted in numbers.

order holds the row numbers of one epoch after another, `places` in all; without it rows come as
they lie, and there are as many places.
"""


_address, _first = ctypes.addressof, cast("Any", ctypes.c_char.from_buffer)


def address(array: np.ndarray | None) -> int:
    """Where an array's numbers begin; 0 for none."""
    if array is None:
        return 0
    try:
        return _address(_first(array))  # four times as fast
    except (TypeError, ValueError, BufferError):  # read-only, empty, or not in one piece
        return array.ctypes.data


def described(samples: Samples) -> tuple[int, ...]:
    """What `DATA` says of samples."""
    X, y, weight = samples
    size = X.itemsize
    (x_row, x_column), (y_row, y_column) = X.strides, y.strides
    return (
        address(X), x_row // size, x_column // size, address(y), y_row // size, y_column // size,
        address(weight), 0, len(X), len(X),
    )  # fmt: skip


def check_shapes(net: Network, samples: Samples) -> None:
    """Refuse what compiled code would read past the end of."""
    X, y, weight = samples
    rows = len(X)
    for array, shape, name in (X, (rows, net.n_in), "X"), (y, (rows, net.n_out), "y"):
        if array.shape != shape:
            raise BadInput(f"{name} has shape {array.shape}", f"{shape} is expected")
    if weight is not None and weight.shape != (rows,):
        raise BadInput(f"weight has shape {weight.shape}", f"{(rows,)} is expected")


def fitting(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array in a dtype, with numbers that lie whole multiples of their size apart."""
    array = np.asarray(array, dtype)
    if array.flags.c_contiguous and array.flags.aligned:
        return array
    whole = all(stride % array.itemsize == 0 for stride in array.strides)
    return array if whole and array.flags.aligned else np.ascontiguousarray(array)


def in_dtype(samples: Samples, dtype: np.dtype[Any]) -> Samples:
    """Samples as the kernels read them; a copy is made only of what lies otherwise."""
    X, y, weight = samples
    w = None if weight is None else np.ascontiguousarray(weight, dtype)
    return fitting(X, dtype), fitting(y, dtype), w
