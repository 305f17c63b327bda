"""The contract of a loss, for every one of them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from glassnet.core.activations import Exp, Identity, Sigmoid, Softmax, Tanh
from glassnet.core.errors import BadInput
from glassnet.core.losses import (
    TINY,
    Absolute,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Pinball,
    Poisson,
    SquaredError,
)
from tests.core.instances import (
    ALL_LOSSES,
    LINKED,
    LOSSES,
    exact,
    exact_slope,
    kinds_of,
    sensible,
)

each = pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
linked = pytest.mark.parametrize("loss", LINKED, ids=str)
outputs = pytest.mark.parametrize("k", [1, 2, 3, 5])
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def test_every_loss_of_the_library_is_tested_here():
    assert {type(loss) for loss in ALL_LOSSES} == kinds_of(Loss)


@outputs
@each
def test_value_summed_over_outputs(loss, k):
    a, _, y = sensible(loss, np.random.default_rng(k), 12, k)
    expected = exact(LOSSES[loss], a, y).sum(axis=1)
    np.testing.assert_allclose(loss(a, y), expected, rtol=1e-13, atol=1e-15)
    assert loss(a, y).shape == (12,)


@outputs
@each
def test_slope_against_fifty_digits(loss, k):
    a, _, y = sensible(loss, np.random.default_rng(k), 12, k)
    expected = exact_slope(LOSSES[loss], a, y)
    np.testing.assert_allclose(loss.slope(a, y), expected, rtol=1e-7, atol=1e-15)
    np.testing.assert_allclose(loss.slope(a, y), expected, rtol=1e-11, atol=1e-14)


@each
def test_slope_against_centred_differences_of_its_own_function(loss):
    a, _, y = sensible(loss, np.random.default_rng(3), 12, 1)
    h = 1e-6 * np.minimum(np.abs(a), 1.0)
    numeric = (loss(a + h, y) - loss(a - h, y))[:, None] / (2 * h)
    np.testing.assert_allclose(loss.slope(a, y), numeric, rtol=1e-7, atol=1e-7)


@linked
@outputs
def test_closed_form_against_long_form(loss, k):
    a, z, y = sensible(loss, np.random.default_rng(10 + k), 20, k)
    assert loss.closes(loss.link)
    np.testing.assert_allclose(loss.from_z(z, y), loss(a, y), rtol=1e-12, atol=1e-14)
    long = loss.link.chain(loss.slope(a, y), loss.link.slope(z, a))
    np.testing.assert_allclose(loss.slope_z(a, y), long, rtol=1e-12, atol=1e-14)


@linked
@outputs
def test_closed_slope_against_centred_differences_in_z(loss, k):
    a, z, y = sensible(loss, np.random.default_rng(20 + k), 8, k)
    h = 1e-5
    for j in range(k):
        step = h * np.eye(k)[j]
        numeric = (loss.from_z(z + step, y) - loss.from_z(z - step, y)) / (2 * h)
        np.testing.assert_allclose(loss.slope_z(a, y)[:, j], numeric, rtol=1e-7, atol=1e-9)


def test_closed_forms_keep_their_digits_where_the_long_ones_cannot():
    z = np.array([[-1e4], [1e4], [40.0]])
    y = np.array([[1.0], [0.0], [0.0]])
    loss = BinaryCrossEntropy()
    np.testing.assert_array_equal(loss.from_z(z, y), [1e4, 1e4, 40.0])
    np.testing.assert_array_equal(loss.slope_z(Sigmoid()(z), y).ravel(), [-1.0, 1.0, 1.0])
    z, y = np.array([[1e4, -1e4, 0.0]]), np.array([[0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(CrossEntropy().from_z(z, y), [2e4])
    np.testing.assert_array_equal(CrossEntropy().slope_z(Softmax()(z), y), [[1.0, -1.0, 0.0]])
    np.testing.assert_array_equal(
        Poisson().from_z(np.array([[-1e4]]), np.array([[1.0]])), [1e4 - 1.0]
    )


def far_out(loss, dtype):
    """(a, y): outputs at ±1e4 or at saturation, against targets from end to end."""
    if isinstance(loss, BinaryCrossEntropy):
        a, y = [0, 1, 0, 1, TINY, 1 - 1e-16, 0.5], [1, 0, 0, 1, 1, 0, 0.5]
    elif isinstance(loss, CrossEntropy):
        a, y = [0, 1, 0, 1, 1e-40, 0.5], [1, 0, 0, 1, 1, 0.5]
    elif isinstance(loss, Poisson):
        a, y = [0, 0, 1e4, 1e4, float(np.exp(88.0)), 1e-40], [0, 1e4, 0, 1e4, 1, 1]
    else:
        a, y = [-1e4, 1e4, 1e4, 0, 1e-30, 3e18], [1e4, -1e4, 1e4, 0, 0, 0]
    return np.array(a, dtype=dtype)[:, None], np.array(y, dtype=dtype)[:, None]


@dtypes
@each
def test_safe_far_out_and_at_saturation(loss, dtype):
    a, y = far_out(loss, dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, slope = loss(a, y), loss.slope(a, y)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert (value >= 0).all()
    assert value.dtype == slope.dtype == dtype


@dtypes
@linked
def test_safe_from_z_too(loss, dtype):
    z = np.array([[-1e4, 1e4], [1e4, -1e4], [90, 0], [-90, 0], [0, 0]], dtype=dtype)
    for target in ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5]):
        y = np.tile(np.array(target, dtype=dtype), (5, 1))
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            a = loss.link(z)
            value, slope = loss.from_z(z, y), loss.slope_z(a, y)
            long = loss.link.chain(loss.slope(a, y), loss.link.slope(z, a))
        for part in (value, slope, long):
            assert np.isfinite(part).all()
            assert part.dtype == dtype
        assert (value >= -1e-5).all()


@dtypes
@each
def test_nan_goes_through(loss, dtype):
    a, z, y = (x.astype(dtype) for x in sensible(loss, np.random.default_rng(4), 3, 2))
    for spoilt, other in ((a, y), (y, a)):
        kept, spoilt[1, 1] = spoilt[1, 1], np.nan
        first, second = (spoilt, other) if spoilt is a else (other, spoilt)
        assert np.isnan(loss(first, second)).tolist() == [False, True, False]
        assert np.isnan(loss.slope(first, second))[1, 1]
        assert np.isfinite(loss.slope(first, second))[[0, 2]].all()
        spoilt[1, 1] = kept
    if loss.link is not None:
        z[1, 1] = np.nan
        assert np.isnan(loss.from_z(z, y)).tolist() == [False, True, False]
        assert np.isnan(loss.slope_z(loss.link(z), y))[1, 1]


@dtypes
@pytest.mark.parametrize("shape", [(0, 2), (1, 1), (1, 3), (6, 2)], ids=str)
@each
def test_shape_and_dtype_are_kept(loss, shape, dtype):
    a, z, y = (x.astype(dtype) for x in sensible(loss, np.random.default_rng(5), *shape))
    assert loss(a, y).shape == shape[:1]
    assert loss.slope(a, y).shape == shape
    assert loss(a, y).dtype == loss.slope(a, y).dtype == dtype
    if loss.link is not None:
        assert loss.from_z(z, y).shape == shape[:1]
        assert loss.slope_z(a, y).shape == shape
        assert loss.from_z(z, y).dtype == loss.slope_z(a, y).dtype == dtype


@each
def test_zero_and_flat_at_the_target(loss):
    y = np.array([[0.0, 1.0], [1.0, 0.0]])
    a = np.clip(y, 1e-300, None) if isinstance(loss, Poisson) else y
    np.testing.assert_allclose(loss(a, y), 0.0, atol=1e-15)
    if not isinstance(loss, BinaryCrossEntropy | CrossEntropy | Poisson):
        np.testing.assert_array_equal(loss.slope(a, y), 0.0)  # the slope stated at the kink


def test_figures_by_hand():
    a, y = np.array([[3.0, -1.0]]), np.array([[1.0, 1.0]])
    assert SquaredError()(a, y) == [4.0]  # ½·4 + ½·4
    assert Huber(1.0)(a, y) == [3.0]  # 1·(2 - ½), twice
    assert Absolute()(a, y) == [4.0]
    np.testing.assert_allclose(Pinball(0.9)(a, y), [0.1 * 2 + 0.9 * 2])
    np.testing.assert_allclose(Pinball(0.9).slope(a, y), [[0.1, -0.9]])
    np.testing.assert_allclose(Huber(1.0).slope(a, y), [[1.0, -1.0]])
    half = np.array([[0.5]])
    np.testing.assert_allclose(BinaryCrossEntropy()(half, half), np.log(2))
    np.testing.assert_allclose(CrossEntropy()(half, np.array([[1.0]])), np.log(2))
    np.testing.assert_allclose(Poisson()(np.array([[2.0]]), np.array([[0.0]])), 2.0)


@linked
def test_a_loss_closes_with_its_own_activation_alone(loss):
    others = {Sigmoid(), Softmax(), Exp(), Tanh(), Identity()} - {loss.link}
    assert not any(loss.closes(other) for other in others)


def test_losses_without_a_link_close_with_nothing():
    for loss in ALL_LOSSES:
        if loss.link is None:
            assert not any(loss.closes(a) for a in (Sigmoid(), Softmax(), Exp(), Identity()))


REFUSED = [
    (BinaryCrossEntropy(), [[1.0], [2.0]], "y runs from 1 to 2, binary cross-entropy expects"),
    (BinaryCrossEntropy(), [[-1.0], [1.0]], "y runs from -1 to 1, binary cross-entropy expects"),
    (CrossEntropy(), [[1.0, 1.0]], "some rows of y are no distribution over the classes"),
    (CrossEntropy(), [[1.5, -0.5]], "some rows of y are no distribution over the classes"),
    (CrossEntropy(), [[0.0, 0.0]], "some rows of y are no distribution over the classes"),
    (Poisson(), [[-1.0]], "y goes down to -1, the Poisson loss expects counts of 0 or more"),
]


@pytest.mark.parametrize(("loss", "y", "text"), REFUSED, ids=str)
def test_targets_without_meaning_are_refused_in_one_line(loss, y, text):
    with pytest.raises(BadInput) as error:
        loss.check_targets(np.array(y))
    assert text in str(error.value)
    assert error.value.hint
    assert "\n" not in str(error.value)


@each
def test_targets_with_a_meaning_pass(loss):
    for dtype in (np.float64, np.float32):
        _, _, y = sensible(loss, np.random.default_rng(6), 50, 3)
        loss.check_targets(y.astype(dtype))


@each
def test_a_loss_is_a_value(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss
    assert hash(loss) == hash(type(loss)(*loss.constants))
    assert loss.formula.startswith("ℓ =")


@pytest.mark.parametrize("loss", [loss for loss in ALL_LOSSES if loss.constants], ids=str)
def test_constants_of_numpy_leave_float32_alone(loss):
    same = type(loss)(*(np.float64(constant) for constant in loss.constants))
    a = np.array([[-1.0, 2.0]], dtype=np.float32)
    assert same(a, a * 2).dtype == same.slope(a, a * 2).dtype == np.float32
