"""What is said of a table, in words of the page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from glassnet.core.errors import GlassnetError

LONGEST = 40
"""Letters of a cell in a preview."""

NAMED = 3
"""Rows that are named one by one; the others are counted."""

WORDS = (
    (r" \(--task (\w+) for \w+\)", ""),
    (r"Leave it out: --ignore .*", "Untick the column."),
    (r"Leave it out: --sql .*", "Leave the column out of the file."),
    (r"Try --sql with date_diff.*", "Write it as a number of days."),
    (r"or try --task (\w+)\.", r"or learn it as \1."),
    (r"Try --task (\w+)\.", r"Learn it as \1."),
    (r", or try iconv [^.]*", ""),
)
"""What the command line says, and what the page says instead."""


def spoken(error: GlassnetError) -> GlassnetError:
    """The same error in words of the page, which has no command line."""
    return type(error)(error.got, error.wanted, said_here(error.hint))


def said_here(text: str) -> str:
    """A text of the command line as the page says it."""
    for pattern, words in WORDS:
        text = re.sub(pattern, words, text)
    return text


def short(text: str, most: int = LONGEST) -> str:
    """A cell's text in one line, cut where it is long."""
    text = " ".join(str(text).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def rows_named(numbers: Sequence[int]) -> str:
    """Row 3; rows 3, 7 and 9; rows 3, 7, 9 and 12 more; nothing for none.

    >>> rows_named([3, 7, 9, 10])
    'rows 3, 7, 9 and 1 more'
    """
    if len(numbers) < 2:
        return "".join(f"row {number}" for number in numbers)
    if len(numbers) > NAMED:
        shown = ", ".join(str(number) for number in numbers[:NAMED])
        return f"rows {shown} and {len(numbers) - NAMED:,} more"
    return f"rows {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
