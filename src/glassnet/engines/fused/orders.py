"""Orders of rows, drawn in compiled code from a generator of NumPy's, as NumPy draws them.

NumPy calls a function for each number; to draw the order of an epoch takes it a tenth of the time
of a small network's epoch. Here the same is one loop, on the generator's own state: the same
orders, and the same stream after them. Each process looks once whether that is so.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

import numpy as np

from glassnet.engines.chance import Draw
from glassnet.engines.fused.arrays import address
from glassnet.engines.fused.assembler import (
    I1,
    I32,
    I64,
    Code,
    Module,
    Pointer,
    Pointing,
    Type,
    Value,
)

I128 = Type("i128")

MULTIPLIER = 2549297995355413924 << 64 | 4865540595714422341
"""PCG64's. O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms
for random number generation", 2014: s ← multiplier·s + increment; a word is s, folded and rotated.
"""


def write_shuffle(module: Module) -> None:
    """`shuffle(generator, order, n)`: the numbers 0 to n - 1 in the order that comes next.

    generator : NumPy's `bitgen_t`, which begins with the address of a `pcg64_state`: that of s and
        the increment, then whether half of a word is left, and that half.
    """
    module.define("shuffle", [Pointing(I64), Pointing(I64), I64], shuffle, public=True)


def shuffle(code: Code, generator: Pointer, order: Pointer, n: Value) -> None:
    """Fisher and Yates, from the end: number i changes places with one of the first i + 1.

    Which one, 32 bits say, cut to the bits of i. Where that is more than i they are drawn again:
    so often that no branch could be foretold. Instead i changes places with itself, and stays.
    """
    state = code.address(generator[0], I64)
    inner, half = code.address(state[0], I64), code.address(generator[0], I32).at(2)
    s, increment = code.variable(I128, whole(code, inner, 0)), whole(code, inner, 2)
    there, left = (code.variable(I64, unsigned(code, half[i])) for i in range(2))
    i = code.variable(I64, n - 1)
    zeros = code.module.declare("llvm.ctlz.i64", I64, [I64, I1])
    rotate = code.module.declare("llvm.fshr.i64", I64, [I64, I64, I64])

    def attempt(bits: Value) -> None:
        at = i.get()
        mask = code.value(f"lshr i64 -1, {code.call(zeros, at, 1).text}", I64)
        drawn = bits & mask
        good = drawn <= at
        j = code.select(good, drawn, at)
        one, other = order[at], order[j]
        order[at], order[j] = other, one
        i.set(at - code.convert(good, I64))

    with code.loop(0, n) as k:
        order[k] = k
    with code.when((there.get() != 0) & (n > 1)):
        attempt(left.get())
        there.set(0)
    with code.repeat(lambda: i.get() > 0):
        s.set(s.get() * code.constant(MULTIPLIER, I128) + increment)
        high, low = upper(code, s.get()), code.value(f"trunc {s.get()!r} to i64", I64)
        word = high ^ low
        word = code.call(rotate, word, word, code.value(f"lshr {high!r}, 58", I64))
        left.set(code.value(f"lshr {word!r}, 32", I64))
        attempt(word & 0xFFFFFFFF)
        there.set(code.convert(i.get() <= 0, I64))
        with code.when(i.get() > 0):
            attempt(left.get())
    inner[0], inner[1] = code.value(f"trunc {s.get()!r} to i64", I64), upper(code, s.get())
    half[0], half[1] = there.get(), left.get()


def whole(code: Code, words: Pointer, first: int) -> Value:
    """128 bits, lower half first."""
    low, high = (code.value(f"zext {words[first + i]!r} to i128", I128) for i in range(2))
    return (high << 64) | low


def upper(code: Code, s: Value) -> Value:
    """The upper half of 128 bits."""
    shifted = code.value(f"lshr {s!r}, 64", I128)
    return code.value(f"trunc {shifted!r} to i64", I64)


def unsigned(code: Code, bits: Value) -> Value:
    """32 bits without a sign."""
    return code.value(f"zext {bits!r} to i64", I64)


# ---- from Python

_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)

MOST = 2**31
"""Numbers up to which NumPy draws 32 bits for each, and never more."""


@lru_cache(maxsize=8)
def draw_with(library: Any) -> Draw:
    """`rng.permutation(n)`, by the library's `shuffle` where that does the same."""
    face = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    compiled = face(library.address("shuffle"))

    def draw(rng: np.random.Generator | np.random.RandomState, n: int) -> np.ndarray:
        if not isinstance(rng, np.random.Generator) or n >= MOST:
            return rng.permutation(n)
        bits = rng.bit_generator
        if type(bits) is not np.random.PCG64:
            return rng.permutation(n)
        order = np.empty(n, np.int64)
        with bits.lock:
            compiled(_pointer(bits.capsule, b"BitGenerator"), address(order), n)
        return order

    return draw if does_the_same(draw) else numpys


def numpys(rng: np.random.Generator | np.random.RandomState, n: int) -> np.ndarray:
    """NumPy's own."""
    return rng.permutation(n)


def does_the_same(draw: Draw) -> bool:
    """Whether orders and stream are those of this version of NumPy."""
    one, other = (np.random.default_rng(0) for _ in range(2))
    same = all(np.array_equal(draw(one, n), other.permutation(n)) for n in (2, 63, 100))
    return same and one.bit_generator.state == other.bit_generator.state
