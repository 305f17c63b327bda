"""Arrays in a notebook: exact literals where they are few, a compressed file where many."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.walkthrough.notebook.cells import WIDTH

MOST = 2000
"""So many numbers are written out in a notebook; beyond that the largest arrays get a file."""


ORDERS = 100
"""Orders of rows are nothing to read: more than so many numbers of them go into the file."""


@dataclass(frozen=True, eq=False)
class Literals:
    """The arrays of a notebook by name: those written out, and those in the file beside it."""

    written: Mapping[str, np.ndarray]
    stored: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], most: int = MOST) -> Literals:
        """The smallest arrays written out while there is room, the others stored."""
        room, written = most, {}
        for name in sorted(arrays, key=lambda name: (np.size(arrays[name]), name)):
            if np.size(arrays[name]) > room:
                break
            if name.endswith("orders") and np.size(arrays[name]) > ORDERS:
                continue
            room -= np.size(arrays[name])
            written[name] = arrays[name]
        return cls(written, {name: a for name, a in arrays.items() if name not in written})

    def array(self, name: str, used: int = 0, block: int = 0) -> str:
        """Code that makes the array, after so many columns in a block that is indented so far."""
        if name in self.stored:
            return f'stored["{name}"]'
        array = np.asarray(self.written[name])
        shown = nested(array, used + 9, block)
        dtype = ""
        if array.dtype == np.float32:
            dtype = ", dtype=np.float32"
        elif array.dtype.kind == "f" and "." not in shown:
            dtype = ", dtype=float"
        return f"np.array({shown}{dtype})"

    def plain(self, name: str, used: int = 0, block: int = 0) -> str:
        """The numbers alone, as nested lists."""
        return (
            f'stored["{name}"]' if name in self.stored else nested(self.written[name], used, block)
        )

    def file(self) -> bytes | None:
        """The file beside the notebook: NumPy's .npz, without pickled objects."""
        if not self.stored:
            return None
        buffer = io.BytesIO()
        arrays: dict[str, Any] = dict(self.stored)
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()


def nested(array: Any, used: int = 0, block: int = 0) -> str:
    """An array as nested lists of numbers that read back to the same bits."""
    array = np.asarray(array)
    whole = array.dtype.kind in "iu" or _whole(array)
    if array.ndim == 0:
        return number(array[()], whole=whole)
    return _list(array, used, block, whole=whole)


def _list(array: np.ndarray, used: int, block: int, *, whole: bool) -> str:
    # on one line where there is room, else its parts on lines of their own
    if array.ndim == 1:
        parts = [number(x, whole=whole) for x in array]
    else:
        parts = [_list(row, block + 5, block + 4, whole=whole) for row in array]
    line = f"[{', '.join(parts)}]"
    if used + len(line) <= WIDTH and "\n" not in line:
        return line
    inner = " " * (block + 4)
    # a column of one number a row is written like a row
    short = array.ndim == 1 or array.shape[1:] == (1,)
    lines = _filled(parts, block + 4) if short else [f"{part}," for part in parts]
    return "[\n" + "\n".join(inner + one for one in lines) + "\n" + " " * block + "]"


def number(value: Any, *, whole: bool = False) -> str:
    """The shortest decimal that reads back to the same number of the same precision."""
    if whole:
        return str(int(value))
    if isinstance(value, np.ndarray):
        value = value[()]
    if isinstance(value, np.float32):
        shortest = repr(float(str(value)))
        return shortest if np.float32(float(shortest)) == value else repr(float(value))
    return repr(float(value))


def power(value: float) -> str:
    """A tolerance with one digit: 1e-9."""
    return f"{value:.0e}".replace("e-0", "e-")


def _whole(array: np.ndarray) -> bool:
    # -0.0 is no whole number to be written as 0: its sign would be lost
    signed = np.signbit(array) & (array == 0)
    return bool(
        (array == np.round(array)).all() and (np.abs(array) < 1e6).all() and not signed.any()
    )


def _filled(numbers: list[str], column: int) -> list[str]:
    """Lines with as many numbers as there is room for."""
    lines, line = [], ""
    for part in numbers:
        if line and column + len(line) + len(part) + 1 > WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += f"{part}, "
    return [*lines, line.rstrip()]
