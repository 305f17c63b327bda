"""One number worked out for the page: in names, with the numbers in it, term by term, the result.

Formulas are MathML, one piece a term so that lines can break; numbers are `<data>` elements, which
carry all their digits. Everything here was computed by the trace.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from html import escape

from glassnet.lab.arithmetic.rows import count
from glassnet.walkthrough import as_html, as_mathml
from glassnet.walkthrough.as_text import plain
from glassnet.walkthrough.blackboard import blackboard
from glassnet.walkthrough.explain import Working, added_up
from glassnet.walkthrough.expression import BINDS, Expression
from glassnet.walkthrough.look import Look
from glassnet.walkthrough.numerals import Numerals, true_minus
from glassnet.walkthrough.proof import Proof
from glassnet.walkthrough.spelling import SETTINGS, Spelling
from glassnet.walkthrough.step import Step
from glassnet.walkthrough.trace import Trace


@dataclass(frozen=True, eq=False)
class Writing:
    """How the numbers of a trace are written."""

    trace: Trace
    look: Look

    def number(self, value: float, *, signed: bool = False, tinted: bool = False) -> str:
        """A number as it is shown; it carries the whole of itself."""
        shown = self.look.numerals.of(value, signed=signed)
        return data(value, shown, tinted=tinted)

    def name(self, called: str, step: Step) -> str:
        """A quantity or a place in one: ∂L/∂W₂[1,0], or as the notebook calls it."""
        spelled = self.look.spelled(called, step)
        if self.look.names == "seed" and "_" in spelled:
            return f'<code class="sum-name">{escape(spelled).replace("_", "_<wbr>")}</code>'
        return as_mathml.math(as_mathml.symbol(spelled))

    def formula(self, tree: Expression, step: Step) -> str:
        """A formula in names."""
        tree = blackboard(tree)
        if self.look.names == "seed":  # long words, which a browser breaks only outside MathML
            return as_html.html_of(tree, lambda called: self.name(called, step))[0]
        return _joined(tree, lambda called: as_mathml.symbol(self.look.spelled(called, step)))

    def filled(self, tree: Expression, values: dict[str, float]) -> str:
        """The same with numbers; constants as they were set."""

        def leaf(called: str) -> as_mathml.Part | str:
            if called not in values:  # [k] and [j] of a formula for many
                return as_mathml.symbol(called)
            value = float(values[called])
            if called in SETTINGS or plain(called) != called:
                return as_mathml.number(value)
            inside = f"<mtext>{self.number(value)}</mtext>"
            return inside, BINDS["neg"] if value < 0 else 99

        return _joined(blackboard(tree), leaf)

    def working(self, one: Working, *, signed: bool = False) -> str:
        """The lines of one number."""
        lines = dict.fromkeys(self._lines(one))  # each once, in order
        result = self.number(one.value, signed=signed, tinted=True)
        said = "".join(f"<p>= {line}</p>" for line in lines)
        wide = " sum-stacked" if self.look.names == "seed" else ""
        return (
            f'<div class="sum-work{wide}"><div class="sum-of">{self.name(one.place, one.step)}'
            f'</div><div class="sum-lines">{said}<p class="sum-result">= {result}</p></div></div>'
        )

    def _lines(self, one: Working) -> Iterator[str]:
        if one.step.formula is None:
            return
        if not one.terms:
            yield self.formula(one.formula, one.step)
            if one.formula.op != "name":  # else the result says it
                yield self.filled(one.formula, dict(one.values))
            return
        spelling = Spelling(self.trace)
        found = [spelling.term(one, term) for term in one.terms]
        values = {key: value for _, inside in found for key, value in inside.items()}
        total = reduce(lambda a, b: Expression("+", (a, b)), (tree for tree, _ in found))
        more = f" + … {count(one.hidden, 'more')}" if one.hidden else ""
        yield self.formula(total, one.step) + more
        yield self.filled(total, values) + more
        if len(one.terms) > 1 or one.hidden:
            amounts = "".join(self._added(t.value, first=k == 0) for k, t in enumerate(one.terms))
            rest = f"{self._added(one.rest)} (the {count(one.hidden, 'more')})" if more else ""
            yield amounts + rest
        summed = added_up(term.value for term in one.terms) + one.rest
        complete = math.isclose(summed, one.value, rel_tol=1e-9, abs_tol=1e-300)
        if not complete and math.isfinite(summed) and one.formula.op not in {"name", "number"}:
            yield self.filled(one.formula, dict(one.values))

    def _added(self, value: float, *, first: bool = False) -> str:
        if first:
            return self.number(value)
        shown = data(value, self.look.numerals.of(abs(value)))
        return f" {'−' if value < 0 else '+'} {shown}"

    def proof(self, found: Proof) -> str:
        """A derivative beside its measurement, and the verdict."""
        if found.kink:
            return '<p class="sum-proof">Measured: at a kink, where there is no one slope.</p>'
        finer = Numerals(max(self.look.numerals.digits, 6), exact=self.look.numerals.exact)
        measured = data(found.measured, finer.of(found.measured, signed=True))
        error = true_minus(f"{found.error:.0e}") if found.error else "0"
        mark = "✓" if found.agrees else "✗"
        return (
            f'<p class="sum-proof">Proof: moved a little up and down it is measured as {measured}, '
            f"relative error {error}: <b>{escape(found.verdict)}&nbsp;{mark}</b></p>"
        )


def _joined(tree: Expression, leaf: as_mathml.Leaf) -> str:
    # one formula a term, so that a line can break between them
    return " ".join(
        f"{sign} {as_mathml.math(inside)}".strip() for sign, inside in as_mathml.pieces(tree, leaf)
    )


def data(value: float, shown: str, *, tinted: bool = False) -> str:
    """A number as text that carries all its digits."""
    whole = repr(float(value))
    sign = "" if not value or math.isnan(value) else " sum-plus" if value > 0 else " sum-minus"
    return (
        f'<data class="sum-n{sign if tinted else ""}" value="{whole}" '
        f'title="{true_minus(whole)}">{shown}</data>'
    )
