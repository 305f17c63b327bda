"""`glassnet walk`: every number of an update, worked out in the terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter
from rich.text import Text

from glassnet.cli.terminal import as_json, console, plural
from glassnet.core.activations import Sigmoid
from glassnet.core.errors import BadInput
from glassnet.core.initializers import Uniform
from glassnet.core.losses import SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS, SGD
from glassnet.datasets import notebook_samples
from glassnet.engines.base import Task
from glassnet.exchange.files import write_bytes
from glassnet.exchange.model import Model, load_model
from glassnet.exchange.tables import Table, read_table
from glassnet.exchange.targets import rows_with
from glassnet.tabular import trace_table
from glassnet.walkthrough.as_data import as_data, explanation_as_data
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.text import BACK, Page, prose
from glassnet.walkthrough.trace import Trace, trace

ROWS = 8
NOTEBOOK_PLACES = 8
CELLS = {
    "z1": "cell 13",
    "a1": "cell 13",
    "a2": "cell 15",
    "losses": "cell 16",
    "dL_da2": "cells 18, 26",
    "da2_dz2": "cells 19, 27",
    "dz2_dW2": "cell 21, its shape",
    "dL_dW2": "cell 24, its shape",
    "dz2_da1": "cell 31, its shape",
    "da1_dz1": "cell 29",
    "dz1_dW1": "cell 31, its shape",
    "dL_dW1": "cell 34",
    "W1": "cell 37; its shape: cell 32",
    "W2": "cell 36; its shape: cell 22",
    "new_W2": "cell 39",
    "new_W1": "cell 40",
}
"""Where the notebook prints a quantity."""


def walk(
    model: Path | None = None,
    rows: Annotated[str | None, Parameter(name="TABLE")] = None,
    /,
    *,
    seed: Annotated[bool, Parameter(negative=())] = False,
    sample: int | None = None,
    layer: int | None = None,
    neuron: int | None = None,
    number: str | None = None,
    backward_only: Annotated[bool, Parameter(negative=())] = False,
    digits: int | None = None,
    exact: Annotated[bool, Parameter(negative=())] = False,
    layout: Literal["rows", "columns"] | None = None,
    names: Literal["math", "seed"] | None = None,
    batch: Annotated[int, Parameter(name="--rows")] = ROWS,
    sql: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    html: Path | None = None,
) -> int:
    """Walk through every number of an update: forward, loss, backward, gradient, new weights.

    One sample and one neuron first, then its layer as matrices, then all steps in order. Each
    number has its name, its formula, the formula with the numbers in it, and where it is a
    derivative its measurement. Without the target's column only the way forward is walked; without
    a table, that of one sample whose inputs are all 0.

    Parameters
    ----------
    model
        A model file, as `glassnet train` writes it.
    rows
        A table with the model's columns.
    seed
        Walk through the teaching notebook's own network instead, laid out and named as there.
    sample
        The sample to follow, counted from 0.
    layer
        The layer to look into, counted from 1; the steps are then those of this layer alone.
    neuron
        The neuron to follow, counted from 0; it alone is then shown.
    number
        One number alone: "dL_dW2[1,0]", or its name in the notebook's words.
    backward_only
        Leave out the way forward.
    digits
        Significant digits, 4 unless said.
    exact
        All digits, so that a number can be read back bit for bit.
    layout
        Whether samples are rows or columns.
    names
        Names as mathematics has them, or as the teaching notebook.
    batch
        So many of the table's first rows make the batch.
    sql
        A query over the table first, in which it is called data.
    json
        The same as data: every step with its value.
    html
        Write a page for the browser, with folded steps, to this file instead.
    """
    if digits is not None and not 1 <= digits <= 17:
        raise BadInput(f"--digits {digits}", "1 to 17 are expected", "All of them: --exact.")
    if batch < 1:
        raise BadInput(f"--rows {batch}", "1 or more is expected", "Try --rows 8.")
    told = {"--number": number, "--layer": layer, "--backward-only": backward_only, "--json": json}
    beside = [option for option, given in told.items() if given not in (None, False)]
    if html is not None and beside:
        wanted = "the page holds every step; one of the two is expected"
        raise BadInput(f"--html and {beside[0]}", wanted)
    walked, notes = _opened(model, rows, sql, batch, sample, seed=seed)
    if seed:
        layout, names = layout or "columns", names or "seed"
    layout, names = layout or "rows", names or "math"
    places = NOTEBOOK_PLACES if seed and digits is None and not exact else None
    out = console()
    page = Page(
        walked,
        width=out.width,
        layout=layout,
        names=names,
        numerals=Numerals(digits or 4, exact, places),
        sample=sample or 0,
        layer=1 if layer is None else layer,
        neuron=neuron or 0,
        marks=CELLS if seed else {},
    )
    if json:
        if number is not None:
            as_json(
                out, explanation_as_data(page.spelling, walked.explain(number, layout=page.layout))
            )
        else:
            as_json(out, as_data(page, page.chosen(BACK if backward_only else None, layer)))
        return 0
    if html is not None:
        made = walked.html(
            layout=layout,
            names=names,
            digits=digits or (8 if seed else 4),
            exact=exact,
            sample=sample or 0,
            neuron=neuron or 0,
        )
        write_bytes(html, made.encode())
        out.print(f"{len(walked)} steps in {html}")
        return 0
    lines = [line for note in notes for line in prose(note, page.width, "")]
    if number is not None:
        lines += page.explanation(walked.explain(number, layout=page.layout))
    else:
        lines += _walk(page, layer, neuron, backward_only=backward_only)
    for line in lines:
        line.rstrip()
    out.print(Text("\n").join(lines), soft_wrap=True)
    return 0


def notebook_trace() -> Trace:
    """The notebook's cells 13 to 40: its first weights, its three samples, one update."""
    net = Network.mlp(4, 3, 1, activation=Sigmoid(), output=Sigmoid(), bias=False)
    task = Task(net, SquaredError(), SGD(0.01), reduction="sum")
    theta = net.init(np.random.RandomState(42), Uniform())
    samples = notebook_samples()
    return trace(task, samples.X, samples.y, theta=theta)


def _walk(page: Page, layer: int | None, neuron: int | None, *, backward_only: bool) -> list[Text]:
    lines = page.card(elsewhere=neuron is None and layer is None)
    lines += page.account_back() if backward_only else page.account()
    if neuron is not None:
        return lines
    parts = BACK if backward_only else None
    return [*lines, *page.as_matrices(parts), *page.whole(parts=parts, layer=layer)]


def _opened(
    model: Path | None,
    rows: str | None,
    sql: str | None,
    batch: int,
    sample: int | None,
    *,
    seed: bool,
) -> tuple[Trace, list[str]]:
    """The trace to walk through, and what is to be told of it."""
    if seed:
        if model is not None:
            raise BadInput(f"--seed and {model}", "one of the two is expected")
        return notebook_trace(), ["The notebook's network, three samples, one update."]
    if model is None:
        hint = "Try glassnet walk MODEL TABLE, or glassnet walk --seed."
        raise BadInput("no model", "a model file and a table are expected", hint)
    return _traced(model, rows, sql, batch, sample)


def _traced(
    path: Path, source: str | None, sql: str | None, batch: int, sample: int | None
) -> tuple[Trace, list[str]]:
    model = load_model(path)
    if source is None:
        why = f"No table: one sample whose {plural(model.net.n_in, 'input')} are 0"
        why += ", which is the mean of a column of numbers." if model.inputs else "."
        blank = trace(model, np.zeros((1, model.net.n_in)))
        return replace(blank, cells=()), [why]
    table = read_table(source, sql, as_text=model.as_text)
    notes = list(table.notes)
    table, said = _with_target(model, table)
    notes += said
    if sample is not None and sample >= min(batch, table.rows) and sample < table.rows:
        batch = sample + 1
    used = min(batch, table.rows)
    _, told = model.encode(table.take(list(range(used))))
    found = trace_table(model, table.take(list(range(used))))
    if found.samples is not None and isinstance(found.task.optimizer, LBFGS):
        notes.append("L-BFGS steps by many gradients at once, so the walk ends with the gradient.")
    which = f"all {plural(used, 'row')}" if used == table.rows else (
        f"the first {used} of {plural(table.rows, 'row')}"
    )  # fmt: skip
    how = "" if used == table.rows else "; --rows takes more"
    if found.samples is not None and found.slots:
        forgot = (
            "A model file does not keep what the optimizer remembered, so this is its update 1."
        )
        notes.append(forgot)
    return found, [f"The batch is {which} of {table.source}{how}.", *notes, *told]


def _with_target(model: Model, table: Table) -> tuple[Table, list[str]]:
    if model.target is None:
        return table, ["The model has no target, so only the way forward is walked."]
    column = model.target.column
    if column not in table:
        return table, [f"The table has no column {column!r}, the target: only the way forward."]
    return rows_with(table, column)
