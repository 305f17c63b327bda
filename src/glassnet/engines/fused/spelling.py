"""What the code of one's own formula depends on beside its constants: its text, and what it names.

The library's formulas never change while it runs. One's own may read a variable of the module or
of the cell above, or call a function that is written anew; compiled code must follow.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from types import CodeType, FunctionType
from typing import Any

import numpy as np


def spelling(formulas: Iterable[object]) -> tuple[Hashable, ...]:
    """Equal as long as the formulas' code is; () where all of them are the library's."""
    found: list[Hashable] = []
    for formula in formulas:
        if type(formula).__module__.startswith("glassnet."):  # as most are
            continue
        for kind in type(formula).__mro__:
            if kind is object or kind.__module__.startswith("glassnet."):
                break
            for name, member in vars(kind).items():
                function = getattr(member, "__func__", member)
                if isinstance(function, FunctionType):
                    found.append((name, of_function(function, set())))
    return tuple(found)


def of_function(function: FunctionType, seen: set[int]) -> Hashable:
    """The code of a function, and the values that it reads from outside of itself."""
    if id(function) in seen:
        return ()
    seen.add(id(function))
    names = sorted(names_in(function.__code__))
    outside = [(name, function.__globals__[name]) for name in names if name in function.__globals__]
    cells = [cell.cell_contents for cell in function.__closure__ or () if holds(cell)]
    values = [*outside, *enumerate([*cells, function.__defaults__])]
    return (function.__code__, tuple((name, of_value(value, seen)) for name, value in values))


def names_in(code: CodeType) -> set[str]:
    """The names that code reads, also in the functions within it."""
    inner = (names_in(part) for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*inner)


def holds(cell: Any) -> bool:
    """Whether a variable of the function around has a value yet."""
    try:
        cell.cell_contents  # noqa: B018 - asked for
    except ValueError:
        return False
    return True


def of_value(value: Any, seen: set[int]) -> Hashable:
    """A number as it is, a function by its code, an array by its bytes, all else by its name."""
    if isinstance(value, FunctionType):
        return "" if value.__module__.startswith("numpy") else of_function(value, seen)
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, int | float | complex | str | bytes | None | np.generic):
        return type(value).__name__, repr(value)
    if isinstance(value, tuple | list):
        return tuple(of_value(part, seen) for part in value)
    return type(value).__name__, getattr(value, "__name__", "")
