"""The formulas of activations, losses and optimizers, made by running their definitions on names.

What is safe for a computer is not always what one would write on a blackboard: sigmoid is computed
with e^(-|z|), and held away from ln 0. So glassnet's own functions have forms written by hand here,
which tests hold to the definitions; one's own functions need none. Where a definition cannot be
written (a branch, a function that is not known), its formula is its name: mish(z). And a formula is
held to its definition on some numbers before it is shown, so that none says what is not computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache, wraps
from typing import Any, TypeVar

import numpy as np

from glassnet.core import activations, losses, optimizers
from glassnet.core.activations import Activation
from glassnet.core.formula import Formula
from glassnet.core.losses import Loss
from glassnet.core.optimizers import Optimizer
from glassnet.walkthrough.expression import Expression, Own, Unwritable, call, name, number, parse

# f and df of z and a, as one writes them; what is missing is made from the definition
BLACKBOARD: dict[type[Formula], tuple[str, str]] = {
    activations.Sigmoid: ("1/(1 + exp(-z))", "a*(1 - a)"),
    activations.Tanh: ("tanh(z)", "1 - a**2"),
    activations.ELU: ("where(z > 0, z, alpha*(exp(z) - 1))", "where(z > 0, 1, alpha*exp(z))"),
    activations.GELU: ("z*Phi(z)", "Phi(z) + z*phi(z)"),
    activations.SiLU: ("z/(1 + exp(-z))", "(1 + z/(1 + exp(z)))/(1 + exp(-z))"),
    activations.Softplus: ("ln(1 + exp(z))", "1/(1 + exp(-z))"),
    activations.Exp: ("exp(z)", "a"),
    activations.Softmax: ("softmax(z)", "softmax_slope(a)"),
    losses.SquaredError: ("0.5*(a - y)**2", "a - y"),
    losses.BinaryCrossEntropy: ("-xlogy(y, a) - xlogy(1 - y, 1 - a)", "(1 - y)/(1 - a) - y/a"),
    losses.CrossEntropy: ("-xlogy(y, a)", "-y/a"),
    losses.Poisson: ("a - y + xlogy(y, y/a)", "1 - y/a"),
    losses.Huber: (
        "where(abs(a - y) < delta, 0.5*(a - y)**2, delta*(abs(a - y) - 0.5*delta))",
        "min(max(a - y, -delta), delta)",
    ),
    losses.Pinball: (
        "where(y > a, tau*(y - a), (1 - tau)*(a - y))",
        "where(a > y, 1 - tau, where(y > a, -tau, 0))",
    ),
}

# the same for optimizers: named in-between results, then the slots, then theta; `m` is the old m
# and `m_new` the new one
STEPS: dict[type[Formula], tuple[tuple[str, str], ...]] = {
    optimizers.Momentum: (("v_new", "momentum*v - lr*g"), ("theta_new", "theta + v_new")),
    optimizers.Nesterov: (
        ("v_new", "momentum*v - lr*g"),
        ("theta_new", "theta + momentum*v_new - lr*g"),
    ),
    optimizers.RMSProp: (
        ("v_new", "rho*v + (1 - rho)*g**2"),
        ("theta_new", "theta - lr*g/(sqrt(v_new) + eps)"),
    ),
    optimizers.Adam: (
        ("m_new", "beta1*m + (1 - beta1)*g"),
        ("v_new", "beta2*v + (1 - beta2)*g**2"),
        ("m_hat", "m_new/(1 - beta1**t)"),
        ("v_hat", "v_new/(1 - beta2**t)"),
        ("theta_new", "theta - lr*m_hat/(sqrt(v_hat) + eps)"),
    ),
    optimizers.AdamW: (
        ("m_new", "beta1*m + (1 - beta1)*g"),
        ("v_new", "beta2*v + (1 - beta2)*g**2"),
        ("m_hat", "m_new/(1 - beta1**t)"),
        ("v_hat", "v_new/(1 - beta2**t)"),
        ("theta_new", "theta - lr*decay*theta - lr*m_hat/(sqrt(v_hat) + eps)"),
    ),
}


# a linked loss from the sums z, as it is computed where a has lost its digits
FROM_Z: dict[type[Formula], str] = {losses.CrossEntropy: "-y*log_softmax(z)"}

# names that mean something else in a trace; a constant called so stands as a number in formulas
RESERVED = re.compile(
    r"[zaWb]\d+|[zayXwNLJtg]|theta|lr|losses|penalty|norm|l1|l2|limit|dL_.*|dJ_.*"
)


@dataclass(frozen=True)
class Written:
    """A function's formula and that of its derivative, with its constants as names."""

    f: Expression  # of z; of a and y for a loss
    df: Expression  # of z and a; of a and y for a loss


def constants(value: Formula) -> dict[str, Any]:
    """The constants of a function that stand in its formulas by name."""
    taken = {"lr", *getattr(value, "slots", ())}
    found = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in taken}
    return {
        key: constant
        for key, constant in found.items()
        if isinstance(constant, int | float | np.number)
        and not isinstance(constant, bool)
        and not RESERVED.fullmatch(key)
    }


def fixed(tree: Expression, function: Formula) -> Expression:
    """A function's formula with its constants as numbers: two layers may have two alphas."""
    for constant, value in constants(function).items():
        tree = tree.replace(name(constant), number(value))
    return tree


F = TypeVar("F", bound=Callable[..., Any])


def remembered(of: F) -> F:
    """Formulas hang on the function alone: a page that traces many updates makes each but once."""
    kept = lru_cache(maxsize=128)(of)

    @wraps(of)
    def found(function: Formula, **how: Any) -> Any:
        try:
            hash(function)
        except TypeError:  # one's own function may have a list among its constants
            return of(function, **how)
        return kept(function, **how)

    return found  # type: ignore[return-value]


@remembered
def of_activation(activation: Activation, *, blackboard: bool = True) -> Written:
    """a = f(z) and da/dz = df(z, a). Without `blackboard` as they are computed."""
    of = (("z",), ("z", "a"))
    return _written(activation, activation.f, activation.df, *of, blackboard=blackboard)


@remembered
def of_loss(loss: Loss, *, blackboard: bool = True) -> Written:
    """ℓ_k = f(a, y), before the sum over the outputs, and dℓ/da = df(a, y)."""
    of = (("a", "y"), ("a", "y"))
    return _written(loss, loss.f, loss.df, *of, blackboard=blackboard)


@remembered
def of_closed(loss: Loss) -> Written:
    """ℓ_k = fz(z, y) and dℓ/dz = dfz(a, y), of a loss with its link."""
    made = Written(
        _definition(loss, loss.fz, ("z", "y"), f"{_called(loss)}_of_sums"),
        _definition(loss, loss.dfz, ("a", "y"), f"{_called(loss)}_slope_of_sums"),
    )
    by_hand = FROM_Z.get(type(loss))
    return Written(parse(by_hand), made.df) if by_hand else made


@remembered
def of_optimizer(optimizer: Optimizer) -> tuple[tuple[str, Expression], ...]:
    """(name, formula) in the order of computation: new slots, what is between, `theta_new`.

    The formulas speak of theta, g, lr, t, the slots by their names, and the constants.
    """
    written = STEPS.get(type(optimizer))
    if written is not None:
        return tuple((result, parse(source)) for result, source in written)
    given = ("theta", "g", "lr", "t", *optimizer.slots)
    parts = ("theta", *optimizer.slots)
    made = [
        _definition(optimizer, _part(optimizer.f, i), given, f"{_called(optimizer)}_{part}")
        for i, part in enumerate(parts)
    ]
    theta, *slots = made
    steps: list[tuple[str, Expression]] = []
    # a slot's new value, where the formula of a later slot or of theta contains it, by its name;
    # the last first, since it may itself contain those before it
    for slot, tree in zip(optimizer.slots, slots, strict=True):
        steps.append((f"{slot}_new", _named(tree, slots[: len(steps)], optimizer.slots)))
    return (*steps, ("theta_new", _named(theta, slots, optimizer.slots)))


def _part(f: Callable[..., Any], i: int) -> Callable[..., Any]:
    return lambda *args: f(*args)[i]


def _named(tree: Expression, made: Sequence[Expression], slots: Sequence[str]) -> Expression:
    for part, slot in reversed([*zip(made, slots, strict=False)]):
        if part.op not in {"name", "number"}:  # a slot may keep g itself, which stays g
            tree = tree.replace(part, name(f"{slot}_new"))
    return tree


def _called(function: Formula) -> str:
    return re.sub(r"\W", "", type(function).__name__).lower()


def _written(
    function: Formula,
    f: Callable[..., Any],
    df: Callable[..., Any],
    of_f: tuple[str, ...],
    of_df: tuple[str, ...],
    *,
    blackboard: bool,
) -> Written:
    if type(function) in BLACKBOARD and (blackboard or isinstance(function, activations.Softmax)):
        first, second = BLACKBOARD[type(function)]
        return Written(parse(first), parse(second))
    own = _called(function)
    return Written(
        _definition(function, f, of_f, own), _definition(function, df, of_df, f"{own}_slope")
    )


def _definition(
    function: Formula, definition: Callable[..., Any], given: tuple[str, ...], own: str
) -> Expression:
    """The formula of a definition; its name, where it has none or another one than it computes."""
    shown = constants(function)
    numbers = function.constants
    keys = [f.name for f in fields(function)][-len(numbers) :] if numbers else []
    symbols = [
        name(key) if key in shown else constant for key, constant in zip(keys, numbers, strict=True)
    ]
    try:
        made = definition(*map(name, given), *symbols)
        tree = made if isinstance(made, Expression) else number(float(made))
        if not list(tree.names()):  # one number for all, in the shape of what is given
            like = call("ones_like", name(given[0]))
            tree = like if tree == number(1.0) else tree * like
        if _faithful(tree, lambda *args: definition(*args, *numbers), given, shown):
            return tree
    except (Unwritable, TypeError, AttributeError, ValueError, IndexError):
        pass  # it asks more of a name than a formula can answer
    return call(Own(own, lambda *args: definition(*args, *numbers)), *map(name, given))


GRID = np.array([[-2.5, -1.0, -0.3, 0.0, 0.4], [1.0, 3.0, 0.25, 0.5, 0.9]])
NUMBERS = {"a": GRID[::-1, ::-1], "y": np.where(GRID > 0.3, GRID[::-1, ::-1], 0.5), "lr": 0.1}


def _faithful(
    tree: Expression,
    definition: Callable[..., Any],
    given: Sequence[str],
    shown: Mapping[str, Any],
) -> bool:
    # a definition can hide what no formula shows, `a == y` or `len(z)`: both are run on numbers
    for count in (1, 3):
        values: dict[str, Any] = {
            key: NUMBERS.get(key, np.roll(GRID, i, axis=1)) for i, key in enumerate(given)
        }
        if "t" in values:
            values["t"] = count
        with np.errstate(all="ignore"):
            said = tree.evaluate({**values, **shown})
            computed = definition(*values.values())
        if not np.allclose(said, computed, rtol=1e-9, atol=1e-12, equal_nan=True):
            return False
    return True
