"""The loss: of each sample, all together, and what the objective makes of it."""

from __future__ import annotations

from glassnet.lab.arithmetic.reading import Reading, Told
from glassnet.lab.arithmetic.rows import TERMS, closing, count, section, table


def loss(read: Reading) -> Told:
    """The loss sample by sample, the penalty, the objective."""
    words = read.step("losses").words
    head = section("The loss of a sample", read.formula("losses"), words, phase="loss")
    parts = [head, _samples(read)]
    if "penalty" in read.trace:
        parts.append(section("The penalty", read.shown("penalty"), read.step("penalty").words))
    parts.append(objective(read))
    return Told(("loss",), tuple(parts))


def objective(read: Reading, heading: str = "The objective J") -> str:
    """J worked out."""
    return section(heading, read.shown("J"), read.step("J").words, phase="loss")


def _samples(read: Reading) -> str:
    # the largest one by one; with weights, what they make of it
    heading = "Sample by sample"
    if not read.has("loss"):
        return section(heading, f"<p>{read.pending('loss')}</p>")
    one, losses = read.working("L", ()), read.array("losses")
    head = ["sample", "ℓ"] + ["w · ℓ"] * ("w" in read.trace)
    rows = []
    for term in one.terms:
        s = next(factor.index[0] for factor in term.factors if factor.name == "losses")
        cells = [read.number(losses[s]), read.number(term.value)]
        rows.append(read.sample_row(s, cells[: len(head) - 1]))
    words = f"The {TERMS} largest of {count(len(losses), 'samples')}." if one.hidden else ""
    return section(heading, table(head, rows, closing("L", one, len(head) - 2, read.number)), words)
