"""How a trace is shown in HTML: what is chosen, and the styles that it takes.

Text is in the colour of the page, so it suits light and dark. Colour means the sign, blue for + and
orange for −, the fuller the larger, and the sign itself stands beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from glassnet.walkthrough import naming
from glassnet.walkthrough.as_text import plain
from glassnet.walkthrough.explain import SUM
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.step import Layout, Names, Step, check_shown

BLUE, ORANGE = "38,128,220", "235,125,10"
LINE = "1px solid rgba(128,128,128,.4)"
CELL = "padding:.2em .6em;text-align:right;white-space:nowrap;border:" + LINE
HEAD = "padding:.2em .6em;font-weight:normal;opacity:.8;white-space:nowrap;text-align:"
SCROLL = "overflow-x:auto;max-width:100%"
NUMBERS = "font-variant-numeric:tabular-nums"
LINES = "margin:.5em 0;line-height:2;" + SCROLL
SMALL = "margin:.5em 0;font-size:.9em;opacity:.85"
OUTER = "max-width:60em;line-height:1.5;text-align:left"


@dataclass(frozen=True)
class Look:
    """How a trace is shown.

    sample, neuron : of which one number of each step is worked out.
    anchor : what the page's own links begin with; made from the trace where it is left out.
    turned : the quantities that are shown transposed, so their places are too; from the trace.
    """

    layout: Layout = "rows"
    names: Names = "math"
    numerals: Numerals = field(default_factory=Numerals)
    sample: int = 0
    neuron: int = 0
    unfolded: bool = False
    anchor: str = ""
    turned: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        check_shown(self.layout, self.names)

    def spelled(self, name: str, step: Step) -> str:
        """The name of a quantity or of a place in one, as mathematics or the notebook calls it."""
        if name.startswith("Σ "):  # a whole sum: Σ W1^2
            return re.sub(r"[A-Za-z]\w+", lambda found: self.spelled(found[0], step), name)
        if name == SUM or " " in name:  # the terms are beside it; k = j
            return name
        called, _, inside = name.removesuffix("]").partition("[")
        if plain(called) != called:
            return plain(called)
        said = naming.math(called) if self.names == "math" else naming.seed(called, step.net)
        if called in self.turned:
            inside = ",".join(reversed(inside.split(",")))
        return f"{said}[{inside}]" if inside else said
