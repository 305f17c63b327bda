"""Tables whose rows can be chosen, and the sections that hold them, as HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from glassnet.lab.pick import Pick
from glassnet.lab.position import Phase
from glassnet.walkthrough.explain import Working

TERMS = 12
"""The most terms of a sum, links of a neuron or samples that are shown one by one."""


@dataclass(frozen=True)
class Row:
    """A row of a table: what it is of, its cells as HTML, what choosing it selects."""

    label: str
    cells: Sequence[str]
    pick: Pick | None = None
    current: bool = False


def table(
    head: Sequence[str], rows: Sequence[Row], last: Sequence[Row] = (), words: str = ""
) -> str:
    """A table; `last` are its totals. Labels and heads are text, cells are HTML."""
    top = "".join(f'<th scope="col">{h}</th>' for h in head)
    body = "".join(map(_row, rows))
    foot = f"<tfoot>{''.join(map(_row, last))}</tfoot>" if last else ""
    caption = f"<caption>{escape(words)}</caption>" if words else ""
    return (
        f'<div class="sum-scroll"><table class="sum-table">{caption}<thead><tr>{top}'
        f"</tr></thead><tbody>{body}</tbody>{foot}</table></div>"
    )


def _row(row: Row) -> str:
    cells = "".join(f"<td>{cell}</td>" for cell in row.cells)
    if row.pick is None:
        return f'<tr><th scope="row">{escape(row.label)}</th>{cells}</tr>'
    label = f'<button type="button">{escape(row.label)}</button>'
    marked = ' aria-current="true"' if row.current else ""
    return (
        f'<tr class="sum-row" {target(row.pick)}{marked}><th scope="row">{label}</th>{cells}</tr>'
    )


def target(pick: Pick) -> str:
    """The attribute that says what a click selects."""
    return f'data-pick="{escape(pick.json)}"'


def link(pick: Pick, inside: str) -> str:
    """A button that selects; `inside` is HTML."""
    return f'<button type="button" class="sum-link" {target(pick)}>{inside}</button>'


def section(heading: str, body: str, words: str = "", *, phase: Phase = "ready") -> str:
    """A part of the panel. Heading and words are text, the body is HTML.

    phase : the one that it tells of, where Next makes it; the page shows it then.
    """
    said = f'<p class="sum-words">{escape(words)}</p>' if words else ""
    of = "" if phase == "ready" else f' data-phase="{phase}"'
    return f'<section class="sum-part"{of}><h3>{escape(heading)}</h3>{said}{body}</section>'


def count(many: int, noun: str) -> str:
    """1 234 more."""
    return f"{many:,} {noun}".replace(",", " ")


def left_out(size: int, wide: int) -> list[Row]:
    """The last row of a table so wide that shows TERMS of more."""
    return [Row(count(size - TERMS, "more"), [""] * (wide - 1))] if size > TERMS else []


def closing(label: str, one: Working, blanks: int, number: Callable[[float], str]) -> list[Row]:
    """The last rows of a table of terms: what the others add up to, and the sum of all."""
    found = [Row(label, [*[""] * blanks, number(one.value)])]
    if one.hidden:
        found.insert(0, Row(count(one.hidden, "more"), [*[""] * blanks, number(one.rest)]))
    return found
