from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import pytest

from glassnet.core import activations, initializers, losses, optimizers, schedules
from glassnet.core.activations import Activation, LeakyReLU, Sigmoid, SiLU
from glassnet.core.errors import BadInput
from glassnet.core.initializers import Glorot, Scaled, Uniform
from glassnet.core.losses import BinaryCrossEntropy, Huber, Pinball
from glassnet.core.optimizers import LBFGS, SGD, Adam
from glassnet.core.schedules import Constant, Cosine
from glassnet.exchange import names

TABLES: dict[str, tuple[Any, Any]] = {
    "activation": (names.ACTIVATIONS, names.activation),
    "loss": (names.LOSSES, names.loss),
    "optimizer": (names.OPTIMIZERS, names.optimizer),
    "initializer": (names.INITIALIZERS, names.initializer),
    "schedule": (names.SCHEDULES, names.schedule),
}
ALL = [(kind, name) for kind, (table, _) in TABLES.items() for name in table]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_name_there_and_back(kind: str, name: str) -> None:
    table, parse = TABLES[kind]
    made: Any = parse(name)
    assert type(made) is table[name]
    assert made == table[name]()
    assert parse(names.as_text(made)) == made
    assert parse(str(made)) == made
    stored = json.loads(json.dumps(names.as_json(made)))
    assert stored["name"] == name
    assert names.from_json(kind, stored) == made


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_constant_comes_through(kind: str, name: str) -> None:
    _, parse = TABLES[kind]
    plain: Any = parse(name)
    for field in fields(plain):
        if isinstance(field.default, (int, float)):
            value = 7 if isinstance(field.default, int) else 0.125
            made: Any = parse(f"{name}:{field.name}={value}")
            assert vars(made)[field.name] == value
            assert type(vars(made)[field.name]) is type(field.default)
            assert names.from_json(kind, names.as_json(made)) == made


def test_the_tables_hold_all_that_core_has() -> None:
    families: dict[Any, tuple[Any, Any]] = {
        activations: (Activation, names.ACTIVATIONS),
        losses: (losses.Loss, names.LOSSES),
        initializers: (initializers.Initializer, names.INITIALIZERS),
        schedules: (schedules.Schedule, names.SCHEDULES),
        optimizers: (optimizers.Optimizer, names.OPTIMIZERS),
    }
    for module, (family, table) in families.items():
        found = {
            one
            for one in vars(module).values()
            if isinstance(one, type)
            and issubclass(one, family)
            and one.__module__ == module.__name__
        }
        assert found - {family, Scaled} <= set(table.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("leakyrelu:alpha=0.2", LeakyReLU(0.2)),
        ("Leaky-ReLU : alpha = 0.2", LeakyReLU(0.2)),
        ("leakyrelu(alpha=0.2)", LeakyReLU(0.2)),
        ("leaky_relu:alpha=1", LeakyReLU(1.0)),
        ("logistic", Sigmoid()),
        ("swish", SiLU()),
        ("pinball:tau=0.9", Pinball(0.9)),
        ("bce", BinaryCrossEntropy()),
        ("huber:delta=1e-3", Huber(1e-3)),
        ("adam:lr=0.01", Adam(0.01)),
        ("adam:lr=cosine(lr=0.1,steps=500),beta1=0.8", Adam(Cosine(0.1, 500), beta1=0.8)),
        ("sgd:lr=constant", SGD(Constant())),
        ("lbfgs:memory=20", LBFGS(memory=20)),
        ("uniform:low=-1,high=1", Uniform(-1.0, 1.0)),
        ("glorot:distribution=normal", Glorot("normal")),
    ],
)
def test_spellings(text: str, expected: object) -> None:
    kinds = {Activation: 0, losses.Loss: 1, initializers.Initializer: 3}
    i = next((i for family, i in kinds.items() if isinstance(expected, family)), 2)
    assert list(TABLES.values())[i][1](text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("activation", "rleu", "one of sigmoid, tanh, .* Did you mean relu"),
        ("activation", "__class__", "not known"),
        ("activation", "os.system", "not known"),
        ("activation", "", "a name and its constants"),
        ("activation", "relu:alpha=1", "it has none"),
        ("activation", "leakyrelu:alhpa=1", "Did you mean alpha"),
        ("activation", "leakyrelu:f=1", "no constant 'f'"),
        ("activation", "leakyrelu:alpha", "constant=value"),
        ("activation", "leakyrelu:alpha=", "constant=value"),
        ("activation", "leakyrelu:alpha=x", "a finite number is expected. Try alpha=0.01"),
        ("activation", "leakyrelu:alpha=nan", "a finite number"),
        ("activation", "leakyrelu:alpha=inf", "a finite number"),
        ("activation", "leakyrelu:alpha=1,alpha=2", "twice"),
        ("activation", "leakyrelu:alpha=1" + "0" * 5000, "a finite number"),
        ("loss", "pinball:tau=1", "between 0 and 1"),
        ("loss", "huber:delta=0", "above 0"),
        ("optimizer", "adam:beta1=1", "below 1"),
        ("optimizer", "adam:eps=0", "above 0"),
        ("optimizer", "sgd:lr=-1", "0 or more"),
        ("optimizer", "sgd:lr=cosin", "Did you mean cosine"),
        ("optimizer", "sgd:lr=cosine(steps=0)", "1 or more"),
        ("optimizer", "sgd:lr=cosine(steps=1.5)", "an integer"),
        ("optimizer", "sgd:lr=cosine(lr=cosine)", "a finite number of 0 or more is expected"),
        ("optimizer", "adam(lr=1", "a name and its constants"),
        ("optimizer", "lbfgs:lr=1", "no constant 'lr'"),
        ("initializer", "he:distribution=flat", "'uniform' or 'normal'"),
        ("initializer", "he:distribution=1", "'uniform' or 'normal'"),
    ],
)
def test_wrong_texts(kind: str, text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        TABLES[kind][1](text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        ("activation", None),
        ("activation", "tanh"),
        ("activation", {}),
        ("activation", {"name": 1}),
        ("activation", {"name": "tanh", "x": 1}),
        ("activation", {"name": "leakyrelu", "alpha": True}),
        ("activation", {"name": "leakyrelu", "alpha": [1]}),
        ("activation", {"name": "leakyrelu", "alpha": 10**400}),
        ("optimizer", {"name": "adam", "lr": {"name": "adam"}}),
        ("optimizer", {"name": "lbfgs", "memory": 10**400}),
    ],
)
def test_wrong_json(kind: str, stored: Any) -> None:
    with pytest.raises(BadInput):
        names.from_json(kind, stored)


@dataclass(frozen=True)
class Swish(Activation):
    """a = z."""

    rectifies: ClassVar[bool] = False


@dataclass(frozen=True)
class Tanh(Activation):
    """Not glassnet's, though it has its name."""


@pytest.mark.parametrize("own", [Swish(), Tanh()])
def test_a_class_of_the_users_own_has_no_name(own: Activation) -> None:
    with pytest.raises(BadInput, match=r"is a class of your own.*numpy.save"):
        names.as_json(own)


def test_numpy_constants_are_written_as_numbers() -> None:
    assert json.dumps(names.as_json(LeakyReLU(np.float64(0.5)))) == (
        '{"name": "leakyrelu", "alpha": 0.5}'
    )
