"""exp, log and their kin in straight-line code, for registers of any width.

No branch, no call, no table in memory: they stand within the loops that use them. (AVX-512 looks
numbers up in its registers: see `exp_by_table`.) Each takes its argument apart so that a polynomial
of few terms is enough, and the polynomials are minimax ones (Remez, 50 digits). The largest errors
found among millions of arguments are said in units in the last place (ulp), of float64 and float32
in turn; half a unit is unavoidable. NaN gives NaN, ±inf give what NumPy gives. A machine without
fused multiply-add computes products and sums apart: the constants that are subtracted first end in
so many zeros that their products with small whole numbers are exact there, too.
"""

from glassnet.engines.fused.primitives.angles import arctan, cos, sin
from glassnet.engines.fused.primitives.exponentials import cosh, exp, exp2, expm1, sinh, tanh
from glassnet.engines.fused.primitives.logarithms import log, log1p, log2, log10
from glassnet.engines.fused.primitives.names import PRIMITIVES, logaddexp
from glassnet.engines.fused.primitives.powers import power

__all__ = [
    "PRIMITIVES",
    "arctan",
    "cos",
    "cosh",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "power",
    "sin",
    "sinh",
    "tanh",
]
