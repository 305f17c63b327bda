"""What an optimizer needs to know of a step alone: lr, 1 - β₁ᵗ, and what else its formula makes.

When a formula is run on registers, lr and t are `OfStep`: arithmetic among themselves and with
plain numbers is put off, and done by NumPy for many steps at once, as the reference engine would.
Only where such a number meets a register does it become one, read from a table of steps.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.core.formula import Array
from glassnet.engines.fused.assembler import (
    F64,
    UFUNCS,
    Code,
    Deferred,
    NotCompilable,
    Pointer,
    Value,
    spelled,
)

OPERATORS = (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
)


class Steps:
    """The numbers of a step that a formula asked for: a column of the table for each."""

    def __init__(self) -> None:
        self.columns: dict[str, Callable[[Array, Array], Array]] = {}
        self._loaded: dict[str, Value] = {}

    def start(self) -> tuple[OfStep, OfStep]:
        """`lr` and `t`."""
        return OfStep(self, "lr", lambda lr, t: lr), OfStep(self, "t", lambda lr, t: t)

    def load(self, row: Pointer) -> None:
        """Read this step's row of the table, before any loop."""
        self._loaded = {text: row[column] for column, text in enumerate(self.columns)}

    def value(self, code: Code, number: OfStep) -> Value:
        """The register of a number; one not read yet gets a column, and stands for 1."""
        self.columns.setdefault(number.text, number.compute)
        found = self._loaded.get(number.text)
        return code.constant(1.0, F64) if found is None else found

    @property
    def same(self) -> bool:
        """Whether all steps have the same numbers, as long as the learning rate stays."""
        return set(self.columns) <= {"lr"}

    def table(self, lr: Array, t: Array) -> Array:
        """(steps, columns): the numbers for each pair of learning rate and step."""
        with np.errstate(all="ignore"):
            columns = [np.broadcast_to(f(lr, t), t.shape) for f in self.columns.values()]
        return np.column_stack(columns).astype(np.float64) if columns else np.zeros((len(t), 1))


class OfStep(Deferred):
    """A number that depends on lr and t alone; `text` names how."""

    __slots__ = ("compute", "steps", "text")

    def __init__(self, steps: Steps, text: str, compute: Callable[[Array, Array], Array]) -> None:
        self.steps, self.text, self.compute = steps, text, compute

    def here(self, code: Code) -> Value:
        """It as a register."""
        return self.steps.value(code, self)

    def _put_off(self, name: str, operation: Callable[..., Any], *inputs: Any) -> OfStep:
        texts = [x.text if isinstance(x, OfStep) else repr(x) for x in inputs]

        def compute(lr: Array, t: Array) -> Array:
            given = [x.compute(lr, t) if isinstance(x, OfStep) else x for x in inputs]
            return operation(*given)

        return OfStep(self.steps, f"{name}({', '.join(texts)})", compute)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            raise NotCompilable(spelled(ufunc, method))
        for x in inputs:
            if isinstance(x, Value):
                if ufunc.__name__ not in UFUNCS:
                    raise NotCompilable(spelled(ufunc))
                return UFUNCS[ufunc.__name__](x.code, *inputs)
        return self._put_off(f"np.{ufunc.__name__}", ufunc, *inputs)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if options or any(isinstance(x, Value) for x in inputs):
            raise NotCompilable(f"np.{function.__name__} of a step's number")
        return self._put_off(f"np.{function.__name__}", function, *inputs)

    def __neg__(self) -> OfStep:
        return self._put_off("neg", operator.neg, self)

    def __abs__(self) -> OfStep:
        return self._put_off("abs", operator.abs, self)

    def __bool__(self) -> bool:
        raise NotCompilable("a decision on the step, by `if`, `and`, `or`, `min` or `max`")

    def __float__(self) -> float:
        raise NotCompilable("float() or a function of `math` on the step")

    __int__ = __index__ = __float__


def _operator(name: str, *, swapped: bool) -> Callable[[OfStep, Any], Any]:
    operation = getattr(operator, name)

    def run(self: OfStep, other: Any) -> Any:
        inputs = (other, self) if swapped else (self, other)
        if isinstance(other, Value):
            return operation(*(x.here(other.code) if x is self else x for x in inputs))
        return self._put_off(name, operation, *inputs)

    return run


for _name in OPERATORS:
    setattr(OfStep, f"__{_name}__", _operator(_name, swapped=False))
    if len(_name) > 2:  # comparisons have no swapped form
        setattr(OfStep, f"__r{_name}__", _operator(_name, swapped=True))
