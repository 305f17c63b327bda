"""Names: functions and optimizers as text and as JSON, from closed tables.

    leakyrelu   leakyrelu:alpha=0.2   adam:lr=0.01   adam:lr=cosine(lr=0.01,steps=2000)

Names exist only here, where text comes in: the command line and files. Nothing is ever imported
or looked up by a text that someone else wrote.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from glassnet.core import activations, initializers, losses, optimizers, schedules
from glassnet.core.activations import Activation
from glassnet.core.errors import BadInput
from glassnet.core.formula import Formula
from glassnet.core.initializers import Initializer
from glassnet.core.losses import Loss
from glassnet.core.optimizers import LBFGS, Optimizer
from glassnet.core.schedules import Schedule

F = TypeVar("F", bound=Formula)


def _by_name(*classes: type[F]) -> dict[str, type[F]]:
    return {one.__name__.lower(): one for one in classes}


ACTIVATIONS: dict[str, type[Activation]] = _by_name(
    activations.Sigmoid,
    activations.Tanh,
    activations.ReLU,
    activations.LeakyReLU,
    activations.ELU,
    activations.GELU,
    activations.SiLU,
    activations.Softplus,
    activations.Identity,
    activations.Exp,
    activations.Softmax,
)
LOSSES: dict[str, type[Loss]] = _by_name(
    losses.SquaredError,
    losses.BinaryCrossEntropy,
    losses.CrossEntropy,
    losses.Huber,
    losses.Absolute,
    losses.Pinball,
    losses.Poisson,
)
OPTIMIZERS: dict[str, type[Optimizer] | type[LBFGS]] = {
    **_by_name(
        optimizers.SGD,
        optimizers.Momentum,
        optimizers.Nesterov,
        optimizers.RMSProp,
        optimizers.Adam,
        optimizers.AdamW,
    ),
    **_by_name(optimizers.LBFGS),
}
INITIALIZERS: dict[str, type[Initializer]] = _by_name(
    initializers.Glorot,
    initializers.He,
    initializers.LeCun,
    initializers.Uniform,
    initializers.Zeros,
)
SCHEDULES: dict[str, type[Schedule]] = _by_name(
    schedules.Constant,
    schedules.Exponential,
    schedules.Staircase,
    schedules.InverseScaling,
    schedules.Cosine,
    schedules.Warmup,
)

ALIASES = {
    "logistic": "sigmoid",
    "linear": "identity",
    "swish": "silu",
    "squared": "squarederror",
    "bce": "binarycrossentropy",
    "quantile": "pinball",
}
"""Other names that the field has for the same thing."""


def activation(text: str) -> Activation:
    """`tanh`, `leakyrelu:alpha=0.2`."""
    return _parse(text, "activation", ACTIVATIONS)


def loss(text: str) -> Loss:
    """`crossentropy`, `pinball:tau=0.9`."""
    return _parse(text, "loss", LOSSES)


def optimizer(text: str) -> Optimizer | LBFGS:
    """`adam`, `adam:lr=0.01`, `sgd:lr=cosine(lr=0.1,steps=500)`, `lbfgs`."""
    return _parse(text, "optimizer", OPTIMIZERS)


def initializer(text: str) -> Initializer:
    """`he`, `glorot:distribution=normal`, `uniform:low=0,high=1`."""
    return _parse(text, "initializer", INITIALIZERS)


def schedule(text: str) -> Schedule:
    """`cosine:lr=0.01,steps=2000`."""
    return _parse(text, "schedule", SCHEDULES)


def known(text: str, table: Container[str]) -> bool:
    """Whether a text begins with a name of the table, however its constants are."""
    plain = _plain(re.split("[:(]", text, maxsplit=1)[0])
    return ALIASES.get(plain, plain) in table


def as_text(value: Formula) -> str:
    """The text that makes this object again: `adam:lr=0.01,beta1=0.9,beta2=0.999,eps=1e-08`."""
    name, *constants = as_json(value).items()
    shown = ",".join(f"{key}={_constant_as_text(constant)}" for key, constant in constants)
    return f"{name[1]}:{shown}" if shown else str(name[1])


def as_json(value: Formula) -> dict[str, Any]:
    """{"name": "adam", "lr": 0.01, ...}: the class by its name in the tables, and its constants."""
    name = type(value).__name__.lower()
    known = {**ACTIVATIONS, **LOSSES, **OPTIMIZERS, **INITIALIZERS, **SCHEDULES}
    if known.get(name) is not type(value):
        got = f"{type(value).__name__} is a class of your own"
        wanted = "a file holds only glassnet's own functions, by name"
        hint = "Keep theta with numpy.save, and the class in your program."
        raise BadInput(got, wanted, hint)
    constants = {field.name: value.__dict__[field.name] for field in fields(value)}
    return {
        "name": name,
        **{k: as_json(v) if isinstance(v, Formula) else v for k, v in constants.items()},
    }


def from_json(kind: str, stored: Any) -> Any:
    """The object that `as_json` wrote. `kind` is activation, loss, optimizer or initializer."""
    tables: dict[str, Mapping[str, type[Formula]]] = {
        "activation": ACTIVATIONS,
        "loss": LOSSES,
        "optimizer": OPTIMIZERS,
        "initializer": INITIALIZERS,
        "schedule": SCHEDULES,
    }
    if not isinstance(stored, dict) or not isinstance(stored.get("name"), str):
        raise BadInput(f"{_short(stored)} as {kind}", 'an object with a "name" was expected')
    constants = {key: value for key, value in stored.items() if key != "name"}
    return _make(kind, tables[kind], stored["name"], constants)


# ---------------------------------------------------------------- text to objects


def _parse(text: str, kind: str, table: Mapping[str, type[F]]) -> F:
    """Name, then constants after a colon or within brackets."""
    spelled = re.fullmatch(r"\s*([^:()=,]+?)\s*(?::(.*)|\((.*)\))?\s*", text, re.DOTALL)
    if not spelled:
        wanted = "a name and its constants were expected"
        raise BadInput(f"{_short(text)} as {kind}", wanted, "Try a form like name:constant=1.")
    name, after_colon, within = spelled.groups()
    constants: dict[str, Any] = {}
    for part in _split(after_colon or within or ""):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not value:
            raise BadInput(f"{_short(part)} in {_short(text)}", "constant=value was expected")
        if key in constants:
            raise BadInput(f"{_short(text)} sets {key} twice", "each constant once was expected")
        constants[key] = _value(value)
    return _make(kind, table, name, constants)


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts if text.strip() else []


def _value(text: str) -> Any:
    """An integer, a number, or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _make(kind: str, table: Mapping[str, type[F]], name: str, constants: dict[str, Any]) -> F:
    """The object of a name in the table, its constants checked one by one."""
    plain = _plain(name)
    one = table.get(ALIASES.get(plain, plain))
    if one is None:
        near = difflib.get_close_matches(plain, table, n=1)
        hint = f"Did you mean {near[0]}?" if near else ""
        raise BadInput(f"{kind} {_short(name)} is not known", f"one of {', '.join(table)}", hint)
    own = [f.name for f in fields(one)]
    for key in constants:
        if key not in own:
            near = difflib.get_close_matches(key, own, n=1)
            has = f"its constants are {', '.join(own)}" if own else "it has none"
            hint = f"Did you mean {near[0]}?" if near else ""
            raise BadInput(f"{kind} {plain} has no constant {_short(key)}", has, hint)
    rate = constants.get("lr")
    if kind == "optimizer" and isinstance(rate, (str, dict)):
        made = schedule(rate) if isinstance(rate, str) else from_json("schedule", rate)
        constants = {**constants, "lr": made}
    return one(**constants)  # which checks them


def _plain(name: str) -> str:
    return re.sub(r"[-_\s]", "", name.lower())


def _constant_as_text(constant: Any) -> str:
    if isinstance(constant, dict):
        name, *rest = constant.values()
        keys = [key for key in constant if key != "name"]
        return f"{name}({','.join(f'{k}={v!r}' for k, v in zip(keys, rest, strict=True))})"
    return constant if isinstance(constant, str) else repr(constant)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
