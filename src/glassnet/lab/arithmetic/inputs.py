"""An input: where its number comes from, and where it goes."""

from __future__ import annotations

from html import escape

from glassnet.lab.arithmetic.links import links_out
from glassnet.lab.arithmetic.reading import Reading, Told
from glassnet.lab.arithmetic.rows import section


def an_input(read: Reading) -> Told:
    """One input of the current sample."""
    i, place = read.pick.unit, (read.s, read.pick.unit)
    layout = read.look.layout
    shown = place[::-1] if layout == "columns" else place
    cell = read.trace.explain("X", *shown, layout=layout).cell
    lines = [f"{read.name('X', place)} = {read.number(read.value('X', place))}"]
    lines += map(escape, cell)
    if not cell and i < len(read.asked.scaling):
        lines.append(f"{escape(read.asked.scaling[i])}.")
    parts = (
        section("Where it comes from", "".join(f"<p>{line}</p>" for line in lines)),
        section("Links out", links_out(read, 0, i), phase="backward"),
    )
    return Told((read.words(0, i), read.sample_words), parts, ("X", place))
