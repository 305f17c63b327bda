"""Optimizers, step by step: against another library's figures and against figures by hand."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from glassnet.core import optimizers
from glassnet.core.errors import BadInput
from glassnet.core.optimizers import (
    LBFGS,
    SGD,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from glassnet.core.schedules import Exponential
from tests.core.instances import OPTIMIZERS, kinds_of

TORCH = json.loads((Path(__file__).parents[1] / "data" / "torch_optimizers.json").read_text())
each = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)


def test_every_optimizer_of_the_library_is_tested_here():
    assert {type(optimizer) for optimizer in OPTIMIZERS} == kinds_of(Optimizer)
    assert {case["optimizer"] for case in TORCH["cases"]} == {
        k.__name__ for k in kinds_of(Optimizer)
    }


@pytest.mark.parametrize("case", TORCH["cases"], ids=lambda case: case["optimizer"])
def test_against_pytorch_step_by_step(case):
    optimizer = getattr(optimizers, case["optimizer"])(**case["constants"])
    theta = np.array(case["theta"])
    slots = optimizer.start(theta)
    assert len(case["gradients"]) >= 5
    for step, (g, expected) in enumerate(zip(case["gradients"], case["thetas"], strict=True)):
        theta, slots = optimizer.step(theta, np.array(g), slots, step)
        np.testing.assert_allclose(theta, expected, rtol=1e-13, atol=1e-15, err_msg=f"step {step}")


# two updates each, worked out on paper: θ = 1, then gradients 2 and 1
BY_HAND = [
    (SGD(0.1), [0.8, 0.7], {}),
    # v = -0.2, then 0.5·(-0.2) - 0.1 = -0.2
    (Momentum(0.1, 0.5), [0.8, 0.6], {"v": [-0.2, -0.2]}),
    # v likewise; θ - 0.1 - 0.2 = 0.7, then θ - 0.1 - 0.1 = 0.5
    (Nesterov(0.1, 0.5), [0.7, 0.5], {"v": [-0.2, -0.2]}),
    # v = 0.75·4 = 3, then 0.25·3 + 0.75·1 = 1.5
    (
        RMSProp(0.1, 0.25, 0.5),
        [
            1 - 0.2 / (math.sqrt(3) + 0.5),
            1 - 0.2 / (math.sqrt(3) + 0.5) - 0.1 / (math.sqrt(1.5) + 0.5),
        ],
        {"v": [3.0, 1.5]},
    ),
    # m = 1, v = 3, m̂ = 2, v̂ = 4: 1 - 0.1·2/2.5 = 0.92;
    # m = 1, v = 1.5, m̂ = 1/0.75, v̂ = 1.5/(1 - 1/16) = 1.6
    (
        Adam(0.1, 0.5, 0.25, 0.5),
        [0.92, 0.92 - 0.1 * (1 / 0.75) / (math.sqrt(1.6) + 0.5)],
        {"m": [1.0, 1.0], "v": [3.0, 1.5]},
    ),
    # each θ shrunk by 1 - 0.1·0.2 = 0.98 before
    (
        AdamW(0.1, 0.5, 0.25, 0.5, 0.2),
        [0.98 - 0.08, 0.9 * 0.98 - 0.1 * (1 / 0.75) / (math.sqrt(1.6) + 0.5)],
        {"m": [1.0, 1.0], "v": [3.0, 1.5]},
    ),
]


@pytest.mark.parametrize(("optimizer", "thetas", "slots"), BY_HAND, ids=str)
def test_two_updates_by_hand(optimizer, thetas, slots):
    theta = np.array([1.0])
    remembered = optimizer.start(theta)
    for step, g in enumerate([2.0, 1.0]):
        theta, remembered = optimizer.step(theta, np.array([g]), remembered, step)
        np.testing.assert_allclose(theta, thetas[step], rtol=1e-14)
        for name, slot in zip(optimizer.slots, remembered, strict=True):
            np.testing.assert_allclose(slot, slots[name][step], rtol=1e-14, err_msg=name)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@each
def test_pure_and_of_one_dtype(optimizer, dtype):
    rng = np.random.default_rng(0)
    theta, g = rng.normal(size=6).astype(dtype), rng.normal(size=6).astype(dtype)
    slots = optimizer.start(theta)
    assert len(slots) == len(optimizer.slots)
    assert not any(slot.any() for slot in slots)
    for array in (theta, g, *slots):
        array.setflags(write=False)  # it would fail if it wrote
    once, new_slots = optimizer.step(theta, g, slots, 0)
    again, same_slots = optimizer.step(theta, g, slots, 0)
    np.testing.assert_array_equal(once, again)
    for a, b in zip(new_slots, same_slots, strict=True):
        np.testing.assert_array_equal(a, b)
    assert once.shape == theta.shape
    assert {array.dtype for array in (once, *new_slots)} == {np.dtype(dtype)}


@each
def test_number_by_number(optimizer):
    """Each parameter is its own: a step of the whole is the steps of its parts."""
    rng = np.random.default_rng(1)
    theta, g = rng.normal(size=5), rng.normal(size=5)
    whole, _ = optimizer.step(theta, g, optimizer.start(theta), 3)
    parts = [
        optimizer.step(theta[i : i + 1], g[i : i + 1], optimizer.start(theta[:1]), 3)[0]
        for i in range(5)
    ]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


@each
def test_descends_a_bowl(optimizer):
    theta = np.array([1.0, -2.0])
    slots = optimizer.start(theta)
    for step in range(400):
        theta, slots = optimizer.step(theta, theta * [1.0, 3.0], slots, step)
    assert theta @ (theta * [1.0, 3.0]) < 0.5 * 13.0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@each
def test_constants_of_numpy_leave_the_dtype_alone(optimizer, dtype):
    if not isinstance(optimizer.lr, float):
        return
    same = type(optimizer)(np.float64(optimizer.lr), *map(np.float64, optimizer.constants))
    theta = np.ones(3, dtype=dtype)
    stepped, slots = same.step(theta, theta, same.start(theta), 0)
    expected, _ = optimizer.step(theta, theta, optimizer.start(theta), 0)
    assert {array.dtype for array in (stepped, *slots)} == {np.dtype(dtype)}
    np.testing.assert_array_equal(stepped, expected)


def test_a_schedule_gives_the_rate_of_each_step():
    optimizer = SGD(Exponential(1.0, 0.5, 1))
    theta = np.array([0.0])
    for step, expected in enumerate([-1.0, -1.5, -1.75]):
        theta, _ = optimizer.step(theta, np.ones(1), (), step)
        np.testing.assert_allclose(theta, expected)
    assert [optimizer.rate(step) for step in range(3)] == [1.0, 0.5, 0.25]
    assert SGD(0.3).rate(17) == 0.3


@pytest.mark.parametrize("lr", [-0.1, math.nan, math.inf])
@pytest.mark.parametrize("kind", sorted(kinds_of(Optimizer), key=str))
def test_a_learning_rate_without_meaning_is_refused(kind, lr):
    with pytest.raises(BadInput, match="a finite number of 0 or more is expected"):
        kind(lr)


@each
def test_an_optimizer_is_a_value(optimizer):
    assert pickle.loads(pickle.dumps(optimizer)) == optimizer
    assert hash(optimizer) == hash(pickle.loads(pickle.dumps(optimizer)))
    assert "θ ←" in optimizer.formula


def test_lbfgs_holds_settings_alone():
    assert LBFGS(memory=5) == LBFGS(5)
    assert not isinstance(LBFGS(), Optimizer)


def test_ones_own_optimizer():
    @dataclass(frozen=True)
    class Sign(Optimizer):
        """θ ← θ - lr·sign g."""

        slots: ClassVar[tuple[str, ...]] = ()

        @staticmethod
        def f(theta, g, lr, t):
            return (theta - lr * np.sign(g),)

    theta, slots = Sign(0.5).step(np.zeros(2), np.array([3.0, -7.0]), (), 0)
    np.testing.assert_array_equal(theta, [-0.5, 0.5])
    assert slots == ()
