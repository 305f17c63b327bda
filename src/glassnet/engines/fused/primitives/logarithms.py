"""ln x, ln(1 + x), and to the bases 2 and 10."""

from __future__ import annotations

import math

from glassnet.engines.fused.assembler import Code, Value
from glassnet.engines.fused.primitives.formats import form
from glassnet.engines.fused.primitives.parts import in_double, polynomial, rounded


def logarithm(code: Code, f: Value, k: Value) -> Value:
    """k ln 2 + ln(1 + f), √½ <= 1+f <= √2: ln(1+f) = 2 artanh s = f - f²/2 + s (f²/2 + s² L(s²)).

    s = f/(2 + f).
    """
    constants = form(f)
    s = f / (f + 2.0)
    square, half = rounded(s * s), rounded(rounded(f * 0.5) * f)
    rest = code.fma(square, polynomial(code, square, constants.log), half)
    rest = code.fma(s, rest, k * constants.low - half)
    return code.fma(k, constants.high, f + rest)


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
    """ln x = k ln 2 + ln m, x = 2^k m: 0.9, 0.9 ulp."""
    f, x = form(x), rounded(x)
    tiny = code.compare("lt", x, 2.0 ** (1 - f.bias))
    # numbers below the normal ones have no exponent of their own
    _, k, m = octave(code, code.select(tiny, rounded(x * 2.0 ** (f.digits + 2)), x))
    k = code.select(tiny, k - float(f.digits + 2), k)
    return edges(code, x, logarithm(code, m - 1.0, k), 0.0)


def log1p(code: Code, x: Value) -> Value:
    """ln(1 + x) = k ln 2 + ln(1 + f), where 1 + x = 2^k (1 + f): f keeps the digits of x.

    1.5, 1.5 ulp; below four times the smallest normal number the last two bits are lost.
    """
    f, x = form(x), rounded(x)
    moved, k, _ = octave(code, x + 1.0)
    # s = 2^(2-k): f = (x/4) s + (s/4 - 1), and every product is exact
    fraction = (1 << f.digits) - 1
    sign = -(1 << (f.integers(x).bits - 1))
    s_bits = code.binary("sub", sign, moved & (-1 - fraction))
    s = code.bitcast(s_bits, x.type)
    rest = code.fma(rounded(x * 0.25), s, code.fma(s, 0.25, code.constant(-1.0, x.type)))
    return edges(code, x, logarithm(code, rest, k), -1.0)


@in_double
def log2(code: Code, x: Value) -> Value:
    """log₂ x = k + ln m/ln 2, exact for powers of 2: 1.7 ulp."""
    tiny = code.compare("lt", x, 2.0**-1022)
    _, k, m = octave(code, code.select(tiny, rounded(x * 2.0**54), x))
    k = code.select(tiny, k - 54.0, k)
    none = code.constant(0.0, x.type)
    return edges(code, x, logarithm(code, m - 1.0, none) * math.log2(math.e) + k, 0.0)


@in_double
def log10(code: Code, x: Value) -> Value:
    """log₁₀ x = ln x/ln 10: 1.9 ulp."""
    return rounded(log(code, x) * math.log10(math.e))
