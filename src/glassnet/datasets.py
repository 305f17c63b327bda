"""Data to try a network on: the notebook's two sets, toy problems, iris and digits.

Chance is an argument: the same seed gives the same numbers. Everything comes as X (n, n_in) and
y (n, n_out), ready for `train`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples as rows, with names for the columns.

    X : (n, n_in).
    y : (n, n_out): a column of 0 and 1 for two classes, one-hot rows for more, or numbers.
    inputs : a name for each column of X.
    outputs : a name for each column of y.
    labels : the names of the classes, in order; empty where the outputs are numbers.

    The arrays are read-only, so that two runs on one set saw the same: `data.X.copy()` is one's
    own.
    """

    name: str
    X: Array
    y: Array
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.X.ndim != 2 or self.y.ndim != 2 or len(self.X) != len(self.y):
            raise BadInput(
                f"X has shape {self.X.shape} and y {self.y.shape}",
                "(n, n_in) and (n, n_out) are expected",
                "One column: y.reshape(-1, 1).",
            )
        if (len(self.inputs), len(self.outputs)) != (self.X.shape[1], self.y.shape[1]):
            raise BadInput(
                f"{len(self.inputs)} and {len(self.outputs)} names",
                f"{self.X.shape[1]} inputs and {self.y.shape[1]} outputs are to be named",
            )
        self.X.setflags(write=False)
        self.y.setflags(write=False)

    @property
    def classes(self) -> np.ndarray:
        """The class of each sample (n,), as its place in `labels`.

        >>> xor().classes
        array([0, 1, 1, 0])
        """
        if not self.labels:
            raise BadInput(
                f"the outputs of {self.name} are numbers", "classes are asked for", "See data.y."
            )
        if self.y.shape[1] == 1:
            return self.y[:, 0].astype(np.intp)
        return np.asarray(self.y.argmax(axis=1))

    def standardised(self) -> Dataset:
        """X with mean 0 and standard deviation 1 in each column; a constant column becomes 0."""
        deviation = self.X.std(axis=0)
        return replace(
            self, X=(self.X - self.X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
        )


def notebook_samples() -> Dataset:
    """The notebook's three samples with four inputs, as rows.

    >>> notebook_samples().y.T
    array([[1., 1., 0.]])
    """
    X = [[1, 0, 0, 0], [1, 0, 1, 1], [0, 1, 0, 1]]
    return Dataset(
        "the notebook's three samples",
        np.array(X, dtype=float),
        np.array([[1.0], [1.0], [0.0]]),
        inputs=("x1", "x2", "x3", "x4"),
        outputs=("y",),
        labels=("0", "1"),
    )


def notebook_moons() -> Dataset:
    """The notebook's moons: 1000 points, noise 0.1, seed 42, in its own scaling.

    One minimum and one maximum over both columns together: x1 runs from 0 to 1, x2 does not.
    """
    raw = moons(1000, noise=0.1, seed=42)
    X = raw.X - raw.X.min()
    return replace(raw, name="the notebook's moons", X=X / X.max())


def xor() -> Dataset:
    """1 where exactly one of two inputs is 1: what no network without a hidden layer can learn."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return two_classes("XOR", X, np.array([0, 1, 1, 0]), ("0", "1"))


def moons(n: int = 200, *, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Two half circles that reach into each other: scikit-learn's `make_moons`, bit for bit."""
    check(n, noise)
    upper, lower = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    x = [*np.cos(upper), *(1 - np.cos(lower))]
    y = [*np.sin(upper), *(1 - np.sin(lower) - 0.5)]
    X, classes = _strewn(x, y, n // 2, noise, seed)
    return two_classes("moons", X, classes, ("upper moon", "lower moon"))


def circles(n: int = 200, *, noise: float = 0.05, seed: int = 0) -> Dataset:
    """A circle of radius 0.5 within one of radius 1: scikit-learn's `make_circles`, bit for bit."""
    check(n, noise)
    outer = np.linspace(0, 2 * np.pi, n // 2, endpoint=False)
    inner = np.linspace(0, 2 * np.pi, n - n // 2, endpoint=False)
    x = [*np.cos(outer), *(np.cos(inner) * 0.5)]
    y = [*np.sin(outer), *(np.sin(inner) * 0.5)]
    X, classes = _strewn(x, y, n // 2, noise, seed)
    return two_classes("circles", X, classes, ("outer circle", "inner circle"))


def spiral(
    n: int = 300, *, arms: int = 2, turns: float = 1.0, noise: float = 0.03, seed: int = 0
) -> Dataset:
    """Arms that wind around each other from the centre to radius 1, a class for each."""
    check(n, noise, least=arms)
    if arms < 2:
        raise BadInput(f"arms={arms}", "two or more are expected")
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % arms
    radius = np.sqrt(rng.uniform(0.02, 1.0, n))  # the root spreads the points evenly over the arm
    angle = 2 * np.pi * (turns * radius + classes / arms)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    X += rng.normal(0.0, noise, X.shape)
    labels = tuple(f"arm {arm}" for arm in range(1, arms + 1))
    if arms == 2:
        return two_classes("spiral", X, classes, labels)
    return many_classes("spiral", X, classes, ("x1", "x2"), labels)


def sine(n: int = 100, *, noise: float = 0.1, seed: int = 0) -> Dataset:
    """y = sin x + noise, x between -π and π, in order: a number to learn, not a class."""
    check(n, noise)
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-np.pi, np.pi, n))
    y = np.sin(x) + rng.normal(0.0, noise, n)
    return Dataset("sine", x[:, None], y[:, None], inputs=("x",), outputs=("y",))


def iris() -> Dataset:
    """Fisher's 150 irises: four lengths in cm, three species."""
    from sklearn.datasets import load_iris

    bunch = load_iris()
    labels = tuple(map(str, bunch.target_names))
    return many_classes("iris", bunch.data, bunch.target, tuple(bunch.feature_names), labels)


def digits() -> Dataset:
    """1797 handwritten digits: 8 × 8 pixels, row by row, from 0 (paper) to 16 (ink)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = tuple(map(str, bunch.target_names))
    return many_classes("digits", bunch.data, bunch.target, tuple(bunch.feature_names), labels)


def two_classes(name: str, X: np.ndarray, classes: np.ndarray, labels: tuple[str, ...]) -> Dataset:
    """A set with two inputs whose y is one column of 0 and 1."""
    y = classes.reshape(-1, 1).astype(float)  # (n, 1)
    return Dataset(name, X, y, inputs=("x1", "x2"), outputs=("y",), labels=labels)


def many_classes(
    name: str,
    X: np.ndarray,
    classes: np.ndarray,
    inputs: tuple[str, ...],
    labels: tuple[str, ...],
) -> Dataset:
    """A set whose y is one-hot: a column for each class."""
    y = np.eye(len(labels))[classes]  # (n, n_classes)
    return Dataset(name, X.astype(float), y, inputs=inputs, outputs=labels, labels=labels)


def _strewn(
    x: list[float], y: list[float], first: int, noise: float, seed: int
) -> tuple[Array, np.ndarray]:
    """Points (n, 2) and their classes, 0 for the first ones, shuffled, then moved by chance."""
    # as scikit-learn does it, but without loading it, which takes most of a second
    rng = np.random.RandomState(seed)  # the same stream as there
    order = np.arange(len(x))
    rng.shuffle(order)
    X = np.vstack([x, y]).T[order]
    classes = (np.arange(len(x)) >= first).astype(np.intp)[order]
    return X + rng.normal(scale=noise, size=X.shape), classes


def check(n: int, noise: float, least: int = 2) -> None:
    """Refuse a number of samples or a noise that make no set."""
    if n != int(n) or n < least:
        raise BadInput(f"n={n!r}", f"a whole number of {least} or more is expected")
    if not 0 <= noise < np.inf:
        raise BadInput(f"noise={noise!r}", "a standard deviation of 0 or more is expected")
