"""Tables: named columns of numbers, booleans, dates or categories, with what is missing marked."""

from __future__ import annotations

import datetime as dt
import difflib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.core.errors import BadInput

Kind = Literal["number", "boolean", "date", "category"]
Cells = ArrayLike | Sequence[Any]
"""The cells of a column: an array, or a list in which None stands for what is missing."""

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Mapping[str, Cells]

MARKERS = ("na", "n/a", "#n/a", "nan", "null", "none", "?", "-")
"""Read as missing in a column whose other cells are all numbers, booleans or dates."""

EXACT = 2.0**53
"""The largest integer up to which float64 holds every one."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column: a name, a kind, values, and a mask of what is missing.

    number    float64, nan where missing
    boolean   bool, False where missing
    date      datetime64[us] in UTC, NaT where missing; a time of day is one on 1970-01-01
    category  text in an object array, "" where missing
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    whole: bool = False
    """A number column whose type, or spelling, is that of integers."""

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[Any]) -> Column:
        """The column of these rows."""
        return replace(self, values=self.values[rows], missing=self.missing[rows])

    def texts(self) -> NDArray[Any]:
        """The values as one would type them, "" where missing."""
        values = self.values.tolist() if self.kind != "date" else self.values
        spelled = [
            "" if missing else spell(value, whole=self.whole)
            for value, missing in zip(values, self.missing, strict=True)
        ]
        return np.array(spelled, dtype=object)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns in the order of their source, rows in the order of their source."""

    columns: tuple[Column, ...]
    source: str = "the table"
    numbers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """The number of each row in the source, from 1, so that an error names the row in the file."""
    notes: tuple[str, ...] = ()
    """What a reader should be told: values rounded, markers read as missing."""

    def __post_init__(self) -> None:
        if not len(self.numbers) and self.columns:
            object.__setattr__(self, "numbers", np.arange(1, len(self.columns[0]) + 1))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.numbers)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in their order."""
        return [column.name for column in self.columns]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        got = f"{self.source} has no column {name!r}"
        raise BadInput(got, f"its columns are {listed(self.names)}", did_you_mean(name, self.names))

    def take(self, rows: ArrayLike) -> Table:
        """The table of these rows (positions from 0, or a mask); rows keep their numbers."""
        chosen = np.asarray(rows)
        columns = tuple(column.take(chosen) for column in self.columns)
        return replace(self, columns=columns, numbers=self.numbers[chosen])


def read_table(source: Source, sql: str | None = None, *, as_text: Collection[str] = ()) -> Table:
    """Read a table from a file, from several, or from columns that are there already.

    `source` is a CSV, TSV, Parquet, JSON or JSON Lines file (the text ones also with .gz), a glob
    of them or a list of them, read one after the other in the order of their names; or a mapping
    of names to columns. `sql` is a query over it, under the name `data`. `as_text` names columns
    of a text file that are categories even where they look like numbers or dates.
    """
    if isinstance(source, Mapping):
        table = table_of(source)
        if sql is None:
            return table
    elif not isinstance(source, (str, os.PathLike, list, tuple)):
        got = f"{type(source).__name__} as a table"
        hint = "For arrays X and y see glassnet.train."
        raise BadInput(got, "a file, a list of files or a mapping of columns is expected", hint)
    from glassnet.exchange import duck  # DuckDB is loaded only where a file is read

    if isinstance(source, Mapping):
        return duck.query_table(table, sql or "")
    return duck.read(source, sql, as_text)


def write_table(path: str | os.PathLike[str], columns: Mapping[str, Cells]) -> None:
    """Write columns to a CSV, TSV or Parquet file by the ending of its name, whole or not at all.

    Masked values, None, nan and NaT are written as nothing (NULL).
    """
    from glassnet.exchange import duck

    duck.write(path, table_of(columns))


def table_of(columns: Mapping[str, Cells], source: str = "the table") -> Table:
    """The table of columns that are there already."""
    if not columns:
        raise BadInput("the table has no columns", "at least one was expected")
    table = tuple(column_of(str(name), values) for name, values in columns.items())
    lengths = {column.name: len(column) for column in table}
    if len(set(lengths.values())) > 1:
        shown = listed(f"{name} ({length})" for name, length in lengths.items())
        raise BadInput(f"columns of different lengths: {shown}", "equally many rows were expected")
    if not len(table[0]):
        raise BadInput(f"{source} has no rows", "at least one was expected")
    return Table(table, source, notes=rounding(table))


def column_of(name: str, values: Cells) -> Column:
    """The column of values that are there already; their types decide its kind."""
    missing = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    try:
        # a list is looked at value by value: NumPy would make text of [1, "x"]
        sort = object if isinstance(values, (list, tuple)) else None
        data = np.asarray(np.ma.getdata(values) if missing is not None else values, dtype=sort)
    except ValueError as error:
        raise BadInput(f"column {name!r} holds lists", "one value a row was expected") from error
    if data.ndim != 1:
        got = f"column {name!r} has shape {data.shape}"
        raise BadInput(got, "one value a row, shape (n,), was expected", "Did you pass a matrix?")
    if missing is None:
        missing = np.zeros(len(data), dtype=bool)
    if data.dtype.kind in "OTU":
        data = data.astype(object)
        missing = missing | np.array([_is_missing(value) for value in data], dtype=bool)
        data = _typed(name, data, missing)
    whole = data.dtype.kind in "iu"
    match data.dtype.kind:
        case "b":
            return Column(name, "boolean", data & ~missing, missing)
        case "i" | "u" | "f":
            numbers = data.astype(np.float64)
            missing = missing | np.isnan(numbers)
            return Column(name, "number", np.where(missing, np.nan, numbers), missing, whole)
        case "M":
            dates = data.astype("datetime64[us]")
            missing = missing | np.isnat(dates)
            dates[missing] = np.datetime64("NaT")
            return Column(name, "date", dates, missing)
        case "O":
            texts = data.copy()
            texts[missing] = ""
            return Column(name, "category", texts, missing)
    got = f"column {name!r} holds values of type {data.dtype}"
    raise BadInput(got, "numbers, booleans, dates or text were expected")


def spell(value: Any, *, whole: bool = False) -> str:
    """One value as one would type it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if whole and value.is_integer() else repr(value)
    if isinstance(value, np.datetime64):
        text = str(value).replace("T", " ")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.removesuffix(" 00:00:00")
    return str(value)


def rounding(columns: Iterable[Column]) -> tuple[str, ...]:
    """A note for every column of integers that float64 cannot all hold."""
    return tuple(
        f"{column.name}: integers beyond 2^53, rounded to the nearest float64"
        for column in columns
        if column.whole and np.any(np.abs(column.values[~column.missing]) > EXACT)
    )


def listed(names: Iterable[str], limit: int = 8) -> str:
    """a, b, c and 4 more."""
    shown = list(names)
    more = f" and {len(shown) - limit} more" if len(shown) > limit else ""
    return ", ".join(shown[:limit]) + more


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The names nearest to one that is not there, as a question, or nothing."""
    by_small = {other.lower(): other for other in names}
    near = difflib.get_close_matches(name.lower(), by_small, n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(repr(by_small[n]) for n in near)}?" if near else ""


def _is_missing(value: Any) -> bool:
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return value is None


def _typed(name: str, data: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    """Python objects as an array of one type, anything where they are missing."""
    present = data[~missing]
    if all(isinstance(value, str) for value in present):
        texts = [str(value) if ok else "" for value, ok in zip(data, ~missing, strict=True)]
        return np.array(texts, dtype=object)
    if all(isinstance(value, (bool, np.bool_)) for value in present):
        return np.array([bool(value) for value in _or_none(data, missing)])
    if all(_is_number(value) for value in present):
        numbers = np.array([float(value) for value in np.where(missing, 0, data)])
        integers = all(isinstance(value, (int, np.integer)) for value in present)
        fits = integers and bool(np.all(np.abs(numbers) < 2.0**62))
        return numbers.astype(np.int64) if fits else numbers
    if all(isinstance(value, (dt.date, dt.time, np.datetime64)) for value in present):
        return np.array([_moment(value) for value in _or_none(data, missing)], dtype="M8[us]")
    types = listed(sorted({type(value).__name__ for value in present}))
    wanted = "numbers, booleans, dates or text were expected, one kind a column"
    raise BadInput(f"column {name!r} holds {types}", wanted)


def _or_none(data: NDArray[Any], missing: NDArray[np.bool_]) -> list[Any]:
    return [None if absent else value for value, absent in zip(data, missing, strict=True)]


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float, Decimal, np.integer, np.floating))
    return number and not isinstance(value, bool)


def _moment(value: Any) -> np.datetime64:
    if isinstance(value, dt.time):
        value = dt.datetime.combine(dt.date(1970, 1, 1), value)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    return np.datetime64("NaT") if value is None else np.datetime64(value, "us")
