"""Classes as people give them: a column, one-hot rows, or one name a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.errors import BadInput

if TYPE_CHECKING:
    pass


def values_of(y: ArrayLike) -> np.ndarray:
    """One value a sample: a column is flattened, of one-hot rows the place of the 1."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] > 1:
        return np.asarray(y.argmax(axis=1))
    return y.ravel()


def classes_of(y: ArrayLike, labels: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The class of each sample (n,), as its place in the names, and the names."""
    values = values_of(y)
    if values.dtype.kind in "OUS":
        names = tuple(labels) or tuple(dict.fromkeys(sorted(map(str, values))))
        place = {name: k for k, name in enumerate(names)}
        unknown = sorted({str(value) for value in values} - place.keys())
        if unknown:
            raise BadInput(f"a class {unknown[0]!r}", f"one of {', '.join(names)} is expected")
        return np.array([place[str(value)] for value in values]), names
    if labels:
        classes = values.astype(int)
        if not np.array_equal(classes, values) or classes.min() < 0 or classes.max() >= len(labels):
            raise BadInput(
                f"classes from {values.min()} to {values.max()}",
                f"places in the {len(labels)} labels are expected",
            )
        return classes, tuple(labels)
    found, classes = np.unique(values, return_inverse=True)
    return classes, tuple(f"{value:g}" for value in found.astype(float))
