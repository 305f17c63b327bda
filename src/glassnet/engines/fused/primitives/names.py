"""NumPy's names for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.engines.fused.assembler import UFUNCS, Code, NotCompilable, Value
from glassnet.engines.fused.primitives.angles import arctan, cos, sin
from glassnet.engines.fused.primitives.exponentials import cosh, exp, exp2, expm1, sinh, tanh
from glassnet.engines.fused.primitives.logarithms import log, log1p, log2, log10
from glassnet.engines.fused.primitives.powers import raised


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
