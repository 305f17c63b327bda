"""exp, log and their kin in straight-line code, for registers of any width.

No branch, no call, no table in memory: they stand within the loops that use them. Each takes its
argument apart so that a polynomial of few terms is enough, and the polynomials are minimax ones
(Remez, 50 digits). NaN gives NaN, ±inf give what NumPy gives. A machine without fused
multiply-add computes products and sums apart: the constants that are subtracted first end in so
many zeros that their products with small whole numbers are exact there, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glassnet.engines.fused.assembler import F64, I32, I64, Code, Type, Value


@dataclass(frozen=True)
class Format:
    """A floating-point format, and what the functions need to know of it.

    digits : bits of the fraction. bias : of the exponent. high + low = ln 2, high with a fraction
    that ends in zeros. flush : e^x is 0 below it; e^flush is just above the smallest normal
    number. exp, log : the coefficients of (e^r - 1 - r)/r² and (ln(1+f) - f + f²/2)/f³.
    """

    whole: Type
    digits: int
    bias: int
    high: float
    low: float
    flush: float
    exp: tuple[float, ...]
    log: tuple[float, ...]

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
    # relative error of ln(1+f) 1.4e-17 in √½ <= 1+f <= √2
    log=(
        0.3333333333333335,
        -0.24999999999999564,
        0.19999999999984416,
        -0.1666666666681035,
        0.1428571428906666,
        -0.12499999985526526,
        0.11111110800872692,
        -0.10000000556611378,
        0.09090924270814044,
        -0.08333330525819782,
        0.07691881957521635,
        -0.0714243860737974,
        0.0667357266440519,
        -0.06263605184257645,
        0.058225533039146536,
        -0.05369451994671595,
        0.05445929465519407,
        -0.0617130422259513,
        0.05502303546592225,
        -0.02329568773383595,
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
    # relative error of ln(1+f) 5.9e-9
    log=(
        0.3333333,
        -0.2500082,
        0.20001227,
        -0.16623358,
        0.14201759,
        -0.13160174,
        0.12761599,
        -0.07634566,
    ),
)


def form(x: Value) -> Format:
    """The format of a value's numbers."""
    return DOUBLE if x.type.scalar == "double" else SINGLE


HORNER = 1

# ---- parts


def polynomial(code: Code, x: Value, coefficients: Sequence[float]) -> Value:
    """Σ c_i x^i, pairs first (Estrin): halves of the chain run side by side."""
    terms: list[Any] = list(coefficients)
    while len(terms) > HORNER:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        last = terms[-1:] if len(terms) % 2 else []
        terms = [code.fma(high, x, code.convert(low, x.type)) for low, high in pairs] + last
        x = x * x if len(terms) > 1 else x
    result = code.convert(terms[-1], x.type)
    for term in terms[-2::-1]:
        result = code.fma(result, x, code.convert(term, x.type))
    return result


def rounded(value: Value) -> Value:
    """The value as a number of its own: no later sum takes its product apart."""
    return Value(value.code, value.text, value.type)


def below(code: Code, x: Value, limit: float) -> Value:
    """min(x, limit); NaN for NaN."""
    return code.select(code.compare("gt", x, limit), limit, x)


def above(code: Code, x: Value, limit: float) -> Value:
    """max(x, limit); NaN for NaN."""
    return code.select(code.compare("lt", x, limit), limit, x)


def powers(code: Code, x: Value, top: int | None, shift: int = 0, tail: Any = None) -> Any:
    """t = 2^(n - shift) and q = e^r - 1, where x (+ tail) = n ln 2 + r and |r| <= ½ ln 2.

    top : no larger n is taken; what x has above it stays in r.
    """
    f = form(x)
    magic = f.rounder + f.bias - shift  # n's place: the lowest bits hold t's exponent
    m = code.fma(x, math.log2(math.e), code.constant(magic, x.type))
    if top is not None:
        m = below(code, m, magic + top)
    n = m - magic
    r = n * -f.low + (n * -f.high + x)
    if tail is not None:
        r = r + tail
    t = code.bitcast(code.binary("shl", code.bitcast(m, f.integers(x)), f.digits), x.type)
    square = rounded(r * r)
    return t, code.fma(polynomial(code, r, f.exp), square, r)


# ---- exponentials


def exp(code: Code, x: Value, tail: Any = None) -> Value:
    """e^x = 2^n e^r.

    0 where e^x is below 3.3e-308 (float32: 1.8e-38), about the smallest normal number.
    """
    f = form(x)
    # twice half of it, as 2^1024 is no number
    t, q = powers(code, x, f.bias + 1, 1, tail)
    half = code.fma(t, q, t)
    return code.select(code.compare("lt", x, f.flush), 0.0, half + half)


def expm1(code: Code, x: Value) -> Value:
    """e^x - 1 = 2^n (e^r - 1) + (2^n - 1), which keeps its digits near 0."""
    f = form(x)
    low = -1.5 * f.digits  # e^x is nothing beside 1
    t, q = powers(code, above(code, x, low), f.bias + 1, 1)
    half = code.fma(t, q, t - 0.5)
    return half + half


def tanh(code: Code, x: Value) -> Value:
    """tanh x = sign x · E/(E + 2), E = e^(2|x|) - 1; ±1 from |x| = 20 (float32: 10) on."""
    f = form(x)
    size = code.absolute(x)
    t, q = powers(code, below(code, size + size, 40.0 if f is DOUBLE else 20.0), None)
    ratio = code.fma(t, q, t - 1.0) / code.fma(t, q, t + 1.0)
    return code.intrinsic("llvm.copysign", x.type, ratio, x)


# ---- logarithms


def logarithm(code: Code, f: Value, k: Value) -> Value:
    """k ln 2 + ln(1 + f) where √½ <= 1+f <= √2."""
    form_ = form(f)
    p = polynomial(code, f, (-0.5, *form_.log))
    rest = code.fma(rounded(f * f), p, k * form_.low)
    return code.fma(k, form_.high, f) + rest


def edges(code: Code, x: Value, y: Value, zero: float) -> Value:
    """y; -inf where x is at the zero of the logarithm's argument, NaN below, inf at inf."""
    y = code.select(code.compare("lt", x, math.inf), y, x)
    type = x.type
    bottom = code.constant(-math.inf, type)
    outside = code.select(code.compare("eq", x, zero), bottom, code.constant(math.nan, type))
    return code.select(code.compare("gt", x, zero), y, outside)


def octave(code: Code, u: Value) -> tuple[Value, Value, Value]:
    """u = 2^k m with √½ <= m < √2: the bits of u moved by one octave's middle, k, and m."""
    f = form(u)
    integers = f.integers(u)
    moved = code.add(code.bitcast(u, integers), f.one - f.root_half)
    # the exponent, written under the 1 of a number that large: no conversion is needed
    base = 2.0**f.digits
    number = code.binary("lshr", moved, f.digits) | ((f.bias + f.digits) << f.digits)
    k = code.bitcast(number, u.type) - (base + f.bias)
    m = (moved & ((1 << f.digits) - 1)) + f.root_half
    return moved, k, code.bitcast(m, u.type)


def log(code: Code, x: Value) -> Value:
    """ln x = k ln 2 + ln m, x = 2^k m."""
    f = form(x)
    tiny = code.compare("lt", x, 2.0 ** (1 - f.bias))
    # numbers below the normal ones have no exponent of their own
    _, k, m = octave(code, code.select(tiny, rounded(x * 2.0 ** (f.digits + 2)), x))
    k = code.select(tiny, k - float(f.digits + 2), k)
    return edges(code, x, logarithm(code, m - 1.0, k), 0.0)


def log1p(code: Code, x: Value) -> Value:
    """ln(1 + x) = k ln 2 + ln(1 + f), where 1 + x = 2^k (1 + f): f keeps the digits of x."""
    f = form(x)
    moved, k, _ = octave(code, x + 1.0)
    # s = 2^(2-k): f = (x/4) s + (s/4 - 1), and every product is exact
    fraction = (1 << f.digits) - 1
    sign = -(1 << (f.integers(x).bits - 1))
    s_bits = code.binary("sub", sign, moved & (-1 - fraction))
    s = code.bitcast(s_bits, x.type)
    rest = code.fma(rounded(x * 0.25), s, code.fma(s, 0.25, code.constant(-1.0, x.type)))
    return edges(code, x, logarithm(code, rest, k), -1.0)


# ---- powers


def power(code: Code, a: Any, b: Any) -> Value:
    """a^b = e^(b ln a); NaN where a is negative."""
    a, b = code.pair(a, b)
    if a.type.scalar == "float":
        wide = F64.of(a.type.lanes)
        return code.convert(power(code, code.convert(a, wide), code.convert(b, wide)), a.type)
    y = exp(code, rounded(b * log(code, a)))
    return code.select(code.compare("eq", b, 0.0), 1.0, y)
