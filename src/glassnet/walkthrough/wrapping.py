"""Lines that fit a width: words at blanks, formulas at their operators."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

OPERATORS = re.compile(r" (?=[+−=@→] )")
PLACES = (
    OPERATORS,  # a new line begins with the operator
    re.compile(r" (?=· )"),
    re.compile(r"(?<=·)(?! )|(?=/[^ ])|(?<![+−=@·→]) "),
    re.compile(r"(?<=_wrt_)"),  # a name that is longer than the line
    re.compile(r"(?=\[)|(?<=,)"),
    re.compile(r"(?<=_)"),
    re.compile(r"(?=.)"),
)
"""Where a formula may be broken, best first."""


def wrap_words(text: str, width: int, indent: str = "", rest: str | None = None) -> list[str]:
    """Prose in lines; a word longer than the line is broken rather than cut."""
    return _filled(text, (re.compile(r" "), re.compile(r"(?=.)")), width, indent, rest)


def wrap_formula(text: str, width: int, indent: str = "", rest: str | None = None) -> list[str]:
    """A formula in lines, broken before an operator; inside brackets only where it must be."""
    return _filled(text, PLACES, width, indent, rest)


def _filled(
    text: str, places: Sequence[re.Pattern[str]], width: int, indent: str, rest: str | None
) -> list[str]:
    rest = indent if rest is None else rest
    lines, line = [], indent
    empty = True
    for piece in _pieces(text, places, width - max(cell_len(indent), cell_len(rest))):
        if not empty and cell_len(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line, empty = rest, True
        line += piece.lstrip() if empty else piece
        empty = False
    return [*lines, line.rstrip()]


def _pieces(text: str, places: Sequence[re.Pattern[str]], width: int) -> list[str]:
    """The text in parts of which each fits, broken at the best places that do it."""
    if not places:
        return [text]
    found: list[str] = []
    for part in _split(text, places[0], outside=places[0] is OPERATORS):
        fits = cell_len(part.strip()) <= width
        found += [part] if fits else _pieces(part, places[1:], width)
    return found


def _split(text: str, place: re.Pattern[str], *, outside: bool) -> list[str]:
    # an operator inside brackets binds what is inside them
    cuts = [0]
    for match in place.finditer(text):
        at = match.start()
        before = text[:at]
        if 0 < at < len(text) and not (outside and before.count("(") > before.count(")")):
            cuts.append(at)
    return [text[a:b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]
