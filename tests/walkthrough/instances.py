"""Functions of one's own, and tasks with data, for the tests of the walkthrough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st
from scipy.special import erf

from glassnet.core.activations import Activation, Identity
from glassnet.core.losses import Loss
from glassnet.core.network import Dense, Network
from glassnet.core.optimizers import LBFGS, SGD, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSProp
from glassnet.core.schedules import Exponential
from glassnet.engines.base import Samples, State, Task
from glassnet.engines.chance import Chance
from tests.core.instances import ALL_ACTIVATIONS, ALL_LOSSES, sensible


@dataclass(frozen=True)
class Mish(Activation):
    """a = z·tanh(ln(1 + e^z))."""

    @staticmethod
    def f(z: Any) -> Any:
        return z * np.tanh(np.log1p(np.exp(z)))

    @staticmethod
    def df(z: Any, a: Any) -> Any:
        t = np.tanh(np.log1p(np.exp(z)))
        return t + z * (1.0 - t**2) / (1.0 + np.exp(-z))


@dataclass(frozen=True)
class Snake(Activation):
    """a = z + sin²(a·z)/a: its constant has the name of the answer."""

    a: float = 0.7

    @staticmethod
    def f(z: Any, frequency: float) -> Any:
        return z + np.sin(frequency * z) ** 2 / frequency

    @staticmethod
    def df(z: Any, a: Any, frequency: float) -> Any:
        return 1.0 + np.sin(2.0 * frequency * z)


@dataclass(frozen=True)
class Bent(Activation):
    """a = alpha·z, or tanh z: a branch in Python."""

    alpha: float = 0.5
    straight: bool = True

    @staticmethod
    def f(z: Any, alpha: float, straight: bool) -> Any:
        if alpha > 0.4 and straight:
            return alpha * z
        return np.tanh(z)

    @staticmethod
    def df(z: Any, a: Any, alpha: float, straight: bool) -> Any:
        if alpha > 0.4 and straight:
            return np.full_like(z, alpha)
        return 1.0 - a * a


@dataclass(frozen=True)
class Bell(Activation):
    """a = erf z: a function of SciPy's."""

    @staticmethod
    def f(z: Any) -> Any:
        return erf(z)

    @staticmethod
    def df(z: Any, a: Any) -> Any:
        return 2.0 / np.sqrt(np.pi) * np.exp(-z * z)


@dataclass(frozen=True)
class Rounded(Activation):
    """a = z, through a function that no formula has."""

    @staticmethod
    def f(z: Any) -> Any:
        return np.nan_to_num(z)

    @staticmethod
    def df(z: Any, a: Any) -> Any:
        return np.ones_like(z)


@dataclass(frozen=True)
class LogCosh(Loss):
    """ℓ = ln cosh(s·(a - y)/s)."""

    s: float = 2.0

    @staticmethod
    def f(a: Any, y: Any, s: float) -> Any:
        return np.log(np.cosh((a - y) / s)) * s

    @staticmethod
    def df(a: Any, y: Any, s: float) -> Any:
        return np.tanh((a - y) / s)


@dataclass(frozen=True)
class Exactly(Loss):
    """ℓ = 0 where a = y, else 1 + |a - y|: asks whether two arrays are equal."""

    @staticmethod
    def f(a: Any, y: Any) -> Any:
        return np.where(a == y, 0.0, 1.0 + np.abs(a - y))

    @staticmethod
    def df(a: Any, y: Any) -> Any:
        return np.sign(a - y)


@dataclass(frozen=True)
class Lookahead(Optimizer):
    """u ← c·u + g; s ← s + u²; θ ← θ - lr·u/√(1 + s): s holds the new u."""

    c: float = 0.8
    slots: ClassVar[tuple[str, ...]] = ("u", "s")

    @staticmethod
    def f(theta: Any, g: Any, lr: float, t: int, u: Any, s: Any, c: float) -> tuple[Any, ...]:
        u = c * u + g
        s = s + u * u
        return theta - lr * u / np.sqrt(1.0 + s), u, s


@dataclass(frozen=True)
class Remembering(Optimizer):
    """θ ← θ - lr·(2g - p); p ← g: the slot keeps the gradient itself."""

    slots: ClassVar[tuple[str, ...]] = ("p",)

    @staticmethod
    def f(theta: Any, g: Any, lr: float, t: int, p: Any) -> tuple[Any, ...]:
        return theta - lr * (2.0 * g - p), g


@dataclass(frozen=True)
class Waiting(Optimizer):
    """θ ← θ - lr·N·g, but for the first update: a branch on t, a constant called N."""

    N: float = 0.5
    slots: ClassVar[tuple[str, ...]] = ("q",)

    @staticmethod
    def f(theta: Any, g: Any, lr: float, t: int, q: Any, factor: float) -> tuple[Any, ...]:
        if t > 2:
            return theta - lr * factor * g, q + 1.0
        return theta, q


OWN_ACTIVATIONS = [Mish(), Snake(), Snake(1.3), Bent(), Bent(0.2), Bell(), Rounded()]
OWN_LOSSES = [LogCosh(), LogCosh(0.5), Exactly()]
OWN_OPTIMIZERS = [Lookahead(0.05), Remembering(0.05), Waiting(0.05)]
EVERY_OPTIMIZER = [
    SGD(0.1), Momentum(0.05), Nesterov(0.05), RMSProp(0.01), Adam(0.01), AdamW(0.01, decay=0.1),
    SGD(Exponential(0.1, 0.5, 10)), LBFGS(), *OWN_OPTIMIZERS,
]  # fmt: skip


def samples_of(task: Task, rng: np.random.Generator, n: int, *, weighted: bool) -> Samples:
    X = rng.normal(size=(n, task.net.n_in))
    _, _, y = sensible(task.loss, rng, n, task.net.n_out)
    return X, y, rng.uniform(0.1, 2.0, n) if weighted else None


def state_of(task: Task, rng: np.random.Generator, step: int, dtype: Any = np.float64) -> State:
    """Parameters, one in eight of them 0, and slots as in the middle of a run."""
    n = task.net.n_params
    theta = rng.normal(0.0, 0.6, n) * (rng.random(n) > 0.125)
    slots = getattr(task.optimizer, "slots", ())
    made = tuple(rng.random(n).astype(dtype) for _ in slots)
    return State(theta.astype(dtype), made, step, step, Chance.of(0))


class Drawn:
    """A task that Hypothesis can print: it takes the dataclasses' annotations for fields."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __repr__(self) -> str:
        return repr(self.task)


@st.composite
def tasks(draw: st.DrawFn, *, own: bool = True, deepest: int = 4, widest: int = 5) -> Drawn:
    """Any network, loss, optimizer, reduction, penalty and clipping."""
    activations = [*ALL_ACTIVATIONS, *(OWN_ACTIVATIONS if own else [])]
    loss = draw(st.sampled_from([*ALL_LOSSES, *(OWN_LOSSES if own else [])]))
    depth, width = draw(st.integers(1, deepest)), st.integers(1, widest)
    sizes = [draw(width) for _ in range(depth + 1)]
    layers = []
    for k in range(depth):
        activation = draw(st.sampled_from(activations))
        if k == depth - 1 and draw(st.booleans()):
            activation = loss.link or Identity()
        layers.append(Dense(sizes[k], sizes[k + 1], activation, draw(st.booleans())))
    task = Task(
        Network(tuple(layers)),
        loss,
        draw(st.sampled_from(EVERY_OPTIMIZER if own else EVERY_OPTIMIZER[:-3])),
        reduction=draw(st.sampled_from(["mean", "sum"])),
        l1=draw(st.sampled_from([0.0, 0.01])),
        l2=draw(st.sampled_from([0.0, 0.1])),
        clip=draw(st.sampled_from([None, 0.5, 1e6])),
    )
    return Drawn(task)
