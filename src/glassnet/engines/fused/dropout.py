"""Dropout on a tile: the words by chance are those of `core.dropout.philox`, run on registers.

A vector holds one neuron's numbers for neighbouring samples, and a call of Philox gives the words
of four neighbouring neurons: so its counters differ from lane to lane in the row alone.
"""

from __future__ import annotations

from collections.abc import Callable

from glassnet.core.dropout import WORD, philox
from glassnet.engines.fused.assembler import (
    F64,
    I64,
    Code,
    Function,
    Module,
    Pointer,
    Pointing,
    Value,
)
from glassnet.engines.fused.target import Kit

CHANCE = ("first", "last", "step", "low", "high")
"""What the masks of a tile depend on: its first and last row in the batch, the update, the key."""


def write_drop(module: Module, kit: Kit) -> Function:
    """`drop(a, kept, m, n_out, ld, layer, threshold, scale, *CHANCE)`: h = m ∘ a in the place of a.

    m is (n_out, ld), as a is. `kept` is where a itself goes; it may be a's own place, and a is
    lost. scale : the bits of 1/(1-rate).
    """
    real = Pointing(kit.real)
    whole = [I64] * (5 + len(CHANCE))
    return module.define("drop", [real, real, real, *whole], drop(kit))


def drop(kit: Kit) -> Callable[..., None]:
    """See `write_drop`."""
    n = kit.lanes

    def body(code: Code, a: Pointer, kept: Pointer, m: Pointer, n_out: Value, ld: Value,
             layer: Value, threshold: Value, scale: Value, first: Value, last: Value, step: Value,
             low: Value, high: Value) -> None:  # fmt: skip
        larger = code.convert(code.convert(code.bitcast(scale, F64), kit.real), kit.vector)
        none = code.constant(0.0, kit.vector)
        lanes = ", ".join(f"i64 {i}" for i in range(n))
        lane = Value(code, f"<{lanes}>", I64.of(n))
        with code.loop(0, n_out, 4) as j, code.loop(0, ld, n) as s:
            # the lanes beyond the last row are its copies, and may not leave the numbers alone
            row = code.minimum(lane + (first + s), last) & WORD
            words = philox((row, j // 4, layer, step & WORD), (low, high))
            for i, word in enumerate(words):
                with code.when(j + i < n_out):
                    at = (j + i) * ld + s
                    mask = code.select(word >= threshold, larger, none)
                    value = a.vector(at, n)
                    kept.put(at, value)
                    m.put(at, mask)
                    a.put(at, mask * value)

    return body


def write_mask(module: Module, kit: Kit) -> Function:
    """`mask(d, m, n_out, ld)`: dL/da = m ∘ dL/dh, in its place."""
    n, real = kit.lanes, Pointing(kit.real)

    def body(code: Code, d: Pointer, m: Pointer, n_out: Value, ld: Value) -> None:
        with code.loop(0, n_out * ld, n) as i:
            d.put(i, m.vector(i, n) * d.vector(i, n))

    return module.define("mask", [real, real, I64, I64], body)
