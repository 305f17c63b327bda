"""A trace as text: lines of rich Text, of a given width, the same with colour and without.

    page = Page(trace, width=80)
    page.step(trace["dL_dW2"])  →  lines;  page.explanation(trace.explain("dL_dW2[1,0]"))  →  lines

Nothing is computed here: a page shows what a trace holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from rich.text import Text

from glassnet.core.errors import BadInput
from glassnet.walkthrough import naming
from glassnet.walkthrough.card import Card, card
from glassnet.walkthrough.explain import Explanation, Index, Working, work
from glassnet.walkthrough.labels import axes, places
from glassnet.walkthrough.ladder import ladder, proof_line, prose
from glassnet.walkthrough.matrices import QUIET, colour, is_signed, matrix
from glassnet.walkthrough.numerals import DEFAULT, MINUS, Numerals
from glassnet.walkthrough.spelling import Names, Spelling, shape
from glassnet.walkthrough.step import Layout, Part, Step, check_shown
from glassnet.walkthrough.trace import Trace
from glassnet.walkthrough.wrapping import wrap_formula, wrap_words

Lines = list[Text]
NARROWEST = 40
BACK: tuple[Part, ...] = ("backward", "gradient", "update")
NAMES = (
    "∂L/∂W₂ in mathematics, dL_dW2 where it is typed, error_wrt_weights_hidden_output in the "
    "teaching notebook: three names of one thing; [20/31] is its place in the order of computation"
)
SIGNS = (
    "@ is the matrix product, · a product number by number, ᵀ transposed; Σ_s adds up over the "
    "samples, Σ_k over the outputs. Positive numbers are blue where they carry a +, negative ones "
    "orange."
)


@dataclass(frozen=True)
class Page:
    """How a trace is written: width, layout, names, digits; and what is looked at.

    sample, layer, neuron : the example that each step is worked through for.
    marks : what is said beside the name of a step.
    """

    trace: Trace
    width: int = 80
    layout: Layout = "rows"
    names: Names = "math"
    numerals: Numerals = DEFAULT
    sample: int = 0
    layer: int = 1
    neuron: int = 0
    marks: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_shown(self.layout, self.names)
        object.__setattr__(self, "width", max(self.width, NARROWEST))
        net = self.trace.net
        for what, got, first, end in (
            ("sample", self.sample, 0, len(self.trace.X)),
            ("layer", self.layer, 1, len(net.layers) + 1),
            (
                "neuron",
                self.neuron,
                0,
                (0, *net.sizes[1:])[min(max(self.layer, 0), len(net.layers))],
            ),
        ):
            if not first <= got < end:
                whose = f" of layer {self.layer}" if what == "neuron" else ""
                wanted = f"the {what}s{whose} are counted from {first} to {end - 1}"
                raise BadInput(f"{what} {got}", wanted, f"Try {end - 1}, the last.")

    @cached_property
    def spelling(self) -> Spelling:
        """How its names and formulas are written."""
        return Spelling(self.trace, self.layout, self.names, self.numerals)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of the network's inputs; empty where the trace is not of a table."""
        return tuple(name for one in self.trace.cells for name in one.names)

    # ------------------------------------------------------------ the card

    def card(self, made: Card | None = None, *, elsewhere: bool = True) -> Lines:
        """The conventions, and how the same network is written in other libraries."""
        digits = None if self.numerals.exact else self.numerals.digits
        made = made or card(self.trace, layout=self.layout, digits=digits)
        left = max(len(label) for label, _ in made.rows) + 2
        lines = self.title("Conventions")
        rows = [*made.rows, ("names", NAMES), ("signs", SIGNS)]
        for label, said_there in rows:
            said = said_there
            if label == "digits" and self.numerals.places is not None:
                said = (
                    f"{self.numerals.places} decimals are shown, as the notebook prints, computed "
                    "from full precision: the last one shown may differ"
                )
            for i, part in enumerate(wrap_words(said, self.width - left - 2)):
                line = Text("  ").append(f"{'' if i else label:<{left}}", style=QUIET)
                lines.append(line.append(part))
        if elsewhere:
            lines += self.title("The same network elsewhere")
            for where, code in made.spellings.items():
                lines.append(Text(f"  {where}", style=QUIET))
                for row in code.splitlines():
                    lines += [
                        Text(part) for part in wrap_words(row, self.width, "    ", "        ")
                    ]
        return lines

    # ------------------------------------------------------------ one neuron, one number

    def account(self) -> Lines:
        """One sample and one neuron: its sum, its answer, and its share on the way back."""
        return [*self.account_forward(), *self.account_back()]

    def account_forward(self) -> Lines:
        """From the cells of the table to what the neuron answers."""
        k, s, j = self.layer, self.sample, self.neuron
        layer = self.trace.net.layers[k - 1]
        lines = self.title(f"One neuron: neuron {j} of layer {k} ({layer.activation}), sample {s}")
        if k == 1 and self.trace.cells:
            lines += self.prose("Its inputs, each from a cell of the table:", "  ")
            cells = [
                line
                for i in range(min(len(self.inputs), 6))
                for line in self.trace.explain("X", s, i).cell
            ]
            for cell in cells:
                lines += self.prose(_minus(cell), "    ", "      ")
            if len(self.inputs) > 6:
                lines.append(Text(f"    … {len(self.inputs) - 6} more inputs", style=QUIET))
        names = [name for name in (f"z{k}", f"a{k}", f"m{k}", f"h{k}") if name in self.trace]
        return [*lines, *(line for name in names for line in self._entry(name, (s, j)))]

    def account_back(self) -> Lines:
        """What the loss asks of the neuron, and of one of its weights."""
        k, s, j = self.layer, self.sample, self.neuron
        lines = self.title(f"Its share on the way back: neuron {j} of layer {k}, sample {s}")
        if self.trace.samples is None:
            return [
                *lines,
                *self._uncomputed(f"dL_da{k}", f"da{k}_dz{k}", f"dL_dz{k}", f"dL_dW{k}"),
            ]
        if k < len(self.trace.net.layers):
            above = self.trace[f"dL_dz{k + 1}"]
            said = (
                f"The layer above is gone through first, so {self.spelling.name(above)} is known: "
            )
            lines += self.prose(said + f"it is step {self._number(above)}.", "  ")
        jacobian = self.trace[f"da{k}_dz{k}"].kind == "jacobian"
        if f"dL_dh{k}" in self.trace:
            lines += self._entry(f"dL_dh{k}", (s, j))
        lines += self._entry(f"dL_da{k}", (s, j))
        lines += self._entry(f"da{k}_dz{k}", (s, j, j) if jacobian else (s, j))
        lines += self._entry(f"dL_dz{k}", (s, j))
        column = self.trace[f"dL_dW{k}"].value[:, j]
        i = int(np.argmax(np.abs(column)))
        which = self.spelling.place(self.trace[f"W{k}"], (i, j))
        most = ", the one with the largest gradient" if len(column) > 1 else ""
        lines += self.title(f"One of its weights: {which}, from {self._source(k, i)}{most}")
        for working in self.trace.explain(f"dL_dW{k}", i, j):
            lines += self._working(working)
        return lines

    def explanation(self, found: Explanation) -> Lines:
        """One number explained, with all that leads to it or on from it."""
        asked = next(w for w in found.workings if w.place == found.asked)
        lines = self.title(self.spelling.place(asked.step, asked.index, code=True))
        for cell in found.cell:
            lines += self.prose(f"from the table: {_minus(cell)}", "  ", "    ")
        for working in found:
            lines += self._working(working)
        return lines

    def _entry(self, name: str, index: Index) -> Lines:
        return self._working(work(self.trace[name], index, self._values))

    def _working(self, working: Working) -> Lines:
        step, index = working.step, working.index
        head = f"{self.spelling.place(step, index)}   {self.words(step)}"
        if self.names == "seed" or len(head) > self.width - 2:
            place = self.spelling.place(step, index)
            lines = [self._bold(part) for part in wrap_formula(place, self.width, "  ")]
            lines += self.prose(self.words(step), "    ")
        else:
            line = self._bold("  " + self.spelling.place(step, index))
            lines = [line.append(f"   {self.words(step)}", style=QUIET)]
        lines += ladder(self.spelling, working, self.width, "    ")
        return [Text(""), *lines, *proof_line(self.trace, step, index, self.numerals, self.width)]

    # ------------------------------------------------------------ steps

    def whole(self, *, parts: Iterable[Part] | None = None, layer: int | None = None) -> Lines:
        """All steps in order; of some parts, or of one layer."""
        n = len(self.trace.X)
        samples = "1 sample" if n == 1 else f"all {n} samples"
        which = "" if layer is None else f", layer {layer}"
        lines = self.title(f"The batch: {samples}, step by step{which}")
        for step in self.chosen(parts, layer):
            lines += [Text(""), *self.step(step)]
        if self.trace.samples is None:
            lines += [Text(""), *self._uncomputed("loss", "gradient", "update")]
        return lines

    def chosen(
        self, parts: Iterable[Part] | None = None, layer: int | None = None
    ) -> Iterator[Step]:
        """The steps of some parts and of a layer."""
        wanted = None if parts is None else set(parts)
        for step in self.trace:
            if (wanted is None or step.part in wanted) and layer in (None, step.layer):
                yield step

    def step(self, step: Step) -> Lines:
        """One step: title, a sentence, formula, shapes, result, and one of its numbers in full."""
        mark = self.marks.get(step.name, "")
        others = dict.fromkeys((step.symbol, step.name, step.seed_name))
        first = self.spelling.name(step)
        names = [first, *(other for other in others if other != first)]
        count = f"[{self._number(step)}/{len(self.trace)}] "
        head = " · ".join(names) + (f" · {mark}" if mark else "")
        lines = []
        for i, part in enumerate(wrap_formula(head, self.width - len(count))):
            line = Text(" " * len(count) if i else count, style=QUIET)
            own = first if not i and part.startswith(first) else ""
            lines.append(line.append(own, style="bold").append(part[len(own) :], style="not dim"))
        lines += self.prose(self.words(step), "  ")
        formula = self.spelling.formula(step)
        if formula:
            said = f"{self.spelling.name(step)} = {formula}"
            lines += [Text(part) for part in wrap_formula(said, self.width, "  ", "      ")]
        lines += self._shape(step)
        lines += self.values(step)
        if step.formula is not None and step.shape:
            lines += self._example(step)
        elif step.formula is not None and step.formula.op != "number":
            working = work(step, (), self._values)
            lines += ladder(self.spelling, working, self.width, "    ", names=False)
        return lines

    def _number(self, step: Step) -> int:
        return self.trace.steps.index(step) + 1

    def _example(self, step: Step) -> Lines:
        index = self._index(step)
        place = self.spelling.place(step, index)
        lines = [Text(part) for part in wrap_formula(f"{place}", self.width, "  ")]
        working = work(step, index, self._values)
        lines += ladder(self.spelling, working, self.width, "    ")
        return lines + proof_line(self.trace, step, index, self.numerals, self.width)

    def _shape(self, step: Step) -> Lines:
        if not step.shape and step.formula is not None:
            return []
        said = f"shape {self.spelling.shapes(step)}" if step.shape else "a number"
        for part in self.trace.net.names:
            if step.name == f"dL_d{part}" and step.shape == self.trace[part].shape:
                said += f", as {self.spelling.name(self.trace[part])} ✓"
        said += f"; {step.dtype}; {step.when}"
        return [Text(part, style=QUIET) for part in wrap_formula(said, self.width, "  ", "    ")]

    def values(self, step: Step) -> Lines:
        """The numbers of a step, as a matrix with labels; of one sample where it is three deep."""
        shown = np.asarray(step.shown(self.layout))
        signed = step.part in {"backward", "gradient", "update"} or is_signed(shown)
        if not shown.shape:
            if step.formula is not None:
                return []  # the working ends with it
            text = self.numerals.of(float(shown))
            return [Text("    = ").append(text, style=colour(text))]
        lines = []
        if shown.ndim == 3:
            lines = self.prose(f"at sample {self.sample}:", "    ")
            shown = shown[self.sample]
        rows, columns = axes(step, self.layout, self.inputs)
        if shown.ndim == 1:
            shown = shown[None]
        index = self._index(step)[-2:]
        turned = self.layout == "columns" and step.kind == "data"
        i, j = (0, *index) if len(index) == 1 else index[::-1] if turned else index
        return lines + matrix(
            shown,
            rows,
            columns,
            numerals=self.numerals,
            signed=signed,
            width=self.width,
            keep=(i, j),
        )

    def _source(self, layer: int, i: int) -> str:
        below = places(layer - 1, self.inputs).label(i)
        return f"{below} of layer {layer - 1}" if layer > 1 else below

    def _index(self, step: Step) -> Index:
        """The place of a step that is worked through: of the sample and neuron looked at."""

        def kept(layer: int | None) -> int:
            return self.neuron if layer == self.layer else 0

        j = kept(step.layer)
        match step.kind:
            case "number":
                return ()
            case "sample":
                return (self.sample,)
            case "jacobian":
                return (self.sample, j, j)
            case "data":
                return (self.sample, j if j < step.shape[1] else 0)
        if len(step.shape) == 1:
            return (j,)
        i = kept(None if step.layer is None else step.layer - 1)
        return (i if i < step.shape[0] else 0, j if j < step.shape[1] else 0)

    # ------------------------------------------------------------ a layer as matrices

    def as_matrices(self, parts: Sequence[Part] | None = None) -> Lines:
        """The layer that is looked at: its matrices alone, forward and back."""
        k = self.layer
        below = naming.handed(k - 1, self.trace.values)
        names = [below, f"W{k}", f"b{k}", f"z{k}", f"a{k}", f"m{k}", f"h{k}"]
        back = [f"dL_dh{k}", f"dL_da{k}", f"da{k}_dz{k}", f"dL_dz{k}", f"dL_dW{k}", f"dL_db{k}"]
        lines = self.title(f"Its layer: layer {k} as matrices, for all samples at once")
        for name in (*names, *back):
            if name not in self.trace:
                continue
            step = self.trace[name]
            if parts is not None and step.part not in parts:
                continue
            formula = self.spelling.formula(step) if name != below else ""
            said = self.spelling.name(step) + (f" = {formula}" if formula else "")
            said += f"   {shape(np.shape(step.shown(self.layout)))}"
            lines.append(Text(""))
            lines += [Text(part) for part in wrap_formula(said, self.width, "  ", "      ")]
            lines += self.values(step)
        return lines

    # ------------------------------------------------------------ small pieces

    def title(self, text: str) -> Lines:
        """A heading with a line above it."""
        return [
            Text(""),
            *(Text(part, style="bold underline") for part in wrap_words(text, self.width)),
        ]

    def prose(self, text: str, indent: str, rest: str | None = None) -> Lines:
        """A sentence."""
        return prose(text, self.width, indent, rest)

    def words(self, step: Step) -> str:
        """Its sentence, which knows whether samples are rows."""
        said = step.words.replace("a neuron of the layer below", f"a neuron of layer {step.layer}")
        return said.replace("a row for", "a column for") if self.layout == "columns" else said

    def _bold(self, text: str) -> Text:
        return Text("").append(text, style="bold")

    def _uncomputed(self, *names: str) -> Lines:
        lines = []
        for name in names:
            called = f"{self._called(name)}   not computed yet"
            lines += [Text(part) for part in wrap_formula(called, self.width, "  ", "    ")]
        why = "There are no targets, so there is no loss, and nothing to go back from."
        return [*lines, *self.prose(why, "  ")]

    def _called(self, name: str) -> str:
        if self.names == "seed":
            return naming.seed(name, self.trace.net)
        return naming.math(name)

    @cached_property
    def _values(self) -> dict[str, object]:
        return self.trace.environment()


def _minus(cell: str) -> str:
    # the minus of a calculation, not the hyphen of a word
    return re.sub(r"(?<!\w)-(?=[ \d])", MINUS, cell)


def plain_text(lines: Iterable[Text]) -> str:
    """The lines as one string without colour."""
    return "".join(f"{line.plain.rstrip()}\n" for line in lines)
