"""sin, cos and arctan: for formulas of one's own."""

from __future__ import annotations

import math

from glassnet.engines.fused.assembler import I64, Code, Value
from glassnet.engines.fused.primitives.formats import DOUBLE
from glassnet.engines.fused.primitives.parts import in_double, polynomial, rounded

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
