"""A small assembler: Python that writes LLVM's intermediate representation as text.

A `Value` is a register: a number or a vector of numbers. It understands Python's operators and
NumPy's functions, so that a formula of `core` run on values writes down its own machine code:
`Sigmoid.f(z)` with z a vector of eight numbers emits the instructions for eight sigmoids.

Every instruction is IEEE arithmetic as written: no flag allows LLVM to reorder a sum. The one
liberty is taken here, in sight: a product that is added or subtracted becomes a fused
multiply-add. So equal sequences of operations give equal bits wherever they are compiled.
"""

from glassnet.engines.fused.assembler.code import Code
from glassnet.engines.fused.assembler.module import Module
from glassnet.engines.fused.assembler.names import FUNCTIONS, UFUNCS
from glassnet.engines.fused.assembler.types import (
    F32,
    F64,
    I1,
    I32,
    I64,
    POINTER,
    Function,
    NotCompilable,
    Pointing,
    Type,
)
from glassnet.engines.fused.assembler.values import (
    Deferred,
    Opaque,
    Pointer,
    Value,
    Variable,
    spelled,
)

__all__ = [
    "F32",
    "F64",
    "FUNCTIONS",
    "I1",
    "I32",
    "I64",
    "POINTER",
    "UFUNCS",
    "Code",
    "Deferred",
    "Function",
    "Module",
    "NotCompilable",
    "Opaque",
    "Pointer",
    "Pointing",
    "Type",
    "Value",
    "Variable",
    "spelled",
]
