"""A table made the data of a run: what is learnt, from which columns, on which rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from glassnet.core.errors import BadInput, GlassnetError
from glassnet.exchange.encodings import (
    Encoding,
    encode,
    fit_inputs,
    input_names,
)
from glassnet.exchange.tables import Table
from glassnet.exchange.targets import Classes, Numbers, Sort, fit_target, rows_with
from glassnet.lab import limits
from glassnet.lab.data import Data, unit_of
from glassnet.lab.limits import within
from glassnet.lab.tables.inputs import as_it_is, missing, raw, scaling, sealed, without_missing
from glassnet.lab.tables.looking import suggest
from glassnet.lab.tables.words import rows_named, said_here, spoken
from glassnet.tabular import split

CELLS = 4_000_000
"""Rows times inputs: 32 MB of numbers."""


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
    notes += without_missing(told)
    held_X = held_y = None
    if measured is not None:
        held_X, told = encode(encodings, measured)
        held_y = goal.encode(measured)
        notes += [f"validation: {note}" for note in without_missing(told)]
    return Data(
        name=table.source,
        X=sealed(X),
        y=sealed(goal.encode(learn)),
        held_X=None if held_X is None else sealed(held_X),
        held_y=None if held_y is None else sealed(held_y),
        inputs=tuple(input_names(encodings)),
        outputs=goal.labels if goal.n_out > 1 and isinstance(goal, Classes) else (target,),
        labels=goal.labels if isinstance(goal, Classes) else (),
        scaling=scaling(encodings),
        notes=(*unit_of(goal), *(said_here(note) for note in notes)),
        encodings=encodings,
        target=goal,
        raw=raw(goal, learn, measured),
        ignored=tuple(name for name in table.names if name in ignore and name != target),
    )


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
