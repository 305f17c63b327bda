"""e^x and what is made of it: 2^x, e^x - 1, sinh, cosh, tanh."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from glassnet.engines.fused.assembler import I32, I64, Code, Type, Value
from glassnet.engines.fused.primitives.formats import DOUBLE, form
from glassnet.engines.fused.primitives.parts import above, below, in_double, polynomial, rounded


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
