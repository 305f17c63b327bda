"""`glassnet quiz`: numbers are hidden, the learner types them, likely slips are named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

from glassnet.cli.terminal import console, title
from glassnet.cli.walk import notebook_trace
from glassnet.core.errors import BadInput
from glassnet.exchange.model import load_model
from glassnet.exchange.tables import read_table
from glassnet.tabular import trace_table
from glassnet.walkthrough.quiz import ASKED, TOLERANCE, Question, Quiz
from glassnet.walkthrough.trace import Trace

Asked = Literal["all", "forward", "loss", "backward", "gradient", "update"]


def quiz(
    model: Path | None = None,
    table: str | None = None,
    /,
    *,
    questions: int = 10,
    seed: int = 0,
    part: Asked = "all",
    rows: int = 3,
    sql: str | None = None,
    handout: bool = False,
) -> int:
    """Work out the numbers of a network by hand.

    Type a number (0.5, 0,5, -1/3), Enter for the answer, q to stop. Without a model the questions
    are about the teaching notebook's network.

    Parameters
    ----------
    model
        A model file, as `glassnet train` writes it.
    table
        A table with the model's columns; with its target too, if more than the way forward is
        asked.
    questions
        How many.
    seed
        Another one asks for other numbers.
    part
        Ask only about forward, loss, backward, gradient or update.
    rows
        The first so many rows of the table make the batch.
    sql
        A query over the table first, in which it is called data.
    handout
        Print all questions on one sheet, and the answers at its end.
    """
    trace, about = _opened(model, table, sql, rows)
    made = trace.quiz(questions, seed, ASKED if part == "all" else (part,))
    screen = console()
    if handout:
        screen.print(f"{about}, network {trace.net}\n")
        screen.print(Text(made.handout()))
        return 0
    return play(screen, made)


def _opened(model: Path | None, table: str | None, sql: str | None, rows: int) -> tuple[Trace, str]:
    """What is asked about, and its name."""
    if model is None:
        return notebook_trace(), "The teaching notebook, three samples"
    if table is None:
        raise BadInput(f"{model} without a table", "a table with its columns is expected")
    if rows < 1:
        raise BadInput(f"--rows {rows}", "1 or more is expected", "Try --rows 3.")
    loaded = load_model(model)
    read = read_table(table, sql, as_text=loaded.as_text)
    count = min(rows, read.rows)
    return trace_table(loaded, read, range(count)), f"{model}, {count} rows of {read.source}"


def play(screen: Console, made: Quiz) -> int:
    """Ask all questions, and tell how many were right at once."""
    screen.print(f"{len(made)} numbers to work out. Right is: {TOLERANCE}.")
    screen.print("Enter shows the answer, q stops.", style="dim")
    right = asked = 0
    for i, question in enumerate(made, 1):
        title(screen, f"{i}/{len(made)}")
        screen.print(Text(question.ask()))
        found = _answered(screen, question)
        if found is None:
            break
        asked += 1
        right += found
    screen.print(f"\n{right} of {asked} right at the first try.")
    return 0


def _answered(screen: Console, question: Question) -> bool | None:
    """Whether the first try was right; None where the learner stops."""
    first = True
    while True:
        screen.print("? ", end="")
        typed = sys.stdin.readline()
        if not typed or typed.strip().lower() in {"q", "quit"}:
            screen.print()
            return None
        if not typed.strip():
            screen.print(Text(question.solution()))
            return False
        verdict = question.judge(typed)
        screen.print(Text(verdict.said))
        if verdict.right:
            return first
        first = first and verdict.right is None
