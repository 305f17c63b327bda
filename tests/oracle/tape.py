"""A scalar tape: every number knows how it came about, and derivatives flow back along that.

The slow, obvious way, and not the library's: no arrays, no closed forms, no written-out chain rule,
no line in common. Written after the idea of automatic differentiation on scalars; plain `math`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class Scalar:
    """A number, the numbers it was made from, and its derivative with respect to each."""

    value: float
    made_from: tuple[tuple[Scalar, float], ...] = ()
    grad: float = field(default=0.0)

    def __add__(self, other: Scalar | float) -> Scalar:
        other = lift(other)
        return Scalar(self.value + other.value, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Scalar | float) -> Scalar:
        other = lift(other)
        return Scalar(self.value * other.value, ((self, other.value), (other, self.value)))

    def __neg__(self) -> Scalar:
        return self * -1.0

    def __sub__(self, other: Scalar | float) -> Scalar:
        return self + -lift(other)

    def __rsub__(self, other: float) -> Scalar:
        return lift(other) + -self

    def __truediv__(self, other: Scalar | float) -> Scalar:
        other = lift(other)
        quotient = self.value / other.value
        return Scalar(quotient, ((self, 1.0 / other.value), (other, -quotient / other.value)))

    __radd__ = __add__
    __rmul__ = __mul__

    def backward(self) -> None:
        """Sets `grad` of everything that this number was made from."""
        order: list[Scalar] = []
        seen: set[int] = set()
        stack: list[tuple[Scalar, bool]] = [(self, False)]
        while stack:  # children first, without recursion: the graph of a sum is deep
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((child, False) for child, _ in node.made_from)
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for child, slope in node.made_from:
                child.grad += node.grad * slope


def lift(x: Scalar | float) -> Scalar:
    """A plain number as a scalar that comes from nowhere."""
    return x if isinstance(x, Scalar) else Scalar(float(x))


Function = Callable[["Scalar"], "Scalar"]


def function(f: Callable[[float], float], df: Callable[[float], float]) -> Function:
    """A function of one number, from itself and its derivative."""
    return lambda x: Scalar(f(x.value), ((x, df(x.value)),))


def _cdf(x: float) -> float:
    return math.erfc(-x / math.sqrt(2.0)) / 2.0


exp = function(math.exp, math.exp)
log = function(math.log, lambda x: 1.0 / x)
tanh = function(math.tanh, lambda x: 1.0 / math.cosh(x) ** 2)
absolute = function(abs, lambda x: float(x > 0) - float(x < 0))
cdf = function(_cdf, lambda x: math.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi))


def sigmoid(z: Scalar) -> Scalar:
    """1/(1 + e^(-z))."""
    return lift(1.0) / (exp(-z) + 1.0)


def softmax(zs: list[Scalar]) -> list[Scalar]:
    """e^z over the sum of all e^z."""
    es = [exp(z) for z in zs]
    total = es[0]
    for e in es[1:]:
        total = total + e
    return [e / total for e in es]


# name -> function of the sums of one layer
ACTIVATIONS: dict[str, Callable[[list[Scalar]], list[Scalar]]] = {
    "sigmoid": lambda zs: [sigmoid(z) for z in zs],
    "tanh": lambda zs: [tanh(z) for z in zs],
    "relu": lambda zs: [z if z.value > 0 else z * 0.0 for z in zs],
    "leakyrelu(alpha=0.3)": lambda zs: [z if z.value > 0 else z * 0.3 for z in zs],
    "elu(alpha=0.4)": lambda zs: [z if z.value > 0 else (exp(z) - 1.0) * 0.4 for z in zs],
    "gelu": lambda zs: [z * cdf(z) for z in zs],
    "silu": lambda zs: [z * sigmoid(z) for z in zs],
    "softplus": lambda zs: [log(exp(z) + 1.0) for z in zs],
    "identity": lambda zs: zs,
    "exp": lambda zs: [exp(z) for z in zs],
    "softmax": softmax,
}


def _huber(a: Scalar, y: float, delta: float) -> Scalar:
    r = a - y
    return r * r * 0.5 if abs(r.value) <= delta else (absolute(r) - delta / 2) * delta


# name -> function of one output and its target
LOSSES: dict[str, Callable[[Scalar, float], Scalar]] = {
    "squarederror": lambda a, y: (a - y) * (a - y) * 0.5,
    "binarycrossentropy": lambda a, y: -(log(a) * y) - log(1.0 - a) * (1.0 - y),
    "crossentropy": lambda a, y: -(log(a) * y),
    "huber(delta=0.25)": lambda a, y: _huber(a, y, 0.25),
    "absolute": lambda a, y: absolute(a - y),
    "pinball(tau=0.9)": lambda a, y: (a - y) * (0.1 if a.value > y else -0.9),
    "poisson": lambda a, y: a - y - log(a) * y + (y * math.log(y) if y else 0.0),
}


@dataclass(frozen=True)
class Setting:
    """A network and an objective, in names and plain numbers alone."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]  # one a layer
    biases: tuple[bool, ...]  # one a layer
    loss: str
    mean: bool = True
    l1: float = 0.0
    l2: float = 0.0


def objective_and_gradient(
    setting: Setting,
    theta: Sequence[float],
    X: Sequence[Sequence[float]],
    y: Sequence[Sequence[float]],
    weight: Sequence[float],
) -> tuple[float, list[float]]:
    """J and dJ/dθ, sample by sample, neuron by neuron."""
    parameters = [Scalar(float(p)) for p in theta]
    remaining = iter(parameters)
    layers, weights = [], []
    for n_in, n_out, bias in zip(
        setting.sizes[:-1], setting.sizes[1:], setting.biases, strict=True
    ):
        W = [[next(remaining) for _ in range(n_out)] for _ in range(n_in)]
        b = [next(remaining) if bias else Scalar(0.0) for _ in range(n_out)]
        weights += [w for row in W for w in row]
        layers.append((W, b))

    J = Scalar(0.0)
    for row, targets, share in zip(X, y, weight, strict=True):
        xs = [Scalar(float(x)) for x in row]
        for (W, b), name in zip(layers, setting.activations, strict=True):
            zs = []
            for j, bias_j in enumerate(b):
                z = bias_j
                for x, from_x in zip(xs, W, strict=True):
                    z = z + x * from_x[j]
                zs.append(z)
            xs = ACTIVATIONS[name](zs)
        for a, target in zip(xs, targets, strict=True):
            J = J + LOSSES[setting.loss](a, float(target)) * float(share)
    if setting.mean:
        J = J * (1.0 / sum(weight))
    for w in weights:
        J = J + absolute(w) * setting.l1 + w * w * (setting.l2 / 2)
    J.backward()
    return J.value, [p.grad for p in parameters]
