"""A neuron: its sum, its answer, its δ, and its links."""

from __future__ import annotations

import re

from glassnet.lab.arithmetic.links import links_in, links_out
from glassnet.lab.arithmetic.reading import Reading, Told
from glassnet.lab.arithmetic.rows import link, section
from glassnet.lab.pick import Pick

HEADS = {
    "z": "The sum z",
    "a": "The answer a",
    "m": "The mask m: kept, or left out by chance",
    "h": "What goes on, h",
}


def neuron(read: Reading) -> Told:
    """Forward and back through one neuron, on the current sample."""
    k, j, s = read.pick.layer, read.pick.unit, read.s
    parts = [
        section(HEADS[step.name[0]], read.shown(step.name, (s, j)), step.words, phase="forward")
        for step in read.forward_of(k)
    ]
    if read.has("loss"):
        parts.append(_loss(read))
    parts.append(_delta(read, k, j))
    parts.append(section("Links in", links_in(read, k, j), phase="update"))
    parts.append(section("Links out", links_out(read, k, j)))
    return Told((read.words(k, j), read.sample_words), tuple(parts), (f"a{k}", (s, j)))


def _loss(read: Reading) -> str:
    # what all neurons' answers end in
    said = f"{read.name('losses', (read.s,))} = {read.number(read.value('losses', (read.s,)))}"
    whole = link(Pick("loss"), "the loss, sample by sample")
    return section("The loss of this sample", f"<p>{said}</p><p>{whole}</p>", phase="loss")


def _delta(read: Reading, k: int, j: int) -> str:
    # δ = ∂L/∂z, and what it is made of
    head = "δ = ∂L/∂z"
    if read.trace.samples is None:
        return section(head, f"<p>{read.pending('backward')}</p>", phase="backward")
    step, place = read.step(f"dL_dz{k}"), (read.s, j)
    made = []
    # straight from answer and target, where the loss closes: then nothing leads to it
    if read.has("backward") and f"dL_da{k}" in step.operands:
        made = [
            read.shown(one.name, place)
            for one in read.trace.steps
            if one.part == "backward" and one.kind == "data"
            and re.fullmatch(rf"dL_d[ah]{k}|da{k}_dz{k}", one.name)
        ]  # fmt: skip
    made.append(read.shown(step.name, place))
    made.append(read.proved(step.name, place))
    return section(head, "".join(made), step.words, phase="backward")
