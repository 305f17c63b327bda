"""A model file, and data to look at it with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from glassnet.core.activations import Sigmoid, Softmax
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.exchange.encodings import (
    Category,
    Flag,
    encode,
    input_names,
)
from glassnet.exchange.model import Model, load_model
from glassnet.exchange.tables import Table
from glassnet.exchange.targets import Classes, rows_with
from glassnet.lab import limits
from glassnet.lab.data import Data, unit_of
from glassnet.lab.limits import within
from glassnet.lab.tables.inputs import missing, raw, scaling, sealed, without_missing
from glassnet.tabular import split

DRAWN = 200
"""Points that are drawn for a model that comes without a table."""


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
    notes += [*missing(model.inputs, known), *without_missing(told)]
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
    used = {model.target.column, *(one.column for one in model.inputs)}
    ignored = tuple(name for name in table.names if name not in used)
    return model, replace(data, raw=units, ignored=ignored)


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
        X=sealed(rows[0]),
        y=sealed(rows[1]),
        held_X=sealed(held[0]) if held else None,
        held_y=sealed(held[1]) if held else None,
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
