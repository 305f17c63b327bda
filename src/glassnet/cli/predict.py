"""`glassnet predict`: a model's answer to every row of a table."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from glassnet.cli.terminal import plural, tell
from glassnet.core.errors import BadInput
from glassnet.exchange.model import load_model
from glassnet.exchange.tables import read_table, write_table


def predict(
    model: Path,
    table: str,
    /,
    *,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    proba: bool = False,
    sql: str | None = None,
) -> int:
    """Ask a model about the rows of a table.

    Parameters
    ----------
    model
        A model file, as `glassnet train` writes it.
    table
        A CSV, TSV, Parquet, JSON or JSON Lines file, or a glob of them, with the columns that the
        model was trained on.
    out
        A CSV or Parquet file, by its ending. Without it: CSV to the standard output.
    proba
        The probability of every class too.
    sql
        A query over the table first, in which it is called data.
    """
    if out is not None and out.exists() and Path(table).exists() and out.samefile(table):
        got = f"-o {out} is the table itself"
        raise BadInput(got, "a file of its own for the predictions is expected")
    loaded = load_model(model)
    rows = read_table(table, sql, as_text=loaded.as_text)
    answer = loaded.predict_table(rows)
    columns = answer.columns(proba=proba)
    messages = Console(highlight=False, stderr=True)
    tell(messages, (*rows.notes, *answer.notes))
    if out is None:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
        return 0
    write_table(out, columns)
    messages.print(f"{plural(rows.rows, 'prediction')} in {out}", soft_wrap=True)
    return 0
