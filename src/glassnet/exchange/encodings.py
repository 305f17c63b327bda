"""Encodings: from the cells of a column to the numbers that a network is given.

    number     (v - mean) / scale
    boolean    1 for true, 0 for false
    date       (days since 1970-01-01 - mean) / scale
    category   1 for the level that it is, 0 for every other

A fitted encoding is plain numbers and text. It is kept in the model file, so that every input
number can be explained later, cell by cell.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glassnet.core.errors import BadInput
from glassnet.exchange.tables import MARKERS, Column, Table, spell

Floats = NDArray[np.float64]
Notes = list[str]

LEVELS = 100
"""The most levels of a category that get an input each."""

DAY = np.timedelta64(1, "D") / np.timedelta64(1, "us")


@dataclass(frozen=True)
class Encoding:
    """What is known of one column: abstract."""

    kind: ClassVar[str]
    column: str

    @property
    def names(self) -> list[str]:
        """The names of its inputs."""
        return [self.column]

    def encode(self, table: Table) -> tuple[Floats, Notes]:
        """The inputs (n, len(names)), and what a reader should be told of the cells."""
        raise NotImplementedError

    def explain(self, cell: Any) -> list[str]:
        """How one cell (None where missing) becomes its numbers: a line for each input."""
        raise NotImplementedError


@dataclass(frozen=True)
class Number(Encoding):
    """x = (v - mean) / scale; a missing v is filled with `fill`, the mean."""

    kind: ClassVar[str] = "number"
    mean: float
    scale: float
    fill: float

    def encode(self, table: Table) -> tuple[Floats, Notes]:
        """x (n, 1)."""
        values, missing = numbers_of(table, self.column)
        notes = _filled(self.column, missing, f"the mean {self.fill:.6g}")
        values = np.where(missing, self.fill, values)
        return ((values - self.mean) / self.scale)[:, None], notes

    def explain(self, cell: Any) -> list[str]:
        """(41 - 38.2) / 11.3 = 0.2478."""
        said = f"missing, filled with {self.fill:.6g}: " if _empty(cell) else ""
        value = self.fill if _empty(cell) else float(cell)
        return [said + _standardised(value, self.mean, self.scale)]


@dataclass(frozen=True)
class Flag(Encoding):
    """x = 1 for true, 0 for false; a missing one is filled with `fill`, the more frequent."""

    kind: ClassVar[str] = "boolean"
    fill: bool

    def encode(self, table: Table) -> tuple[Floats, Notes]:
        """x (n, 1)."""
        column = table[self.column]
        if column.kind != "boolean":
            column = _as_flags(table, column)
        notes = _filled(self.column, column.missing, f"{spell(self.fill)}, the more frequent")
        return np.where(column.missing, self.fill, column.values).astype(np.float64)[:, None], notes

    def explain(self, cell: Any) -> list[str]:
        """1 for true: 1."""
        if _empty(cell):
            return [f"missing, filled with {spell(self.fill)} = {int(self.fill)}"]
        return [f"{spell(bool(cell))} = {int(bool(cell))}"]


@dataclass(frozen=True)
class Moment(Encoding):
    """x = (days since 1970-01-01 - mean) / scale; a missing date is filled with `fill`."""

    kind: ClassVar[str] = "date"
    mean: float
    scale: float
    fill: float

    def encode(self, table: Table) -> tuple[Floats, Notes]:
        """x (n, 1)."""
        days, missing = days_of(table, self.column)
        shown = spell(_date(self.fill))
        notes = _filled(self.column, missing, f"the mean, {shown}")
        days = np.where(missing, self.fill, days)
        return ((days - self.mean) / self.scale)[:, None], notes

    def explain(self, cell: Any) -> list[str]:
        """2020-01-02 is day 18263: (18263 - 18262.5) / 0.5 = 1."""
        moment = None if _empty(cell) else np.datetime64(cell, "us")
        value = self.fill if moment is None else float(moment.astype(np.int64) / DAY)
        said = f"{spell(_date(value))} is day {value:.6g}"
        said = f"missing, filled with {said}" if moment is None else said
        return [f"{said}: {_standardised(value, self.mean, self.scale)}"]


@dataclass(frozen=True)
class Category(Encoding):
    """x_level = 1 where the cell is that level, else 0; a missing cell is filled with `fill`.

    A cell that is none of the levels gets 0 everywhere.
    """

    kind: ClassVar[str] = "category"
    levels: tuple[str, ...]
    fill: str

    @property
    def names(self) -> list[str]:
        """city=Oslo, city=Paris, …"""
        return [f"{self.column}={level}" for level in self.levels]

    def encode(self, table: Table) -> tuple[Floats, Notes]:
        """x (n, levels), at most one 1 in a row."""
        column = table[self.column]
        texts = texts_like(column, self.levels)
        notes = _filled(self.column, column.missing, f"the most frequent, {self.fill!r}")
        texts[column.missing] = self.fill
        position = {level: i for i, level in enumerate(self.levels)}
        found = np.array([position.get(text, -1) for text in texts], dtype=np.int64)
        x = np.zeros((len(found), len(self.levels)))
        known = np.flatnonzero(found >= 0)
        x[known, found[known]] = 1.0
        return x, notes + self._unseen(table, texts, found)

    def _unseen(self, table: Table, texts: NDArray[Any], found: NDArray[Any]) -> Notes:
        rows: dict[str, list[int]] = {}
        for i in np.flatnonzero(found < 0):
            rows.setdefault(texts[i], []).append(int(table.numbers[i]))
        why = "was not seen in training"
        if len(self.levels) == LEVELS:
            why = f"is none of the {LEVELS} levels kept"
        notes = []
        for text, numbers in list(rows.items())[:3]:
            more = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
            notes.append(f"{self.column}: {text!r} (row {numbers[0]}{more}) {why}, encoded as none")
        if len(rows) > 3:
            count = sum(map(len, rows.values()))
            notes.append(f"{self.column}: {len(rows)} such texts in {count} rows in all")
        return notes

    def explain(self, cell: Any) -> list[str]:
        """'Paris' is 'Paris': 1."""
        said = f"missing, filled with {self.fill!r}" if _empty(cell) else repr(spell(cell))
        text = self.fill if _empty(cell) else spell(cell)
        return [
            f"{said} is {level!r}: 1" if text == level else f"{said} is not {level!r}: 0"
            for level in self.levels
        ]


def fit_inputs(
    table: Table, exclude: str | Collection[str] = (), *, categories: Collection[str] = ()
) -> tuple[tuple[Encoding, ...], Notes]:
    """An encoding for every column that can teach something, and a note for each left out.

    `exclude` names the target. `categories` names columns that are categories even where they
    look like numbers. What is missing is told by `encode`, not here.
    """
    excluded = {exclude} if isinstance(exclude, str) else set(exclude)
    encodings: list[Encoding] = []
    notes: Notes = []
    for name in (*excluded, *categories):
        table[name]  # an error where it is not there
    for column in table.columns:
        if column.name not in excluded:
            found = _fit(table, column, notes, declared=column.name in categories)
            encodings += [found] if found else []
    if not encodings:
        got = f"no column of {table.source} is left to learn from"
        raise BadInput(got, "at least one with different values was expected", "; ".join(notes))
    return tuple(encodings), notes


def encode(encodings: Sequence[Encoding], table: Table) -> tuple[Floats, Notes]:
    """X (n, n_in), and what a reader should be told of missing cells and levels never seen."""
    absent = [encoding.column for encoding in encodings if encoding.column not in table]
    if absent:
        table[absent[0]]
    notes: Notes = []
    X = np.empty((table.rows, len(input_names(encodings))))
    start = 0
    for encoding in encodings:
        x, told = encoding.encode(table)
        X[:, start : start + x.shape[1]] = x
        start += x.shape[1]
        notes += told
    return X, notes


def input_names(encodings: Sequence[Encoding]) -> list[str]:
    """The names of the network's inputs: age, city=Oslo, city=Paris, …"""
    return [name for encoding in encodings for name in encoding.names]


# ---------------------------------------------------------------- fitting


def _fit(table: Table, column: Column, notes: Notes, *, declared: bool) -> Encoding | None:
    present = column.values[~column.missing]
    if not len(present):
        got = f"column {column.name!r} has no value in any of its {table.rows} rows"
        hint = f"Leave it out: --ignore {column.name!r}."
        raise BadInput(got, "at least one was expected", hint)
    if column.kind == "category" or declared:
        return _fit_category(table, column, notes, declared=declared)
    if column.kind == "number":
        refuse_infinity(table, column)
    if np.all(present == present[0]):
        notes.append(f"{column.name}: {_cell(present[0], column)} in every row, left out")
        return None
    match column.kind:
        case "boolean":
            return Flag(column.name, fill=bool(2 * np.count_nonzero(present) > len(present)))
        case "date":
            mean, scale = mean_and_scale(column.name, present.astype(np.int64) / DAY)
            return Moment(column.name, mean, scale, fill=mean)
    mean, scale = mean_and_scale(column.name, present)
    return Number(column.name, mean, scale, fill=mean)


def _fit_category(table: Table, column: Column, notes: Notes, *, declared: bool) -> Encoding | None:
    texts = column.texts()[~column.missing]
    if not declared:
        _refuse_spoilt_numbers(table, column)
    levels, counts = np.unique(texts.astype(str), return_counts=True)
    if len(levels) == 1:
        notes.append(f"{column.name}: {str(levels[0])!r} in every row, left out")
        return None
    if not declared and mostly_different(len(levels), len(texts)):
        notes.append(f"{column.name}: {len(levels)} different texts in {len(texts)} rows, left out")
        return None
    by_count = np.argsort(-counts, kind="stable")
    if len(levels) > LEVELS:
        kept = f"the {LEVELS} most frequent kept, the others encoded as none"
        notes.append(f"{column.name}: {len(levels)} levels, {kept}")
    chosen = sorted(str(level) for level in levels[by_count[:LEVELS]])
    return Category(column.name, tuple(chosen), fill=str(levels[by_count[0]]))


def mostly_different(distinct: int, rows: int) -> bool:
    """Whether texts name rows rather than sort them: more than 20, and more than half as many."""
    return distinct > 20 and 2 * distinct > rows


def mean_and_scale(name: str, values: Floats) -> tuple[float, float]:
    """Mean and population standard deviation, without squaring anything large."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(np.mean(values))
        largest = float(np.max(np.abs(values - mean)))
        scale = largest * math.sqrt(float(np.mean(((values - mean) / largest) ** 2)))
    if not (math.isfinite(mean) and math.isfinite(scale) and scale > 0):
        got = f"column {name!r} runs from {values.min():g} to {values.max():g}"
        raise BadInput(got, "numbers that can be standardised were expected", "Take its logarithm.")
    return mean, scale


def _refuse_spoilt_numbers(table: Table, column: Column) -> None:
    """A column of text in which nearly every cell is a number was meant to be one of numbers."""
    cells = [(i, text) for i, text in enumerate(column.values) if not column.missing[i]]
    spoilt = [(i, text) for i, text in cells if _number(text) is None]
    if spoilt and 10 * (len(cells) - len(spoilt)) >= 9 * len(cells):
        i, text = spoilt[0]
        more = f", and {len(spoilt) - 1} more rows like it" if len(spoilt) > 1 else ""
        got = f"row {table.numbers[i]} of column {column.name!r} says {text!r}{more}"
        hint = "Mend the cell, empty it, or declare the column a category."
        raise BadInput(got, "a number was expected, as in the other rows", hint)


# ---------------------------------------------------------------- cells


def numbers_of(table: Table, name: str) -> tuple[Floats, NDArray[np.bool_]]:
    """A column as numbers, and where they are missing; the first cell that is none is named."""
    column = table[name]
    if column.kind == "number":
        refuse_infinity(table, column)
        return column.values, column.missing
    if column.kind == "boolean":
        return column.values.astype(np.float64), column.missing
    values, missing = np.full(table.rows, np.nan), column.missing.copy()
    for i in np.flatnonzero(~column.missing):
        text = _cell(column.values[i], column)
        number = _number(text) if column.kind == "category" else None
        if number is None and text.strip().lower() in MARKERS:
            missing[i] = True
        elif number is None or not math.isfinite(number):
            got = f"row {table.numbers[i]} of column {name!r} says {text!r}"
            raise BadInput(got, "a number was expected, as in training", "Mend or empty the cell.")
        else:
            values[i] = number
    return values, missing


def days_of(table: Table, name: str) -> tuple[Floats, NDArray[np.bool_]]:
    """A column of dates as days since 1970-01-01, and where they are missing."""
    column = table[name]
    dates, missing = column.values, column.missing.copy()
    if column.kind != "date":
        dates = np.full(table.rows, np.datetime64("NaT"), dtype="datetime64[us]")
        for i in np.flatnonzero(~missing):
            text = _cell(column.values[i], column)
            if text.strip().lower() in MARKERS:
                missing[i] = True
                continue
            with contextlib.suppress(ValueError):
                # NumPy would take "now" and "1970" for dates too
                if re.match(r"\s*\d{4}-\d", text):
                    dates[i] = np.datetime64(text, "us")
            if np.isnat(dates[i]):
                got = f"row {table.numbers[i]} of column {name!r} says {text!r}"
                wanted = "a date was expected, as in training"
                raise BadInput(got, wanted, "Write it as 2020-12-31.")
    return np.where(missing, 0, dates.astype(np.int64)) / DAY, missing


def texts_like(column: Column, levels: Sequence[str]) -> NDArray[Any]:
    """The cells as text; a number that equals a level's number is spelled as the level is."""
    texts = column.texts()
    known = set(levels)
    spelled = {_number(level): level for level in levels}
    if column.kind == "number" or None not in spelled:
        spelled.pop(None, None)
        texts[:] = [t if t in known else spelled.get(_number(t), t) for t in texts]
    return texts


def refuse_infinity(table: Table, column: Column) -> None:
    """An error that names the first infinite cell."""
    infinite = np.flatnonzero(np.isinf(column.values))
    if len(infinite):
        i = infinite[0]
        more = f", and {len(infinite) - 1} more rows too" if len(infinite) > 1 else ""
        got = f"row {table.numbers[i]} of column {column.name!r} is {column.values[i]}{more}"
        raise BadInput(got, "finite numbers were expected", "Mend or empty the cell.")


def _as_flags(table: Table, column: Column) -> Column:
    """Cells that say true or false, or 1 or 0, as booleans."""
    said = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
    values, missing = np.zeros(table.rows, dtype=bool), column.missing.copy()
    for i, text in enumerate(column.texts()):
        if missing[i] or text.strip().lower() in MARKERS:
            missing[i] = True
        elif text.strip().lower() in said:
            values[i] = said[text.strip().lower()]
        else:
            got = f"row {table.numbers[i]} of column {column.name!r} says {text!r}"
            raise BadInput(got, "true or false was expected, as in training", "Mend the cell.")
    return Column(column.name, "boolean", values, missing)


def _number(text: str) -> float | None:
    with contextlib.suppress(ValueError):
        return float(text)
    return None


def _cell(value: Any, column: Column) -> str:
    return spell(
        value.item() if column.kind in ("number", "boolean") else value, whole=column.whole
    )


def _empty(cell: Any) -> bool:
    return cell is None or bool(cell != cell)  # noqa: PLR0124 - nan and NaT differ from themselves


def _filled(name: str, missing: NDArray[np.bool_], fill: str) -> Notes:
    count = int(np.count_nonzero(missing))
    values = "value" if count == 1 else "values"
    return [f"{name}: {count} missing {values}, filled with {fill}"] if count else []


def _standardised(value: float, mean: float, scale: float) -> str:
    minus = f"- {mean:.6g}" if mean >= 0 else f"+ {-mean:.6g}"
    return f"({value:.6g} {minus}) / {scale:.6g} = {(value - mean) / scale:.4g}"


def _date(days: float) -> np.datetime64:
    return np.datetime64(round(days * DAY / 1e6), "s")
