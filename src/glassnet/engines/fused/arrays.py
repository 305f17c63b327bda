"""Arrays as compiled code sees them: addresses, and strides in numbers."""

from __future__ import annotations

import ctypes
from typing import Any

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


def address(array: np.ndarray | None) -> int:
    """Where an array's numbers begin; 0 for none."""
    if array is None:
        return 0
    try:
        buffer: Any = array
        return ctypes.addressof(ctypes.c_char.from_buffer(buffer))  # four times as fast
    except (TypeError, ValueError, BufferError):  # read-only, empty, or not in one piece
        return array.ctypes.data


def data_table(samples: Samples) -> np.ndarray:
    """What `DATA` says of samples."""
    X, y, weight = samples
    size = X.itemsize
    (x_row, x_column), (y_row, y_column) = X.strides, y.strides
    fields = (
        address(X), x_row // size, x_column // size, address(y), y_row // size, y_column // size,
        address(weight), 0, len(X), len(X),
    )  # fmt: skip
    return np.array(fields, np.int64)


def check_shapes(net: Network, samples: Samples) -> None:
    """Refuse what compiled code would read past the end of."""
    rows = len(samples[0])
    shapes = (rows, net.n_in), (rows, net.n_out), (rows,)
    for array, shape, name in zip(samples, shapes, ("X", "y", "weight"), strict=True):
        if array is not None and array.shape != shape:
            raise BadInput(f"{name} has shape {array.shape}", f"{shape} is expected")


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
