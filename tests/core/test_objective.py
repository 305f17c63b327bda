"""Reductions, penalties and clipping."""

from __future__ import annotations

import math

import numpy as np
import pytest

from glassnet.core.network import Network
from glassnet.core.objective import clip_by_norm, norm, penalty, penalty_slope, reduce

NET = Network.mlp(2, 3, 1)
THETA = NET.init(3) + 0.1  # so that the biases, which are left out, are not 0
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def test_reduce():
    assert reduce(6.0, 4.0, "mean") == 1.5
    assert reduce(6.0, 4.0, "sum") == 6.0
    np.testing.assert_array_equal(reduce(np.array([6.0, 2.0]), 4.0, "mean"), [1.5, 0.5])


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.7), (0.3, 0.7)])
def test_penalty_by_hand(l1, l2):
    expected = 0.0
    for W, _ in NET.views(THETA):
        for weight in W.ravel().tolist():
            expected += l1 * abs(weight) + l2 * weight**2 / 2
    assert penalty(NET, THETA, l1, l2) == pytest.approx(expected, rel=1e-14)


def test_penalty_slope_is_its_derivative_and_nothing_for_biases():
    h = 1e-6
    slope = penalty_slope(NET, THETA, 0.3, 0.7)
    for i, step in enumerate(h * np.eye(NET.n_params)):
        numeric = (penalty(NET, THETA + step, 0.3, 0.7) - penalty(NET, THETA - step, 0.3, 0.7)) / (
            2 * h
        )
        assert slope[i] == pytest.approx(numeric, rel=1e-7, abs=1e-9)
    assert not slope[~NET.weight_mask].any()
    assert penalty_slope(NET, THETA * 0, 0.3, 0.7).any() == False  # noqa: E712  sign 0 = 0


@DTYPES
def test_penalty_slope_keeps_the_dtype(dtype):
    slope = penalty_slope(NET, THETA.astype(dtype), np.float64(0.3), np.float64(0.7))
    assert slope.dtype == dtype


@DTYPES
def test_clip_by_norm(dtype):
    g = np.array([3.0, -4.0], dtype=dtype)
    assert norm(g) == pytest.approx(5.0)
    np.testing.assert_allclose(clip_by_norm(g, 1.0), [0.6, -0.8], rtol=1e-6)
    np.testing.assert_array_equal(clip_by_norm(g, 5.0), g)
    np.testing.assert_array_equal(clip_by_norm(g, 7.0), g)
    np.testing.assert_array_equal(clip_by_norm(0 * g, 1.0), 0 * g)
    assert clip_by_norm(g, np.float64(1.0)).dtype == dtype
    np.testing.assert_array_equal(g, [3.0, -4.0])


@pytest.mark.parametrize(
    ("dtype", "size"), [(np.float64, 1e300), (np.float64, 1e-300), (np.float32, 1e30)]
)
def test_no_square_overflows_or_vanishes(dtype, size):
    g = np.array([3 * size, -4 * size], dtype=dtype)
    assert norm(g) == pytest.approx(5 * size, rel=1e-6)
    assert norm(clip_by_norm(g, size)) == pytest.approx(size, rel=1e-6)


def test_what_is_not_finite_is_not_hidden():
    assert math.isnan(norm(np.array([1.0, np.nan])))
    assert norm(np.array([1.0, -np.inf])) == np.inf
    with np.errstate(invalid="ignore"):
        assert np.isnan(clip_by_norm(np.array([1.0, np.inf]), 1.0)).any()
    assert np.isnan(clip_by_norm(np.array([1.0, np.nan]), 1.0)).any()
    assert norm(np.array([])) == 0.0
