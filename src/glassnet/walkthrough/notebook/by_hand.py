"""The cells of one update by hand: each number in a cell, its formula above it, then its proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from glassnet.walkthrough import naming
from glassnet.walkthrough.as_latex import LATEX_GREEK
from glassnet.walkthrough.expression import Expression
from glassnet.walkthrough.notebook.cells import Cell, code, printed, text
from glassnet.walkthrough.notebook.lesson import Pen, checked_steps, skipped
from glassnet.walkthrough.notebook.masks import drawn
from glassnet.walkthrough.step import Step
from glassnet.walkthrough.trace import Trace

HEADINGS = {
    "forward": "Forward propagation",
    "loss": "The loss",
    "backward": "Backward propagation",
    "gradient": "The gradient of the objective",
    "update": "The update",
}


def by_hand(pen: Pen, walked: Trace) -> Iterator[Cell]:
    """From the initial weights to those after one update."""
    one, key = pen.one, pen.one.prefix
    yield text(
        "## The initial weights\n\nIn a function, so that every run begins at the same place.",
        f"{key}weights-text",
    )
    lines = [*pen.begin("initial_weights", "", walked.task, walked.slots), "", ""]
    lines.append(f"{pen.weights()} = initial_weights()")
    for part in one.net.names:
        lines += printed(pen.spell(part))
    yield code(lines, f"{key}initial_weights")
    bare = skipped(walked)
    part = ""
    due: list[Step] = []
    done: set[str] = set()
    given = pen.objective(walked.task)
    memory = pen.memory("", walked.task, walked.slots)
    count = [f"t = {walked.step + 1}  # the number of this update"] if pen.uses("t") else []
    begins = {
        "forward": drawn(pen, walked.step),
        "loss" if walked.task.l1 or walked.task.l2 else "gradient": given,
        "update": [*pen.rate(walked.task, by_hand=True), *count, *memory],
    }
    for step in checked_steps(walked):
        if step.part != part:
            if due:
                yield _asserts(pen, due, f"{key}check-{part}")
            part, due = step.part, []
            heading = HEADINGS[part]
            when = " Everything is from before the update." if part == "forward" else ""
            extra = ""
            if part == "update" and bare:
                extra = " The objective is the sum itself, so that ∂J/∂W is ∂L/∂W."
            said = [f"## {heading}", *([(when + extra).strip()] if when or extra else [])]
            yield text("\n\n".join(said), f"{key}{part}")
            if begins.get(part):
                yield code(begins[part], f"{key}{part}-constants")
        if step.part != "update" or step.name.startswith("new_"):
            due.append(step)
        if step.part == "update":
            ends = step.name.rpartition("_")[2]
            if ends in done:
                continue
            done.add(ends)
            group = [
                s
                for s in checked_steps(walked)
                if s.part == "update" and s.name.endswith(f"_{ends}")
            ]
            yield from _group(pen, group, bare, ends)
        else:
            yield from _group(pen, [step], bare, step.name)
    if due:
        yield _asserts(pen, due, f"{key}check-{part}")


def _group(
    pen: Pen, steps: list[Step], bare: Mapping[str, Expression], subject: str
) -> Iterator[Cell]:
    """Some steps in one cell, the formulas above it; the last one is printed."""
    last, key = steps[-1], pen.one.prefix
    said = []
    for step in steps:
        tree = step.written(pen.layout)
        assert tree is not None
        said.append(f"{_latex(step.name)} = {tree.latex(_latex)}")
    body = r" \\ ".join(line.replace(" = ", " &= ", 1) for line in said)
    formula = said[0] if len(said) == 1 else rf"\begin{{aligned}} {body} \end{{aligned}}"
    words = last.words
    if pen.names == "seed":
        words = f"`{pen.spell(last.name)}` · {words}"
    yield text(f"### {last.symbol}\n\n{words}\n\n$${formula}$$", f"{key}about-{subject}")
    lines = [line for step in steps for line in pen.step(step, bare)]
    called = pen.spell(last.name)
    lines += printed(called) if last.shape else [f'print("{called}:", {called})']
    yield code(lines, f"{key}{subject}")


def _latex(quantity: str) -> str:
    return LATEX_GREEK.get(quantity) or naming.latex(quantity)


def _asserts(pen: Pen, steps: list[Step], key: str) -> Cell:
    return code([line for step in steps for line in pen.check(step)], key)
