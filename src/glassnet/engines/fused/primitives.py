"""exp, log and their kin in straight-line code, for registers of any width.

No branch, no call, no table in memory: they stand within the loops that use them. (AVX-512 looks
numbers up in its registers: see `exp_by_table`.) Each takes its argument apart so that a polynomial
of few terms is enough, and the polynomials are minimax ones (Remez, 50 digits). The largest errors
found among millions of arguments are said in units in the last place (ulp), of float64 and float32
in turn; half a unit is unavoidable. NaN gives NaN, ±inf give what NumPy gives. A machine without
fused multiply-add computes products and sums apart: the constants that are subtracted first end in
so many zeros that their products with small whole numbers are exact there, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from glassnet.engines.fused.assembler import F64, I32, I64, UFUNCS, Code, NotCompilable, Type, Value


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


HORNER = 4
"""Of so few terms each waits for the one before it: more side by side would only be more work."""

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
    """The value as a number of its own: no later sum takes its product apart.

    So is every argument: half of its parts from the product and half from its rounding would not
    be parts of one number.
    """
    return Value(value.code, value.text, value.type)


def below(code: Code, x: Value, limit: float) -> Value:
    """min(x, limit); NaN for NaN."""
    return code.select(code.compare("gt", x, limit), limit, x)


def above(code: Code, x: Value, limit: float) -> Value:
    """max(x, limit); NaN for NaN."""
    return code.select(code.compare("lt", x, limit), limit, x)


def octaves(
    code: Code, x: Value, *, top: int | None = None, shift: int = 0, tail: Any = None
) -> tuple[Value, Value]:
    """t = 2^(n - shift) and r, where x (+ tail) = n ln 2 + r and |r| <= ½ ln 2.

    top : no larger n is taken; what x has above it stays in r.
    """
    f, x = form(x), rounded(x)
    magic = f.rounder + f.bias - shift  # n's place: the lowest bits hold t's exponent
    m = code.fma(x, math.log2(math.e), code.constant(magic, x.type))
    if top is not None:
        m = below(code, m, magic + top)
    n = m - magic
    r = n * -f.low + (n * -f.high + x)
    if tail is not None:
        r = r + tail
    t = code.binary("shl", code.bitcast(m, f.integers(x)), f.digits)
    return code.bitcast(t, x.type), r


def growth(code: Code, r: Value) -> Value:
    """e^r - 1, |r| <= ½ ln 2."""
    return code.fma(polynomial(code, r, form(r).exp), rounded(r * r), r)


# ---- exponentials


def exp(code: Code, x: Value, tail: Any = None) -> Value:
    """e^x = 2^n e^r: 1.1, 1.1 ulp (1.31 below 5e-308). tail : what is to be added to x yet.

    With AVX-512 by a table. 0 where e^x is below 3.3e-308 (float32: 1.8e-38), about the smallest
    normal number.
    """
    f = form(x)
    if code.module.looks_up and tail is None:
        return in_whole_registers(code, exp_by_table, x)
    top = None if never_positive(code, x) else f.bias + 1
    # twice half of it, as 2^1024 is no number
    t, r = octaves(code, x, top=top, shift=1, tail=tail)
    half = code.fma(t, growth(code, r), t)
    return code.select(code.compare("lt", x, f.flush), 0.0, half + half)


def never_positive(code: Code, x: Value) -> bool:
    """Whether x is -|…|: then there is no large e^x to look after."""
    return code.signs.get(x.text) == -1.0


PLACES = 16
"""Steps of an octave in the table of e^x: float64 fill two registers of AVX-512, float32 one."""


def exp_by_table(code: Code, x: Value) -> Value:
    """e^x = 2^⌊n⌋ 2^(n - ⌊n⌋) e^r, n in sixteenths, r so small that few terms are enough.

    The middle factor is looked up in registers, the first one is left to an instruction.
    """
    f, x = form(x), rounded(x)
    type, whole = x.type, f.integers(x)
    lower = code.compare("lt", x, f.flush)
    if not never_positive(code, x):
        x = below(code, x, f.bias)  # e^x is infinite well below it
    m = code.fma(x, math.log2(math.e), code.constant(f.rounder / PLACES, type))
    n = m - f.rounder / PLACES
    r = n * -f.low + (n * -f.high + x)
    table = [code.numbers([2.0 ** (i / PLACES) for i in range(start, start + type.lanes)], type)
             for start in range(0, PLACES, type.lanes)]  # fmt: skip
    place = code.bitcast(m, whole)  # its lowest bits
    if f is DOUBLE:
        look_up = code.module.declare(
            "llvm.x86.avx512.vpermi2var.pd.512", type, [type, whole, type]
        )
        t = code.call(look_up, table[0], place, table[1])
    else:
        look_up = code.module.declare("llvm.x86.avx512.permvar.sf.512", type, [type, whole])
        t = code.call(look_up, table[0], place)
    square = rounded(r * r)
    near = code.fma(polynomial(code, r, f.near), square, r)
    mask = Type(f"i{type.lanes}")
    scale = code.module.declare(
        f"llvm.x86.avx512.mask.scalef.{'pd' if f is DOUBLE else 'ps'}.512",
        type, [type, type, type, mask, I32],
    )  # fmt: skip
    none, all_lanes, as_usual = code.constant(0.0, type), code.constant(-1, mask), 4
    if never_positive(code, x):  # then 2^n is no less normal than e^x, and ready before e^r is
        t = code.call(scale, t, n, none, all_lanes, as_usual)
        return code.select(lower, 0.0, code.fma(t, near, t))
    scaled = code.call(scale, code.fma(t, near, t), n, none, all_lanes, as_usual)
    return code.select(lower, 0.0, scaled)


def in_whole_registers(code: Code, f: Callable[[Code, Value], Value], x: Value) -> Value:
    """The function, for values that are a part of AVX-512's registers, or several of them."""
    full = 512 // x.type.bits
    lanes = x.type.lanes
    if lanes == full:
        return f(code, x)
    if lanes < full:
        wide = code.lanes(x, 0, full)
        if x.text in code.signs:
            code.signs[wide.text] = code.signs[x.text]
        return code.lanes(f(code, wide), 0, lanes)
    return code.joined([f(code, code.lanes(x, i, full)) for i in range(0, lanes, full)])


def expm1(code: Code, x: Value) -> Value:
    """e^x - 1 = 2^n (e^r - 1) + (2^n - 1), which keeps its digits near 0: 1.6, 1.3 ulp."""
    f = form(x)
    low = -1.5 * f.digits  # e^x is nothing beside 1
    t, r = octaves(code, above(code, x, low), top=f.bias + 1, shift=1)
    # (t - ½ + t r) is exact where it cancels most, about n = 1
    half = code.fma(
        polynomial(code, r, f.exp), rounded(t * rounded(r * r)), code.fma(t, r, t - 0.5)
    )
    return half + half


def tanh(code: Code, x: Value) -> Value:
    """tanh x = sign x · N/(N + 2Q), N = t (R + r) - Q, Q = R - r, e^(2|x|) = t (R + r)/(R - r).

    R = r coth(r/2) = 2 + w: one division serves e^r and tanh. 2.6, 2.5 ulp; ±1 from |x| = 20
    (float32: 10) on.
    """
    f = form(x)
    size = code.absolute(x)
    t, r = octaves(code, below(code, size + size, 40.0 if f is DOUBLE else 20.0))
    square = rounded(r * r)
    w = rounded(square * polynomial(code, square, f.tanh))
    less = t - 1.0
    N = code.fma(less, w, code.fma(t + 1.0, r, less + less))
    Q = code.fma(w - r, 2.0, code.constant(4.0, x.type))
    return code.intrinsic("llvm.copysign", x.type, N / (N + Q), x)


# ---- logarithms


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


# ---- powers


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


# ---- for formulas of one's own


def in_double(f: Callable[[Code, Value], Value]) -> Callable[[Code, Value], Value]:
    """The function of float64, for float32 too (0.5 ulp): so rarely used that one is enough."""

    @wraps(f)
    def run(code: Code, x: Value) -> Value:
        if x.type.scalar == "double":
            return f(code, rounded(x))
        return code.convert(f(code, code.convert(x, F64.of(x.type.lanes))), x.type)

    return run


@in_double
def exp2(code: Code, x: Value) -> Value:
    """2^x = e^(x ln 2), exact for whole x: 1.1 ulp. 0 below 2^-1021."""
    magic = DOUBLE.rounder + DOUBLE.bias - 1
    m = below(code, x + magic, magic + 1024.0)
    r = rounded((x - (m - magic)) * math.log(2.0))
    t = code.bitcast(code.binary("shl", code.bitcast(m, I64.of(x.type.lanes)), 52), x.type)
    half = code.fma(t, growth(code, r), t)
    return code.select(code.compare("lt", x, -1021.0), 0.0, half + half)


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


@in_double
def sinh(code: Code, x: Value) -> Value:
    """sinh x = sign x · ½ (E + E/(E + 1)), E = e^|x| - 1: 2.2 ulp; infinite from 709.8 on."""
    E = expm1(code, below(code, code.absolute(x), 1000.0))
    ratio = code.select(code.compare("lt", E, 1e300), E / (E + 1.0), 1.0)
    return code.intrinsic("llvm.copysign", x.type, rounded((E + ratio) * 0.5), x)


@in_double
def cosh(code: Code, x: Value) -> Value:
    """cosh x = ½ (e^|x| + e^-|x|): 1.5 ulp; infinite from 709.8 on."""
    e = exp(code, code.absolute(x))
    return rounded((e + 1.0 / e) * 0.5)


SIN = (
    -0.16666666666666632,
    0.00833333333332237,
    -0.00019841269829771205,
    2.755731367868599e-06,
    -2.5050755965270063e-08,
    1.5896666754612733e-10,
)
"""(sin x/x - 1)/x² in x², |x| <= π/4."""

COS = (
    0.0416666666666666,
    -0.0013888888888874064,
    2.4801587289443505e-05,
    -2.7557314340665543e-07,
    2.0875721624461714e-09,
    -1.1359559364626516e-11,
)
"""(cos x - 1 + x²/2)/x⁴ in x², |x| <= π/4."""

RIGHT_ANGLE = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
"""π/2 as a sum; the first two end in so many zeros that 2^20 times them is exact."""

ARCTAN = (
    -0.33333333333333204,
    0.19999999999955417,
    -0.14285714280343456,
    0.11111110789621179,
    -0.0909089791102372,
    0.07692062622061772,
    -0.06663128531335309,
    0.058480501871151544,
    -0.050399638303991155,
    0.038079864862416185,
    -0.017922584504101988,
)
"""(arctan x/x - 1)/x² in x², |x| <= tan(π/8)."""


def turned(code: Code, x: Value, quarters: int) -> Value:
    """sin(x + quarters · π/2): 2.2 ulp up to |x| = 10^6, fewer digits beyond, NaN from 10^9 on."""
    m = code.fma(x, 2.0 / math.pi, code.constant(DOUBLE.rounder, x.type))
    n = m - DOUBLE.rounder
    r = x
    for part in RIGHT_ANGLE:
        r = n * -part + r
    square = rounded(r * r)
    sine = code.fma(rounded(r * square), polynomial(code, square, SIN), r)
    cosine = polynomial(code, square, (1.0, -0.5, *COS))
    turn = code.bitcast(m, I64.of(x.type.lanes)) + quarters
    y = code.select(code.compare("eq", turn & 1, 0), sine, cosine)
    y = code.select(code.compare("eq", turn & 2, 0), y, -y)
    return code.select(code.compare("lt", code.absolute(x), 1e9), y, math.nan)


@in_double
def sin(code: Code, x: Value) -> Value:
    """sin x."""
    return turned(code, x, 0)


@in_double
def cos(code: Code, x: Value) -> Value:
    """cos x = sin(x + π/2)."""
    return turned(code, x, 1)


@in_double
def arctan(code: Code, x: Value) -> Value:
    """arctan x, the angle turned back by 0, π/4 or π/2 to within π/8: 1.5 ulp."""
    size = code.absolute(x)
    near, far = math.tan(math.pi / 8), math.tan(3 * math.pi / 8)
    middle, end = code.compare("gt", size, near), code.compare("gt", size, far)
    one = code.constant(1.0, x.type)
    top = code.select(end, -1.0, code.select(middle, size - 1.0, size))
    bottom = code.select(end, size, code.select(middle, size + 1.0, one))
    t = top / bottom
    zero = code.constant(0.0, x.type)
    turn = code.select(end, math.pi / 2, code.select(middle, math.pi / 4, zero))
    # what the double lacks of π/4 and π/2
    lacks = code.select(
        end, 6.123233995736766e-17, code.select(middle, 3.061616997868383e-17, zero)
    )
    square = rounded(t * t)
    small = code.fma(rounded(t * square), polynomial(code, square, ARCTAN), lacks)
    return code.intrinsic("llvm.copysign", x.type, turn + (t + small), x)


# ---- NumPy's names for them


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


def logaddexp(code: Code, a: Any, b: Any) -> Any:
    """ln(e^a + e^b) = max + ln(1 + e^-|a - b|); the difference of equal infinities is none."""
    a, b = code.pair(a, b)
    away = code.select(code.compare("eq", a, b), 0.0, code.subtract(a, b))
    rest = log1p(code, exp(code, -code.absolute(away)))
    return code.maximum(a, b) + rest


def of_reals(f: Callable[[Code, Value], Value]) -> Callable[[Code, Any], Value]:
    """The function, refused for truths: of these NumPy computes it in half precision."""

    def run(code: Code, x: Any) -> Value:
        if not x.type.real:
            raise NotCompilable(f"np.{f.__name__} of truths")
        return f(code, x)

    return run


PRIMITIVES: dict[str, Callable[..., Any]] = {
    f.__name__: of_reals(f)
    for f in (exp, exp2, expm1, log, log2, log10, log1p, tanh, sinh, cosh, sin, cos, arctan)
}

UFUNCS |= {**PRIMITIVES, "power": raised, "float_power": raised, "logaddexp": logaddexp}
