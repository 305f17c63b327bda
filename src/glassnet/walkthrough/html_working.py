"""One number worked out in HTML: in names, with the numbers in it, term by term, the result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from glassnet.walkthrough.as_html import TIMES, html_of, symbol
from glassnet.walkthrough.as_text import plain
from glassnet.walkthrough.blackboard import blackboard
from glassnet.walkthrough.explain import Factor, Term, Working, added_up, at
from glassnet.walkthrough.expression import Expression, shown_number
from glassnet.walkthrough.look import BLUE, LINES, NUMBERS, ORANGE, Look
from glassnet.walkthrough.spelling import SETTINGS
from glassnet.walkthrough.step import Step

"""Numbers that someone has set; they are shown as they were set."""


def shown_formula(tree: Expression, step: Step, look: Look) -> str:
    """A formula with its names spelled."""
    return html_of(blackboard(tree), lambda name: symbol(look.spelled(name, step)))[0]


def working(one: Working, look: Look) -> str:
    """One number: the formula at its place, with the numbers in it, the result."""
    lines = []
    slope = one.step.part in {"backward", "gradient"}
    value = chip(one.value, look.numerals.of(one.value, signed=slope))
    own = symbol(look.spelled(one.place, one.step))
    complete = bool(one.terms) and math.isclose(
        added_up(term.value for term in one.terms) + one.rest,
        one.value,
        rel_tol=1e-9,
        abs_tol=1e-300,
    )
    if one.terms:
        if one.step.formula is not None and all(len(term.factors) > 1 for term in one.terms[:1]):
            places = [TIMES.join(_factor(f, one.step, look) for f in t.factors) for t in one.terms]
            if one.step.formula.op != "sum":
                lines.append(_sum(places) + _others(one, ""))
        products = [_term(term, one.step, look) for term in one.terms]
        if all(products):
            lines.append(_sum(filter(None, products)) + _others(one, ""))
        if len(one.terms) > 1 or one.hidden:
            sums = "".join(
                _added(term.value, look, first=k == 0) for k, term in enumerate(one.terms)
            )
            lines.append(sums + _others(one, _added(one.rest, look)))
    elif one.formula.op != "number" and one.step.formula is not None:
        lines.append(shown_formula(one.formula, one.step, look))
    if not complete and one.formula.op not in {"name", "number"}:
        lines.append(html_of(blackboard(one.formula), lambda n: _filled(n, one.values, look))[0])
    said = "".join(f"<br>= {line}" for line in lines)
    gap = "<br>" if said else " "
    return f'<p style="{NUMBERS};{LINES}">{own}{said}{gap}= <b>{value}</b></p>'


def _term(term: Term, step: Step, look: Look) -> str | None:
    """A term with its numbers: a product, or what is summed up, at this place."""
    tree = step.formula
    summed = tree is not None and tree.op == "sum"
    if not summed and len(term.factors) > 1:
        return TIMES.join(_number_in(factor.value, look) for factor in term.factors)
    if tree is not None and summed and tree.args[0].op != "name":
        numbers = {factor.name: factor.value for factor in term.factors}
        inner: Expression = tree.args[0]
        if set(inner.names()) <= set(numbers):
            html, _ = html_of(blackboard(inner), lambda name: _number_in(numbers[name], look))
            return f"({html})" if inner.op in {"+", "-", "where"} else html
    if len(term.factors) == 1 and term.factors[0].name.startswith("b"):
        return _number_in(term.value, look)  # the bias beside the products
    return None


def _sum(terms: Iterable[str]) -> str:
    first, *others = terms
    return first + "".join(f" − {t[1:]}" if t.startswith("−") else f" + {t}" for t in others)


def _factor(factor: Factor, step: Step, look: Look) -> str:
    return symbol(look.spelled(at(factor.name, factor.index), step))


def _others(one: Working, rest: str) -> str:
    if not one.hidden:
        return ""
    count = f"{one.hidden:,}".replace(",", " ")
    return f"{rest or ' + …'} <small>({count} smaller term{'s' * (one.hidden > 1)})</small>"


def _added(value: float, look: Look, *, first: bool = False) -> str:
    sign = "−" if value < 0 else "" if first else "+"
    space = "" if first else " "
    return f"{space}{chip(value, f'{sign}{space}{look.numerals.of(abs(value))}')}"


def _number_in(value: float, look: Look) -> str:
    """A number in a formula, a negative one in brackets."""
    return chip(float(value), look.numerals.factor(float(value)))


def _filled(name: str, values: Mapping[str, float], look: Look) -> str:
    # constants as they were set: 0.9, 1e-08
    if name in SETTINGS or plain(name) != name:
        return shown_number(values[name]).replace("-", "−")
    return _number_in(values[name], look)


def chip(value: float, shown: str) -> str:
    """A number in the colour of its sign."""
    if not value or math.isnan(value):
        return shown
    colour = BLUE if value > 0 else ORANGE
    style = f"background:rgba({colour},.25);border-radius:.2em;padding:0 .15em;white-space:nowrap"
    return f'<span style="{style}">{shown}</span>'
