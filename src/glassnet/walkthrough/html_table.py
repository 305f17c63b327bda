"""The value of a step as a table in HTML: headers, + and −, a count of what is left out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from glassnet.walkthrough.labels import axes
from glassnet.walkthrough.look import BLUE, CELL, HEAD, LINES, NUMBERS, ORANGE, SCROLL, SMALL, Look
from glassnet.walkthrough.matrices import Axis
from glassnet.walkthrough.step import Step

MOST = 8
"""The most rows and columns of a table that are shown."""


def table(step: Step, look: Look, index: tuple[int, ...] | None, inputs: Sequence[str] = ()) -> str:
    """The value of a step, rows and columns with their headers; what is left out is counted."""
    value = _laid_out(step, look, index)
    if value.ndim == 0:
        return "" if step.formula is not None else working_free(value, look)
    where = _place_in(step, look, index)
    rows, columns = axes(step, look.layout, tuple(inputs))
    if step.kind == "sample" and look.layout == "rows":
        rows, columns = columns, rows  # one number under the other, as the samples are
    signs = step.part in {"backward", "gradient"} or bool((value < 0).any())
    size = float(np.abs(value[np.isfinite(value)]).max(initial=0.0)) or 1.0
    shown_rows = list(kept(value.shape[0], where[0] if where else 0))
    shown_columns = list(kept(value.shape[1], where[1] if where else 0))
    head = "".join(
        f'<th scope="col" style="{HEAD}right">{_label(columns, j)}</th>' for j in shown_columns
    )
    corner = f'<td style="{HEAD}left"></td>'
    lines = [f"<tr>{corner}{head}</tr>"]
    for i in shown_rows:
        label = f'<th scope="row" style="{HEAD}left">{_label(rows, i)}</th>'
        if isinstance(i, str):
            lines.append(f'<tr>{label}<td colspan="{len(shown_columns)}"></td></tr>')
            continue
        cells = "".join(
            f'<td style="{CELL}">…</td>'
            if isinstance(j, str)
            else _number(float(value[i, j]), look, size, signs=signs, marked=(i, j) == where)
            for j in shown_columns
        )
        lines.append(f"<tr>{label}{cells}</tr>")
    caption = ""
    if step.kind == "jacobian":
        s = index[0] if index else 0
        caption = (
            f'<caption style="text-align:left;{SMALL}">sample {s} of {step.shape[0]}</caption>'
        )
    style = f"border-collapse:collapse;{NUMBERS};margin:.3em 0"
    return f'<div style="{SCROLL}"><table style="{style}">{caption}{"".join(lines)}</table></div>'


def working_free(value: np.ndarray, look: Look) -> str:
    """A single number that is given."""
    return f'<p style="{NUMBERS};{LINES}"><b>{look.numerals.of(float(value))}</b></p>'


def kept(size: int, chosen_one: int, most: int = MOST) -> Iterator[int | str]:
    """The rows that are shown, and where some are left out, how many."""
    if size <= most + 1:  # one left out would need as much room
        yield from range(size)
        return
    last = -1
    for i in sorted({*range(most - 2), min(chosen_one, size - 1), size - 1}):
        if i - last > 1:
            yield f"… {i - last - 1} more"
        yield i
        last = i


def _laid_out(step: Step, look: Look, index: tuple[int, ...] | None) -> np.ndarray:
    """The value as a matrix; a single number as it is."""
    value = np.asarray(step.shown(look.layout))
    if step.kind == "jacobian":
        return value[index[0] if index else 0]
    if value.ndim == 1:
        column = step.kind == "sample" and look.layout == "rows"
        return value[:, None] if column else value[None]
    return value


def _place_in(step: Step, look: Look, index: tuple[int, ...] | None) -> tuple[int, int] | None:
    if index is None or step.kind == "number":
        return None
    if step.kind == "jacobian":
        return index[1], index[2]
    if len(index) == 1:
        column = step.kind == "sample" and look.layout == "rows"
        return (index[0], 0) if column else (0, index[0])
    turned = step.kind == "data" and look.layout == "columns"
    return (index[1], index[0]) if turned else (index[0], index[1])


def _label(axis: Axis, i: int | str) -> str:
    return escape(i if isinstance(i, str) else axis.label(i))


def _number(value: float, look: Look, size: float, *, signs: bool, marked: bool) -> str:
    shown = look.numerals.of(value, signed=signs)
    style = CELL
    if value and math.isfinite(value):
        strength = 0.08 + 0.34 * min(abs(value) / size, 1.0)
        style += f";background:rgba({BLUE if value > 0 else ORANGE},{strength:.2f})"
    if marked:
        style += ";outline:2px solid;outline-offset:-2px"
        shown = f"<b>{shown}</b>"
    return f'<td style="{style}">{shown}</td>'
