"""What the functions have in common: polynomials, and limits that let NaN through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from glassnet.engines.fused.assembler import F64, Code, Value

HORNER = 4
"""Of so few terms each waits for the one before it: more side by side would only be more work."""


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


def in_double(f: Callable[[Code, Value], Value]) -> Callable[[Code, Value], Value]:
    """The function of float64, for float32 too (0.5 ulp): so rarely used that one is enough."""

    @wraps(f)
    def run(code: Code, x: Value) -> Value:
        if x.type.scalar == "double":
            return f(code, rounded(x))
        return code.convert(f(code, code.convert(x, F64.of(x.type.lanes))), x.type)

    return run
