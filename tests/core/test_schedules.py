"""Schedules against their formulas, written anew."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from glassnet.core.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    Schedule,
    Staircase,
    Warmup,
)
from tests.core.instances import SCHEDULES, kinds_of

FORMULAS = {
    Constant: lambda step: 0.2,
    Exponential: lambda step: 0.2 * math.exp(math.log(0.5) * step / 10),
    Staircase: lambda step: 0.2 / 2 ** math.floor(step / 10),
    InverseScaling: lambda step: 0.2 / math.sqrt(1 + step),
    Cosine: lambda step: 0.01 if step >= 100 else 0.01 + 0.19 * math.cos(math.pi * step / 200) ** 2,
    Warmup: lambda step: 0.2 if step >= 9 else 0.02 * (step + 1),
}
each = pytest.mark.parametrize("schedule", SCHEDULES, ids=str)


def test_every_schedule_of_the_library_is_tested_here():
    assert {type(schedule) for schedule in SCHEDULES} == kinds_of(Schedule) == set(FORMULAS)


@each
def test_by_formula(schedule):
    for step in [0, 1, 5, 9, 10, 11, 19, 20, 50, 99, 100, 101, 1000]:
        rate = schedule(step)
        assert type(rate) is float
        assert rate == pytest.approx(FORMULAS[type(schedule)](step), rel=1e-12)


@each
def test_a_schedule_is_a_pure_function_of_the_step(schedule):
    forth = [schedule(step) for step in range(30)]
    back = [schedule(step) for step in reversed(range(30))]
    assert forth == back[::-1]
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert schedule(np.int64(7)) == schedule(7)


def test_ends():
    assert Cosine(1.0, 10, 0.25)(0) == 1.0
    assert Cosine(1.0, 10, 0.25)(10) == 0.25
    assert Warmup(1.0, 4)(3) == 1.0
    assert Exponential(1.0, 0.5, 10)(10) == 0.5
    assert Staircase(1.0, 0.5, 10)(9) == 1.0
