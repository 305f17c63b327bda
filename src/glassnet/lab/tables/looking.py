"""A table looked at before it is used: its first rows, its columns in words, a target to begin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.exchange.tables import Column, Kind, Table, listed, spell
from glassnet.exchange.targets import fit_target
from glassnet.lab.tables.words import rows_named, short

SHOWN = 8
"""Rows of a preview."""

LIKELY = (
    "target",
    "class",
    "label",
    "y",
    "outcome",
    "result",
    "answer",
    "output",
    "species",
    "diagnosis",
)
"""Names that a column to be learnt often has."""


@dataclass(frozen=True)
class Described:
    """One column of a preview, in words.

    about : "numbers from 0 to 9", "3 different texts: a, b, c".
    missing : how many rows have no value; where : "row 3, 7, 9 and 12 more", "" if none.
    """

    name: str
    kind: Kind
    about: str
    missing: int
    where: str


@dataclass(frozen=True)
class Preview:
    """What is shown of a table before it is used.

    numbers, cells : the first rows as text, with their numbers in the file; "" where missing.
    target, why : the column to learn that is offered, and the reason.
    notes : what was read how.
    """

    source: str
    rows: int
    columns: tuple[Described, ...]
    numbers: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]
    target: str
    why: str
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def missing(self) -> tuple[str, ...]:
        """A line for each column with missing values, naming the first rows."""
        return tuple(f"{c.name}: no value in {c.where}" for c in self.columns if c.missing)


def preview(table: Table, rows: int = SHOWN) -> Preview:
    """The first rows as text, each column in words, and a target to begin with."""
    first = table.take(np.arange(min(rows, table.rows)))
    texts = [[short(text) for text in column.texts()] for column in first.columns]
    target, why = suggest(table)
    return Preview(
        source=table.source,
        rows=table.rows,
        columns=tuple(described(table, column) for column in table.columns),
        numbers=tuple(first.numbers.tolist()),
        cells=tuple(zip(*texts, strict=True)),
        target=target,
        why=why,
        notes=table.notes,
    )


def described(table: Table, column: Column) -> Described:
    """A column in words: its kind, what it runs over, where nothing stands."""
    missing = int(np.count_nonzero(column.missing))
    where = rows_named(table.numbers[column.missing].tolist())
    return Described(column.name, column.kind, _about(column), missing, where)


def suggest(table: Table) -> tuple[str, str]:
    """A column that can be learnt, and why this one: its name says so, or it stands last."""
    by_name = [name for likely in LIKELY for name in table.names if name.strip().lower() == likely]
    for name in (*by_name, *reversed(table.names)):
        try:
            fit_target(table, name)
        except BadInput:
            continue
        if name in by_name:
            return name, f"{name!r} is what a target is often called"
        if name == table.names[-1]:
            return name, f"{name!r} is the last column"
        return name, f"{name!r} is the last column that can be learnt"
    return table.names[-1], f"{table.names[-1]!r} is the last column"


def _about(column: Column) -> str:
    values = column.values[~column.missing]
    if not len(values):
        return "no value at all"
    match column.kind:
        case "number":
            low, high = (spell(float(v), whole=column.whole) for v in (values.min(), values.max()))
            kind = "whole numbers" if column.whole else "numbers"
            return f"{kind} from {short(low)} to {short(high)}"
        case "date":
            return f"dates from {spell(values.min())} to {spell(values.max())}"
        case "boolean":
            true = int(np.count_nonzero(values))
            return f"{true:,} true, {len(values) - true:,} false"
    texts = sorted(set(values.tolist()))
    if len(texts) == 1:
        return f"always {short(texts[0])!r}"
    some = listed((short(text, 20) for text in texts), 4)
    return f"{len(texts):,} different texts: {some}"
