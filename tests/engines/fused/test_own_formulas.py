"""Formulas of one's own, written as those of `core` are: compiled, or refused by name."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from scipy import special

from glassnet.core.activations import Activation, Softmax, Tanh
from glassnet.core.formula import constant
from glassnet.core.losses import Loss, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Optimizer
from glassnet.core.schedules import Schedule
from glassnet.engines.fused import Fused, engine
from glassnet.engines.fused.assembler import NotCompilable
from glassnet.engines.fused.formulas import compiled
from glassnet.engines.fused.target import kit
from glassnet.engines.reference import Reference
from glassnet.training.stream import train
from tests.engines.fused.instances import plain


@dataclass(frozen=True)
class Mish(Activation):
    """a = z·tanh(ln(1 + eᶻ)), as in the how-to."""

    @staticmethod
    def f(z):
        return z * np.tanh(np.logaddexp(0, z))

    @staticmethod
    def df(z, a):
        t = np.tanh(np.logaddexp(0, z))
        sigmoid = np.exp(-np.logaddexp(0, -z))
        return t + z * (1 - t * t) * sigmoid


@dataclass(frozen=True)
class Swish(Activation):
    """a = z/(1 + e^(-beta·z)) + shift."""

    beta: float = constant(1.5, "above 0")
    shift: float = constant(0.25)

    @staticmethod
    def f(z, beta, shift):
        return z / (1.0 + np.exp(-beta * z)) + shift

    @staticmethod
    def df(z, a, beta, shift):
        s = 1.0 / (1.0 + np.exp(-beta * z))
        return s + beta * z * s * (1 - s)


@dataclass(frozen=True)
class Patchwork(Activation):
    """Of everything something."""

    @staticmethod
    def f(z):
        inner = np.where((z > -1) & ~(z >= 1), z**3, np.sign(z) * np.sqrt(np.abs(z)))
        return (
            np.clip(inner, -1.2, 1.1) + 0.1 * np.maximum(z, np.minimum(-z, 0.5)) - 2 / (3 + z * z)
        )

    @staticmethod
    def df(z, a):
        steep = 0.5 / np.sqrt(np.maximum(np.abs(z), 1e-3))
        inner = np.where((z > -1) & ~(z >= 1), 3 * np.square(z), steep)
        raw = np.where((z > -1) & ~(z >= 1), z**3, np.sign(z) * np.sqrt(np.abs(z)))
        inner = np.where(np.logical_or(raw < -1.2, raw > 1.1), np.zeros_like(z), inner)
        larger = np.where(z >= np.minimum(-z, 0.5), 1.0, np.where(-z < 0.5, -np.ones_like(z), 0.0))
        return inner + 0.1 * larger + 4 * z / (3 + z * z) ** 2


@dataclass(frozen=True)
class Centred(Activation):
    """a = tanh(z) less the layer's largest and its sum: it looks along the neurons.

    Its slope is that of the tanh alone: what an engine computes is what is written.
    """

    @staticmethod
    def f(z):
        return (
            np.tanh(z)
            - 0.1 * np.max(z, axis=1, keepdims=True)
            + 0.01 * z.sum(axis=1, keepdims=True)
        )

    @staticmethod
    def df(z, a):
        t = np.tanh(z)
        return 1 - t * t


@dataclass(frozen=True)
class LogCosh(Loss):
    """ℓ = k·ln cosh(a - y)."""

    k: float = constant(2.0, "above 0")
    link: ClassVar[None] = None

    @staticmethod
    def f(a, y, k):
        e = np.abs(a - y)
        return k * (e + np.log1p(np.exp(-2 * e)) - math.log(2))

    @staticmethod
    def df(a, y, k):
        return k * np.tanh(a - y)


@dataclass(frozen=True)
class Lion(Optimizer):
    """θ ← θ - lr·sign(beta·m + (1 - beta)·g)."""

    lr: float | Schedule = 0.001
    beta: float = constant(0.9, "of at least 0 and below 1")
    slots: ClassVar[tuple[str, ...]] = ("m", "n")

    @staticmethod
    def f(theta, g, lr, t, m, n, beta):
        direction = np.sign(beta * m + (1 - beta) * g)
        n = np.maximum(n * beta, np.abs(g)) / np.sqrt(1.0 + 1.0 / t)
        return theta - lr * direction, beta * m + (1 - beta) * g, n


@dataclass(frozen=True)
class Sawtooth(Schedule):
    """lr falls, and starts again."""

    lr: float = constant(0.01, "above 0")
    period: int = constant(3, "of 1 or more")

    @staticmethod
    def f(step, lr, period):
        return lr * (1 - (step % period) / period) if step else lr  # an `if` is fine here


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """What was said once may be said again."""
    monkeypatch.setattr(engine, "_told", set())


def together(c, n=4, **options):
    """The same epochs on both engines; every warning is an error here."""
    expected, costs = Reference().epochs(c.task, c.state, c.samples, n=n, **options)
    after, found = Fused(2).epochs(c.task, c.state, c.samples, n=n, **options)
    bound = 1e-11 if c.dtype == np.float64 else 2e-4
    np.testing.assert_allclose(after.theta, expected.theta, rtol=bound, atol=bound)
    np.testing.assert_allclose(found.objective, costs.objective, rtol=bound)
    assert after.step == expected.step
    a = Reference().predict(c.task.net, c.state.theta, c.samples[0])
    np.testing.assert_allclose(
        Fused().predict(c.task.net, c.state.theta, c.samples[0]), a, rtol=bound, atol=bound
    )


dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])
OWN = [Mish(), Swish(), Swish(beta=0.5, shift=-1.0), Patchwork(), Centred()]


@dtypes
@pytest.mark.parametrize("sizes", [(3, 6, 2), (12, 40, 40, 2)], ids=str)
@pytest.mark.parametrize("activation", OWN, ids=str)
def test_activations(activation, sizes, dtype):
    c = plain(*sizes, activation=activation, dtype=dtype, n=40)
    together(c)
    together(c, batch_size=7)
    net = Network.mlp(*sizes, output=activation)
    together(replace(c, task=replace(c.task, net=net)))


@dtypes
@pytest.mark.parametrize("loss", [LogCosh(), LogCosh(k=0.1)], ids=str)
def test_losses(loss, dtype):
    together(plain(3, 6, 2, loss=loss, dtype=dtype))
    together(plain(12, 40, 2, loss=loss, dtype=dtype), batch_size=7)


@dtypes
@pytest.mark.parametrize("lr", [0.01, Sawtooth(), Sawtooth(0.02, 5)], ids=str)
def test_optimizers_and_schedules(lr, dtype):
    for sizes in ((3, 6, 2), (12, 40, 2)):
        together(plain(*sizes, optimizer=Lion(lr), dtype=dtype), batch_size=16)
        together(plain(*sizes, optimizer=SGD(lr), dtype=dtype), batch_size=16)


def test_constants_are_those_of_the_instance():
    """Two instances of one kind side by side."""
    net = Network.mlp(2, 5, 5, 1, activation=[Swish(0.5), Swish(3.0)])
    c = plain(2, 5, 5, 1)
    together(replace(c, task=replace(c.task, net=net)))


def test_a_class_defined_again_is_another_formula():
    """As in a notebook, where a cell is run again."""

    def kind(factor):
        @dataclass(frozen=True)
        class Own(Activation):
            """a = factor·z."""

            @staticmethod
            def f(z):
                return factor * z

            @staticmethod
            def df(z, a):
                return factor + 0.0 * z

        return Own()

    for factor in (1.0, 3.0):
        together(plain(2, 3, 1, activation=kind(factor)))


def own(f):
    """An activation of one's own; its slope is not asked whether it is right."""

    @dataclass(frozen=True)
    class Own(Activation):
        """a = f(z)."""

        df = staticmethod(lambda z, a: 0.5 + 0.0 * z)

    Own.f = staticmethod(f)
    return Own()


TRUTHS = {
    "sum": lambda z: ((z > 0) + (z > 1)) * z,
    "difference": lambda z: ((z > 0) * 1 - (z < 0) * 1) * z,
    "twice": lambda z: (z > 0) * 2 * z,
    "and one": lambda z: ((z > 0) + 1) * z,
    "negative": lambda z: -((z > 0) * 1.0) * z,
    "largest": lambda z: np.maximum(z > 0, z > 1) * z,
    "compared": lambda z: ((z > 0) > (z > 1)) * z,
    "of numbers": lambda z: np.where(z, 2.0 * z, 1.0),
    "and": lambda z: np.where(np.logical_and(z > 0, z), z, 0.1 * z),
    "not": lambda z: np.where(np.logical_not(z), 1.0, z),
    "root": lambda z: np.sqrt((z > 0) * 4.0) * z,
    "winner": lambda z: np.where(z == z.max(axis=1, keepdims=True), z, 0.0),
    "losers": lambda z: np.where(z != z.max(axis=1, keepdims=True), z, 0.0),
    "counted": lambda z: z * np.where(z > 0, 1, 0).sum(axis=1, keepdims=True),
}


@dtypes
@pytest.mark.parametrize("name", TRUTHS)
def test_truths_are_numbers_as_in_numpy(name, dtype):
    together(plain(3, 5, 2, activation=own(TRUTHS[name]), dtype=dtype))


STEPS = {
    "first": lambda theta, g, lr, t: (theta - np.where(t == 1, 10.0, 1.0) * lr * g,),
    "later": lambda theta, g, lr, t: (theta - np.where(t != 1, 10.0, 1.0) * lr * g,),
    "every other": lambda theta, g, lr, t: (theta - (t % 2 == 0) * lr * g,),
    "rate": lambda theta, g, lr, t: (theta - np.where(lr == 0.01, 2.0, 1.0) * lr * g,),
    "ufuncs": lambda theta, g, lr, t: (theta - np.multiply(lr, g) / np.sqrt(t),),
}


@pytest.mark.parametrize("name", STEPS)
def test_equal_steps_are_equal(name):
    @dataclass(frozen=True)
    class Own(Optimizer):
        """θ ← f(θ, g)."""

        f = staticmethod(STEPS[name])

    together(plain(3, 5, 2, optimizer=Own(0.01)), batch_size=7)


def test_a_rate_that_may_not_be_0():
    @dataclass(frozen=True)
    class Strict(SGD):
        """θ ← θ - lr·g."""

        lr: float | Schedule = constant(0.1, "above 0")

    together(plain(3, 5, 2, optimizer=Strict(0.01)))


# ---- what is not compiled


@dataclass(frozen=True)
class Deciding(Activation):
    """a = 0 where all are negative."""

    @staticmethod
    def f(z):
        return z if z[0, 0] > 0 else 0.5 * z

    @staticmethod
    def df(z, a):
        return np.where(z == a, 1.0, 0.5)


@dataclass(frozen=True)
class Branching(Activation):
    """A Python `if` on numbers."""

    @staticmethod
    def f(z):
        if (z > 1e9).any():
            return z
        return 2 * z

    @staticmethod
    def df(z, a):
        return np.where(z > 1e9, 1.0, 2.0)


@dataclass(frozen=True)
class Comparing(Activation):
    """A Python `if` on a number."""

    @staticmethod
    def f(z):
        return np.vectorize(lambda x: x if x > 0 else -x)(z)

    @staticmethod
    def df(z, a):
        return np.where(z > 0, 1.0, -1.0)


@dataclass(frozen=True)
class Waves(Activation):
    """a = sinc z."""

    @staticmethod
    def f(z):
        return np.arctan(z) + np.cumsum(z, axis=1) * 0

    @staticmethod
    def df(z, a):
        return 1 / (1 + z * z)


@dataclass(frozen=True)
class OwnChain(Activation):
    """a = z; its chain rule is halved, for the sake of it."""

    @staticmethod
    def f(z):
        return 1.0 * z

    @staticmethod
    def df(z, a):
        return np.ones_like(z)

    def chain(self, dL_da, da_dz):
        return 0.5 * dL_da * da_dz


@dataclass(frozen=True)
class Odd(Loss):
    """ℓ = ½(a - y)², with a median in it."""

    link: ClassVar[None] = None

    @staticmethod
    def f(a, y):
        return 0.5 * (a - y) ** 2 + 0 * np.median(a)

    @staticmethod
    def df(a, y):
        return a - y


@dataclass(frozen=True)
class Normed(Optimizer):
    """θ ← θ - lr·g/‖g‖: it looks at all numbers at once."""

    lr: float | Schedule = 0.01

    @staticmethod
    def f(theta, g, lr, t):
        return (theta - lr * g / np.sqrt((g * g).sum()),)


@dataclass(frozen=True)
class Doubled(Tanh):
    """What an instance answers is not `f`."""

    def __call__(self, z):
        return 2 * self.f(z)


@dataclass(frozen=True)
class Flat(Tanh):
    """Its slope is not `df`."""

    def slope(self, z, a):
        return 0.5 + 0 * z


@dataclass(frozen=True)
class Total(SquaredError):
    """Its losses are not the sums of `f`."""

    def __call__(self, a, y):
        return np.abs(a - y).sum(axis=1)


@dataclass(frozen=True)
class Stepping(Optimizer):
    """It has a `step` alone."""

    def step(self, theta, g, slots, step):
        return theta - 0.01 * g / np.linalg.norm(g), ()


@dataclass(frozen=True)
class Rated(SGD):
    """Its rate is not `lr`."""

    def rate(self, step):
        return 0.001


@dataclass(frozen=True)
class Whole(Optimizer):
    """Whole steps."""

    @staticmethod
    def f(theta, g, lr, t):
        return [(theta - lr * g) // 1.0]


REFUSED = [
    ({"activation": Doubled()}, "Doubled: a `__call__` of its own"),
    ({"activation": Flat()}, "Flat: a `slope` of its own"),
    ({"loss": Total()}, "Total: a `__call__` of its own"),
    ({"optimizer": Stepping()}, "Stepping: a `step` of its own"),
    ({"optimizer": Rated()}, "Rated: a `rate` of its own"),
    ({"optimizer": Whole()}, "Whole: `//` of real numbers"),
    ({"activation": own(lambda z: z % 1.0)}, "Own: .*%"),
    ({"activation": own(lambda z: z.astype(int) * 1.0)}, "Own: a value's `astype`"),
    ({"activation": own(lambda z: z - z.mean(axis=1, keepdims=True))}, "Own: a value's `mean`"),
    ({"activation": own(lambda z: z * special.j0(z))}, "Own: the function j0"),
    ({"activation": own(lambda z: z * (z > 0).sum(axis=1, keepdims=True))}, "a sum of truths"),
    ({"activation": own(lambda z: np.abs(z > 0) * z)}, "Own: fabs"),
    ({"activation": own(lambda z: np.exp(z > 0) * z)}, "Own: np.exp of truths"),
    ({"activation": own(lambda z: z * np.array([1.0, 2, 1, 1, 1]))}, "Own: .*Error"),
    ({"activation": Deciding()}, "."),
    ({"activation": Branching()}, "."),
    ({"activation": Comparing()}, "."),
    ({"activation": Waves()}, r"np\.(arctan|cumsum)"),
    ({"activation": OwnChain()}, "chain"),
    ({"loss": Odd()}, r"np\.median"),
    ({"optimizer": Normed()}, "sum"),
]


@pytest.mark.parametrize(("what", "named"), REFUSED, ids=[str(what) for what, _ in REFUSED])
def test_what_cannot_be_compiled_runs_on_the_reference_and_says_so_once(what, named):
    c = plain(2, 5, 2, n=20, **what)
    with pytest.warns(RuntimeWarning, match="the fused engine cannot compile .*" + named) as told:
        after, _ = Fused().epochs(c.task, c.state, c.samples, n=3, batch_size=7)
    assert len(told) == 1
    message = str(told[0].message)
    assert "the reference engine runs instead" in message
    assert "\n" not in message
    expected, _ = Reference().epochs(c.task, c.state, c.samples, n=3, batch_size=7)
    assert after.theta.tobytes() == expected.theta.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it has been said
        Fused().epochs(c.task, c.state, c.samples, n=3, batch_size=7)


@dataclass(frozen=True)
class Larger(Activation):
    """a = max(z, 0) by Python's max, which decides on values."""

    @staticmethod
    def f(z):
        return max(z, 0.0 * z)

    @staticmethod
    def df(z, a):
        return np.where(z > 0, 1.0, 0.0)


def test_a_decision_on_values_is_never_taken_as_true():
    with pytest.raises(NotCompilable, match="Larger: a decision on a value"):
        compiled(kit(np.float64), Larger())


def test_the_message_names_the_formula():
    """Whoever reads it knows which of one's own formulas is meant."""
    c = plain(2, 5, 2, n=20, activation=Waves())
    with pytest.warns(RuntimeWarning, match="Waves|waves") as told:
        Fused().epochs(c.task, c.state, c.samples)
    assert told[0].filename == __file__
    c = plain(2, 5, 2, n=20, loss=Odd())
    with pytest.warns(RuntimeWarning, match="Odd|odd"):
        Fused().sums(c.task, c.state.theta, c.samples)
    c = plain(2, 5, 2, n=20, optimizer=Normed())
    with pytest.warns(RuntimeWarning, match="Normed") as told:
        next(train(c.task, *c.samples[:2], c.state, engine="fused"))
    assert told[0].filename == __file__


@dataclass(frozen=True)
class Failing(Activation):
    """It raises, whatever it is given."""

    @staticmethod
    def f(z):
        raise ZeroDivisionError("own code")

    @staticmethod
    def df(z, a):
        return z


def test_an_error_in_ones_own_code_comes_through():
    c = plain(2, 5, 2, n=20, activation=Failing())
    with (
        pytest.warns(RuntimeWarning, match="own code"),
        pytest.raises(ZeroDivisionError, match="own code"),
    ):
        Fused().epochs(c.task, c.state, c.samples)


def test_a_value_that_is_no_value_runs_on_the_reference():
    """A field that is a list cannot be looked up: it is said, and the reference runs."""

    @dataclass(frozen=True)
    class Listed(Activation):
        """a = c·z."""

        c: list[float]

        @staticmethod
        def f(z, c):
            return c[0] * z

        @staticmethod
        def df(z, a, c):
            return c[0] + 0 * z

    c = plain(2, 5, 2, n=20, activation=Listed([2.0]))
    with pytest.warns(RuntimeWarning, match="Listed: unhashable"):
        after, _ = Fused().epochs(c.task, c.state, c.samples)
    expected, _ = Reference().epochs(c.task, c.state, c.samples)
    assert after.theta.tobytes() == expected.theta.tobytes()


def test_each_formula_that_cannot_be_looked_up_is_named():
    """Once for each: to have told of one is not to have told of the other."""

    @dataclass(frozen=True)
    class Table(Schedule):
        """lr = rates[step]."""

        rates: object = None

        @staticmethod
        def f(step, rates):
            return rates[min(step, len(rates) - 1)]

    @dataclass(frozen=True)
    class Scaled(SquaredError):
        """ℓ = ½(a - y)², with a list beside it."""

        factors: object = None

        f = staticmethod(lambda a, y, factors: 0.5 * (a - y) ** 2)
        df = staticmethod(lambda a, y, factors: a - y)

    for what, name in (
        ({"optimizer": SGD(lr=Table([0.1, 0.01]))}, "Table: unhashable"),
        ({"loss": Scaled([1.0])}, "Scaled: unhashable"),
    ):
        c = plain(2, 5, 2, n=20, **what)
        with pytest.warns(RuntimeWarning, match=name):
            Fused().epochs(c.task, c.state, c.samples)


def test_softmax_in_the_middle_and_an_output_that_is_ones_own():
    net = Network.mlp(3, 4, 4, 2, activation=[Softmax(), Tanh()], output=Mish())
    c = plain(3, 4, 4, 2, loss=SquaredError())
    together(replace(c, task=replace(c.task, net=net)))
