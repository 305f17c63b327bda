"""Registers, addresses and variables: what formulas are run on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.engines.fused.assembler.names import FUNCTIONS, UFUNCS
from glassnet.engines.fused.assembler.types import POINTER, NotCompilable, Type

if TYPE_CHECKING:
    from glassnet.engines.fused.assembler.code import Code


class Deferred:
    """What becomes a register only where it meets one."""

    __slots__ = ()

    def here(self, code: Code) -> Value:
        """It as a register."""
        raise NotImplementedError


class Opaque:
    """What cannot be looked into while code is written: its number is not there yet."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise NotCompilable("a decision on a value, by `if`, `and`, `or`, `min` or `max`")

    def __float__(self) -> float:
        raise NotCompilable("float() or a function of `math` on a value")

    __int__ = __index__ = __float__

    def __iter__(self) -> Iterator[Any]:
        raise NotCompilable("a loop over a value")

    def __getitem__(self, item: Any) -> Any:
        raise NotCompilable("a part of a value")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # NumPy asks for such, to see what stands before it
            raise AttributeError(name)
        raise NotCompilable(f"a value's `{name}`")


def spelled(ufunc: np.ufunc, method: str = "__call__") -> str:
    """A function as it stands in a formula: NumPy's own, or another library's."""
    name = ufunc.__name__
    whole = f"np.{name}" if getattr(np, name, None) is ufunc else f"the function {name}"
    return whole if method == "__call__" else f"{whole}.{method}"


class Value(Opaque):
    """A register of one function: `text` as the instructions spell it, and its type."""

    __slots__ = ("code", "product", "text", "type")

    def __init__(
        self, code: Code, text: str, type: Type, product: tuple[Value, Value] | None = None
    ) -> None:
        self.code, self.text, self.type, self.product = code, text, type, product

    def __repr__(self) -> str:
        return f"{self.type} {self.text}"

    # ---- arithmetic

    def __add__(self, other: Any) -> Any:
        return self.code.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return self.code.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return self.code.subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.code.subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return self.code.multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.code.multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.code.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.code.divide(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self.code.binary("sdiv", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self.code.binary("sdiv", other, self)

    def __mod__(self, other: Any) -> Any:
        return self.code.binary("srem", self, other)

    def __pow__(self, other: Any) -> Any:
        return UFUNCS["power"](self.code, self, other)

    def __rpow__(self, other: Any) -> Any:
        return UFUNCS["power"](self.code, other, self)

    def __neg__(self) -> Any:
        return self.code.negative(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.code.absolute(self)

    # ---- bits

    def __and__(self, other: Any) -> Any:
        return self.code.binary("and", self, other)

    def __or__(self, other: Any) -> Any:
        return self.code.binary("or", self, other)

    __rand__, __ror__ = __and__, __or__

    def __xor__(self, other: Any) -> Any:
        return self.code.binary("xor", self, other)

    def __lshift__(self, other: Any) -> Any:
        return self.code.binary("shl", self, other)

    def __rshift__(self, other: Any) -> Any:
        return self.code.binary("ashr", self, other)

    def __invert__(self) -> Any:
        return self.code.binary("xor", self, -1 if self.type.bits > 1 else True)

    # ---- comparisons

    def __lt__(self, other: Any) -> Any:
        return self.code.compare("lt", self, other)

    def __le__(self, other: Any) -> Any:
        return self.code.compare("le", self, other)

    def __gt__(self, other: Any) -> Any:
        return self.code.compare("gt", self, other)

    def __ge__(self, other: Any) -> Any:
        return self.code.compare("ge", self, other)

    def __eq__(self, other: object) -> Any:
        return self.code.compare("eq", self, other)

    def __ne__(self, other: object) -> Any:
        return self.code.compare("ne", self, other)

    __hash__ = None  # type: ignore[assignment]

    # ---- NumPy's functions

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        known = UFUNCS.get(ufunc.__name__)
        if known is None or method != "__call__" or options:
            raise NotCompilable(spelled(ufunc, method))
        return known(self.code, *inputs)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        known = FUNCTIONS.get(function.__name__)
        if known is None:
            raise NotCompilable(f"np.{function.__name__}")
        return known(self.code, *inputs, **options)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's name for the type of its numbers."""
        return np.dtype(np.float64 if self.type.scalar == "double" else np.float32)

    def astype(self, dtype: Any, copy: bool = True) -> Value:  # noqa: FBT001, FBT002
        """The value itself: a formula keeps the dtype that it was given."""
        if np.dtype(dtype).kind != "f":
            raise NotCompilable(f"astype({np.dtype(dtype)})")
        return self


class Pointer(Value):
    """An address in memory, with the type of the numbers that lie there."""

    __slots__ = ("element",)

    def __init__(self, code: Code, text: str, element: Type) -> None:
        super().__init__(code, text, POINTER)
        self.element = element

    def at(self, index: Any) -> Pointer:
        """The address of the number at an index."""
        i = self.code.integer(index)
        text = self.code.emit(f"getelementptr {self.element}, ptr {self.text}, {i}")
        return Pointer(self.code, text, self.element)

    def __getitem__(self, index: Any) -> Any:
        return self.code.load(self.at(index), self.element)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.code.store(self.at(index), self.code.convert(value, self.element))

    def vector(self, index: Any, lanes: int, mask: Value | None = None) -> Value:
        """The vector of numbers that begins at an index; 0 where the mask is False."""
        return self.code.load(self.at(index), self.element.of(lanes), mask)

    def put(self, index: Any, value: Value, mask: Value | None = None) -> None:
        """Write a vector at an index, only where the mask is True."""
        self.code.store(self.at(index), value, mask)


class Variable:
    """A place that changes in loops; LLVM keeps it in a register."""

    __slots__ = ("code", "place", "type")

    def __init__(self, code: Code, type: Type, initial: Any) -> None:
        self.code, self.type = code, type
        self.place = code.place(type)
        self.set(initial)

    def get(self) -> Value:
        """What it holds now."""
        return self.code.load(self.place, self.type, aligned=True)

    def set(self, value: Any) -> None:
        """Let it hold something else."""
        self.code.store(self.place, self.code.convert(value, self.type), aligned=True)
