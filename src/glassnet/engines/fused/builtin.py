"""One row of a predictor as a function built in: Python calls compiled code with nothing between.

A call through ctypes, the copy of a row into place and the checks around them cost more than the
answer. So a few lines of compiled code stand where a C extension would: they look at the array that
Python hands over, and write the answer into a new one. Where Python or NumPy do not lay their
objects out as these lines expect (free threading, another Python), there is no such function, and
the same is done in Python.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from glassnet.core.formula import Array
from glassnet.engines.fused.arrays import address
from glassnet.engines.fused.assembler import I32, I64, POINTER, Code, Module, Pointer, Pointing
from glassnet.engines.fused.compiler import Library, load
from glassnet.engines.fused.target import Target

KIND, NUMBERS, DIMENSIONS, SIZES, STRIDES, DTYPE, FLAGS = 1, 2, 3, 4, 5, 7, 8
"""Places in an array's object, in words: NumPy's `PyArrayObject`, which all extensions rely on."""
FIRST = tuple.__basicsize__ // 8
"""The place of a tuple's first item."""
ALIGNED = 0x100

CALL = (
    "row",  # `answer_row` or its like, which is given `job`
    "job", "x", "out",  # the table it is told in, and where in it the two arrays are named
    "array", "dtype", "size", "stride",  # what the row has to be, to be taken as it lies
    "convert", "copy",  # functions of Python: makes such a row of anything; a new answer
    "call", "call_with", "release",  # functions of Python's own
)  # fmt: skip


def write_call(module: Module) -> None:
    """`call(self, x)` → out, as Python calls a function of one argument; self[0] is a table."""

    def body(code: Code, me: Pointer, x: Pointer) -> Any:
        table = code.address(code.address(me[FIRST], I64)[NUMBERS], I64)
        T = {name: table[i] for i, name in enumerate(CALL)}
        job = code.address(T["job"], I64)
        fits = code.variable(I64, 0)
        with code.when(x[KIND] == T["array"]):  # only then are there such places
            half = code.address(code.convert(x, I64), I32)
            plain = (x[DTYPE] == T["dtype"]) & ((half[2 * FLAGS] & ALIGNED) != 0)
            with code.when(plain & (half[2 * DIMENSIONS] == 1)):
                size = code.address(x[SIZES], I64)[0]
                stride = code.address(x[STRIDES], I64)[0]
                fits.set(code.convert((size == T["size"]) & (stride == T["stride"]), I64))
        row = code.variable(I64, code.convert(x, I64))
        with code.when(fits.get() == 0):
            convert = code.address(T["convert"], I64)
            row.set(code.call_at(code.address(T["call_with"], I64), POINTER, convert, x))
        out = code.variable(I64, 0)  # null: an error was raised
        with code.when(row.get() != 0):
            copy = code.address(T["copy"], I64)
            out.set(code.call_at(code.address(T["call"], I64), POINTER, copy))

            # from here on nobody else has a turn, so that all share the memory in between
            with code.when(out.get() != 0):
                for place, array in (("x", row), ("out", out)):
                    code.store(job.at(T[place]), code.address(array.get(), I64)[NUMBERS])
                code.call_at(code.address(T["row"], I64), None, job)
            with code.when(fits.get() == 0):
                release = code.address(T["release"], I64)
                code.call_at(release, None, code.address(row.get(), I64))
        return code.address(out.get(), I64)

    module.define("call", [Pointing(I64), Pointing(I64)], body, returns=POINTER, public=True)


class Method(ctypes.Structure):
    """Python's `PyMethodDef`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


ONE_ARGUMENT = 0x0008
DOC = b"answer($self, x, /)\n--\n\nThe answer (n_out,) to one row x (n_in,)."


@cache
def known_layout() -> bool:
    """Whether objects lie in memory as `write_call` expects it."""
    usual = sys.implementation.name == "cpython" and object.__basicsize__ == 16
    if not usual or sys.maxsize < 2**62 or np.ndarray.__basicsize__ < 8 * (FLAGS + 1):
        return False
    array = np.empty((5, 7), np.float32)[1:, ::2]
    words = (ctypes.c_int64 * (FLAGS + 1)).from_address(id(array))
    sizes, strides = ((ctypes.c_int64 * 2).from_address(words[i]) for i in (SIZES, STRIDES))
    pair = (array, None)
    return (
        words[KIND] == id(np.ndarray)
        and words[NUMBERS] == array.ctypes.data
        and words[DIMENSIONS] & 0xFFFFFFFF == 2
        and (*sizes, *strides) == array.shape + array.strides
        and words[DTYPE] == id(np.dtype(np.float32))
        and words[FLAGS] & 0xFFFFFFFF == array.flags.num
        and ctypes.c_int64.from_address(id(pair) + 8 * FIRST).value == id(array)
    )


@cache
def compiled_call(target: Target) -> tuple[Library, Method]:
    """The function for a machine, and what Python has to know of it."""
    module = Module()
    write_call(module)
    library = load(str(module), target)
    return library, Method(b"answer", library.address("call"), ONE_ARGUMENT, DOC)


def builtin(
    target: Target, row: int, job: np.ndarray, places: tuple[int, int], blank: Array,
    convert: Callable[[Any], Array], size: int, keep: tuple[Any, ...],
) -> Callable[[Any], Array] | None:  # fmt: skip
    """The function of one row; None where there can be none.

    row, job : compiled code and the table that it is told in; `places` of x and the answer in it.
    blank : an array of the answer's shape. convert : makes a row (size,) of what is none.
    """
    if not known_layout():
        return None
    python = ctypes.pythonapi

    def of_python(function: Any) -> int:
        return ctypes.cast(function, ctypes.c_void_p).value or 0

    copy, dtype = blank.copy, blank.dtype
    fields = (
        row, address(job), *places, id(np.ndarray), id(dtype), size, dtype.itemsize,
        id(convert), id(copy), of_python(python.PyObject_CallNoArgs),
        of_python(python.PyObject_CallOneArg), of_python(python.Py_DecRef),
    )  # fmt: skip
    library, method = compiled_call(target)
    # the function holds this tuple, and with it all that the table names
    me = (np.array(fields, np.int64), job, dtype, convert, copy, library, method, *keep)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    function: Callable[[Any], Array] = make(("PyCFunction_NewEx", python))(
        ctypes.addressof(method), me, None
    )
    return function
