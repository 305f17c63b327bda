"""What activations, losses, optimizers, schedules and initializers have in common.

Each is a frozen dataclass: a value. Its fields are its constants, its docstring begins with its
formula, and its mathematics stands in static functions that take arrays (or single numbers) and
the constants, so that every engine can run or compile the very same lines.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""float64 or float32; every function of core gives back the dtype that it was given."""


def plain(value: Any) -> Any:
    """Python's number for one of NumPy's: a float64 would turn float32 arrays into float64."""
    return value.item() if isinstance(value, np.generic) else value


@dataclasses.dataclass(frozen=True)
class Formula:
    """A frozen value with a formula; its fields are the constants in it."""

    @cached_property
    def constants(self) -> tuple[Any, ...]:
        """The values of the fields, in the order in which the static functions take them."""
        return tuple(plain(getattr(self, field.name)) for field in dataclasses.fields(self))

    @property
    def formula(self) -> str:
        """The first line of the docstring: the formula as text."""
        return (type(self).__doc__ or "").strip().splitlines()[0]

    def __str__(self) -> str:
        shown = ", ".join(f"{f.name}={getattr(self, f.name)}" for f in dataclasses.fields(self))
        return f"{type(self).__name__.lower()}({shown})" if shown else type(self).__name__.lower()
