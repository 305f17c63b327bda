"""A matrix as lines of text: labels, numbers one below the other, a count of what is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from glassnet.core.formula import Array
from glassnet.walkthrough.numerals import MINUS, Numerals, aligned
from glassnet.walkthrough.wrapping import wrap_words

MOST_ROWS = 8
LABEL = 16
POSITIVE, NEGATIVE, QUIET = "dodger_blue1", "dark_orange", "dim"
"""Blue and orange, which all eyes tell apart; the sign is written too."""


@dataclass(frozen=True)
class Axis:
    """What runs along a side of a matrix: a label for each place, and what the places are."""

    label: Callable[[int], str]
    noun: str


def matrix(
    values: Array,
    rows: Axis,
    columns: Axis,
    *,
    numerals: Numerals,
    signed: bool,
    width: int,
    indent: str = "    ",
) -> list[Text]:
    """The lines of a matrix, no longer than the width; what does not fit is counted."""
    n, m = values.shape
    shown_rows = n if n <= MOST_ROWS + 1 else MOST_ROWS
    names = [_short(rows.label(i)) for i in range(shown_rows)]
    left = max(map(len, names), default=0)
    blocks: list[list[Text]] = []
    used = len(indent) + left
    for j in range(m):
        block = _column(values[:shown_rows, j], _short(columns.label(j)), numerals, signed=signed)
        more = 3 if j < m - 1 else 0
        if blocks and used + 2 + len(block[0]) + more > width:
            break
        if not blocks and used + 2 + len(block[0]) + more > width:  # shorter labels, then
            left = max(width - len(indent) - 2 - len(block[0]) - more, 1)
            names = [_short(name, left) for name in names]
            used = len(indent) + left
        blocks.append(block)
        used += 2 + len(block[0])
    lines = []
    for i in range(shown_rows + 1):
        line = Text(indent)
        line.append(f"{names[i - 1] if i else '':<{left}}", style=QUIET)
        for block in blocks:
            line.append("  ")
            line.append_text(block[i])
        if i == 0 and len(blocks) < m:
            line.append("  …", style=QUIET)
        line.rstrip()
        lines.append(line)
    said = []
    if len(blocks) < m:
        said.append(f"{_count(m - len(blocks), columns.noun)} to the right")
    if shown_rows < n:
        said.append(f"{_count(n - shown_rows, rows.noun)} below")
    if said:
        lines += [
            Text(part, style=QUIET) for part in wrap_words("… " + ", ".join(said), width, indent)
        ]
    return lines


def colour(text: str) -> str:
    """The style of a number by the sign that it is written with."""
    return NEGATIVE if text.lstrip(" (").startswith(MINUS) else POSITIVE if "+" in text[:1] else ""


def _column(values: Array, label: str, numerals: Numerals, *, signed: bool) -> list[Text]:
    cells = aligned([numerals.of(float(x), signed=signed) for x in values])
    wide = max([len(label), *map(len, cells)])
    found = [Text(f"{label:>{wide}}", style=QUIET)]
    for cell in cells:
        text = Text(" " * (wide - len(cell)))
        text.append(cell, style=colour(cell.strip()) if signed else "")
        found.append(text)
    return found


def _short(label: str, most: int = LABEL) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"


def _count(count: int, noun: str) -> str:
    return f"{count} more {noun}" if count == 1 else f"{count} more {noun}s"


def is_signed(values: Array) -> bool:
    """Whether any number is below 0, so that the signs tell something."""
    return bool((np.asarray(values) < 0).any())
