"""Targets: from the column that is to be learnt to y, and from the network's answer back.

The column decides the task: classes, or numbers. Each rule is told in a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.core.errors import BadInput
from glassnet.exchange.encodings import (
    Floats,
    Notes,
    mean_and_scale,
    mostly_different,
    numbers_of,
    refuse_infinity,
    texts_like,
)
from glassnet.exchange.tables import Column, Table, listed
from glassnet.training.metrics import classes

Sort = Literal["classes", "numbers"]

FEW = 10
"""Integers with at most so many different values are taken for classes."""


@dataclass(frozen=True)
class Classes:
    """Two labels: y = 1 for the second, 0 for the first. More: y_k = 1 for label k, else 0."""

    kind: ClassVar[Sort] = "classes"
    column: str
    labels: tuple[str, ...]

    @property
    def n_out(self) -> int:
        """How many outputs the network has: 1 for two labels, else one a label."""
        return 1 if len(self.labels) == 2 else len(self.labels)

    def encode(self, table: Table) -> Floats:
        """y (n, n_out)."""
        column = table[self.column]
        refuse_missing(table, column)
        position = {label: i for i, label in enumerate(self.labels)}
        texts = texts_like(column, self.labels)
        found = np.array([position.get(text, -1) for text in texts], dtype=np.int64)
        unseen = np.flatnonzero(found < 0)
        if len(unseen):
            i = unseen[0]
            more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
            got = f"{self.column!r} is {texts[i]!r} in row {table.numbers[i]}{more}"
            wanted = f"the labels of training were expected: {listed(map(repr, self.labels))}"
            raise BadInput(got, wanted, "Leave these rows out, or train anew with them.")
        if self.n_out == 1:
            return found.astype(np.float64)[:, None]
        return np.eye(len(self.labels))[found]

    def decode(self, a: ArrayLike) -> NDArray[Any]:
        """The label (n,) of the class that each row of the answer names: see `metrics.classes`."""
        return np.array([self.labels[i] for i in classes(np.asarray(a))], dtype=object)

    def probabilities(self, a: ArrayLike) -> Floats:
        """The probability of every label, (n, labels), from the network's answer (n, n_out)."""
        a = np.asarray(a, dtype=np.float64)
        return np.hstack([1.0 - a, a]) if self.n_out == 1 else a


@dataclass(frozen=True)
class Numbers:
    """y = (v - mean) / scale, and back: v = mean + scale·y."""

    kind: ClassVar[Sort] = "numbers"
    column: str
    mean: float = 0.0
    scale: float = 1.0

    n_out: ClassVar[int] = 1

    def encode(self, table: Table) -> Floats:
        """y (n, 1)."""
        values, missing = numbers_of(table, self.column)
        refuse_missing(table, table[self.column], missing)
        return ((values - self.mean) / self.scale)[:, None]

    def decode(self, a: ArrayLike) -> Floats:
        """v (n,) in the units of the column, from the network's answer (n, 1)."""
        return np.asarray(a, dtype=np.float64)[:, 0] * self.scale + self.mean


Target = Classes | Numbers


def rows_with(table: Table, column: str) -> tuple[Table, Notes]:
    """The rows that have a value in this column, and a note on how many have none."""
    missing = table[column].missing
    count = int(np.count_nonzero(missing))
    if count == table.rows:
        got = f"column {column!r} has no value in any of its {table.rows} rows"
        raise BadInput(got, "a target with values was expected")
    if not count:
        return table, []
    rows = "1 row has" if count == 1 else f"{count} rows have"
    return table.take(~missing), [f"{column}: {rows} no target, left out"]


def fit_target(
    table: Table, column: str, task: Sort | None = None, *, standardise: bool = True
) -> tuple[Target, Notes]:
    """The target that a column makes, and why. `task` overrides the column's own choice.

    Rows without a value are passed over here, and refused by `encode`: `rows_with` leaves them
    out. `standardise=False` keeps numbers as they are, where the loss needs that (Poisson).
    """
    values = table[column]
    present, _ = rows_with(table, column)
    if values.kind == "number":
        refuse_infinity(table, values)
    labels = _labels(present[column])
    if len(labels) < 2:
        got = f"target {column!r} is {labels[0]!r} in every row"
        raise BadInput(got, "at least two different values were expected")
    sort, why = _sort(values, labels)
    if task is None or task == sort:
        # a hint on how to have it otherwise, where the column can be
        other = {"classes": "numbers", "numbers": "classes"}[sort]
        note = f"{column}: {why}, so the task is {sort}"
        note += f" (--task {other} for {other})" if values.kind == "number" else ""
    elif task in ("classes", "numbers"):
        sort, note = task, f"{column}: the task is {task}, as asked"
    else:
        raise BadInput(f"the task is {task!r}", "classes or numbers was expected")
    if sort == "numbers":
        return _numbers(present, column, standardise=standardise), [note]
    if mostly_different(len(labels), present.rows):
        got = f"target {column!r} has {len(labels)} different values in {present.rows} rows"
        hint = "Try --task numbers." if values.kind == "number" else "Is it a name or a number?"
        raise BadInput(got, "classes that come again were expected", hint)
    return Classes(column, labels), [note]


def refuse_missing(table: Table, column: Column, missing: NDArray[np.bool_] | None = None) -> None:
    """An error that names the first row without a target."""
    rows = np.flatnonzero(column.missing if missing is None else missing)
    if len(rows):
        more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        got = f"row {table.numbers[rows[0]]}{more} of {table.source} has no {column.name!r}"
        raise BadInput(got, "a target in every row was expected", "Leave these rows out.")


def _sort(column: Column, labels: Sequence[str]) -> tuple[Sort, str]:
    match column.kind:
        case "category":
            return "classes", f"text with {len(labels)} different values"
        case "boolean":
            return "classes", "true or false"
        case "date":
            return "numbers", "dates"
    if column.whole and len(labels) <= FEW:
        return "classes", f"integers with {len(labels)} different values"
    return "numbers", "integers with many values" if column.whole else "numbers"


def _labels(column: Column) -> tuple[str, ...]:
    """The different values as text: numbers in their own order, text in that of its letters."""
    values = column.values
    if column.kind == "category":
        return tuple(sorted(set(values.tolist())))
    _, first = np.unique(values, return_index=True)
    return tuple(column.take(first).texts().tolist())


def _numbers(table: Table, column: str, *, standardise: bool) -> Numbers:
    if table[column].kind == "date":
        hint = f"Try --sql with date_diff, such as date_diff('day', ..., \"{column}\")."
        raise BadInput(f"target {column!r} holds dates", "numbers or classes were expected", hint)
    try:
        values, missing = numbers_of(table, column)
    except BadInput as error:
        wanted = "a number was expected, since the task is numbers"
        raise BadInput(error.got, wanted, "Mend the cell, or try --task classes.") from error
    refuse_missing(table, table[column], missing)
    if not standardise:
        return Numbers(column)
    if np.all(values == values[0]):
        got = f"target {column!r} is {values[0]:g} in every row"
        raise BadInput(got, "at least two different values were expected")
    return Numbers(column, *mean_and_scale(column, values))
