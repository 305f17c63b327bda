"""A trace, read for what is selected: its numbers, names and words, as all files here need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_args

import numpy as np

from glassnet.lab.arithmetic.asked import Asked
from glassnet.lab.arithmetic.rows import TERMS, Row
from glassnet.lab.arithmetic.writing import Writing
from glassnet.lab.pick import Pick, neuron_words
from glassnet.lab.position import Phase
from glassnet.walkthrough.explain import MOST, Index, Working, at, work
from glassnet.walkthrough.look import Look
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.proof import is_derivative
from glassnet.walkthrough.step import Part, Step
from glassnet.walkthrough.trace import Trace

PHASES: tuple[Phase, ...] = get_args(Phase)
NEEDS: dict[Part, Phase] = {
    "given": "ready",
    "forward": "forward",
    "loss": "loss",
    "backward": "backward",
    "gradient": "backward",
    "update": "update",
}
"""The phase in which each part of a trace is computed."""

Main = tuple[str, Index]


@dataclass(frozen=True)
class Told:
    """What is told of one thing.

    title : in pieces, the first of which names it; parts : sections of HTML, in order.
    main : the one number that matters most, and its place.
    """

    title: tuple[str, ...]
    parts: tuple[str, ...]
    main: Main = ("J", ())


@dataclass(frozen=True, eq=False)
class Reading:
    """What is asked for, with the trace that it is read from."""

    asked: Asked

    @property
    def pick(self) -> Pick:
        """What is selected."""
        return self.asked.pick

    @property
    def trace(self) -> Trace:
        """Where every number comes from."""
        return self.asked.trace

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """All numbers, by name."""
        return self.trace.environment()

    @cached_property
    def look(self) -> Look:
        """How numbers are written."""
        asked = self.asked
        numerals = Numerals(4 if asked.digits is None else asked.digits, asked.digits is None)
        look = Look(asked.layout, asked.names, numerals)
        if asked.layout == "columns":
            data = frozenset(step.name for step in self.trace.steps if step.kind == "data")
            look = replace(look, turned=data)
        return look

    @cached_property
    def write(self) -> Writing:
        """It writes them."""
        return Writing(self.trace, self.look)

    # ------------------------------------------------------------ steps and their numbers

    def step(self, called: str) -> Step:
        """A quantity."""
        return self.trace[called]

    def forward_of(self, layer: int) -> list[Step]:
        """The quantities of a layer on the way forward."""
        return [one for one in self.trace.steps if one.part == "forward" and one.layer == layer]

    def array(self, called: str) -> np.ndarray:
        """All its numbers."""
        return np.asarray(self.values[called])

    def value(self, called: str, index: Index = ()) -> float:
        """One of them."""
        return float(np.asarray(self.step(called).value)[index])

    def has(self, part: Part) -> bool:
        """Whether that part of the update is computed yet."""
        if self.trace.samples is None and part not in {"given", "forward"}:
            return False
        return PHASES.index(self.asked.reached) >= PHASES.index(NEEDS[part])

    def working(self, called: str, index: Index, most: int = TERMS) -> Working:
        """How one number comes about."""
        return work(self.step(called), index, self.values, most)

    def result(self, called: str, index: Index) -> str:
        """One number in a line: a₁[0,2] = 0.0623."""
        if called in {"losses", "J"} and self.trace.samples is None:
            return "the loss is not computed"
        own = self.spelled(called, index)
        if not self.has(self.step(called).part):
            return f"{own} not computed yet"
        return f"{own} = {self.look.numerals.of(self.value(called, index))}"

    # ------------------------------------------------------------ in words

    @property
    def s(self) -> int:
        """The current sample's place in the trace."""
        return min(self.asked.sample or 0, len(self.trace.X) - 1)

    @property
    def update_number(self) -> int:
        """Which update comes next."""
        return self.asked.update or self.trace.step + 1

    def row(self, s: int) -> int:
        """A row of the trace as a row of the training data."""
        return s if self.asked.rows is None else int(self.asked.rows[s])

    @property
    def sample_words(self) -> str:
        """The current sample: sample 8."""
        return self.asked.called or f"sample {self.row(self.s) + 1}"

    def words(self, layer: int, unit: int) -> str:
        """A neuron: hidden neuron 3."""
        return neuron_words(self.trace.net, layer, unit, self.asked.inputs, self.asked.outputs)

    def short(self, layer: int, unit: int) -> str:
        """In a table: x1, neuron 3, output 2."""
        depth = len(self.trace.net.layers)
        if layer == 0:
            inputs = self.asked.inputs
            return inputs[unit] if unit < len(inputs) else f"input {unit + 1}"
        if layer < depth:
            return f"neuron {unit + 1}"
        outputs = self.asked.outputs
        if self.trace.net.n_out == 1:
            return "output"
        return outputs[unit] if unit < len(outputs) else f"output {unit + 1}"

    def spelled(self, called: str, index: Index = ()) -> str:
        """A quantity or a place in it, as it is written: W₁[0,2]."""
        return self.look.spelled(at(called, index), self.step(called))

    # ------------------------------------------------------------ as HTML

    def number(self, value: float, *, signed: bool = False) -> str:
        """A number, tinted by its sign."""
        return self.write.number(float(value), signed=signed, tinted=True)

    def name(self, called: str, index: Index = ()) -> str:
        """A quantity or a place in it."""
        return self.write.name(at(called, index), self.step(called))

    def formula(self, called: str) -> str:
        """The formula of a whole array, "" where it was given."""
        step = self.step(called)
        tree = step.written(self.look.layout)
        if tree is None:
            return ""
        said = self.write.formula(tree, step)
        return f'<p class="sum-formula">{self.name(called)} = {said}</p>'

    def sample_row(self, s: int, cells: list[str]) -> Row:
        """The row of a sample, by its place in the trace; the current one is marked."""
        row = self.row(s)
        current = s == self.asked.sample
        return Row(f"sample {row + 1}", cells, Pick("sample", 0, row), current=current)

    def shown(self, called: str, index: Index = (), most: int = MOST) -> str:
        """A number worked out, or that it is not computed yet."""
        step = self.step(called)
        if not self.has(step.part):
            return (
                f'<div class="sum-work"><div class="sum-of">{self.name(called, index)}</div>'
                f'<div class="sum-lines"><p>{self.pending(step.part)}</p></div></div>'
            )
        slope = step.part in {"backward", "gradient"}
        return self.write.working(self.working(called, index, most), signed=slope)

    def pending(self, part: Part) -> str:
        """That it is not computed yet, and what to press."""
        phase = NEEDS[part]
        if self.trace.samples is None and phase not in {"ready", "forward"}:
            words = "not computed: this sample is not in this update, it is only followed forward"
            return f'<span class="sum-pending">{words}</span>'
        return f'<span class="sum-pending">not computed yet: press Next until {phase}</span>'

    def proved(self, called: str, index: Index) -> str:
        """A derivative measured, "" where it is none."""
        part = self.step(called).part
        if not (self.asked.proofs and self.has(part) and is_derivative(called)):
            return ""
        return self.write.proof(self.trace.proof(called, *index))
