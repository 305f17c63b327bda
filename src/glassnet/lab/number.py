"""Numbers as people type them: -0.25, −1/3, 0,5, 1e-3."""

from __future__ import annotations

import math
import re

from glassnet.core.errors import BadInput

DIGITS = r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?"
TYPED = re.compile(rf"({DIGITS})(?:\s*/\s*({DIGITS}))?")
LONGEST = 60


def number(text: str) -> float:
    """The number that was typed; a comma is a decimal point, a / divides two numbers.

    >>> number("−1/3"), number("0,5"), number("1e-3")
    (-0.3333333333333333, 0.5, 0.001)
    """
    cleaned = text.strip().replace("−", "-")
    found = TYPED.fullmatch(cleaned) if len(cleaned) <= LONGEST else None
    if found is None:
        got = f"{cleaned[:20]!r}" if cleaned else "nothing"
        raise BadInput(f"{got} was typed", "a number is expected", "Try 0.25, −1/3 or 1e−3.")
    above, below = (float((part or "1").replace(",", ".")) for part in found.groups())
    if below == 0:
        raise BadInput(f"{cleaned!r} was typed", "a division by 0 has no result", "Try 0.25.")
    value = above / below
    if not math.isfinite(value):
        raise BadInput(
            f"{cleaned[:20]!r} was typed", "a number below 1.8e308 is expected", "Try 1e6."
        )
    return value


def numbers(text: str) -> tuple[float, ...]:
    """One number, or several with spaces or semicolons between them, or commas where points are.

    >>> numbers("0,5"), numbers("0.5,0.2"), numbers("0,5; 0,2")
    ((0.5,), (0.5, 0.2), (0.5, 0.2))
    """
    text = text.strip().replace("−", "-")
    if TYPED.fullmatch(text):
        return (number(text),)
    commas = r"|\s*,\s*" if "." in text else ""
    return tuple(map(number, re.split(rf"\s*;\s*|,?\s+{commas}", text)))
