"""The body of a function while it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.engines.fused.assembler.types import (
    F64,
    I1,
    I32,
    I64,
    POINTER,
    Function,
    NotCompilable,
    Type,
    literal,
    real_for,
)
from glassnet.engines.fused.assembler.values import Deferred, Pointer, Value, Variable

if TYPE_CHECKING:
    from glassnet.engines.fused.assembler.module import Module

WHOLE = {
    "sdiv": "//", "srem": "%", "sub": "-", "and": "&", "or": "|", "xor": "^", "shl": "<<",
    "ashr": ">>",
}  # fmt: skip
"""Instructions for whole numbers alone, and how a formula asks for them."""


class Code:
    """The body of a function while it is written: one method for each kind of instruction."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.lines: list[str] = []
        self.places: list[str] = []
        self.count = 0
        self.signs: dict[str, float] = {}  # of registers that are never of the other sign

    # ---- writing

    def emit(self, text: str) -> str:
        """Append an instruction and give back the name of its result."""
        self.count += 1
        name = f"%r{self.count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def value(self, text: str, type: Type) -> Value:
        """The result of a new instruction."""
        return Value(self, self.emit(text), type)

    def place(self, type: Type, count: int = 1) -> Pointer:
        """Memory on the stack for so many values."""
        self.count += 1
        many = f", i64 {count}" if count > 1 else ""
        self.places.append(f"  %p{self.count} = alloca {type}{many}, align 64")
        return Pointer(self, f"%p{self.count}", type)

    def variable(self, type: Type, initial: Any) -> Variable:
        """A variable with its first value."""
        return Variable(self, type, initial)

    # ---- numbers

    def constant(self, number: float, type: Type) -> Value:
        """A number of Python's as a value of a type, in every lane."""
        one = literal(number, type)
        if type.lanes == 1:
            return Value(self, one, type)
        lanes = ", ".join([f"{type.scalar} {one}"] * type.lanes)
        return Value(self, f"<{lanes}>", type)

    def numbers(self, numbers: Sequence[float], type: Type) -> Value:
        """Numbers of Python's, one in each lane."""
        lanes = ", ".join(f"{type.scalar} {literal(number, type)}" for number in numbers)
        return Value(self, f"<{lanes}>", type)

    def integer(self, value: Any) -> Value:
        """An index or a count: Python's integers become constants."""
        return value if isinstance(value, Value) else self.constant(int(value), I64)

    def convert(self, value: Any, type: Type) -> Value:
        """A value or a number as a value of a type: the same in every lane where that is many."""
        if isinstance(value, Deferred):
            value = value.here(self)
        if not isinstance(value, Value):
            if isinstance(value, np.ndarray) and value.ndim == 0:
                value = value.item()
            if not isinstance(value, int | float | np.number | np.bool_):
                raise NotCompilable(f"{value!r} among values")
            return self.constant(value, type)  # type: ignore[arg-type]
        if value.type == type:
            return value
        if value.type.lanes == 1 and type.lanes > 1:
            return self.splat(self.convert(value, type.of(1)), type.lanes)
        pair = (value.type.scalar, type.scalar)
        operation = {
            ("float", "double"): "fpext",
            ("double", "float"): "fptrunc",
            ("i64", "double"): "sitofp",
            ("i64", "float"): "sitofp",
            ("i32", "float"): "sitofp",
            ("i32", "i64"): "sext",
            ("i64", "i32"): "trunc",
            ("i1", "i64"): "zext",
            ("i1", "double"): "uitofp",
            ("i1", "float"): "uitofp",
            ("double", "i64"): "fptosi",
            ("ptr", "i64"): "ptrtoint",
        }.get(pair)
        if operation is None or value.type.lanes != type.lanes:
            raise NotCompilable(f"{value.type} where {type} is expected")
        return self.value(f"{operation} {value!r} to {type}", type)

    def splat(self, value: Value, lanes: int) -> Value:
        """One number in every lane."""
        type = value.type.of(lanes)
        one = self.emit(f"insertelement {type} poison, {value!r}, i32 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.value(f"shufflevector {type} {one}, {type} poison, {zeros}", type)

    def rounded(self, value: Value) -> Value:
        """The value as memory would hold it: what it is a product of is forgotten."""
        return Value(self, value.text, value.type) if value.product else value

    def bitcast(self, value: Value, type: Type) -> Value:
        """The same bits, read as another type."""
        return self.value(f"bitcast {value!r} to {type}", type)

    def pair(self, a: Any, b: Any) -> tuple[Value, Value]:
        """Both in the type that holds both: vectors win over numbers, reals over integers."""
        a, b = (x.here(self) if isinstance(x, Deferred) else x for x in (a, b))
        if not isinstance(a, Value):
            a = self.convert(a, real_for(a, b.type))
        if not isinstance(b, Value):
            b = self.convert(b, real_for(b, a.type))
        lanes = max(a.type.lanes, b.type.lanes)
        wide = a.type if a.type.lanes >= b.type.lanes else b.type
        if a.type.lanes == b.type.lanes:
            wide = max((a.type, b.type), key=lambda t: (t.real, t.bits))
        return self.convert(a, wide.of(lanes)), self.convert(b, wide.of(lanes))

    # ---- arithmetic

    def binary(self, operation: str, a: Any, b: Any) -> Value:
        """An instruction with two whole numbers, or truths."""
        a, b = self.pair(a, b)
        if a.type.real:
            raise NotCompilable(f"`{WHOLE[operation]}` of real numbers")
        return self.value(f"{operation} {a!r}, {b.text}", a.type)

    def add(self, a: Any, b: Any) -> Value:
        """A + b; a product in it becomes a fused multiply-add."""
        a, b = self.pair(a, b)
        if not a.type.real:  # two truths together are what NumPy makes of them: one truth
            return self.value(f"{'add' if a.type.bits > 1 else 'or'} {a!r}, {b.text}", a.type)
        if b.product:
            return self.fma(b.product[0], b.product[1], a)
        if a.product:
            return self.fma(a.product[0], a.product[1], b)
        return self.value(f"fadd {a!r}, {b.text}", a.type)

    def subtract(self, a: Any, b: Any) -> Value:
        """A - b; a product in it becomes a fused multiply-add."""
        a, b = self.pair(a, b)
        if not a.type.real:
            return self.value(f"sub {a!r}, {b.text}", a.type)
        if b.product:
            return self.fma(self.negative(b.product[0]), b.product[1], a)
        if a.product:
            return self.fma(a.product[0], a.product[1], self.negative(b))
        return self.value(f"fsub {a!r}, {b.text}", a.type)

    def multiply(self, a: Any, b: Any) -> Value:
        """a·b."""
        for one, other in ((a, b), (b, a)):
            known = not isinstance(one, Value | Deferred)
            if known and one == 1.0 and other.type.bits > 1:  # a truth becomes a number
                return other
        a, b = self.pair(a, b)
        if not a.type.real:
            return self.value(f"mul {a!r}, {b.text}", a.type)
        return Value(self, self.emit(f"fmul {a!r}, {b.text}"), a.type, product=(a, b))

    def divide(self, a: Any, b: Any) -> Value:
        """a/b; by one number for all lanes it is a product with its reciprocal."""
        if isinstance(b, Deferred):
            return self.multiply(a, 1.0 / b)  # type: ignore[operator]
        uniform = not isinstance(b, Value) or b.type.lanes == 1
        if uniform and isinstance(a, Value) and a.type.lanes > 1:
            if not isinstance(b, Value):
                return self.multiply(a, 1.0 / float(b))
            one = self.convert(b, a.type.of(1))
            return self.multiply(
                a, self.value(f"fdiv {self.constant(1.0, one.type)!r}, {one.text}", one.type)
            )
        a, b = self.pair(a, b)
        if not a.type.real:
            a, b = self.convert(a, F64), self.convert(b, F64)
        return self.value(f"fdiv {a!r}, {b.text}", a.type)

    def negative(self, a: Value) -> Value:
        """-a."""
        if not a.type.real:
            return self.binary("sub", 0, a)
        product = (self.negative(a.product[0]), a.product[1]) if a.product else None
        negated = Value(self, self.emit(f"fneg {a!r}"), a.type, product)
        if a.text in self.signs:
            self.signs[negated.text] = -self.signs[a.text]
        return negated

    def fma(self, a: Any, b: Any, c: Any) -> Value:
        """a·b + c, rounded once where the machine can."""
        a, b = self.pair(a, b)
        a, c = self.pair(a, c)
        a, b = self.pair(a, b)
        return self.intrinsic("llvm.fmuladd", a.type, a, b, c)

    def intrinsic(self, name: str, type: Type, *arguments: Value) -> Value:
        """A function of LLVM's own on reals of one type: one or few instructions."""
        if not all(a.type.real for a in arguments):
            raise NotCompilable(f"{name.removeprefix('llvm.')} of what is no real number")
        called = self.module.declare(f"{name}.{type.short}", type, [a.type for a in arguments])
        return self.call(called, *arguments)

    def absolute(self, a: Value) -> Value:
        """|a|."""
        size = self.intrinsic("llvm.fabs", a.type, a)
        self.signs[size.text] = 1.0
        return size

    def sqrt(self, a: Value) -> Value:
        """√a."""
        return self.intrinsic("llvm.sqrt", a.type, a)

    def maximum(self, a: Any, b: Any) -> Value:
        """The larger one; NaN where either is."""
        if isinstance(b, Value) and not isinstance(a, Value):
            a, b = b, a
        if not isinstance(b, Value):  # a number: what is not below it stays, NaN too
            return self.select(self.compare("lt", a, b), b, a)
        a, b = self.pair(a, b)
        larger = self.select(self.compare("gt", a, b), a, b)  # b where either is NaN
        return self.select(self.compare("ne", a, a), a, larger)

    def minimum(self, a: Any, b: Any) -> Value:
        """The smaller one; NaN where either is."""
        if isinstance(b, Value) and not isinstance(a, Value):
            a, b = b, a
        if not isinstance(b, Value):
            return self.select(self.compare("gt", a, b), b, a)
        a, b = self.pair(a, b)
        smaller = self.select(self.compare("lt", a, b), a, b)  # b where either is NaN
        return self.select(self.compare("ne", a, a), a, smaller)

    def sign(self, a: Value) -> Value:
        """-1, 0 or 1; NaN for NaN."""
        zero, one = self.constant(0.0, a.type), self.constant(1.0, a.type)
        signed = self.intrinsic("llvm.copysign", a.type, one, a)
        signed = self.select(self.compare("eq", a, 0.0), zero, signed)
        return self.select(self.compare("ne", a, a), a, signed)

    def compare(self, relation: str, a: Any, b: Any) -> Value:
        """Bits that say where the relation holds; with NaN only `ne` does."""
        a, b = self.pair(a, b)
        if a.type.real:
            word = f"fcmp {'une' if relation == 'ne' else 'o' + relation}"
        else:
            sign = "s" if a.type.bits > 1 else "u"  # the one bit of a truth is no sign
            word = f"icmp {relation if relation in ('eq', 'ne') else sign + relation}"
        return self.value(f"{word} {a!r}, {b.text}", I1.of(a.type.lanes))

    def truth(self, a: Value) -> Value:
        """Where a is not 0."""
        return a if a.type.bits == 1 else self.compare("ne", a, 0)

    def select(self, condition: Any, a: Any, b: Any) -> Any:
        """A where the condition holds, b elsewhere."""
        if not isinstance(condition, Value):
            return a if condition else b
        condition = self.truth(condition)
        if not isinstance(a, Value) and not isinstance(b, Value):
            type = Type("double", condition.type.lanes)
            a, b = self.constant(a, type), self.constant(b, type)
        a, b = self.pair(a, b)
        if a.type.lanes == 1 and condition.type.lanes > 1:
            a, b = (self.splat(x, condition.type.lanes) for x in (a, b))
        return self.value(f"select {condition!r}, {a!r}, {b!r}", a.type)

    # ---- vectors

    def fold(self, value: Value, combine: Callable[[Value, Value], Value]) -> Value:
        """One number out of all lanes: halves laid on each other until one is left."""
        lanes = value.type.lanes
        while lanes > 1:
            lanes //= 2
            low = ", ".join(f"i32 {i}" for i in range(lanes))
            high = ", ".join(f"i32 {i + lanes}" for i in range(lanes))
            halves = [
                self.value(
                    f"shufflevector {value!r}, {value.type} poison, <{lanes} x i32> <{indices}>"
                    if lanes > 1
                    else f"extractelement {value!r}, i32 {indices[4:]}",
                    value.type.of(lanes),
                )
                for indices in (low, high)
            ]
            value = combine(*halves)
        return value

    def total(self, value: Value) -> Value:
        """Σ over the lanes, in the order of `fold`."""
        return self.fold(value, self.add)

    def shuffle(self, a: Value, b: Value, indices: Sequence[int]) -> Value:
        """Lanes of a (0, 1, …) and of b (after those of a) in a new order."""
        order = ", ".join(f"i32 {i}" for i in indices)
        return self.value(
            f"shufflevector {a!r}, {b!r}, <{len(indices)} x i32> <{order}>",
            a.type.of(len(indices)),
        )

    def lanes(self, value: Value, first: int, count: int) -> Value:
        """So many lanes of a value from the first on; 0 in those that it does not have."""
        if value.type.lanes == 1 and count > 1:
            zeros = self.constant(0.0, value.type.of(count))
            return self.value(f"insertelement {zeros!r}, {value!r}, i32 0", value.type.of(count))
        if count == 1:
            return self.value(f"extractelement {value!r}, i32 {first}", value.type.of(1))
        have = value.type.lanes
        there = [min(have, first + i) for i in range(count)]
        return self.shuffle(value, self.constant(0.0, value.type), there)

    def packed(self, numbers: Sequence[Value]) -> Value:
        """A vector of these numbers, one in each lane."""
        type = numbers[0].type.of(len(numbers))
        vector = "poison"
        for i, number in enumerate(numbers):
            vector = self.emit(f"insertelement {type} {vector}, {number!r}, i32 {i}")
        return Value(self, vector, type)

    def joined(self, parts: Sequence[Value]) -> Value:
        """The lanes of several values of one type, one after another."""
        while len(parts) > 1:
            lanes = range(2 * parts[0].type.lanes)
            parts = [
                self.shuffle(a, b, lanes) for a, b in zip(parts[::2], parts[1::2], strict=True)
            ]
        return parts[0]

    def first(self, count: Value, lanes: int) -> Value:
        """A mask that is True in the first `count` lanes."""
        numbers = ", ".join(f"i64 {i}" for i in range(lanes))
        return self.value(
            f"icmp slt <{lanes} x i64> <{numbers}>, {self.splat(count, lanes).text}", I1.of(lanes)
        )

    # ---- memory

    def load(
        self, at: Pointer, type: Type, mask: Value | None = None, *, aligned: bool = False
    ) -> Value:
        """What lies at an address."""
        if mask is None:
            align = 64 if aligned and type.lanes > 1 else type.bits // 8 or 1
            return self.value(f"load {type}, ptr {at.text}, align {align}", type)
        name = f"llvm.masked.load.{type.short}.p0"
        zeros = self.constant(0, type)
        f = self.module.declare(name, type, [POINTER, I32, mask.type, type])
        return self.call(f, at, self.constant(type.bits // 8, I32), mask, zeros)

    def store(
        self, at: Pointer, value: Value, mask: Value | None = None, *, aligned: bool = False
    ) -> None:
        """Write to an address."""
        type = value.type
        if mask is None:
            align = 64 if aligned and type.lanes > 1 else type.bits // 8 or 1
            self.lines.append(f"  store {value!r}, ptr {at.text}, align {align}")
            return
        name = f"llvm.masked.store.{type.short}.p0"
        f = self.module.declare(name, None, [type, POINTER, I32, mask.type])
        self.call(f, value, at, self.constant(type.bits // 8, I32), mask)

    def prefetch(self, at: Pointer) -> None:
        """Ask for a cache line that will be read soon."""
        f = self.module.declare("llvm.prefetch.p0", None, [POINTER, I32, I32, I32])
        self.call(f, at, *(self.constant(i, I32) for i in (0, 2, 1)))  # to read, into L2, data

    def address(self, number: Value, element: Type) -> Pointer:
        """The pointer whose address an integer holds."""
        return Pointer(self, self.emit(f"inttoptr {number!r} to ptr"), element)

    # ---- control

    def call(self, function: Function, *arguments: Any) -> Any:
        """The function's result."""
        given = [
            a if isinstance(a, Pointer) else self.convert(a, t)
            for a, t in zip(arguments, function.arguments, strict=True)
        ]
        return self._call(f"@{function.name}", function.returns, given)

    def call_at(self, address: Pointer, returns: Type | None, *arguments: Value) -> Any:
        """The result of the function at an address."""
        return self._call(address.text, returns, arguments)

    def _call(self, name: str, returns: Type | None, given: Sequence[Value]) -> Any:
        text = f"call {returns or 'void'} {name}({', '.join(map(repr, given))})"
        if returns is None:
            self.lines.append("  " + text)
            return None
        return self.value(text, returns)

    def _label(self) -> str:
        self.count += 1
        return f"b{self.count}"

    def _block(self, label: str) -> None:
        self.lines.append(f"{label}:")

    @contextmanager
    def loop(self, start: Any, stop: Any, step: Any = 1) -> Iterator[Value]:
        """`for i in range(start, stop, step)`."""
        i = self.variable(I64, start)
        stop = self.integer(stop)
        head, body, end = self._label(), self._label(), self._label()
        self.lines.append(f"  br label %{head}")
        self._block(head)
        now = i.get()
        more = self.compare("lt", now, stop)
        self.lines.append(f"  br {more!r}, label %{body}, label %{end}")
        self._block(body)
        yield now
        i.set(now + step)
        self.lines.append(f"  br label %{head}")
        self._block(end)

    @contextmanager
    def repeat(self, condition: Callable[..., Value]) -> Iterator[None]:
        """`while condition():`."""
        head, body, end = self._label(), self._label(), self._label()
        self.lines.append(f"  br label %{head}")
        self._block(head)
        self.lines.append(f"  br {condition()!r}, label %{body}, label %{end}")
        self._block(body)
        yield
        self.lines.append(f"  br label %{head}")
        self._block(end)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """`if condition:`."""
        body, end = self._label(), self._label()
        self.lines.append(f"  br {condition!r}, label %{body}, label %{end}")
        self._block(body)
        yield
        self.lines.append(f"  br label %{end}")
        self._block(end)

    def choose(
        self, condition: Value, then: Callable[..., Any], otherwise: Callable[..., Any]
    ) -> None:
        """`if condition: then() else: otherwise()`."""
        yes, no, end = self._label(), self._label(), self._label()
        self.lines.append(f"  br {condition!r}, label %{yes}, label %{no}")
        for label, branch in ((yes, then), (no, otherwise)):
            self._block(label)
            branch()
            self.lines.append(f"  br label %{end}")
        self._block(end)
