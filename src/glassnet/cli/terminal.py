"""What the commands share: the console, and how a thing is said in the terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from glassnet.core.optimizers import LBFGS
from glassnet.engines.base import Task


def console() -> Console:
    """Where a command writes: as wide as the terminal; piped, the same text without colour."""
    return Console(highlight=False, soft_wrap=False, file=sys.stdout)


def title(out: Console, text: str) -> None:
    """A heading with space above it."""
    out.print()
    out.print(Text(text, style="bold"))


def tell(out: Console, notes: Iterable[str]) -> None:
    """Notes, one a line, indented; what wraps stays indented."""
    grid = Grid.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for note in notes:
        grid.add_row(Text(" ·", style="dim"), Text(note))
    if grid.row_count:
        out.print(grid)


def pairs(out: Console, rows: Mapping[str, object]) -> None:
    """Names and what they are, in two columns."""
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in rows.items():
        grid.add_row(Text(name), Text(str(value)))
    out.print(grid)


def table(columns: Sequence[str], *, right: Iterable[str] = ()) -> Grid:
    """An empty table with a rule under its head; columns named in `right` hold numbers."""
    grid = Grid(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1))
    for name in columns:
        grid.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return grid


def as_json(out: Console, value: Any) -> None:
    """The same as data: nothing but JSON."""
    out.file.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + os.linesep)


def objective_in_words(task: Task) -> str:
    """The loss, its reduction and its penalties, said aloud."""
    said = f"{task.loss}, {task.reduction} over the samples"
    if task.l1:
        said += f" + {task.l1:g}·Σ|W|"
    if task.l2:
        said += f" + ½·{task.l2:g}·ΣW²"
    return said


def steps_in_words(task: Task, batch_size: int | None) -> str:
    """The optimizer, clipping, dropout, and the rows of an update."""
    said = str(task.optimizer)
    if task.clip is not None and not isinstance(task.optimizer, LBFGS):
        said += f", gradient clipped at norm {task.clip:g}"
    if task.dropout is not None and any(rates := task.dropout.rates(task.net)[:-1]):
        said += f", dropout {', '.join(f'{rate:g}' for rate in rates)}"
    all_rows = batch_size is None or isinstance(task.optimizer, LBFGS)
    return said + (", all rows in one batch" if all_rows else f", batches of {batch_size}")


def plural(count: int, noun: str) -> str:
    """1 row, 2 rows."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
