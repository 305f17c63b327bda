"""NumPy's names for what a `Code` can write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassnet.engines.fused.assembler.code import Code
    from glassnet.engines.fused.assembler.values import Value


def _where(code: Code, condition: Any, a: Any = None, b: Any = None) -> Any:
    return code.select(condition, a, b)


def _clip(code: Code, a: Any, low: Any = None, high: Any = None) -> Any:
    a = a if low is None else code.maximum(a, low)
    return a if high is None else code.minimum(a, high)


def _like(number: float) -> Callable[..., Value]:
    return lambda code, a, dtype=None: code.constant(number, a.type)


UFUNCS: dict[str, Callable[..., Any]] = {
    "add": lambda code, a, b: code.add(a, b),
    "subtract": lambda code, a, b: code.subtract(a, b),
    "multiply": lambda code, a, b: code.multiply(a, b),
    "divide": lambda code, a, b: code.divide(a, b),
    "true_divide": lambda code, a, b: code.divide(a, b),
    "negative": lambda code, a: code.negative(a),
    "positive": lambda code, a: a,
    "absolute": lambda code, a: code.absolute(a),
    "fabs": lambda code, a: code.absolute(a),
    "sqrt": lambda code, a: code.sqrt(a),
    "square": lambda code, a: a * a,
    "reciprocal": lambda code, a: 1.0 / a,
    "sign": lambda code, a: code.sign(a),
    "maximum": lambda code, a, b: code.maximum(a, b),
    "minimum": lambda code, a, b: code.minimum(a, b),
    "clip": _clip,
    "greater": lambda code, a, b: code.compare("gt", a, b),
    "greater_equal": lambda code, a, b: code.compare("ge", a, b),
    "less": lambda code, a, b: code.compare("lt", a, b),
    "less_equal": lambda code, a, b: code.compare("le", a, b),
    "equal": lambda code, a, b: code.compare("eq", a, b),
    "not_equal": lambda code, a, b: code.compare("ne", a, b),
    "logical_and": lambda code, a, b: code.truth(a) & code.truth(b),
    "logical_or": lambda code, a, b: code.truth(a) | code.truth(b),
    "logical_not": lambda code, a: ~code.truth(a),
    "isnan": lambda code, a: code.compare("ne", a, a),
}
"""NumPy's functions of numbers; `primitives` adds exp and its kin."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "where": _where,
    "clip": _clip,
    "ones_like": _like(1.0),
    "zeros_like": _like(0.0),
}
