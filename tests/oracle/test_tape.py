"""The oracle itself: against centred differences of its own values, and against a case by hand."""

from __future__ import annotations

import random

import pytest

from tests.oracle import tape
from tests.oracle.tape import Scalar, Setting, objective_and_gradient


@pytest.mark.parametrize("name", tape.ACTIVATIONS)
def test_activations(name):
    values, h = [0.7, -0.4, 1.1], 1e-6
    for i in range(3):
        for j in range(3):
            zs = [Scalar(v) for v in values]
            tape.ACTIVATIONS[name](zs)[i].backward()
            moved = [
                tape.ACTIVATIONS[name](
                    [Scalar(v + sign * h * (k == j)) for k, v in enumerate(values)]
                )[i].value
                for sign in (1, -1)
            ]
            assert zs[j].grad == pytest.approx((moved[0] - moved[1]) / (2 * h), abs=1e-8)


@pytest.mark.parametrize("name", tape.LOSSES)
def test_losses(name):
    h = 1e-6
    for a, y in [(0.3, 1.0), (0.8, 0.0), (0.5, 0.4)]:
        at = Scalar(a)
        tape.LOSSES[name](at, y).backward()
        numeric = (
            tape.LOSSES[name](Scalar(a + h), y).value - tape.LOSSES[name](Scalar(a - h), y).value
        ) / (2 * h)
        assert at.grad == pytest.approx(numeric, rel=1e-7, abs=1e-8)


def test_a_number_used_twice_gathers_both_ways():
    x = Scalar(3.0)
    y = x * x + x / 2.0 - 1.0
    y.backward()
    assert (y.value, x.grad) == (9.5, 6.5)
    y.backward()
    assert x.grad == 6.5


def test_a_neuron_by_hand():
    """z = 2·3 + 1 = 7, ℓ = ½(7 - 5)² = 2; dℓ/dw = 2·3, dℓ/db = 2."""
    setting = Setting((1, 1), ("identity",), (True,), "squarederror")
    assert objective_and_gradient(setting, [2.0, 1.0], [[3.0]], [[5.0]], [1.0]) == (2.0, [6.0, 2.0])


def test_a_network():
    rng = random.Random(0)
    setting = Setting(
        (2, 3, 2), ("tanh", "softmax"), (True, False), "crossentropy", False, 0.1, 0.2
    )
    theta = [rng.gauss(0, 1) for _ in range(9 + 6)]
    data = ([[0.2, -1.0], [1.5, 0.3]], [[1.0, 0.0], [0.5, 0.5]], [1.0, 2.5])
    _, grad = objective_and_gradient(setting, theta, *data)
    h = 1e-6
    for i in range(len(theta)):
        up = [t + h * (i == j) for j, t in enumerate(theta)]
        down = [t - h * (i == j) for j, t in enumerate(theta)]
        numeric = (
            objective_and_gradient(setting, up, *data)[0]
            - objective_and_gradient(setting, down, *data)[0]
        ) / (2 * h)
        assert grad[i] == pytest.approx(numeric, rel=1e-7, abs=1e-8)
