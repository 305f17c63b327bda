"""Metrics beside scikit-learn's, and at the edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as outside

from glassnet.training.metrics import accuracy, classes, mae, r2, rmse

NUMBERS: dict[Callable[[Any, Any], float], Callable[[Any, Any], float]] = {
    r2: outside.r2_score,
    rmse: lambda y, a: float(np.sqrt(outside.mean_squared_error(y, a))),
    mae: outside.mean_absolute_error,
}


@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
@pytest.mark.parametrize("metric", NUMBERS, ids=lambda metric: metric.__name__)
def test_numbers_are_those_of_scikit_learn(metric: Any, outputs: int) -> None:
    rng = np.random.default_rng(outputs)
    y = rng.normal(3, 2, (40, outputs))
    a = y + rng.normal(size=y.shape)
    assert metric(a, y) == pytest.approx(NUMBERS[metric](y, a), rel=1e-12)
    assert metric(a.astype(np.float32), y.astype(np.float32)) == pytest.approx(
        metric(a, y), rel=1e-5
    )
    assert type(metric(a, y)) is float


@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
def test_accuracy_is_that_of_scikit_learn(outputs: int) -> None:
    rng = np.random.default_rng(outputs)
    a = rng.uniform(size=(60, outputs))
    if outputs == 1:
        y = rng.integers(0, 2, (60, 1)).astype(float)
        expected = outside.accuracy_score(y[:, 0], a[:, 0] > 0.5)
    else:
        label = rng.integers(0, outputs, 60)
        y = np.eye(outputs)[label]
        expected = outside.accuracy_score(label, a.argmax(axis=1))
    assert accuracy(a, y) == pytest.approx(expected, rel=1e-15)
    assert 0 < accuracy(a, y) < 1
    assert accuracy(y, y) == 1.0


def test_of_equal_outputs_the_first_class_is_meant() -> None:
    assert classes(np.array([[0.5], [0.5000001], [0.4]])).tolist() == [0, 1, 0]
    assert classes(np.array([[0.3, 0.3, 0.1], [0.1, 0.3, 0.3]])).tolist() == [0, 1]


def test_r2_of_targets_that_do_not_vary_is_that_of_scikit_learn() -> None:
    y = np.full((4, 1), 2.0)
    assert r2(y, y) == outside.r2_score(y, y) == 1.0
    assert r2(y + 1, y) == outside.r2_score(y, y + 1) == 0.0
    two = np.hstack([y, np.arange(4.0)[:, None]])
    for away in np.eye(2):
        assert r2(two + away, two) == pytest.approx(outside.r2_score(two, two + away))


def test_one_row() -> None:
    a, y = np.array([[2.0]]), np.array([[1.0]])
    assert (rmse(a, y), mae(a, y), r2(a, y), accuracy(a, y)) == (1.0, 1.0, 0.0, 1.0)


def test_r2_of_the_mean_is_nought_and_worse_is_below() -> None:
    y = np.arange(6.0)[:, None]
    assert r2(np.full_like(y, y.mean()), y) == 0.0
    assert r2(-y, y) < 0
