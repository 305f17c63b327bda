"""LLVM's types, how it spells numbers, and what a function looks like from outside."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np


class NotCompilable(Exception):
    """A function asks for something that has no machine code here; the text says what."""


@dataclass(frozen=True)
class Type:
    """A type of LLVM's: of one number, or of a vector of `lanes` of them."""

    scalar: str
    lanes: int = 1

    def __str__(self) -> str:
        return self.scalar if self.lanes == 1 else f"<{self.lanes} x {self.scalar}>"

    @property
    def bits(self) -> int:
        """How many bits one number takes."""
        return {"double": 64, "float": 32, "ptr": 64}.get(self.scalar) or int(self.scalar[1:])

    @property
    def real(self) -> bool:
        """Whether its numbers are floating-point ones."""
        return self.scalar in ("double", "float")

    def of(self, lanes: int) -> Type:
        """The same numbers, so many of them."""
        return Type(self.scalar, lanes)

    @property
    def short(self) -> str:
        """As it is spelled in the names of LLVM's own functions: v8f64."""
        letter = "f" if self.real else "i"
        return f"{letter}{self.bits}" if self.lanes == 1 else f"v{self.lanes}{letter}{self.bits}"


F64, F32, I64, I32, I1 = (Type(name) for name in ("double", "float", "i64", "i32", "i1"))

POINTER = Type("ptr")


@dataclass(frozen=True)
class Pointing:
    """The type of an argument that is an address of numbers of a type."""

    element: Type


@dataclass(frozen=True)
class Function:
    """A function that was written, to be called."""

    name: str
    returns: Type | None
    arguments: tuple[Type, ...]


def literal(number: float, type: Type) -> str:
    """A number as LLVM spells it: reals by the bits of their double."""
    if not type.real:
        return str(int(number))
    exact = float(np.float32(number)) if type.scalar == "float" else float(number)
    return "0x" + struct.pack(">d", exact).hex().upper()


def real_for(number: Any, type: Type) -> Type:
    """The type that a number of Python's takes beside a value: 0.5 makes a real of an integer.

    Beside a truth 2 does so too, as it makes a number of it in NumPy.
    """
    counts = type.bits == 1 and not isinstance(number, bool | np.bool_)
    if not type.real and (counts or isinstance(number, float | np.floating)):
        return F64.of(type.lanes)
    return type
