"""`glassnet evaluate`: how good a model is on rows whose target is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.terminal import as_json, console, pairs, plural, table, tell, title
from glassnet.core.errors import BadInput
from glassnet.engines.reference import Reference
from glassnet.exchange.model import load_model
from glassnet.exchange.tables import read_table
from glassnet.exchange.targets import Classes, rows_with
from glassnet.plots import confusion_counts
from glassnet.tabular import evaluate as measure


def evaluate(
    model: Path,
    rows: Annotated[str, Parameter(name="TABLE")],
    /,
    *,
    sql: str | None = None,
    json: bool = False,
) -> int:
    """Measure a model on rows whose target is known.

    Parameters
    ----------
    model
        A model file, as `glassnet train` writes it.
    rows
        A table with the model's columns and its target.
    sql
        A query over the table first, in which it is called data.
    json
        The same as data.
    """
    loaded = load_model(model)
    if loaded.target is None:
        raise BadInput(f"{model} was not made from a table", "a model with a target is expected")
    known, notes = rows_with(read_table(rows, sql, as_text=loaded.as_text), loaded.target.column)
    X, told = loaded.encode(known)
    y = loaded.target.encode(known)
    found = measure(loaded.task, loaded.theta, loaded.target, (X, y), Reference())
    counts = None
    if isinstance(loaded.target, Classes):
        counts, _ = confusion_counts(found.true, found.predicted, loaded.target.labels)
    screen = console()
    if json:
        data: dict[str, object] = {"rows": found.rows, "loss": found.loss, **found.scores}
        if counts is not None and isinstance(loaded.target, Classes):
            data |= {"labels": list(loaded.target.labels), "confusion": counts.tolist()}
        as_json(screen, data)
        return 0
    title(screen, f"{known.source}: {plural(found.rows, 'row')}")
    tell(screen, (*known.notes, *notes, *told))
    scores = {name: f"{value:.4g}" for name, value in found.scores.items()}
    unit = "" if isinstance(loaded.target, Classes) else f" of {loaded.target.column} as encoded"
    pairs(screen, {"loss": f"{found.loss:.4g} (mean {loaded.task.loss}{unit})", **scores})
    if counts is not None and isinstance(loaded.target, Classes):
        labels = loaded.target.labels
        screen.print()
        grid = table([f"true {loaded.target.column}", *labels], right=labels)
        for label, row in zip(labels, counts, strict=True):
            grid.add_row(label, *map(str, row))
        screen.print("Rows taken for each class:")
        screen.print(grid)
    return 0
