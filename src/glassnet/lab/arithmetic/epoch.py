"""An epoch: a point of the curve."""

from __future__ import annotations

from html import escape

from glassnet.lab.arithmetic.loss import objective
from glassnet.lab.arithmetic.reading import Reading, Told
from glassnet.lab.arithmetic.rows import Row, section, table


def epoch(read: Reading) -> Told:
    """What was recorded there, and how the objective goes on."""
    rows = [
        Row(label, [escape(value) if isinstance(value, str) else read.number(value)])
        for label, value in read.asked.recorded
    ]
    body = table(["recorded", ""], rows) if rows else "<p>Nothing was recorded here.</p>"
    parts = (
        section("This point of the curve", body),
        objective(read, "The objective J, from here"),
    )
    return Told((f"epoch {read.pick.unit}",), parts)
