"""Data: the rows that a run learns from and those that it is measured on, with their story.

A built-in set is drawn, split into training and validation points, scaled, and then edited by
hand where points were added, moved or deleted. A visitor's own table becomes the same
(`tables`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from glassnet import datasets
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.datasets import Dataset
from glassnet.exchange.encodings import Encoding, Number
from glassnet.exchange.targets import Classes, Numbers, Target
from glassnet.lab import limits
from glassnet.lab.limits import within
from glassnet.lab.setting import Point, Setting
from glassnet.training.metrics import classes


@dataclass(frozen=True, eq=False)
class Data:
    """Rows as the network sees them, and how they came to be.

    X, y : training rows, (n, n_in) and (n, n_out); held_X, held_y : those that only measure.
    labels : names of the classes; empty where the outputs are numbers.
    scaling : a line for each input: how it was scaled.
    notes : what a reader should be told.
    encodings, target : from a table's cells to X and y, for the model file.
    raw : y and held_y in the units of a table's column, where the target is numbers.
    ignored : columns of a table that were left out by hand.
    """

    name: str
    X: Array
    y: Array
    held_X: Array | None
    held_y: Array | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    labels: tuple[str, ...] = ()
    scaling: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    encodings: tuple[Encoding, ...] = ()
    target: Target | None = None
    raw: tuple[Array, Array | None] | None = None
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        within("inputs", self.X.shape[1], limits.INPUTS, 1)
        within("training rows", len(self.X), limits.ROWS, 1)

    @property
    def sort(self) -> str:
        """What the network answers with: "classes" or "numbers"."""
        return "classes" if self.labels else "numbers"

    @cached_property
    def axes(self) -> tuple[int, int]:
        """The two inputs to draw over at first: those that tell most of the targets.

        By r², the largest over the outputs. Where there are two inputs, they in their order.
        """
        n_in = self.X.shape[1]
        if n_in < 3:
            return 0, n_in - 1
        X = self.X - self.X.mean(axis=0)
        y = self.y - self.y.mean(axis=0)
        total = np.outer((X**2).sum(axis=0), (y**2).sum(axis=0))  # (n_in, n_out)
        r2 = np.divide((X.T @ y) ** 2, total, out=np.zeros_like(total), where=total > 0)
        second, first = np.argsort(r2.max(axis=1), kind="stable")[-2:]
        return int(first), int(second)

    @cached_property
    def mark(self) -> str:
        """A short word that another table's rows would hardly have, for a link to tell them."""
        whole = 0
        for array in (self.X, self.y, self.held_X, self.held_y):
            if array is not None:
                whole = zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data, whole)
        return f"{whole:08x}"

    def said(self, a: Array) -> str:
        """What an answer or a target (n_out,) says: a label, or numbers in the data's own units."""
        if not np.isfinite(a).all():
            return "not finite"
        if self.target is not None:
            value = self.target.decode(a[None])[0]
            return str(value) if self.labels else written(value)
        if self.labels:
            return self.labels[int(self.classes_of(a[None])[0])]
        return ", ".join(map(written, a[:4]))

    def classes_of(self, y: Array) -> np.ndarray:
        """The class (n,) of each row of targets, as its place in `labels`."""
        return classes(y)


def written(value: float) -> str:
    """A number in the data's own units: 0.1235, −12, 100 800.

    >>> written(100800.4), written(-0.12345), written(2.5e12)
    ('100 800', '−0.1235', '2.5e+12')
    """
    plain = f"{value:,.0f}".replace(",", " ") if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
    return plain.replace("-", "−", 1) if value < 0 else plain


DRAWN: dict[str, Callable[..., Dataset]] = {
    "moons": datasets.moons,
    "circles": datasets.circles,
    "spiral": datasets.spiral,
    "sine": datasets.sine,
}
"""Sets of any size and noise."""

FIXED: dict[str, Callable[[], Dataset]] = {
    "xor": datasets.xor,
    "iris": datasets.iris,
    "digits": datasets.digits,
    "notebook": datasets.notebook_samples,
    "notebook_moons": datasets.notebook_moons,
}
"""Sets that are as they are."""


def built_in(setting: Setting) -> Data:
    """The data of a setting: drawn, split, scaled, edited."""
    if setting.data in DRAWN:
        make = DRAWN[setting.data]
        found = make(setting.n, noise=setting.noise, seed=setting.data_seed)
    elif setting.data in FIXED:
        found = FIXED[setting.data]()
    else:
        raise BadInput("a link to a table", "the table itself is expected", "Open it here again.")
    X, y = np.array(found.X), np.array(found.y)
    first, second = split(len(X), setting.held, setting.data_seed)
    centre, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    if setting.scaled:
        centre, scale = X[first].mean(axis=0), X[first].std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        X = (X - centre) / scale
    encodings = tuple(
        Number(name, float(m), float(s), float(m))
        for name, m, s in zip(found.inputs, centre, scale, strict=True)
    )
    held = len(second) > 0
    data = Data(
        found.name,
        X[first],
        y[first],
        X[second] if held else None,
        y[second] if held else None,
        found.inputs,
        found.outputs,
        found.labels,
        tuple(told(one) for one in encodings) if setting.scaled else as_they_are(found.inputs),
        encodings=encodings,
        target=Classes("class", found.labels) if found.labels else Numbers(found.outputs[0]),
    )
    return edited(data, setting.points)


def told(one: Number) -> str:
    """How an input was scaled."""
    return (
        f"{one.column}: minus its mean {one.mean:.4g}, "
        f"divided by its standard deviation {one.scale:.4g}"
    )


def as_they_are(inputs: tuple[str, ...]) -> tuple[str, ...]:
    """That inputs were not scaled."""
    return tuple(f"{name} as it is" for name in inputs)


def unit_of(target: Target) -> tuple[str, ...]:
    """How the numbers that are learnt were scaled: answers on the page are in that scale."""
    if not isinstance(target, Numbers) or (target.mean, target.scale) == (0.0, 1.0):
        return ()
    told = f"{target.column}, which is learnt: minus its mean {target.mean:.4g}, divided by "
    return (f"{told}its standard deviation {target.scale:.4g}",)


def unscaled(data: Data) -> Data:
    """The same with the numbers that are learnt in the units of their column."""
    if data.raw is None or not isinstance(data.target, Numbers):
        return data
    (y, held_y), column = data.raw, data.target.column
    notes = [note for note in data.notes if note not in unit_of(data.target)]
    told = f"{column}, which is learnt: as it is, for the Poisson loss counts"
    return replace(data, y=y, held_y=held_y, notes=(told, *notes), target=Numbers(column), raw=None)


def split(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows to measure on, each in their order."""
    held = min(round(share * n), n - 1)
    if not held:
        return np.arange(n), np.arange(0)
    order = np.random.default_rng([seed, 1]).permutation(n)
    return np.sort(order[held:]), np.sort(order[:held])


def edited(data: Data, points: tuple[Point, ...]) -> Data:
    """The data after points were added, moved and deleted by hand, one after the other."""
    X, y = data.X, data.y
    n_in, n_out = X.shape[1], y.shape[1]
    for kind, *numbers in points:
        if kind == "add":
            if len(numbers) != n_in + 1:
                raise BadInput(f"a point of {len(numbers)} numbers", f"{n_in + 1} are expected")
            X = np.vstack([X, numbers[:n_in]])
            y = np.vstack([y, target(data, numbers[n_in], n_out)])
            continue
        row = int(numbers[0])
        if not 0 <= row < len(X):
            raise BadInput(f"point {row}", f"0 to {len(X) - 1} is expected")
        if kind == "delete":
            if len(X) == 1:
                raise BadInput("no point would be left", "at least one is expected")
            X, y = np.delete(X, row, axis=0), np.delete(y, row, axis=0)
            continue
        X, y = X.copy(), y.copy()
        if n_in == 1 and n_out == 1 and not data.labels and len(numbers) == 3:
            X[row], y[row] = numbers[1], numbers[2]  # a point of a curve moves both ways
        elif len(numbers) == n_in + 1:
            X[row] = numbers[1:]
        else:
            raise BadInput(f"a point of {len(numbers) - 1} numbers", f"{n_in} are expected")
    return replace(data, X=X, y=y)


def target(data: Data, value: float, n_out: int) -> Array:
    """y (n_out,) of a class, given as its place in `labels`, or of a number."""
    if not data.labels:
        return np.full(n_out, float(value))
    if not 0 <= value < len(data.labels):
        raise BadInput(f"class {value:g}", f"0 to {len(data.labels) - 1} is expected")
    if n_out == 1:
        return np.array([float(value)])
    return np.asarray(np.eye(n_out)[int(value)])
