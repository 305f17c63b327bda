"""One number worked out, line under line: in names, in numbers, term by term, result, proof."""

from __future__ import annotations

import re

from rich.text import Text

from glassnet.walkthrough.explain import Index, Working
from glassnet.walkthrough.matrices import NEGATIVE, POSITIVE, QUIET
from glassnet.walkthrough.numerals import MINUS, Numerals, true_minus
from glassnet.walkthrough.proof import is_derivative
from glassnet.walkthrough.spelling import Spelling, added
from glassnet.walkthrough.step import Step
from glassnet.walkthrough.trace import Trace
from glassnet.walkthrough.wrapping import wrap_formula, wrap_words

SIGNED = re.compile(rf"(?<!e)(?:(?P<minus>{MINUS} ?(?=\d))|(?P<plus>\+ ?(?=\d)))")
NUMBER = re.compile(rf"[\d.]+(?:e{MINUS}?\d+)?|inf|nan")


def ladder(
    spelling: Spelling, working: Working, width: int, indent: str, *, names: bool = True
) -> list[Text]:
    """`= names`, `= numbers`, `= the terms`, `= the result`; what says nothing new is left out.

    names : without it the formula in names is left out too, where it has just been said.
    """
    said: list[Text] = []
    for text, coloured in rungs(spelling, working, names=names):
        said += _lines(text, width, indent, coloured=coloured)
    return said


def rungs(spelling: Spelling, working: Working, *, names: bool = True) -> list[tuple[str, bool]]:
    """The same as text, and whether its signs are those of numbers."""
    result = spelling.numerals.of(working.value, signed=True)
    if working.step.formula is None:
        return [(result, True)]
    if working.terms:
        lines = _sum(spelling, working)
    else:
        in_names = spelling.text(working.formula)
        in_numbers = spelling.filled(working.formula, working.values)
        lines = [(in_names, False)] * names + [(in_numbers, False)]
    every = [*lines, (result, True)]
    following = [*(text for text, _ in every[1:]), ""]
    return [one for one, then in zip(every, following, strict=True) if _bare(one[0]) != _bare(then)]


def _bare(text: str) -> str:
    return text.removeprefix("+").strip("()")


def _sum(spelling: Spelling, working: Working) -> list[tuple[str, bool]]:
    numerals = spelling.numerals
    names, numbers = [], []
    amounts: list[str] = []
    for term in working.terms:
        tree, values = spelling.term(working, term)
        names.append((spelling.text(tree), tree))
        numbers.append((spelling.filled(tree, values), tree))
        amounts.append(_amount(numerals, term.value, first=not amounts))
    more = ""
    if working.hidden:
        count = f"{working.hidden} more"
        more = f" + … {count}"
        amounts.append(_amount(numerals, working.rest, first=False) + f" (the {count})")
    lines = [(added(names) + more, False), (added(numbers) + more, False)]
    if len(amounts) > 1:
        lines.append((" ".join(amounts), True))
    return lines


def _amount(numerals: Numerals, value: float, *, first: bool) -> str:
    text = numerals.of(value, signed=True)
    if first:
        return text
    if text[0] not in "+" + MINUS:
        text = f"+{text}"
    return f"{text[0]} {text[1:]}"


def _lines(text: str, width: int, indent: str, *, coloured: bool) -> list[Text]:
    parts = wrap_formula(f"= {text}", width, indent, indent + "  ")
    return [_coloured(part) if coloured else Text(part) for part in parts]


def _coloured(text: str) -> Text:
    line = Text(text)
    for sign in SIGNED.finditer(text):
        number = NUMBER.match(text, sign.end())
        end = number.end() if number else sign.end()
        line.stylize(NEGATIVE if sign["minus"] else POSITIVE, sign.start(), end)
    return line


def proof_line(
    trace: Trace, step: Step, index: Index, numerals: Numerals, width: int
) -> list[Text]:
    """The measurement of a derivative beside it, with its verdict; nothing for other numbers."""
    if trace.samples is None or not is_derivative(step.name):
        return []
    proof = trace.proof(step.name, *index)
    if proof.kink:
        said = "measured: at a kink, where there is no one slope"
    else:
        verdict = "✓" if proof.agrees else "✗ wrong"
        measured = numerals.of(proof.measured, signed=True)
        error = f"{proof.error:.0e}" if proof.error else "0"
        said = f"measured {measured}, relative error {error} {verdict}"
    return [
        Text(part, style=QUIET) for part in wrap_words(true_minus(said), width, "    ", "      ")
    ]


def prose(text: str, width: int, indent: str, rest: str | None = None) -> list[Text]:
    """A sentence in lines."""
    return [Text(part) for part in wrap_words(text, width, indent, rest)]
