"""Constants: each within the range that stands beside it, or refused in one line."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import pytest

from glassnet.core.activations import ELU, Activation, LeakyReLU
from glassnet.core.errors import BadInput
from glassnet.core.formula import RANGES, Formula
from glassnet.core.initializers import Initializer, Uniform
from glassnet.core.losses import Huber, Loss, Pinball
from glassnet.core.optimizers import LBFGS, SGD, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSProp
from glassnet.core.schedules import Cosine, Exponential, InverseScaling, Schedule, Staircase, Warmup
from tests.core.instances import kinds_of

FAMILIES = (Activation, Loss, Initializer, Schedule, Optimizer)
CLASSES = sorted({LBFGS, *(kind for family in FAMILIES for kind in kinds_of(family))}, key=str)
CONSTANTS = [
    (kind, field)
    for kind in CLASSES
    for field in fields(kind)
    if not isinstance(field.default, str)
]
each = pytest.mark.parametrize(("kind", "field"), CONSTANTS, ids=lambda p: getattr(p, "name", None))

# by hand, beside what the fields say of themselves: values on the edge that must not pass
REFUSED = {
    Huber: {"delta": [0, -1]},
    Pinball: {"tau": [0, 1, -0.1, 90]},
    LeakyReLU: {"alpha": []},
    ELU: {"alpha": []},
    SGD: {"lr": [-1e-9]},
    Momentum: {"momentum": [1, -0.1]},
    Nesterov: {"momentum": [1, -0.1]},
    RMSProp: {"rho": [1, -0.1], "eps": [0, -1e-8]},
    Adam: {"beta1": [1, -0.1], "beta2": [1, -0.1], "eps": [0, -1e-8]},
    AdamW: {"beta1": [1], "beta2": [1], "eps": [0], "decay": [-0.1]},
    LBFGS: {"memory": [0, 1.5], "gtol": [-1], "ftol": [-1], "evaluations": [0]},
    Exponential: {"lr": [-1], "decay": [-1], "steps": [0, -5, 2.5]},
    Staircase: {"lr": [-1], "decay": [-1], "steps": [0, -5, 2.5]},
    InverseScaling: {"lr": [-1], "power": []},
    Cosine: {"lr": [-1], "steps": [0, -5, 2.5], "end": [-1]},
    Warmup: {"lr": [-1], "steps": [0, -5, 2.5]},
}


@each
def test_every_constant_says_its_range(kind, field):
    assert field.metadata["reads"] in RANGES
    assert getattr(kind(), field.name) == field.default


@each
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, "1.5", None, True, [1]])
def test_what_is_no_number_is_refused(kind, field, value):
    with pytest.raises(BadInput, match=rf"^{field.name}=.* of {kind.__name__}, an? ") as error:
        kind(**{field.name: value})
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    "make",
    [
        partial(kind, **{name: value})
        for kind, refused in REFUSED.items()
        for name, values in refused.items()
        for value in values
    ],
    ids=lambda make: f"{make.func.__name__}-{make.keywords}",
)
def test_outside_its_range_a_constant_is_refused(make):
    with pytest.raises(BadInput, match=r"is expected\. Try "):
        make()


def test_the_line():
    with pytest.raises(BadInput) as error:
        Pinball(90)
    assert str(error.value) == (
        "tau=90 of Pinball, a finite number between 0 and 1 is expected. Try tau=0.5."
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (partial(SGD, 1e300), "a finite number of 0 or more, below 1e+300 in size, is expected"),
        (partial(SGD, np.inf), "a finite number of 0 or more is expected"),
        (partial(SGD, -1.0), "a finite number of 0 or more is expected"),
    ],
)
def test_a_number_too_large_is_told_its_bound(make, said):
    with pytest.raises(BadInput) as error:
        make()
    assert said in str(error.value)


def test_a_rate_is_a_number_or_a_schedule_and_nothing_else():
    assert Adam(Cosine()).lr == Cosine()
    with pytest.raises(BadInput, match="lr=SGD"):
        Adam(SGD())
    with pytest.raises(BadInput, match="beta1=Cosine"):
        Adam(beta1=Cosine())


def test_low_does_not_exceed_high():
    assert Uniform(1, 1).high == 1.0
    with pytest.raises(BadInput, match=r"low=1\.0 and high=0\.0, low must not exceed high"):
        Uniform(1, 0)


@pytest.mark.parametrize("value", [1, np.float32(1), np.float64(1), np.int64(1)])
def test_constants_are_pythons_numbers(value):
    assert type(Huber(value).delta) is float
    assert Huber(value) == Huber(1.0)
    assert type(Cosine(steps=np.int64(7)).steps) is int


def test_constants_of_ones_own_need_no_range():
    @dataclass(frozen=True)
    class Own(Formula):
        """a = c."""

        c: object = "free"

    assert Own(None).constants == (None,)
