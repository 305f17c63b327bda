"""A formula in MathML, for browsers: fractions, roots and powers as on a blackboard.

A browser breaks no formula over lines, so a long sum comes in pieces, one a term, with its + and −
between them.

>>> from glassnet.walkthrough.expression import parse
>>> mathml_of(parse("z/2"), symbol)[0]
'<mfrac><mi>z</mi><mn>2</mn></mfrac>'
>>> [(sign, piece[:12]) for sign, piece in pieces(parse("a - y*z"), symbol)]
[('', '<mi>a</mi>'), ('−', '<mrow><mi>y<')]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape

from glassnet.walkthrough.as_text import COMPARISONS, plain
from glassnet.walkthrough.expression import ATOM, BINDS, Expression, shown_number
from glassnet.walkthrough.numerals import MINUS, true_minus

Part = tuple[str, int]
Leaf = Callable[
    [str], "str | Part"
]  # a name as MathML, and how tightly it binds, if not as an atom

TIMES = '<mo lspace=".1em" rspace=".1em">·</mo>'
APPLY = "<mo>&#x2061;</mo>"
QUOTIENT = ATOM - 1  # stands alone everywhere but under an exponent


def math(inside: str) -> str:
    """An inline formula."""
    return f"<math>{inside}</math>"


def row(*parts: str) -> str:
    """Parts side by side, as one."""
    return f"<mrow>{''.join(parts)}</mrow>"


def symbol(spelled: str) -> str:
    """A name as it is spelled: ∂L/∂W₂[0,1] with its fraction, its index and its place."""
    called, bracket, place = spelled.partition("[")
    if place and re.fullmatch(r"[Wb][₀-₉]+\].*", place):  # m̂[W₂][1,0]: what belongs to a weight
        of, _, rest = place.partition("]")
        called, (bracket, place) = f"{called}[{of}]", (rest[:1], rest[1:])
    if power := re.fullmatch(r"Σ (.+)\^(\w)", spelled):  # a whole sum: Σ W₁^2
        return row("<mo>∑</mo>", f"<msup>{symbol(power[1])}<mn>{power[2]}</mn></msup>")
    if called.startswith("‖"):
        base = row("<mo>‖</mo>", symbol(called.strip("‖")), "<mo>‖</mo>")
    elif "/∂" in called:
        above, below = called.split("/", 1)
        base = f"<mfrac>{_derived(above)}{_derived(below)}</mfrac>"
    else:
        base = _plain(called)
    return row(base, f"<mtext>{escape(bracket + place)}</mtext>") if bracket else base


def _derived(text: str) -> str:
    return row("<mo>∂</mo>", _plain(text.removeprefix("∂")))


def _plain(text: str) -> str:
    prime = text.endswith("′") or "′[" in text
    text = text.replace("′", "")
    below = ""
    if found := re.fullmatch(r"([^\W\d]\u0302?)([₀-₉]+)", text):
        digits = "".join(str("₀₁₂₃₄₅₆₇₈₉".index(digit)) for digit in found[2])
        base, below = f"<mi>{found[1]}</mi>", f"<mn>{digits}</mn>"
    elif found := re.fullmatch(r"([^\W\d]\u0302?)\[(.+)\]", text):
        base, below = f"<mi>{found[1]}</mi>", _plain(found[2])
    elif re.fullmatch(r"[^\W\d_]\u0302?", text):
        base = f"<mi>{text}</mi>"
    else:
        base = f"<mtext>{escape(text)}</mtext>"
    whole = f"<msub>{base}{below}</msub>" if below else base
    return row(whole, "<mtext>′</mtext>") if prime else whole


def number(value: float) -> Part:
    """A constant as one would write it: 0.5, 1e−8."""
    shown = true_minus(shown_number(abs(value)))
    if value < 0:
        return row(f"<mo>{MINUS}</mo>", f"<mn>{shown}</mn>"), BINDS["neg"]
    return f"<mn>{shown}</mn>", ATOM


def pieces(tree: Expression, leaf: Leaf) -> Iterator[tuple[str, str]]:
    """The terms of a sum, each with the sign before it; a formula that is no sum as one."""
    found = list(_signed_terms(tree, ""))
    for k, (sign, part) in enumerate(found):
        inside, binds = mathml_of(part, leaf)
        least = BINDS["+"] + 1 if sign == MINUS else BINDS["+"] if k else 0
        negative = k > 0 and binds == BINDS["neg"]
        yield sign, _bracket((inside, -1 if negative else binds), least)


def _signed_terms(tree: Expression, sign: str) -> Iterator[tuple[str, Expression]]:
    # a - (b - c) keeps its brackets, (a - b) - c has none
    if tree.op in {"+", "-"} and sign != MINUS:
        yield from _signed_terms(tree.args[0], sign)
        yield from _signed_terms(tree.args[1], MINUS if tree.op == "-" else "+")
    elif tree.op == "neg" and sign == "+" and tree.args[0].op not in {"+", "-"}:
        yield MINUS, tree.args[0]
    else:
        yield sign, tree


def mathml_of(tree: Expression, leaf: Leaf) -> Part:
    """The MathML, and how tightly its outermost operation binds."""
    op, args = tree.op, tree.args
    if op == "name":
        found = leaf(args[0])
        return (found, ATOM) if isinstance(found, str) else found
    if op == "number":
        return number(args[0])
    if op == "call":
        return _call(args[0], [mathml_of(part, leaf) for part in args[1:]])
    if op == "sum":
        over = {"samples": "s", "outputs": "k", "columns": "s", "rows": "k", "all": ""}[args[1]]
        sign = f"<msub><mo>∑</mo><mi>{over}</mi></msub>" if over else "<mo>∑</mo>"
        return row(sign, _bracket(mathml_of(args[0], leaf), BINDS["*"])), BINDS["+"]
    parts = [mathml_of(part, leaf) for part in args]
    match op:
        case "T":
            return f"<msup>{_bracket(parts[0], ATOM)}<mo>⊤</mo></msup>", ATOM
        case "column":
            return parts[0]
        case "neg":
            least = BINDS["neg"] + 1 if parts[0][1] == BINDS["neg"] else BINDS["*"]  # −(−0.5)
            return row(f"<mo>{MINUS}</mo>", _bracket(parts[0], least)), BINDS["neg"]
        case "**":
            return f"<msup>{_bracket(parts[0], ATOM)}{row(parts[1][0])}</msup>", BINDS["**"]
        case "/":
            return f"<mfrac>{parts[0][0]}{parts[1][0]}</mfrac>", QUOTIENT
        case "where":
            condition, yes, no = (part for part, _ in parts)
            lines = _case(yes, "<mtext>where </mtext>", condition) + _case(
                no, "<mtext>else</mtext>"
            )
            return row("<mo>{</mo>", f"<mtable>{lines}</mtable>"), BINDS["where"]
    sign = {"+": "<mo>+</mo>", "-": f"<mo>{MINUS}</mo>", "*": TIMES, "@": "<mo>@</mo>"}.get(op, "")
    binds = BINDS.get(op, BINDS["compare"])
    if op in COMPARISONS:
        sides = (_bracket(part, BINDS["+"]) for part in parts)
        return row(f"<mo>{escape(COMPARISONS[op])}</mo>".join(sides)), binds
    least = binds + 1 if op in "-@" or args[1].op == "@" else binds
    left = _bracket(parts[0], BINDS["neg"] + 1 if _filled(args[0], parts[0]) else binds)
    right = _bracket(parts[1], BINDS["neg"] + 1 if parts[1][1] == BINDS["neg"] else least)
    return row(left, sign, right), binds


def _filled(tree: Expression, part: Part) -> bool:
    # a negative number put in for a name: (−0.5)·a, while −y·a stays as it is
    return tree.op == "name" and part[1] == BINDS["neg"]


def _case(value: str, word: str, condition: str = "") -> str:
    cell = '<mtd style="text-align:left">'
    return f"<mtr>{cell}{value}</mtd>{cell}{word}{condition}</mtd></mtr>"


def _bracket(part: Part, least: int) -> str:
    inside, binds = part
    return inside if binds >= least else row("<mo>(</mo>", inside, "<mo>)</mo>")


def _function(name: str, inside: str) -> str:
    said = f"<mi>{escape(name)}</mi>"
    return row(said, APPLY, row("<mo>(</mo>", inside, "<mo>)</mo>"))


def _call(function: str, parts: list[Part]) -> Part:
    inside = "<mo>,</mo>".join(part for part, _ in parts)
    match function:
        case "exp":
            return _power(parts[0]), BINDS["**"]
        case "absolute" | "abs" | "fabs":
            return row("<mo>|</mo>", inside, "<mo>|</mo>"), ATOM
        case "sqrt":
            return f"<msqrt>{inside}</msqrt>", ATOM
        case "square":
            return f"<msup>{_bracket(parts[0], ATOM)}<mn>2</mn></msup>", BINDS["**"]
        case "log1p":
            one = row("<mn>1</mn><mo>+</mo>", _bracket(parts[0], BINDS["+"]))
            return _function("ln", one), ATOM
        case "expm1":
            return row(_power(parts[0]), f"<mo>{MINUS}</mo><mn>1</mn>"), BINDS["+"]
        case "logaddexp":
            return _function("ln", row(_power(parts[0]), "<mo>+</mo>", _power(parts[1]))), ATOM
        case "xlogy":  # which is 0 where its first number is 0
            first = _bracket(parts[0], BINDS["*"])
            return row(first, TIMES, _function("ln", parts[1][0])), BINDS["*"]
    spelled = {"maximum": "max", "minimum": "min", "log": "ln", "Phi": "Φ", "phi": "φ"}
    return _function(spelled.get(function, plain(function)), inside), ATOM


def _power(exponent: Part) -> str:
    return f"<msup><mi>e</mi>{row(exponent[0])}</msup>"
