"""How columns became inputs, in words; and the numbers of a target as they stood."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from glassnet.core.formula import Array
from glassnet.exchange.encodings import (
    Category,
    Encoding,
    Flag,
    Moment,
    Number,
)
from glassnet.exchange.tables import Table, spell
from glassnet.exchange.targets import Numbers, Target
from glassnet.lab.tables.words import rows_named


def as_it_is(encoding: Encoding) -> Encoding:
    """The encoding without its scaling: mean 0 and scale 1; what is missing is filled as before."""
    if isinstance(encoding, Number | Moment):
        return replace(encoding, mean=0.0, scale=1.0)
    return encoding


def scaling(encodings: Iterable[Encoding]) -> tuple[str, ...]:
    """A line for each input: how a cell becomes its number."""
    lines: list[str] = []
    for one in encodings:
        match one:
            case Number() | Moment():
                days = ": days since 1970-01-01" if isinstance(one, Moment) else ""
                start = f"{one.column}{days}" if days else one.column
                if (one.mean, one.scale) == (0.0, 1.0):
                    lines.append(start if days else f"{start} as it is")
                else:
                    minus = f"minus the mean {one.mean:.6g}"
                    by = f"divided by the standard deviation {one.scale:.6g}"
                    lines.append(f"{start}{',' if days else ':'} {minus}, {by}")
            case Flag():
                lines.append(f"{one.column}: 1 for true, 0 for false")
            case Category():
                lines += [
                    f"{one.column}={level}: 1 where {one.column} is {level!r}, else 0"
                    for level in one.levels
                ]
    return tuple(lines)


def missing(encodings: Iterable[Encoding], table: Table) -> list[str]:
    """A line for each input column with missing values: the first rows, and what fills them."""
    lines = []
    for one in encodings:
        column = table[one.column]
        if not column.missing.any():
            continue
        match one:
            case Number():
                fill = f"the mean {one.fill:.6g}"
            case Moment():
                fill = f"the mean {spell(_day(one.fill))}"
            case Flag():
                fill = f"{spell(one.fill)}, the more frequent"
            case Category():
                fill = f"the most frequent, {one.fill!r}"
        rows = rows_named(table.numbers[column.missing].tolist())
        lines.append(f"{one.column}: no value in {rows}, filled with {fill}")
    return lines


def raw(target: Target, learn: Table, measured: Table | None) -> tuple[Array, Array | None] | None:
    """The numbers that are learnt, in the units of their column; None for classes."""
    if not isinstance(target, Numbers):
        return None
    plain = Numbers(target.column)
    return sealed(plain.encode(learn)), None if measured is None else sealed(plain.encode(measured))


def without_missing(notes: Iterable[str]) -> list[str]:
    """Notes but those on what is missing, which `missing` tells with its rows."""
    return [note for note in notes if not re.search(r": \d+ missing values?, filled with ", note)]


def sealed(array: Array) -> Array:
    """The array, which nobody writes into from now on."""
    array.setflags(write=False)
    return array


def _day(days: float) -> np.datetime64:
    return np.datetime64(round(days * 86400), "s")
