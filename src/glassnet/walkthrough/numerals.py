"""How numbers are shown: so many significant digits, or all of them; + and − both written."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from glassnet.core.errors import BadInput

MINUS = "−"
LARGEST, SMALLEST = 7, -4
"""Powers of ten between which a number is written without an exponent."""


@dataclass(frozen=True)
class Numerals:
    """Significant digits; `exact` for all that are needed to read the number back bit for bit.

    places : decimals instead of significant digits, as NumPy prints an array.
    """

    digits: int = 4
    exact: bool = False
    places: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.digits <= 17:
            raise BadInput(f"digits={self.digits}", "1 to 17 are expected")

    def of(self, x: float, *, signed: bool = False) -> str:
        """The number as text; with `signed` a + too.

        >>> Numerals().of(-0.068517), Numerals().of(0.787), Numerals().of(3.0, signed=True)
        ('−0.06852', '0.7870', '+3')
        """
        size = self._size(abs(float(x)))
        if math.isnan(x):
            return "nan"
        zero = not any(digit in size.partition("e")[0] for digit in "123456789") and size != "inf"
        if zero:
            return size
        return (MINUS if x < 0 else "+" if signed else "") + size

    def factor(self, x: float) -> str:
        """The number as it stands in a product or under a power: a negative one in brackets."""
        text = self.of(x)
        return f"({text})" if text.startswith(MINUS) else text

    def _size(self, x: float) -> str:
        if not math.isfinite(x):
            return "inf"
        if x.is_integer() and x < 10**LARGEST:
            return str(int(x))
        if self.exact:
            return true_minus(repr(x))
        if self.places is not None:
            return f"{x:.{self.places}f}"
        shown = f"{x:.{self.digits - 1}e}"  # rounded first: 9.9999 has one place less than 9.99
        power = int(shown.partition("e")[2])
        if SMALLEST <= power < LARGEST:
            return f"{x:.{max(self.digits - 1 - power, 0)}f}"
        return f"{shown.partition('e')[0]}e{true_minus(str(power))}"


DEFAULT = Numerals()


def aligned(texts: Sequence[str]) -> list[str]:
    """Numbers of one column with their decimal points one below the other."""
    parts = [_split(text) for text in texts]
    left = max((len(before) for before, _ in parts), default=0)
    right = max((len(after) for _, after in parts), default=0)
    return [f"{before:>{left}}{after:<{right}}" for before, after in parts]


def _split(text: str) -> tuple[str, str]:
    for mark in ".e":
        place = text.find(mark)
        if place >= 0:
            return text[:place], text[place:]
    return text, ""


def true_minus(text: str) -> str:
    """With − for -, and 1e−8 for 1e-08.

    >>> true_minus("-y + 1e-08")
    '−y + 1e−8'
    """
    return re.sub(r"(?<=\de)-0*(?=\d)", MINUS, text).replace("-", MINUS)
