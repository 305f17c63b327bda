"""The formulas of activations, losses and optimizers, made by running their definitions on names.

What is safe for a computer is not always what one would write on a blackboard: sigmoid is computed
with e^(-|z|), and held away from ln 0. So glassnet's own functions have forms written by hand here,
which tests hold to the definitions; one's own functions need none. Where a definition cannot be
written (a branch, a function that is not known), its formula is its name: mish(z).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from glassnet.core import activations, losses, optimizers
from glassnet.core.activations import Activation
from glassnet.core.formula import Formula
from glassnet.core.losses import Loss
from glassnet.core.optimizers import LBFGS, Optimizer
from glassnet.walkthrough.expression import Expression, call, name, number, parse

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


@dataclass(frozen=True)
class Written:
    """A function's formula and that of its derivative, with its constants as names."""

    f: Expression  # of z; of a and y for a loss
    df: Expression  # of z and a; of a and y for a loss


def constants(value: Formula) -> dict[str, Any]:
    """The constants of a function by name."""
    return {f.name: getattr(value, f.name) for f in fields(value) if f.name != "lr"}


def of_activation(activation: Activation) -> Written:
    """a = f(z) and da/dz = df(z, a)."""
    return _written(activation, activation.f, activation.df, ("z",), ("z", "a"))


def of_loss(loss: Loss) -> Written:
    """ℓ_k = f(a, y), before the sum over the outputs, and dℓ/da = df(a, y)."""
    return _written(loss, loss.f, loss.df, ("a", "y"), ("a", "y"))


def of_optimizer(optimizer: Optimizer) -> tuple[tuple[str, Expression], ...]:
    """(name, formula) in the order of computation: new slots, what is between, `theta_new`.

    The formulas speak of theta, g, lr, t, the slots by their names, and the constants.
    """
    written = STEPS.get(type(optimizer))
    if written is not None:
        return tuple((result, parse(source)) for result, source in written)
    names = [name(part) for part in ("theta", "g", "lr", "t", *optimizer.slots)]
    made = _run(optimizer.f, *names, *map(name, constants(optimizer)))
    if made is None:
        step = type(optimizer).__name__.lower()
        made = tuple(call(f"{step}_{part}", *names) for part in ("theta", *optimizer.slots))
    theta, *slots = (_tree(part) for part in made)
    steps = []
    for slot, tree in zip(optimizer.slots, slots, strict=True):
        # a slot's new value, where the formula of theta or of a later slot contains it, by its name
        steps.append((f"{slot}_new", tree))
        theta = theta.replace(tree, name(f"{slot}_new"))
    return (*steps, ("theta_new", theta))


def _written(
    function: Formula,
    f: Callable[..., Any],
    df: Callable[..., Any],
    of_f: tuple[str, ...],
    of_df: tuple[str, ...],
) -> Written:
    if type(function) in BLACKBOARD:
        first, second = BLACKBOARD[type(function)]
        return Written(parse(first), parse(second))
    names = tuple(map(name, constants(function)))
    own = re.sub(r"\W", "", type(function).__name__).lower()
    made = [_run(f, *map(name, of_f), *names), _run(df, *map(name, of_df), *names)]
    fallback = [call(own, *map(name, of_f)), call(f"{own}_slope", *map(name, of_df))]
    trees = [_tree(m) if m is not None else other for m, other in zip(made, fallback, strict=True)]
    return Written(*trees)


def _run(definition: Callable[..., Any], *names: Expression) -> Any:
    # a definition that asks more of a name than a formula can answer has no formula
    try:
        return definition(*names)
    except (TypeError, AttributeError, ValueError, IndexError):
        return None


def _tree(made: Any) -> Expression:
    return made if isinstance(made, Expression) else number(float(made))


def evaluators(task: Any) -> Mapping[str, Callable[..., Any]]:
    """What the fallback names stand for: {"mish": Mish().f with its constants, …}."""
    found: dict[str, Callable[..., Any]] = {}
    for function in (*(layer.activation for layer in task.net.layers), task.loss):
        own = re.sub(r"\W", "", type(function).__name__).lower()
        values = function.constants
        found[own] = lambda *args, f=function.f, c=values: f(*args, *c)
        found[f"{own}_slope"] = lambda *args, f=function.df, c=values: f(*args, *c)
    if not isinstance(task.optimizer, LBFGS):
        own = type(task.optimizer).__name__.lower()
        for i, part in enumerate(("theta", *task.optimizer.slots)):
            found[f"{own}_{part}"] = lambda *args, i=i, o=task.optimizer: o.f(*args, *o.constants)[
                i
            ]
    return found
