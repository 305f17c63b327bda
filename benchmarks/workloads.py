"""What is timed: six networks with their data, each defined by glassnet's own `Task`.

Data and start weights come from fixed seeds and are made once; every contender loads the same
files. Peers read sizes, activations and the loss from the task, so nobody trains another network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from glassnet import (
    SGD,
    Activation,
    Adam,
    CrossEntropy,
    Network,
    ReLU,
    Sigmoid,
    Softmax,
    SquaredError,
    Tanh,
    Task,
    Uniform,
)

SEED = 0  # of the data, and of the stream that orders the batches


@dataclass(frozen=True)
class Workload:
    """A network, its data and how much of it is one turn.

    kind : 'train' times an epoch, 'row' the answer to one row, 'rows' the answers to all.
    epochs : epochs of a turn, of those that run all epochs within compiled code.
    few : the same of those that come back to Python at each step; the time of an epoch is the same.
    repeats : how often a turn is repeated, for those that are over in no time.
    drawn : numbers that the notebook takes from its stream before these weights.
    """

    key: str
    about: str
    kind: Literal["train", "row", "rows"]
    task: Task
    draw: Callable[[int], tuple[np.ndarray, np.ndarray]]  # of n rows: X (n, n_in), y (n, n_out)
    rows: int
    dtypes: tuple[str, ...]
    batch: int | None = None
    epochs: int = 1
    few: int = 1
    repeats: int = 1
    drawn: int = 0
    rounds: int | None = None  # at most so many
    unit: str = "ms"

    @property
    def scale(self) -> float:
        """Units a second."""
        return {"µs": 1e6, "ms": 1e3, "s": 1.0}[self.unit]

    @property
    def of_what(self) -> str:
        """What the unit is the time of."""
        return {"train": "an epoch", "row": "a row", "rows": f"{self.rows:,} rows"}[self.kind]

    def start(self) -> np.ndarray:
        """theta (n_params,) at the start, float64."""
        if isinstance(self.task.optimizer, SGD):  # the notebook's: uniform on [0, 1), its stream
            stream = np.random.RandomState(42)
            stream.uniform(size=self.drawn)
            return self.task.net.init(stream, Uniform())
        return self.task.net.init(1)

    def quick(self) -> Workload:
        """The same in little: it shows that everything runs, its figures say nothing."""
        return replace(
            self,
            rows=min(self.rows, {"rows": 80_000, "row": 64, "train": 6_000}[self.kind]),
            epochs=min(self.epochs, 20),
            few=min(self.few, 10),
            repeats=min(self.repeats, 2),
            rounds=min(self.rounds or 2, 2),
        )


def notebook(*sizes: int) -> Task:
    """The notebook's: sigmoids without biases, ½(a - y)², the gradient of the sum."""
    net = Network.mlp(*sizes, activation=Sigmoid(), output=Sigmoid(), bias=False)
    return Task(net, SquaredError(), SGD(0.1), reduction="sum")


def classifier(*sizes: int) -> Task:
    net = Network.mlp(*sizes, activation=ReLU(), output=Softmax())
    return Task(net, CrossEntropy(), Adam(0.001))


def regressor(*sizes: int, activation: Activation) -> Task:
    return Task(Network.mlp(*sizes, activation=activation), SquaredError(), Adam(0.001))


def moons(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The notebook's, in its own scaling."""
    from sklearn.datasets import make_moons

    X, y = make_moons(n_samples=n, random_state=42, noise=0.1)
    X -= X.min()
    X /= X.max()
    return X, y.reshape(-1, 1).astype(float)


def three(_: int) -> tuple[np.ndarray, np.ndarray]:
    """The notebook's three samples."""
    X = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
    return X, np.array([[1.0], [1.0], [0.0]])


def digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.data[:n] / 16, np.eye(10)[bunch.target[:n]]


def like_mnist(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten random pictures of 784 pixels, each row one of them under noise."""
    rng = np.random.default_rng(SEED)
    labels = rng.integers(0, 10, n)
    pictures = rng.random((10, 784), dtype=np.float32)
    X = rng.random((n, 784), dtype=np.float32)
    X *= 0.7
    X += 0.3 * pictures[labels]
    return X, np.eye(10, dtype=np.float32)[labels]


def surface(n: int) -> tuple[np.ndarray, np.ndarray]:
    """y = sin x₁ + ½·x₂·x₃ of 20 normal inputs."""
    X = np.random.default_rng(SEED).standard_normal((n, 20))
    return X, np.sin(X[:, :1]) + 0.5 * X[:, 1:2] * X[:, 2:3]


def pixels(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(SEED).random((n, 64)), np.zeros((n, 10))


BOTH, SINGLE = ("float64", "float32"), ("float32",)
MILLION = 1_000_000

WORKLOADS = {
    w.key: w
    for w in (
        Workload(
            "W1", "2-10-1 sigmoid, 1000 moons, full batch", "train",
            notebook(2, 10, 1), moons, 1000, BOTH,
            epochs=10_000, few=2_000, drawn=30, unit="µs",
        ),
        Workload(
            "W2", "4-3-1 sigmoid, three samples, full batch", "train",
            notebook(4, 3, 1), three, 3, ("float64",),
            epochs=1000, few=1000, repeats=10, drawn=15, unit="µs",
        ),
        Workload(
            "W3-32", "64-64-10 relu, digits, batch 32", "train",
            classifier(64, 64, 10), digits, 1797, BOTH, 32, epochs=50, few=10,
        ),
        Workload(
            "W3-200", "64-64-10 relu, digits, batch 200", "train",
            classifier(64, 64, 10), digits, 1797, BOTH, 200, epochs=50, few=20,
        ),
        Workload(
            "W4a", "784-128-10 relu, 60,000 rows, batch 128", "train",
            classifier(784, 128, 10), like_mnist, 60_000, SINGLE, 128, unit="s",
        ),
        Workload(
            "W4b", "784-512-512-10 relu, 60,000 rows, batch 128", "train",
            classifier(784, 512, 512, 10), like_mnist, 60_000, SINGLE, 128, rounds=3, unit="s",
        ),
        Workload(
            "W5-row", "64-64-10 relu, softmax: one row", "row",
            classifier(64, 64, 10), pixels, 256, SINGLE, repeats=8, unit="µs",
        ),
        Workload(
            "W5-tanh", "20-32-32-1 tanh: a million rows", "rows",
            regressor(20, 32, 32, 1, activation=Tanh()), surface, MILLION, SINGLE,
        ),
        Workload(
            "W5-relu", "20-32-32-1 relu: a million rows", "rows",
            regressor(20, 32, 32, 1, activation=ReLU()), surface, MILLION, SINGLE,
        ),
        Workload(
            "W6", "20-32-32-1 tanh, 100,000 rows, batch 256", "train",
            regressor(20, 32, 32, 1, activation=Tanh()), surface, 100_000, BOTH, 256,
            epochs=5, few=2,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Job:
    """A workload as a contender gets it: arrays of one dtype, and the clock that counts."""

    workload: Workload
    X: np.ndarray  # (n, n_in), rows one after the other in memory
    y: np.ndarray  # (n, n_out)
    theta: np.ndarray  # (n_params,)
    epochs: int  # of a turn
    threads: int
    clock: Callable[[], float]

    @property
    def task(self) -> Task:
        return self.workload.task

    @property
    def net(self) -> Network:
        return self.task.net

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.X.dtype

    @property
    def batch(self) -> int:
        return self.workload.batch or len(self.X)

    @property
    def full_batch(self) -> bool:
        return self.workload.batch is None

    @property
    def labels(self) -> np.ndarray:
        """The class of each row (n,)."""
        return self.y.argmax(axis=1)

    @property
    def lr(self) -> float:
        return float(self.task.optimizer.rate(0))

    @property
    def hidden(self) -> str:
        """The hidden layers' activation by its name: 'relu', 'tanh' or 'sigmoid'."""
        return type(self.net.layers[0].activation).__name__.lower()

    @property
    def classifies(self) -> bool:
        return isinstance(self.task.loss, CrossEntropy)

    def parameters(self) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """(W, b) of each layer, copies of one's own."""
        return self.net.views(self.theta.copy())

    def orders(self) -> Callable[[], np.ndarray]:
        """Draws the order (n,) of one epoch after the other, the same for every contender."""
        rng, n = np.random.default_rng(SEED), len(self.X)
        return lambda: rng.permutation(n)


@dataclass(frozen=True)
class Turn:
    """What a contender gives back.

    seconds : the time of one unit: an epoch, a row, all rows.
    losses : of training, the loss of every epoch; the first ones are compared.
    outputs : of prediction, a few of the answers; they are compared.
    """

    seconds: float
    losses: tuple[float, ...] = ()
    outputs: tuple[float, ...] = ()


SHOWN = 20  # losses and outputs that are compared


def some(outputs: np.ndarray) -> tuple[float, ...]:
    """A few of the outputs, spread over all of them."""
    flat = np.asarray(outputs, dtype=np.float64).reshape(-1)
    return tuple(flat[np.linspace(0, flat.size - 1, SHOWN).astype(int)].tolist())


def store(workload: Workload, folder: Path) -> None:
    """Data and start weights of a workload into files, for all contenders, in each dtype."""
    X, y = workload.draw(workload.rows)
    for dtype in workload.dtypes:
        for name, array in {"X": X, "y": y, "theta": workload.start()}.items():
            path = folder / f"{workload.key}-{dtype}-{name}.npy"
            np.save(path, np.ascontiguousarray(array, dtype=dtype))


def load(
    workload: Workload,
    dtype: str,
    folder: Path,
    *,
    epochs: int,
    threads: int,
    clock: Callable[[], float],
) -> Job:
    """The job of a workload, from the files that `store` wrote."""
    X, y, theta = (
        np.load(folder / f"{workload.key}-{dtype}-{name}.npy") for name in ("X", "y", "theta")
    )
    return Job(workload, X, y, theta, epochs, threads, clock)
