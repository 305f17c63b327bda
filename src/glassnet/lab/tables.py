"""A visitor's own table: read safely, shown, and made the data of a run.

    bytes and a name → a table → a preview: first rows, columns, what is missing, a target to begin
                               → choose(table, target, …) → the data of a run

Columns become numbers by `exchange.encodings`, the target by `exchange.targets`, as they do in
`glassnet train`: the same rows, the same numbers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from glassnet.core.activations import Sigmoid, Softmax
from glassnet.core.errors import BadInput, GlassnetError
from glassnet.core.formula import Array
from glassnet.exchange.encodings import (
    Category,
    Encoding,
    Flag,
    Moment,
    Number,
    encode,
    fit_inputs,
    input_names,
)
from glassnet.exchange.model import Model, load_model
from glassnet.exchange.tables import Column, Kind, Table, listed, read_table, spell
from glassnet.exchange.targets import Classes, Numbers, Sort, Target, fit_target, rows_with
from glassnet.lab import limits
from glassnet.lab.apart import read_apart
from glassnet.lab.data import Data, unit_of
from glassnet.lab.limits import within
from glassnet.tabular import split

CELLS = 4_000_000
"""Rows times inputs: 32 MB of numbers."""

SHOWN = 8
"""Rows of a preview."""

LONGEST = 40
"""Letters of a cell in a preview."""

NAMED = 3
"""Rows that are named one by one; the others are counted."""

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

DRAWN = 200
"""Points that are drawn for a model that comes without a table."""


# ---------------------------------------------------------------- reading


def read_upload(content: bytes, name: str, as_text: Collection[str] = ()) -> Table:
    """The table in bytes that a browser sent; the name is for messages and its ending alone.

    A CSV, TSV, Parquet, JSON or JSON Lines file, the text ones also with .gz. It is read by a
    process of its own that sees nothing else of this machine: see `apart`.
    """
    try:
        return read_apart(content, name, as_text)
    except GlassnetError as error:
        raise spoken(error) from error


def open_table(path: str | os.PathLike[str], as_text: Collection[str] = ()) -> Table:
    """The table that was named on the command line: a file of one's own."""
    table = read_table(path, as_text=as_text)
    within("rows", table.rows, limits.ROWS, 1)
    return replace(table, source=Path(table.source).name)


def is_model(path: str | os.PathLike[str]) -> bool:
    """Whether a file named on the command line is a model: it begins as safetensors files do."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(9)
    except OSError:
        return False
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") < 2**27


# ---------------------------------------------------------------- looking


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
    texts = [[_short(text) for text in column.texts()] for column in first.columns]
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


def rows_named(numbers: Sequence[int]) -> str:
    """Row 3; rows 3, 7 and 9; rows 3, 7, 9 and 12 more; nothing for none.

    >>> rows_named([3, 7, 9, 10])
    'rows 3, 7, 9 and 1 more'
    """
    if len(numbers) < 2:
        return "".join(f"row {number}" for number in numbers)
    if len(numbers) > NAMED:
        shown = ", ".join(str(number) for number in numbers[:NAMED])
        return f"rows {shown} and {len(numbers) - NAMED:,} more"
    return f"rows {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


# ---------------------------------------------------------------- choosing


def choose(
    table: Table,
    target: str,
    *,
    sort: Sort | None = None,
    ignore: Collection[str] = (),
    categories: Collection[str] = (),
    scaled: bool = True,
    held: float = 0.25,
    seed: int = 0,
) -> Data:
    """The data of a run that learns `target` from the other columns.

    The rows that are held back only measure: encodings are fitted on the others alone.

    sort : "classes" or "numbers"; None lets the column decide.
    ignore : columns to leave out; categories : those to take as categories though they look like
        numbers.
    scaled : whether numbers and dates get mean 0 and standard deviation 1. The numbers of a target
        always do: its mean and scale lead back to the column's units.
    held : the share of rows held back, drawn by `seed`, class by class.
    """
    try:
        return _chosen(table, target, sort, ignore, categories, scaled, held, seed)
    except GlassnetError as error:
        raise spoken(error) from error


def begin(table: Table, **settings: object) -> Data:
    """The data of a table with nothing chosen: the target that `suggest` names, all columns."""
    return choose(table, suggest(table)[0], **settings)  # type: ignore[arg-type]


def _chosen(
    table: Table,
    target: str,
    sort: Sort | None,
    ignore: Collection[str],
    categories: Collection[str],
    scaled: bool,  # noqa: FBT001 - `choose` names it
    held: float,
    seed: int,
) -> Data:
    known, notes = rows_with(table, target)
    if notes:
        rows = rows_named(table.numbers[table[target].missing].tolist())
        notes = [f"{target}: no value in {rows}, left out"]
    goal, why = fit_target(known, target, sort)
    within("outputs", goal.n_out, limits.NEURONS, 1)
    learn, measured = known, None
    if held > 0:
        first, second = split(goal.encode(known), held, np.random.default_rng(seed), goal)
        if len(second):
            learn, measured = known.take(first), known.take(second)
        else:
            why.append(f"{known.rows} rows are too few to hold some back")
    if isinstance(goal, Numbers):
        goal, _ = fit_target(learn, target, "numbers")  # the rows held back do not count
    others = [name for name in categories if name != target]
    encodings, told = fit_inputs(learn, {target, *ignore}, categories=others)
    if not scaled:
        encodings = tuple(as_it_is(encoding) for encoding in encodings)
    _few_inputs(encodings, known.rows)
    gaps = missing(encodings, known)
    notes = [*table.notes, *notes, *why, *told, *gaps]
    X, told = encode(encodings, learn)
    notes += _news(told)
    held_X = held_y = None
    if measured is not None:
        held_X, told = encode(encodings, measured)
        held_y = goal.encode(measured)
        notes += [f"validation: {note}" for note in _news(told)]
    return Data(
        name=table.source,
        X=_sealed(X),
        y=_sealed(goal.encode(learn)),
        held_X=None if held_X is None else _sealed(held_X),
        held_y=None if held_y is None else _sealed(held_y),
        inputs=tuple(input_names(encodings)),
        outputs=goal.labels if goal.n_out > 1 and isinstance(goal, Classes) else (target,),
        labels=goal.labels if isinstance(goal, Classes) else (),
        scaling=scaling(encodings),
        notes=(*unit_of(goal), *(_plain(note) for note in notes)),
        encodings=encodings,
        target=goal,
        raw=raw(goal, learn, measured),
    )


def raw(target: Target, learn: Table, measured: Table | None) -> tuple[Array, Array | None] | None:
    """The numbers that are learnt, in the units of their column; None for classes."""
    if not isinstance(target, Numbers):
        return None
    plain = Numbers(target.column)
    return _sealed(plain.encode(learn)), None if measured is None else _sealed(
        plain.encode(measured)
    )


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


def _few_inputs(encodings: Sequence[Encoding], rows: int) -> None:
    inputs = len(input_names(encodings))
    widest = max(encodings, key=lambda one: len(one.names))
    hint = "Take fewer columns."
    if len(widest.names) > 1:
        hint = f"Untick {widest.column!r}, whose texts make {len(widest.names)} of them."
    if inputs > limits.INPUTS:
        got = f"the columns make {inputs} inputs"
        raise BadInput(got, f"at most {limits.INPUTS} are allowed on this page", hint)
    if rows * inputs > CELLS:
        got = f"{rows:,} rows of {inputs} inputs are {rows * inputs:,} numbers"
        raise BadInput(got, f"at most {CELLS:,} are allowed on this page", hint)


def _news(notes: Iterable[str]) -> list[str]:
    # what is missing is told with its rows, by `missing`
    return [note for note in notes if not re.search(r": \d+ missing values?, filled with ", note)]


def _sealed(array: Array) -> Array:
    array.setflags(write=False)
    return array


# ---------------------------------------------------------------- a model


def of_model(
    path: str | os.PathLike[str], table: Table | None = None, *, held: float = 0.25, seed: int = 0
) -> tuple[Model, Data]:
    """A model file, and data to look at it with.

    With a table: its rows, encoded as the model's file says. Without: 200 points drawn around 0,
    with the model's own answers as targets, so that its loss on them begins at its least.
    """
    model = load_model(path)
    within("inputs", model.net.n_in, limits.INPUTS, 1)
    within("numbers in theta", model.net.n_params, limits.PARAMETERS, 1)
    if table is None:
        return model, _drawn(model, Path(path).name, seed)
    if model.target is None or not model.inputs:
        got = f"{Path(path).name} was not made from a table"
        raise BadInput(got, "a model with encodings was expected", "Open it without the table.")
    known, notes = rows_with(table, model.target.column)
    y = model.target.encode(known)
    X, told = encode(model.inputs, known)
    notes += [*missing(model.inputs, known), *_news(told)]
    first, second = np.arange(len(y)), np.arange(0)
    if held > 0:
        first, second = split(y, held, np.random.default_rng(seed), model.target)
    some = len(second) > 0
    data = _data_of(
        model,
        table.source,
        (X[first], y[first]),
        (X[second], y[second]) if some else None,
        (*unit_of(model.target), *table.notes, *notes),
    )
    units = raw(model.target, known.take(first), known.take(second) if some else None)
    return model, replace(data, raw=units)


def _drawn(model: Model, name: str, seed: int) -> Data:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((DRAWN, model.net.n_in))
    start = 0
    for one in model.inputs:
        width = len(one.names)
        if isinstance(one, Category):
            X[:, start : start + width] = np.eye(width)[rng.integers(width, size=DRAWN)]
        elif isinstance(one, Flag):
            X[:, start] = rng.integers(2, size=DRAWN)
        start += width
    a = model.predict(X)
    y = np.array(a, dtype=np.float64)
    if _labels(model):
        single = a.shape[1] == 1
        y = (a > 0.5).astype(np.float64) if single else np.eye(a.shape[1])[a.argmax(axis=1)]
    note = f"{DRAWN} points drawn around 0, with the model's own answers as targets"
    return _data_of(model, name, (X, y), None, (note,))


def _data_of(
    model: Model,
    name: str,
    rows: tuple[Array, Array],
    held: tuple[Array, Array] | None,
    notes: Sequence[str],
) -> Data:
    n_in, n_out = model.net.n_in, model.net.n_out
    labels = _labels(model)
    outputs = labels if n_out > 1 and labels else tuple(f"y{k}" for k in range(1, n_out + 1))
    if n_out == 1:
        outputs = (model.target.column if model.target else "y",)
    names = input_names(model.inputs) or [f"x{i}" for i in range(1, n_in + 1)]
    return Data(
        name=name,
        X=_sealed(rows[0]),
        y=_sealed(rows[1]),
        held_X=_sealed(held[0]) if held else None,
        held_y=_sealed(held[1]) if held else None,
        inputs=tuple(names),
        outputs=outputs,
        labels=labels,
        scaling=scaling(model.inputs) or tuple(f"{name} as it is" for name in names),
        notes=tuple(notes),
        encodings=model.inputs,
        target=model.target,
    )


def _labels(model: Model) -> tuple[str, ...]:
    """The model's classes; of one without a target, those that its last activation speaks of."""
    if model.target is not None:
        return model.target.labels if isinstance(model.target, Classes) else ()
    last = model.net.layers[-1]
    if isinstance(last.activation, Softmax) and last.n_out > 1:
        return tuple(f"class {k}" for k in range(last.n_out))
    if isinstance(last.activation, Sigmoid) and last.n_out == 1:
        return ("class 0", "class 1")
    return ()


# ---------------------------------------------------------------- words


WORDS = (
    (r" \(--task (\w+) for \w+\)", ""),
    (r"Leave it out: --ignore .*", "Untick the column."),
    (r"Leave it out: --sql .*", "Leave the column out of the file."),
    (r"Try --sql with date_diff.*", "Write it as a number of days."),
    (r"or try --task (\w+)\.", r"or learn it as \1."),
    (r"Try --task (\w+)\.", r"Learn it as \1."),
    (r", or try iconv [^.]*", ""),
)
"""What the command line says, and what the page says instead."""


def spoken(error: GlassnetError) -> GlassnetError:
    """The same error in words of the page, which has no command line."""
    return type(error)(error.got, error.wanted, _plain(error.hint))


def _plain(text: str) -> str:
    for pattern, words in WORDS:
        text = re.sub(pattern, words, text)
    return text


def _about(column: Column) -> str:
    values = column.values[~column.missing]
    if not len(values):
        return "no value at all"
    match column.kind:
        case "number":
            low, high = (spell(float(v), whole=column.whole) for v in (values.min(), values.max()))
            kind = "whole numbers" if column.whole else "numbers"
            return f"{kind} from {_short(low)} to {_short(high)}"
        case "date":
            return f"dates from {spell(values.min())} to {spell(values.max())}"
        case "boolean":
            true = int(np.count_nonzero(values))
            return f"{true:,} true, {len(values) - true:,} false"
    texts = sorted(set(values.tolist()))
    if len(texts) == 1:
        return f"always {_short(texts[0])!r}"
    some = listed((_short(text, 20) for text in texts), 4)
    return f"{len(texts):,} different texts: {some}"


def _short(text: str, most: int = LONGEST) -> str:
    """A cell's text in one line, cut where it is long."""
    text = " ".join(str(text).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _day(days: float) -> np.datetime64:
    return np.datetime64(round(days * 86400), "s")
