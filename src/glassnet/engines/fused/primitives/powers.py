"""a^b, from a logarithm of twice as many digits."""

from __future__ import annotations

import math
from typing import Any

from glassnet.engines.fused.assembler import F64, I64, Code, Value
from glassnet.engines.fused.primitives.exponentials import exp
from glassnet.engines.fused.primitives.formats import DOUBLE
from glassnet.engines.fused.primitives.logarithms import octave
from glassnet.engines.fused.primitives.parts import above, below, polynomial, rounded


def raised(code: Code, a: Any, b: Any) -> Any:
    """a^b: by products for small whole b, a root for ½, else by exp and log."""
    if isinstance(b, Value) or not (b == 0.5 or b in range(17)):
        return power(code, a, b)
    if b == 0.5:
        return code.sqrt(a)
    result, square, rest = code.constant(1.0, a.type), a, int(b)
    started = False
    while rest:
        if rest & 1:
            result, started = code.multiply(result, square) if started else square, True
        rest >>= 1
        square = code.multiply(square, square) if rest else square
    return result


def power(code: Code, a: Any, b: Any) -> Value:
    """a^b = e^(b ln a); NaN where a is negative and b is not whole.

    Errors of ln a count |b| times, so ln a is a sum of two numbers, and so is its product: 2 ulp
    where a^b > 1e-30, 20 ulp (4e-15) where it is about 1e±300; float32 0.5 ulp.
    """
    a, b = map(rounded, code.pair(a, b))
    if a.type.scalar == "float":
        wide = F64.of(a.type.lanes)
        return code.convert(power(code, code.convert(a, wide), code.convert(b, wide)), a.type)
    size = code.absolute(a)
    high, low = log_of_two_parts(code, size)
    b_high = leading(code, b)
    top = rounded(b_high * high)  # 26 bits times 26: exact
    rest = code.fma(b, low, (b - b_high) * high)
    huge = code.absolute(top) < 2000.0
    top, rest = above(code, below(code, top, 2000.0), -2000.0), code.select(huge, rest, 0.0)
    total = top + rest
    y = exp(code, total, rest - (total - top))
    # at the ends: 0 or inf
    zero, infinite = code.compare("eq", size, 0.0), code.compare("eq", size, math.inf)
    grows = code.binary("xor", zero, b > 0.0)
    y = code.select(zero | infinite, code.select(grows, math.inf, code.constant(0.0, y.type)), y)
    y = code.select(code.compare("eq", b, b) & code.compare("eq", a, a), y, math.nan)
    y = code.select(code.compare("eq", b, 0.0) | code.compare("eq", size, 1.0), 1.0, y)
    # below 0: b decides on the sign
    even = whole(code, b * 0.5)
    defined = whole(code, b) | zero | infinite
    negative = code.select(even | ~whole(code, b), y, -y)
    signed = code.compare("lt", code.bitcast(a, I64.of(a.type.lanes)), 0)
    return code.select(signed, code.select(defined, negative, math.nan), y)


def leading(code: Code, x: Value) -> Value:
    """The first 26 bits of a float64: the product of two such numbers is exact."""
    bits = code.bitcast(x, I64.of(x.type.lanes)) & -(1 << 27)
    return code.bitcast(bits, x.type)


def whole(code: Code, x: Value) -> Value:
    """Whether a float64 has no fraction."""
    size = code.absolute(rounded(x))
    large = 2.0**52
    return (size >= large) | code.compare("eq", (size + large) - large, size)


ARTANH = (
    0.6666666666666666,
    0.4000000000000226,
    0.2857142857009763,
    0.22222222520280993,
    0.18181784334901122,
    0.1538675885499599,
    0.13256781380865484,
    0.1319667409794144,
)
"""(2 artanh(s)/s - 2)/s² in s², for ln to 1e-20."""


def log_of_two_parts(code: Code, x: Value) -> tuple[Value, Value]:
    """ln x as a sum, for float64: 26 bits and the rest, together right to about 2^-60."""
    f, integers = DOUBLE, I64.of(x.type.lanes)
    tiny = code.compare("lt", x, 2.0 ** (1 - f.bias))
    _, k, m = octave(code, code.select(tiny, rounded(x * 2.0**54), x))
    k = code.select(tiny, k - 54.0, k)
    e = m - 1.0
    s = e / (e + 2.0)
    s_high, e_high = leading(code, s), leading(code, e)
    # what s_high leaves of e = s (2 + e): each product is exact
    left = (e - (s_high + s_high)) - s_high * e_high - s_high * (e - e_high)
    s_low = left / (e + 2.0)
    s = s_high + s_low  # rounded once, before it is cubed
    square = rounded(s * s)
    series = rounded(s * square) * polynomial(code, square, ARTANH)
    octaves_, first = rounded(k * f.high), s_high + s_high
    high = octaves_ + first
    lost = first - (high - octaves_)
    low = lost + code.fma(k, f.low, (s_low + s_low) + series)
    total = high + low
    bits = code.bitcast(total, integers) & -(1 << 27)
    lead = code.bitcast(bits, x.type)
    return lead, (high - lead) + low
