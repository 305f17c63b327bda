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
    keep: tuple[int, int] = (0, 0),
    indent: str = "    ",
) -> list[Text]:
    """The lines of a matrix, no longer than the width; what does not fit is counted.

    keep : the place that is looked at, which is shown even where what is around it is not.
    """
    n, m = values.shape
    chosen = _rows(n, keep[0])
    names = [_short(rows.label(i)) for i in chosen]
    left = max(map(len, names), default=0)

    def block(j: int) -> list[Text]:
        label = _short(columns.label(j))
        return _column(values[chosen, j], label, numerals, signed=signed)

    kept = block(keep[1])
    if len(indent) + left + len(kept[0]) + 5 > width:  # not even that one: shorter labels, then
        left = max(width - len(indent) - len(kept[0]) - 5, 1)
        names = [_short(name, left) for name in names]
    room = width - len(indent) - left
    blocks: dict[int, list[Text]] = {}
    for j in range(m):
        one = kept if j == keep[1] else block(j)
        last = max(j, keep[1])
        need = 2 + len(one[0]) + (3 if last < m - 1 else 0)
        need += 2 + len(kept[0]) + (3 if j + 1 < keep[1] else 0) if j < keep[1] else 0
        if need > room and not (j == keep[1] and not blocks):
            break
        blocks[j] = one
        room -= 2 + len(one[0])
    if keep[1] not in blocks:
        blocks[keep[1]] = kept
    lines = []
    for i in range(len(chosen) + 1):
        if i > 1 and chosen[i - 1] > chosen[i - 2] + 1:
            lines.append(Text(f"{indent}…", style=QUIET))
        line = Text(indent)
        line.append(f"{names[i - 1] if i else '':<{left}}", style=QUIET)
        for j, one in blocks.items():
            if j and j - 1 not in blocks:
                line.append("   " if i else "  …", style=QUIET)
            line.append("  ")
            line.append_text(one[i])
        if i == 0 and m - 1 not in blocks:
            line.append("  …", style=QUIET)
        line.rstrip()
        lines.append(line)
    said = [
        _count(whole - shown, axis.noun)
        for whole, shown, axis in ((m, len(blocks), columns), (n, len(chosen), rows))
        if shown < whole
    ]
    if said:
        text = "… " + ", ".join(said)
        lines += [Text(part, style=QUIET) for part in wrap_words(text, width, indent)]
    return lines


def _rows(n: int, keep: int) -> list[int]:
    # the first ones; an elision of one row would save nothing
    if n <= MOST_ROWS + 1:
        return list(range(n))
    if keep < MOST_ROWS:
        return list(range(MOST_ROWS))
    return [*range(MOST_ROWS - 1), keep]


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
