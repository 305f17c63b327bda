"""What activations, losses, optimizers, schedules and initializers have in common.

Each is a frozen dataclass: a value. Its fields are its constants, its docstring begins with its
formula, and its mathematics stands in static functions that take arrays (or single numbers) and
the constants, so that every engine can run or compile the very same lines. Beside a constant
stands the range that it must lie in: `delta: float = constant(1.0, "above 0")`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.core.errors import BadInput

Array = NDArray[np.floating[Any]]
"""float64 or float32; every function of core gives back the dtype that it was given."""


def plain(value: Any) -> Any:
    """Python's number for one of NumPy's: a float64 would turn float32 arrays into float64."""
    return value.item() if isinstance(value, np.generic) else value


RANGES: dict[str, Callable[[float], bool]] = {
    "": math.isfinite,
    "of 0 or more": lambda x: x >= 0,
    "of 1 or more": lambda x: x >= 1,
    "above 0": lambda x: x > 0,
    "between 0 and 1": lambda x: 0 < x < 1,
    "of at least 0 and below 1": lambda x: 0 <= x < 1,
}
"""The ranges of constants, as they read in an error: a finite number "above 0"."""


def constant(default: float | None, reads: str = "", instead: type | None = None) -> Any:
    """A field for a number in one of RANGES, whole where `default` is, or for an `instead`."""
    return dataclasses.field(
        default=default, metadata={"reads": reads, "holds": RANGES[reads], "instead": instead}
    )


def check_constant(owner: str, field: dataclasses.Field[Any], value: Any) -> Any:
    """The value for a field that `constant` made, as Python's number; an error if it is none."""
    value, rule, whole = plain(value), field.metadata, isinstance(field.default, int)
    if rule["instead"] and isinstance(value, rule["instead"]):
        return value
    number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    most = 2**53 if whole else 1e300
    if number and abs(value) < most and rule["holds"](value):
        return value if whole else float(value)
    shown = repr(value)
    large = f", below {most:.0e} in size," if number and most <= abs(value) < math.inf else ""
    reads = f"{rule['reads']}{large}"
    raise BadInput(
        f"{field.name}={shown if len(shown) <= 60 else shown[:57] + '...'} of {owner}",
        f"{'an integer' if whole else 'a finite number'} {reads}".strip() + " is expected",
        f"Try {field.name}={field.default}.",
    )


def check_constants(value: Any) -> None:
    """Check all fields of a frozen dataclass that `constant` made."""
    for field in dataclasses.fields(value):
        if "holds" in field.metadata:
            checked = check_constant(type(value).__name__, field, getattr(value, field.name))
            object.__setattr__(value, field.name, checked)


@dataclasses.dataclass(frozen=True)
class Formula:
    """A frozen value with a formula; its fields are the constants in it."""

    def __post_init__(self) -> None:
        check_constants(self)

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
