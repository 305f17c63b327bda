"""Floating-point formats, and what the functions need to know of them: above all coefficients."""

from __future__ import annotations

from dataclasses import dataclass

from glassnet.engines.fused.assembler import I32, I64, Type, Value


@dataclass(frozen=True)
class Format:
    """A floating-point format, and what the functions need to know of it.

    digits : bits of the fraction. bias : of the exponent. high + low = ln 2, high with a fraction
    that ends in zeros. flush : e^x is 0 below it; e^flush is just above the smallest normal
    number. exp, log, tanh : the coefficients of (e^r - 1 - r)/r² in r, of (2 artanh(s)/s - 2)/s²
    in s², of (r coth(r/2) - 2)/r² in r². near : those of `exp` for the r of `exp_by_table`.
    """

    whole: Type
    digits: int
    bias: int
    high: float
    low: float
    flush: float
    exp: tuple[float, ...]
    log: tuple[float, ...]
    tanh: tuple[float, ...]
    near: tuple[float, ...]

    @property
    def rounder(self) -> float:
        """1.5·2^digits: what is added to it loses its fraction, and stands in its lowest bits."""
        return 1.5 * 2.0**self.digits

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.digits

    @property
    def root_half(self) -> int:
        """The bits of √½, about."""
        return 0x3FE6A09E667F3BCD if self.digits == 52 else 0x3F3504F3

    def integers(self, x: Value) -> Type:
        """The type that holds the bits of a value."""
        return self.whole.of(x.type.lanes)


DOUBLE = Format(
    whole=I64,
    digits=52,
    bias=1023,
    high=6.93147180369123816490e-01,
    low=1.90821492927058770002e-10,
    flush=-708.0,
    # relative error of e^r 4e-18 in |r| <= 0.348
    exp=(
        0.5000000000000011,
        0.166666666666664,
        0.041666666666524806,
        0.008333333333500913,
        0.001388888894523775,
        0.00019841269496536203,
        2.4801491258731433e-05,
        2.755759173734717e-06,
        2.763095869360736e-07,
        2.4999518561312737e-08,
    ),
    # relative error of ln 1e-18
    log=(
        0.6666666666666734,
        0.3999999999941361,
        0.2857142874264888,
        0.22222198544182675,
        0.18183565940892693,
        0.15314006615371245,
        0.1479641451422914,
    ),
    # relative error of tanh 9e-19
    tanh=(
        0.166666666666666,
        -0.002777777777698489,
        6.613756312720114e-05,
        -1.653389256110333e-06,
        4.1377729340624305e-08,
    ),
    # relative error of e^r 1.2e-17 in |r| <= 0.0217
    near=(
        0.499999999999996,
        0.16666666664408916,
        0.04166666669334174,
        0.008333472196564523,
        0.0013888593842141213,
    ),
)

SINGLE = Format(
    whole=I32,
    digits=23,
    bias=127,
    high=0.693145751953125,
    low=1.428606765330187e-06,
    flush=-86.9,
    # relative error of e^r 3.2e-9
    exp=(0.49999994, 0.16666518, 0.041668423, 0.008369064, 0.0013813904),
    # relative error of ln 8e-10
    log=(0.66666776, 0.39977527, 0.2987213),
    # relative error of tanh 2e-9
    tanh=(0.16666625, -0.0027666455),
    # relative error of e^r 1.6e-9
    near=(0.5000162, 0.16666815),
)


def form(x: Value) -> Format:
    """The format of a value's numbers."""
    return DOUBLE if x.type.scalar == "double" else SINGLE
