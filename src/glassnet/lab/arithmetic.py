"""The arithmetic of what is selected: formula, the same with its numbers, result, proof, links.

    trace, pick, sample, phase reached → title and HTML

Nothing is computed here. Every number is one of the trace's, worked out by `explain` and measured
by `proof`; what the phase has not reached is said to be not computed yet. Words count from 1,
places in brackets from 0. All text that comes from a visitor is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import Any, Literal

import numpy as np

from glassnet.core.optimizers import SGD, Momentum, Nesterov
from glassnet.lab.pick import Pick, layer_words, neuron_words
from glassnet.lab.worked import Row, Writing, count, link, table, target
from glassnet.walkthrough.card import card
from glassnet.walkthrough.explain import MOST, Index, Term, Working, at, largest, work
from glassnet.walkthrough.expression import Expression, name, total
from glassnet.walkthrough.html_table import kept
from glassnet.walkthrough.look import Look
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.proof import is_derivative
from glassnet.walkthrough.spelling import Spelling
from glassnet.walkthrough.step import Layout, Names, Step
from glassnet.walkthrough.trace import Trace

Phase = Literal["ready", "forward", "loss", "backward", "update", "all"]
PHASES: tuple[Phase, ...] = ("ready", "forward", "loss", "backward", "update", "all")
NEEDS: dict[str, Phase] = {
    "given": "ready",
    "forward": "forward",
    "loss": "loss",
    "backward": "backward",
    "gradient": "backward",
    "update": "update",
}
"""The phase in which each part of a trace is computed."""

TERMS = 12
"""The most terms of a sum, links of a neuron or samples that are shown one by one."""

HEADS = {
    "z": "The sum z",
    "a": "The answer a",
    "m": "The mask m: kept, or left out by chance",
    "h": "What goes on, h",
}

DIGITS = "Computed from full precision; the last digit may differ."
COUNTING = "Words count from 1, places in brackets from 0."


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be shown, and how.

    sample : the current one's place in the trace; None where it is not in it.
    rows : the training row of each sample of the trace, where that is a batch and not all of them.
    called : what the current sample is called: "validation sample 3".
    reached : the last phase that Next has been through.
    digits : None for all of them.
    inputs, outputs, scaling : names of the columns, and how each input was scaled.
    update : which one comes next, where the trace does not know.
    proofs : whether derivatives are measured, which takes its time; not while playing.
    recorded : of a point of the curve, what was noted there: ("loss", 0.25), ("rows", "1 to 64").
    """

    trace: Trace
    pick: Pick
    sample: int | None = 0
    reached: Phase = "all"
    digits: int | None = 4
    names: Names = "math"
    layout: Layout = "rows"
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    scaling: tuple[str, ...] = ()
    rows: Sequence[int] | None = None
    called: str = ""
    update: int | None = None
    proofs: bool = True
    recorded: tuple[tuple[str, float | str], ...] = ()


@dataclass(frozen=True)
class Content:
    """What the panel shows.

    said : the same in one short line, to be read aloud.
    place, typed : what can be typed over, W1[0,2], and its number in full; empty if nothing can.
    """

    title: str
    html: str
    said: str
    place: str = ""
    typed: str = ""


def arithmetic(asked: Asked) -> Content:
    """The arithmetic of what is selected."""
    asked.pick.check(asked.trace.net)
    with np.errstate(all="ignore"):  # a run that diverged is shown as it is
        return _Maker(asked).content()


@dataclass(frozen=True, eq=False)
class _Maker:
    asked: Asked

    def content(self) -> Content:
        pick = self.asked.pick
        title, parts = {
            "neuron": self.neuron,
            "weight": self.parameter,
            "bias": self.parameter,
            "input": self.input,
            "sample": self.sample,
            "layer": self.layer,
            "loss": self.loss,
            "epoch": self.epoch,
            "none": self.everything,
        }[pick.kind]()
        body = "".join(parts)
        notes = f'<p class="sum-notes">{DIGITS} {COUNTING}</p>'
        heading, *rest = title
        when = f"before update {self.update_number}"
        line = " · ".join([heading[:1].upper() + heading[1:], *rest, when])
        typed = ""
        if pick.place:
            typed = repr(float(self.step(f"{'W' if pick.kind == 'weight' else 'b'}{pick.layer}")
                               .value[self.index]))  # fmt: skip
        html = f'<div class="sum">{body}{notes}</div>'
        return Content(line, html, f"{line}: {self.result}", pick.place, typed)

    @property
    def result(self) -> str:
        """The one number that matters most, in a line: a₁[0,2] = 0.0623."""
        pick, s = self.asked.pick, self.s
        known: dict[str, tuple[str, Index]] = {
            "neuron": (f"a{pick.layer}", (s, pick.unit)),
            "weight": (f"W{pick.layer}", self.index),
            "bias": (f"b{pick.layer}", self.index),
            "input": ("X", (s, pick.unit)),
            "sample": ("losses", (s,)),
        }
        called, index = known.get(pick.kind, ("J", ()))
        if called in {"losses", "J"} and self.trace.samples is None:
            return "the loss is not computed"
        step = self.step(called)
        own = self.look.spelled(at(called, index), step)
        if not self.has(step.part):
            return f"{own} not computed yet"
        return f"{own} = {self.look.numerals.of(float(np.asarray(step.value)[index]))}"

    # ------------------------------------------------------------ what everything needs

    @property
    def trace(self) -> Trace:
        return self.asked.trace

    @cached_property
    def values(self) -> Mapping[str, Any]:
        return self.trace.environment()

    @cached_property
    def look(self) -> Look:
        asked = self.asked
        numerals = Numerals(4 if asked.digits is None else asked.digits, asked.digits is None)
        look = Look(asked.layout, asked.names, numerals)
        if asked.layout == "columns":
            data = frozenset(step.name for step in self.trace.steps if step.kind == "data")
            look = replace(look, turned=data)
        return look

    @cached_property
    def write(self) -> Writing:
        return Writing(self.trace, self.look)

    @property
    def s(self) -> int:
        return min(self.asked.sample or 0, len(self.trace.X) - 1)

    @property
    def update_number(self) -> int:
        return self.asked.update or self.trace.step + 1

    def row(self, s: int) -> int:
        """A row of the trace as a row of the training data."""
        return s if self.asked.rows is None else int(self.asked.rows[s])

    @property
    def sample_words(self) -> str:
        return self.asked.called or f"sample {self.row(self.s) + 1}"

    @property
    def index(self) -> Index:
        pick = self.asked.pick
        return (pick.source, pick.unit) if pick.kind == "weight" else (pick.unit,)

    def step(self, called: str) -> Step:
        return self.trace[called]

    def has(self, part: str) -> bool:
        if self.trace.samples is None and part not in {"given", "forward"}:
            return False
        return PHASES.index(self.asked.reached) >= PHASES.index(NEEDS[part])

    def words(self, layer: int, unit: int) -> str:
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

    def working(self, called: str, index: Index, most: int = TERMS) -> Working:
        return work(self.step(called), index, self.values, most)

    def pending(self, part: str) -> str:
        phase = NEEDS[part]
        if self.trace.samples is None and phase not in {"ready", "forward"}:
            words = "not computed: this sample is not in this update, it is only followed forward"
            return f'<span class="sum-pending">{words}</span>'
        return f'<span class="sum-pending">not computed yet: press Next until {phase}</span>'

    def shown(self, called: str, index: Index = (), most: int = MOST) -> str:
        """A number worked out, or that it is not computed yet."""
        step = self.step(called)
        if not self.has(step.part):
            own = self.write.name(at(called, index), step)
            return (
                f'<div class="sum-work"><div class="sum-of">{own}</div>'
                f'<div class="sum-lines"><p>{self.pending(step.part)}</p></div></div>'
            )
        return self.write.working(self.working(called, index, most), signed=_is_slope(step))

    def proved(self, called: str, index: Index) -> str:
        step = self.step(called)
        if not (self.asked.proofs and self.has(step.part) and is_derivative(called)):
            return ""
        return self.write.proof(self.trace.proof(called, *index))

    def number(self, value: float, *, signed: bool = False) -> str:
        return self.write.number(float(value), signed=signed, tinted=True)

    # ------------------------------------------------------------ a neuron

    def neuron(self) -> tuple[list[str], list[str]]:
        pick, s = self.asked.pick, self.s
        k, j = pick.layer, pick.unit
        if k == 0:
            raise AssertionError("check() refuses neurons of layer 0")
        parts = []
        for step in self.forward_of(k):
            head = HEADS.get(step.name[0], step.symbol)
            parts.append(section(head, self.shown(step.name, (s, j)), step.words))
        parts.append(self.delta(k, j))
        parts.append(section("Links in", self.links_in(k, j)))
        parts.append(self.links_out(k, j))
        return [self.words(k, j), self.sample_words], parts

    def forward_of(self, k: int) -> list[Step]:
        return [one for one in self.trace.steps if one.part == "forward" and one.layer == k]

    def delta(self, k: int, j: int) -> str:
        """δ = ∂L/∂z, and what it is made of."""
        head = "δ = ∂L/∂z"
        if self.trace.samples is None:
            return section(head, f"<p>{self.pending('backward')}</p>")
        s, step = self.s, self.step(f"dL_dz{k}")
        made = []
        if self.has("backward"):
            parts = [
                one
                for one in self.trace.steps
                if one.part == "backward" and one.layer == k and one.kind == "data"
                and re.fullmatch(rf"dL_d[ah]{k}|da{k}_dz{k}", one.name)
                and not self.closed(k)
            ]  # fmt: skip
            made = [self.shown(one.name, (s, j)) for one in parts]
        made.append(self.shown(step.name, (s, j)))
        made.append(self.proved(step.name, (s, j)))
        return section(head, "".join(made), step.words)

    def closed(self, k: int) -> bool:
        """Whether ∂L/∂z comes straight from answer and target."""
        return f"dL_da{k}" not in self.step(f"dL_dz{k}").operands

    def links_in(self, k: int, j: int) -> str:
        head = ["from", "w", "input", "w · input"]
        z = self.step(f"z{k}")
        W = np.asarray(self.values[f"W{k}"])
        if not self.has("forward"):
            rows = [
                self.weight_row(k, int(i), j, self.short(k - 1, int(i)),
                                [self.number(W[i, j]), "not yet", "not yet"])
                for i in largest(W[:, j], TERMS)
            ]  # fmt: skip
            return table(head, rows, self.left_out(len(W), 4))
        one = work(z, (self.s, j), self.values, TERMS)
        rows, last = [], []
        for term in one.terms:
            if len(term.factors) == 1:
                pick = Pick("bias", k, j)
                cells = [self.number(term.value), "", self.number(term.value, signed=True)]
                rows.append(Row("bias", cells, pick))
                continue
            x, w = term.factors
            i = w.index[0]
            cells = [self.number(w.value), self.number(x.value)]
            cells.append(self.number(term.value, signed=True))
            rows.append(self.weight_row(k, i, j, self.short(k - 1, i), cells))
        if one.hidden:
            last.append(
                Row(count(one.hidden, "more"), ["", "", self.number(one.rest, signed=True)])
            )
        last.append(Row("z", ["", "", self.number(one.value, signed=True)]))
        return table(head, rows, last)

    def links_out(self, k: int, j: int) -> str:
        net = self.trace.net
        if k == len(net.layers):
            return section("Links out", "<p>None: this is what the network answers.</p>")
        head = ["to", "w", "δ there", "w · δ"]
        W = np.asarray(self.values[f"W{k + 1}"])
        if not self.has("backward"):
            rows = [
                self.weight_row(k + 1, j, int(i), self.short(k + 1, int(i)),
                                [self.number(W[j, i]), "not yet", "not yet"])
                for i in largest(W[j], TERMS)
            ]  # fmt: skip
            return section("Links out", table(head, rows, self.left_out(W.shape[1], 4)))
        below = "X" if k == 0 else f"h{k}" if f"dL_dh{k}" in self.trace else f"a{k}"
        one = work(self.step(f"dL_d{below}"), (self.s, j), self.values, TERMS)
        rows = []
        for term in one.terms:
            slope, w = term.factors
            to = slope.index[1]
            cells = [self.number(w.value), self.number(slope.value, signed=True)]
            cells.append(self.number(term.value, signed=True))
            rows.append(self.weight_row(k + 1, j, to, self.short(k + 1, to), cells))
        last = []
        if one.hidden:
            last.append(
                Row(count(one.hidden, "more"), ["", "", self.number(one.rest, signed=True)])
            )
        last.append(Row("sum", ["", "", self.number(one.value, signed=True)]))
        return section("Links out", table(head, rows, last))

    def weight_row(self, k: int, i: int, j: int, label: str, cells: list[str]) -> Row:
        return Row(label, cells, Pick("weight", k, j, i))

    def left_out(self, size: int, wide: int) -> list[Row]:
        if size <= TERMS:
            return []
        return [Row(count(size - TERMS, "more"), [""] * (wide - 1))]

    # ------------------------------------------------------------ a weight or a bias

    def parameter(self) -> tuple[list[str], list[str]]:
        pick = self.asked.pick
        k, j = pick.layer, pick.unit
        weight = pick.kind == "weight"
        part = f"{'W' if weight else 'b'}{k}"
        step = self.step(part)
        end = link(Pick("neuron", k, j), escape(self.words(k, j)))
        if weight:
            first = Pick("neuron", k - 1, pick.source) if k > 1 else Pick("input", 0, pick.source)
            start = link(first, escape(self.words(k - 1, pick.source)))
            ends = f"<p>From {start} to {end}.</p>"
            heading = f"weight {self.spelled(part)}"
        else:
            ends = f"<p>Added to the sum of {end}.</p>"
            heading = f"bias {self.spelled(part)}"
        own = self.write.name(at(part, self.index), step)
        value = float(np.asarray(step.value)[self.index])
        parts = [section("Now", f"{ends}<p>{own} = {self.number(value)}</p>{self.carried(k, j)}")]
        parts.append(section("Sample by sample", self.terms(part, k, j)))
        parts.append(section("The gradient", self.gradient(part)))
        parts.append(section("The update", self.update(part)))
        title = [heading]
        return title, parts

    def spelled(self, part: str) -> str:
        return self.look.spelled(at(part, self.index), self.step(part))

    def carried(self, k: int, j: int) -> str:
        """What the weight adds to its neuron's sum, on the current sample."""
        pick = self.asked.pick
        if pick.kind == "bias" or self.asked.sample is None or not self.has("forward"):
            return ""
        one = work(self.step(f"z{k}"), (self.s, j), self.values, self.trace.net.sizes[k - 1])
        term = one.terms[pick.source]
        tree, numbers = Spelling(self.trace).term(one, term)
        return (
            f'<p class="sum-carried">On {escape(self.sample_words)} it carries '
            f"{self.write.formula(tree, one.step)} = {self.write.filled(tree, numbers)} = "
            f"{self.number(term.value, signed=True)}</p>"
        )

    def terms(self, part: str, k: int, j: int) -> str:
        """x_s·δ_s of the samples, the largest one by one, and their sum."""
        called = f"dL_d{part}"
        step = self.step(called)
        if not self.has("backward"):
            return self.shown(called, self.index)
        one = self.working(called, self.index)
        weight = part[0] == "W"
        slope = name(f"dL_dz{k}[s,{j}]")
        summand: Expression = slope
        if weight:
            x = self.step(f"dz{k}_dW{k}").operands[0]
            summand = name(f"{x}[s,{self.asked.pick.source}]") * slope
        formula = self.write.formula(total(summand), step)
        head = ["sample", "input", "δ", "input · δ"] if weight else ["sample", "δ"]
        rows = []
        for term in one.terms:
            at_row = term.factors[0].index[0]
            cells = [self.number(factor.value, signed=factor.name.startswith("dL_dz"))
                     for factor in term.factors]  # fmt: skip
            cells += [self.number(term.value, signed=True)] * weight
            rows.append(self.sample_row(at_row, cells))
        blank = [""] * (len(head) - 2)
        last = []
        if one.hidden:
            more = f"{one.hidden:,} more".replace(",", " ")
            last.append(Row(more, [*blank, self.number(one.rest, signed=True)]))
        last.append(Row("sum", [*blank, self.number(one.value, signed=True)]))
        own = self.write.name(at(called, self.index), step)
        words = f"<p>{self.largest_of('samples', len(self.trace.X))}</p>"
        return (
            f'<p class="sum-formula">{own} = {formula}</p>'
            + (words if one.hidden else "")
            + table(head, rows, last)
            + self.proved(called, self.index)
        )

    def largest_of(self, nouns: str, many: int) -> str:
        return f"The {TERMS} largest of {count(many, nouns)}."

    def sample_row(self, s: int, cells: list[str]) -> Row:
        row = self.row(s)
        return Row(
            f"sample {row + 1}", cells, Pick("sample", 0, row), current=s == self.asked.sample
        )

    def gradient(self, part: str) -> str:
        task = self.trace.task
        step = self.step(f"dJ_d{part}")
        made = self.shown(step.name, self.index)
        if step.formula is not None and step.formula.op != "name":  # else it is ∂L, proved above
            made += self.proved(step.name, self.index)
        if f"g_{part}" in self.trace:
            made += self.shown("norm") + self.shown(f"g_{part}", self.index)
        penalised = part[0] == "W" and (task.l1 or task.l2)
        N = count(int(self.values["N"]), "samples") if _whole(self.values["N"]) else "the weights"
        if task.reduction == "sum":
            said = f"J is the sum over {N}"
        else:
            said = f"J is the mean: the sum divided by N, {N}"
        said += ", and the penalty on this weight." if penalised else "."
        return f"<p>{escape(said)}</p>{made}"

    def update(self, part: str) -> str:
        task = self.trace.task
        steps = [
            one
            for one in self.trace.steps
            if one.part == "update" and one.name.endswith(f"_{part}") and one.formula is not None
        ]
        words = f"<p>{escape(str(task.optimizer))}, update {self.update_number}.</p>"
        made = "".join(self.shown(one.name, self.index) for one in steps)
        if task.reduction == "sum":
            made += self.effective()
        if not self.has("update"):
            return words + made
        before = float(np.asarray(self.values[part])[self.index])
        after = float(np.asarray(self.values[f"new_{part}"])[self.index])
        return (
            f'{words}{made}<p class="sum-change">before {self.number(before)} → '
            f"after update {self.update_number}: {self.number(after)}</p>"
        )

    def effective(self) -> str:
        """What a sum means for the step."""
        optimizer = self.trace.task.optimizer
        samples = self.write.number(float(self.values["N"]))
        said = f"The sum over {samples} samples: the gradient is {samples} times that of the mean"
        plain = isinstance(optimizer, SGD | Momentum | Nesterov) and self.trace.task.clip is None
        if not plain:
            return f'<p class="sum-effective">{said}.</p>'
        lr, N = float(self.values["lr"]), float(self.values["N"])
        tree = name("lr") * name("N")
        numbers = {"lr": lr, "N": N}
        return (
            f'<p class="sum-effective">{said}, and this step is {samples} times that of the mean. '
            f"As if the mean had the learning rate {self.write.filled(tree, numbers)} = "
            f"{self.number(float(tree.evaluate(numbers)))}.</p>"
        )

    # ------------------------------------------------------------ an input, a sample, a layer

    def input(self) -> tuple[list[str], list[str]]:
        i, s = self.asked.pick.unit, self.s
        X = self.step("X")
        own = self.write.name(at("X", (s, i)), X)
        lines = [f"<p>{own} = {self.number(X.value[s, i])}</p>"]
        cell = self.trace.explain("X", *((i, s) if self.look.layout == "columns" else (s, i)),
                                  layout=self.look.layout).cell  # fmt: skip
        lines += [f"<p>{escape(line)}</p>" for line in cell]
        if not cell and i < len(self.asked.scaling):
            lines.append(f"<p>{escape(self.asked.scaling[i])}.</p>")
        parts = [section("Where it comes from", "".join(lines)), self.links_out(0, i)]
        return [self.words(0, i), self.sample_words], parts

    def sample(self) -> tuple[list[str], list[str]]:
        return [self.sample_words], list(self.way())

    def way(self) -> Iterator[str]:
        """One sample through the whole network, and its loss."""
        s, net = self.s, self.trace.net
        X = self.step("X").value
        rows = [
            Row(self.short(0, int(i)), [self.number(X[s, i])], Pick("input", 0, int(i)))
            for i in largest(X[s], TERMS)
        ]
        yield section("Inputs", table(["input", "x"], rows, self.left_out(X.shape[1], 2)))
        depth = len(net.layers)
        for k in range(1, depth + 1):
            yield section(layer_words(net, k).capitalize(), self.answers(k))
        if self.trace.samples is None:
            yield section("Loss of this sample", f"<p>{self.pending('loss')}</p>")
        else:
            yield section("Loss of this sample", self.shown("losses", (s,)))

    def answers(self, k: int) -> str:
        """z, a and δ of a layer's neurons, for the sample."""
        s, last = self.s, k == len(self.trace.net.layers)
        columns = [("z", f"z{k}"), ("a", f"a{k}")]
        if self.trace.samples is not None:
            columns += [("target", "y")] * last + [("δ", f"dL_dz{k}")]
        head = ["neuron", *(head for head, _ in columns)]
        whole = np.asarray(self.values[f"a{k}"])[s]
        rows = []
        for j in largest(whole, TERMS):
            cells = [
                self.number(np.asarray(self.values[called])[s, j], signed=called.startswith("dL"))
                if self.has(self.step(called).part)
                else "not yet"
                for _, called in columns
            ]
            rows.append(Row(self.short(k, int(j)), cells, Pick("neuron", k, int(j))))
        formula = self.step(f"a{k}").written(self.look.layout)
        assert formula is not None
        own = self.write.name(f"a{k}", self.step(f"a{k}"))
        said = self.write.formula(formula, self.step(f"a{k}"))
        left = self.left_out(len(whole), len(head))
        return f'<p class="sum-formula">{own} = {said}</p>{table(head, rows, left)}'

    def layer(self) -> tuple[list[str], list[str]]:
        k, net = self.asked.pick.layer, self.trace.net
        if k == 0:
            return ["inputs"], [self.shapes_of("X"), *list(self.way())[:1]]
        layer = net.layers[k - 1]
        parts = [self.shapes_of(f"z{k}"), self.shapes_of(f"a{k}")]
        parts.append(section(f"Weights {self.look.spelled(f'W{k}', self.step(f'W{k}'))}",
                             self.matrix(k)))  # fmt: skip
        if self.has("backward"):
            parts += [self.shapes_of(f"dL_dz{k}"), self.shapes_of(f"dL_dW{k}")]
        else:
            parts.append(section("∂L/∂W", f"<p>{self.pending('backward')}</p>"))
        on = f"{layer.n_in} → {layer.n_out}, {layer.activation}"
        return [layer_words(net, k), on], parts

    def shapes_of(self, called: str) -> str:
        """The formula of a whole array, with the shapes in it."""
        step = self.step(called)
        spelling = Spelling(self.trace, self.look.layout, self.look.names, self.look.numerals)
        own = self.write.name(called, step)
        tree = step.written(self.look.layout)
        body = ""
        if tree is not None:
            body = f'<p class="sum-formula">{own} = {self.write.formula(tree, step)}</p>'
        if not self.has(step.part):
            body += f"<p>{self.pending(step.part)}</p>"
        shapes = escape(spelling.shapes(step))
        heading = self.look.spelled(called, step)
        return section(heading, f'{body}<p class="sum-shapes">{shapes}</p>', step.words)

    def matrix(self, k: int) -> str:
        """W and b, each number a button."""
        layer = self.trace.net.layers[k - 1]
        W = np.asarray(self.values[f"W{k}"])
        rows, columns = list(kept(layer.n_in, 0)), list(kept(layer.n_out, 0))
        head = ["from", *(self.place_words(k, j) for j in columns)]
        made = []
        for i in rows:
            if isinstance(i, str):
                made.append(Row(i, [""] * len(columns)))
                continue
            cells = [
                "…" if isinstance(j, str) else self.weight_link(Pick("weight", k, j, i), W[i, j])
                for j in columns
            ]
            made.append(Row(self.short(k - 1, i), cells))
        last = []
        if layer.bias:
            b = np.asarray(self.values[f"b{k}"])
            last.append(Row("bias", [
                "…" if isinstance(j, str) else self.weight_link(Pick("bias", k, j), b[j])
                for j in columns
            ]))  # fmt: skip
        return table(head, made, last)

    def place_words(self, k: int, j: int | str) -> str:
        return escape(j) if isinstance(j, str) else link(
            Pick("neuron", k, j), escape(self.short(k, j))
        )  # fmt: skip

    def weight_link(self, pick: Pick, value: float) -> str:
        return (
            f'<button type="button" class="sum-cell" {target(pick)}>{self.number(value)}</button>'
        )

    # ------------------------------------------------------------ the loss, the curve, all of it

    def loss(self) -> tuple[list[str], list[str]]:
        step = self.step("losses")
        tree = step.written(self.look.layout)
        assert tree is not None
        own = self.write.name("losses", step)
        formula = f'<p class="sum-formula">{own} = {self.write.formula(tree, step)}</p>'
        parts = [section("The loss of a sample", formula, step.words)]
        if not self.has("loss"):
            parts.append(section("Sample by sample", f"<p>{self.pending('loss')}</p>"))
        else:
            one = self.working("L", ())
            losses = np.asarray(self.values["losses"])
            rows = [
                self.sample_row(s, [self.number(losses[s]), self.number(term.value)])
                for term in one.terms
                for s in [_row_of(term)]
            ]
            weighted = "w" in self.trace
            head = ["sample", "ℓ", "w · ℓ"] if weighted else ["sample", "ℓ"]
            rows = rows if weighted else [replace(row, cells=row.cells[:1]) for row in rows]
            blank = [""] * (len(head) - 2)
            last = []
            if one.hidden:
                last.append(Row(count(one.hidden, "more"), [*blank, self.number(one.rest)]))
            last.append(Row("L", [*blank, self.number(one.value)]))
            words = self.largest_of("samples", len(losses)) if one.hidden else ""
            parts.append(section("Sample by sample", table(head, rows, last), words))
        if "penalty" in self.trace:
            step = self.step("penalty")
            parts.append(section("The penalty", self.shown("penalty"), step.words))
        parts.append(section("The objective J", self.shown("J"), self.step("J").words))
        return ["loss"], parts

    def epoch(self) -> tuple[list[str], list[str]]:
        rows = [
            Row(label, [escape(value) if isinstance(value, str) else self.number(value)])
            for label, value in self.asked.recorded
        ]
        body = table(["recorded", ""], rows) if rows else "<p>Nothing was recorded here.</p>"
        return [f"epoch {self.asked.pick.unit}"], [
            section("This point of the curve", body),
            section("The objective J, from here", self.shown("J"), self.step("J").words),
        ]

    def everything(self) -> tuple[list[str], list[str]]:
        """A short summary of the network and its loss."""
        net = self.trace.net
        rows = [
            Row(
                layer_words(net, k),
                [
                    f"{layer.n_in} × {layer.n_out}",
                    escape(str(layer.activation)),
                    f"{layer.n_in * layer.n_out + layer.bias * layer.n_out}",
                ],
                Pick("layer", k),
            )
            for k, layer in enumerate(net.layers, 1)
        ]
        network = table(["layer", "W", "activation", "parameters"], rows,
                        [Row("together", ["", "", str(net.n_params)])])  # fmt: skip
        told = ("loss", "reduction", "penalty", "update", "dtype")
        lines = "".join(
            f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>"
            for label, text in card(self.trace, layout=self.look.layout).rows
            if label in told
        )
        loss = link(Pick("loss"), "the loss, sample by sample")
        said = escape(f"{self.sample_words}, from input to loss")
        one = link(Pick("sample", 0, self.row(self.s)), said)
        return [f"network {net}"], [
            section("The network", network),
            section("The objective J", f"{self.shown('J')}<p>{loss}</p><p>{one}</p>"),
            section("Conventions", f'<dl class="sum-card">{lines}</dl>'),
        ]


def section(heading: str, body: str, words: str = "") -> str:
    """A part of the panel. Heading and words are text, the body is HTML."""
    said = f'<p class="sum-words">{escape(words)}</p>' if words else ""
    return f'<section class="sum-part"><h3>{escape(heading)}</h3>{said}{body}</section>'


def _is_slope(step: Step) -> bool:
    return step.part in {"backward", "gradient"}


def _whole(value: Any) -> bool:
    return float(value).is_integer()


def _row_of(term: Term) -> int:
    return next(f.index[0] for f in term.factors if f.name == "losses")
