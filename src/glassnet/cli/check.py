"""`glassnet check`: every derivative of a model beside its measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from glassnet.cli.terminal import as_json, console, plural, table, tell, title
from glassnet.core.errors import BadInput
from glassnet.exchange.model import load_model
from glassnet.exchange.tables import read_table
from glassnet.exchange.targets import rows_with
from glassnet.walkthrough.check import check_gradients


def check(
    model: Path,
    rows: Annotated[str, Parameter(name="TABLE")],
    /,
    *,
    sql: str | None = None,
    most: Annotated[int, Parameter(name="--rows")] = 100,
    tol: float = 1e-6,
    json: bool = False,
) -> int:
    """Prove the gradient of every parameter by measuring it.

    Each parameter is moved a little up and down, and the slope of the objective is measured:
    (J(w + h) - J(w - h)) / 2h, in float64. Status 1 where one does not agree.

    Parameters
    ----------
    model
        A model file, as `glassnet train` writes it.
    rows
        A table with the model's columns and its target.
    sql
        A query over the table first, in which it is called data.
    most
        Use the first so many rows; the proof does not get better with more.
    tol
        The largest relative error that counts as right.
    json
        The same as data.
    """
    loaded = load_model(model)
    if loaded.target is None:
        raise BadInput(f"{model} was not made from a table", "a model with a target is expected")
    if most < 1:
        raise BadInput(f"--rows {most}", "1 or more is expected", "Try --rows 100.")
    known, notes = rows_with(read_table(rows, sql, as_text=loaded.as_text), loaded.target.column)
    known = known.take(list(range(min(most, known.rows))))
    X, told = loaded.encode(known)
    found = check_gradients(loaded.task, loaded.theta, X, loaded.target.encode(known), tol=tol)
    right = all(part.agrees for part in found)
    screen = console()
    if json:
        parts = [
            {
                "name": part.name,
                "layer": part.layer,
                "shape": list(part.shape),
                "largest_relative_error": part.error,
                "at": list(part.worst),
                "computed": float(part.computed[part.worst]),
                "measured": float(part.measured[part.worst]),
                "kinks": part.kinks,
                "agrees": part.agrees,
            }
            for part in found
        ]
        as_json(screen, {"rows": known.rows, "tol": tol, "agrees": right, "parts": parts})
        return 0 if right else 1
    title(screen, f"Gradient of {plural(loaded.net.n_params, 'parameter')} on the first "
                  f"{plural(known.rows, 'row')} of {known.source}")  # fmt: skip
    tell(screen, (*notes, *told))
    columns = ["", "shape", "largest\nrelative\nerror", "at", "computed", "measured", "verdict"]
    grid = table(columns, right=[columns[2], *columns[4:6]])
    for column in grid.columns[:-1]:
        column.no_wrap = screen.width >= 80  # a number in two lines is none; below there is no room
    for part in found:
        at = ",".join(map(str, part.worst))
        grid.add_row(
            part.name,
            "×".join(map(str, part.shape)),
            f"{part.error:.1e}",
            f"[{at}]",
            f"{part.computed[part.worst]:+.7e}",
            f"{part.measured[part.worst]:+.7e}",
            part.verdict,
        )
    screen.print(grid)
    screen.print(
        f"Each slope agrees with its measurement to within {tol:g}."
        if right
        else f"A slope differs from its measurement by more than {tol:g}: the derivative is wrong, "
        "or the objective is not smooth there."
    )
    return 0 if right else 1
