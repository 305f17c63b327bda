"""Formulas as a reader sees them: names as mathematics or as the notebook, numbers put in.

Places follow the layout: a1[0,2] is sample 0, neuron 2 where samples are rows, and a1[2,0] where
they are columns, as the matrix beside it shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from glassnet.walkthrough.as_text import plain
from glassnet.walkthrough.blackboard import blackboard
from glassnet.walkthrough.explain import Index, Term, Working, at, place
from glassnet.walkthrough.expression import Expression, call, name, shown_number
from glassnet.walkthrough.numerals import DEFAULT, MINUS, Numerals, true_minus
from glassnet.walkthrough.step import Layout, Names, Step
from glassnet.walkthrough.trace import Trace

NAME = re.compile(r"(?<![^\W_])[A-Za-z]\w*(?:\[[\d,]+\])?")
SETTINGS = {"lr", "t", "N", "l1", "l2", "limit"}
OPEN, CLOSE = "\x01", "\x02"
# of many outputs the sum below stands for itself
OVER_SUM = re.compile(r"^e\^(\S+?)(\[[\d,]+\])/Σ$")


@dataclass(frozen=True)
class Spelling:
    """How names, places and formulas of a trace are written."""

    trace: Trace
    layout: Layout = "rows"
    names: Names = "math"
    numerals: Numerals = DEFAULT

    def name(self, step: Step) -> str:
        """∂L/∂W₂, or error_wrt_weights_hidden_output."""
        return step.seed_name if self.names == "seed" else step.symbol

    def place(self, step: Step, index: Index, *, code: bool = False) -> str:
        """∂L/∂W₂[1,0]; with `code` dL_dW2[1,0], as one asks for it."""
        turned = index[::-1] if self.layout == "columns" and step.kind == "data" else index
        return at(step.name if code else self.name(step), turned)

    def formula(self, step: Step) -> str:
        """The formula of the whole array."""
        tree = step.written(self.layout)
        return "" if tree is None else self.text(tree)

    def shapes(self, step: Step) -> str:
        """The formula of a matrix product with shapes for names: (3,4) @ (4,1) → (3,1)."""
        tree = step.written(self.layout)
        result = shape(step.shown(self.layout).shape)
        if tree is None or "@" not in tree.text(str):
            return result

        def spell(key: str) -> str:
            found = self.trace[key]
            sides = found.shown(self.layout).shape
            bias = self.layout == "columns" and len(sides) == 1
            return shape((*sides, 1) if bias else sides)

        return f"{true_minus(tree.text(spell))} → {result}"

    def text(self, tree: Expression) -> str:
        """A formula in names."""
        written = _in_a_line(blackboard(tree)).text(self._spell)
        written = OVER_SUM.sub(r"e^\1\2/Σ_k e^\1", written)
        said = true_minus(_bracketed(written))
        return said.replace("·", " · ") if self.names == "seed" else said

    def filled(self, tree: Expression, values: Mapping[str, float]) -> str:
        """The same with numbers."""

        def spell(key: str) -> str:
            if key not in values:
                return self._spell(key)
            if key in SETTINGS or (NAME.fullmatch(key) and place(key)[0] not in self.trace):
                return shown_number(values[key])  # 0.9 and 1e-08, as they were set
            return self.numerals.factor(values[key])

        written = true_minus(_bracketed(_in_a_line(blackboard(tree)).text(spell)))
        # a number in brackets of its own needs no other: tanh(−0.5), |−0.5|, e^(−0.5)
        number = rf"{MINUS}[\d.]+(?:e{MINUS}?\d+)?"
        written = re.sub(rf"\(\(({number})\)\)", r"(\1)", written)
        return re.sub(rf"\|\(({number})\)\|", r"|\1|", written)

    def term(self, working: Working, term: Term) -> tuple[Expression, dict[str, float]]:
        """The formula of one term of a sum, and the numbers of its names."""
        values = {at(factor.name, factor.index): factor.value for factor in term.factors}
        tree = working.step.formula
        summed = tree is not None and tree.op == "sum"
        if tree is not None and summed:
            inner: Expression = tree.args[0]
            for factor in term.factors:
                inner = inner.replace(name(factor.name), name(at(factor.name, factor.index)))
            return inner, values
        product: Expression | None = None
        for key in values:
            product = name(key) if product is None else product * name(key)
        assert product is not None
        return product, values

    def _spell(self, key: str) -> str:
        if re.fullmatch(NAME, key):
            return self._one(key)
        return NAME.sub(lambda found: self._one(found[0]), key)  # a sum: Σ dJ_dW1^2

    def _one(self, key: str) -> str:
        called, index = place(key)
        if called not in self.trace:
            return plain(key)
        spelled = self.place(self.trace[called], index)
        apart = "/" in spelled and not spelled.startswith("‖")
        return f"{OPEN}{spelled}{CLOSE}" if apart else spelled


def shape(sides: tuple[int, ...]) -> str:
    """(3,1); a number has none."""
    if not sides:
        return "a number"
    return f"({','.join(map(str, sides))}{',' if len(sides) == 1 else ''})"


def added(terms: list[tuple[str, Expression]]) -> str:
    """Terms with + or − between them; a sum among others in brackets."""
    if len(terms) == 1:
        return terms[0][0]
    said = ""
    for text, tree in terms:
        one = f"({text})" if tree.op in {"+", "-", "where"} else text
        if not said:
            said = one
        else:
            said += f" {MINUS} {one[1:]}" if one.startswith(MINUS) else f" + {one}"
    return said


def _bracketed(text: str) -> str:
    # (∂z₂/∂W₂)ᵀ and (∂L/∂W₁)/N need brackets, ∂L/∂a₂ · ∂a₂/∂z₂ needs blanks
    text = re.sub(rf"{OPEN}([^{CLOSE}]*){CLOSE}(?=[ᵀ/^])", r"(\1)", text)
    text = re.sub(rf"(?<=/){OPEN}([^{CLOSE}]*){CLOSE}", r"(\1)", text)
    text = re.sub(rf"·(?={OPEN})|(?<={CLOSE})·", " · ", text)
    text = re.sub(r"(?<=\))·(?=\S*/∂)", " · ", text)
    return text.replace(OPEN, "").replace(CLOSE, "")


def _in_a_line(tree: Expression) -> Expression:
    # x·ln y for xlogy(x, y), which differs only in that 0·ln 0 is 0
    parts = tuple(_in_a_line(a) if isinstance(a, Expression) else a for a in tree.args)
    if tree.op == "call" and tree.args[0] == "xlogy":
        return Expression("*", (parts[1], call("ln", parts[2])))
    if tree.op == "neg" and parts[0].op == "*":  # -y·ln a rather than -(y·ln a)
        return Expression("*", (Expression("neg", parts[0].args[:1]), parts[0].args[1]))
    return Expression(tree.op, parts)
