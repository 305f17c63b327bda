"""A formula in HTML: fractions, roots and powers as on a blackboard, in inline styles alone.

Not MathML: some viewers of notebooks drop it with all that is in it, others leave "1z" of a
fraction. Here the marks that the layout makes needless, / and ^ and brackets, stay in the text and
are hidden by a style. Where styles or all tags are stripped, exactly `Expression.text` is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from glassnet.walkthrough.as_text import COMPARISONS
from glassnet.walkthrough.expression import (
    ATOM,
    BINDS,
    Expression,
    bracket,
    shown_number,
    signed,
)

Leaf = Callable[[str], str]  # a name as HTML

FRACTION = (
    "display:inline-block;vertical-align:middle;margin:.15em 0;text-align:center;line-height:1.25"
)
ABOVE = "display:block;padding:0 .25em"
BELOW = "display:block;padding:0 .25em;border-top:1px solid"
CASES = (
    "display:inline-block;vertical-align:middle;text-align:left;"
    "border-left:2px solid;border-radius:.5em;padding-left:.5em"
)
ROOF = "border-top:1px solid;padding:0 .1em"
QUIET = "opacity:.75"
TIMES = '<span style="padding:0 .1em">·</span>'


def hidden(text: str) -> str:
    """Text that a layout makes needless, kept for those who see none."""
    return f'<span style="display:none">{text}</span>'


def fraction(above: str, below: str, left: str = "", right: str = "") -> str:
    """A fraction; `left` and `right` stand around what is below, in plain text."""
    return (
        f'<span style="{FRACTION}"><span style="{ABOVE}">{above}</span>{hidden("/" + left)}'
        f'<span style="{BELOW}">{below}</span>{hidden(right) if right else ""}</span>'
    )


def symbol(spelled: str) -> str:
    """A name as it is spelled, ∂L/∂W₂ as a fraction."""
    if found := re.fullmatch(r"(∂[^/\[\]]+)/(∂[^/\[\]]+)(\[[\w,]+\])?", spelled):
        above, below, place = (escape(part or "") for part in found.groups())
        whole = fraction(above, below) + place
        return f'<span style="white-space:nowrap">{whole}</span>' if place else whole
    return escape(spelled)


def power(exponent: tuple[str, int]) -> str:
    """A power of e. In plain text brackets stand as they do there: e^z, e^(-z), e^(|z|)."""
    alone = exponent[1] == ATOM and re.sub("<[^>]*>", "", exponent[0])[-1:] not in ")|"
    return _raised("e", exponent, alone=alone)


def html_of(tree: Expression, leaf: Leaf) -> tuple[str, int]:
    """The HTML, and how tightly its outermost operation binds in plain text."""
    op, args = tree.op, tree.args
    if op == "name":
        return leaf(args[0]), ATOM
    if op == "number":
        shown = shown_number(args[0]).replace("-", "−")
        return shown, ATOM if args[0] >= 0 else BINDS["neg"]
    if op == "call":
        return _call(args[0], [html_of(part, leaf) for part in args[1:]])
    if op == "sum":
        over = {"samples": "s", "outputs": "k", "columns": "s", "rows": "k", "all": ""}[args[1]]
        sign = f"Σ{hidden('_')}<sub>{over}</sub>" if over else "Σ"
        return f"{sign} {bracket(html_of(args[0], leaf), BINDS['*'])}", BINDS["+"]
    parts = [html_of(part, leaf) for part in args]
    match op:
        case "T":
            base = bracket(parts[0], ATOM)
            turned = '<span style="vertical-align:.6em">ᵀ</span>' if FRACTION in base else "ᵀ"
            return f"{base}{turned}", ATOM
        case "column":
            return parts[0]
        case "neg":
            return f"−{bracket(parts[0], BINDS['*'])}", BINDS["neg"]
        case "**":
            base = bracket(parts[0], ATOM)
            return _raised(base, parts[1]), BINDS["**"]
        case "where":
            condition, no = parts[0][0], parts[2][0]
            yes = bracket(parts[1], BINDS["compare"])
            first = f'<span style="display:block">{yes} <i>where</i> {condition}, </span>'
            other = f'<span style="display:block"><i>else</i> {no}</span>'
            return f'<span style="{CASES}">{first}{other}</span>', BINDS["where"]
        case ">" | ">=" | "<" | "<=":
            left, right = (bracket(part, BINDS["+"]) for part in parts)
            return f"{left} {escape(COMPARISONS[op])} {right}", BINDS["compare"]
        case "/":
            return _fraction(parts[0], parts[1]), BINDS["*"]
    between = {"+": " + ", "-": " − ", "*": TIMES, "@": f' <span style="{QUIET}">@</span> '}[op]
    binds = BINDS[op]
    least = binds + 1 if op in "-@" or args[1].op == "@" else binds
    right = bracket(parts[1], ATOM if signed(args[1]) else least)
    shown = f"{bracket(parts[0], binds)}{between}{right}"
    return shown, min(binds, BINDS["*"])


def _fraction(above: tuple[str, int], below: tuple[str, int]) -> str:
    over = above[0]
    if above[1] < BINDS["*"]:
        over = hidden("(") + over + hidden(")")
    if below[1] < BINDS["/"] + 1:
        return fraction(over, below[0], "(", ")")
    return fraction(over, below[0])


def _call(function: str, parts: list[tuple[str, int]]) -> tuple[str, int]:
    least = BINDS["compare"] if len(parts) > 1 else 0
    inside = ", ".join(bracket(part, least) for part in parts)
    match function:
        case "exp":
            return power(parts[0]), BINDS["**"]
        case "absolute" | "abs" | "fabs":
            return f"|{inside}|", ATOM
        case "sqrt":
            left, right = ("", "") if parts[0][1] >= ATOM else (hidden("("), hidden(")"))
            return f'√{left}<span style="{ROOF}">{inside}</span>{right}', BINDS["**"]
        case "square":
            return f"{bracket(parts[0], ATOM)}{hidden('^')}<sup>2</sup>", BINDS["**"]
        case "log1p":
            return f"ln(1 + {bracket(parts[0], BINDS['+'])})", ATOM
        case "expm1":
            return f"{power(parts[0])} − 1", BINDS["+"]
        case "logaddexp":
            first, second = (_raised("e", part) for part in parts)
            return f"ln({first} + {second})", ATOM
        case "xlogy":
            return f"{bracket(parts[0], BINDS['*'])}{TIMES}ln({parts[1][0]})", BINDS["*"]
    spelled = {"maximum": "max", "minimum": "min", "log": "ln", "Phi": "Φ", "phi": "φ"}
    return f"{escape(spelled.get(function, function))}({inside})", ATOM


def _raised(base: str, exponent: tuple[str, int], *, alone: bool | None = None) -> str:
    alone = exponent[1] >= ATOM if alone is None else alone
    left, right = ("^", "") if alone else ("^(", hidden(")"))
    return f"{base}{hidden(left)}<sup>{exponent[0]}</sup>{right}"
