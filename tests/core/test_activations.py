"""The contract of an activation, for every one of them."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from glassnet.core.activations import Activation, Exp, Sigmoid, Softmax, check_activation, sigmoid
from glassnet.core.errors import BadInput
from tests.core.instances import (
    ACTIVATIONS,
    ALL_ACTIVATIONS,
    ELEMENTWISE,
    exact,
    exact_slope,
    kinds_of,
)

each = pytest.mark.parametrize("activation", ELEMENTWISE, ids=str)
every = pytest.mark.parametrize("activation", ALL_ACTIVATIONS, ids=str)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])

EPS = np.finfo(float).eps
# away from the kinks at 0 and 88, into both saturations, with and without digits after the point
GRID = np.concatenate([[0.0], *(s * np.geomspace(1e-6, 80.0, 60) for s in (1.0, -1.0))])[None, :]


def test_every_activation_of_the_library_is_tested_here():
    assert {type(activation) for activation in ALL_ACTIVATIONS} == kinds_of(Activation)


@each
def test_value(activation):
    formula, _ = ACTIVATIONS[activation]
    np.testing.assert_allclose(activation(GRID), exact(formula, GRID), rtol=1e-13, atol=0)


@each
def test_slope_against_fifty_digits(activation):
    formula, kinks = ACTIVATIONS[activation]
    z = GRID[~np.isin(GRID, list(kinks))][None, :]
    slope = activation.slope(z, activation(z))
    # 4 eps: a sigmoid's 1 - a has no more digits where a is close to 1
    np.testing.assert_allclose(slope, exact_slope(formula, z), rtol=1e-7, atol=4 * EPS)
    near = np.abs(z) < 5
    np.testing.assert_allclose(
        slope[near], exact_slope(formula, z[near]), rtol=2e-12, atol=0, err_msg="|z| < 5"
    )


@each
def test_slope_against_centred_differences_of_its_own_function(activation):
    z = np.array([[-4.0, -2.5, -1.3, -0.6, -0.11, 0.13, 0.7, 1.9, 3.3, 4.2]])
    h = 1e-5
    numeric = (activation(z + h) - activation(z - h)) / (2 * h)
    np.testing.assert_allclose(activation.slope(z, activation(z)), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("activation", "kink", "stated"),
    [
        (act, kink, stated)
        for act, (_, kinks) in ACTIVATIONS.items()
        for kink, stated in kinks.items()
    ],
    ids=str,
)
def test_slope_at_a_kink_is_the_one_stated(activation, kink, stated):
    z = np.array([[kink, -kink]])[:, :1]
    np.testing.assert_allclose(activation.slope(z, activation(z)), stated, rtol=1e-14)


def test_the_stated_slopes_stand_in_the_docstrings():
    for activation, (_, kinks) in ACTIVATIONS.items():
        if kinks:
            assert "slope" in (type(activation).__doc__ or "")


@dtypes
@every
def test_safe_far_out_and_at_saturation(activation, dtype):
    z = np.array([[-1e4, -1e3, -90, -40, -1, 0, 1, 40, 90, 1e3, 1e4]], dtype=dtype)
    for z_ in (z, z.T):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            a = activation(z_)
            slope = activation.slope(z_, a)
            chained = activation.chain(np.ones_like(a), slope)
        for value in (a, slope, chained):
            assert np.isfinite(value).all()
            assert value.dtype == dtype


@dtypes
@every
def test_nan_goes_through(activation, dtype):
    z = np.array([[0.5, np.nan], [0.5, 1.0]], dtype=dtype)
    a = activation(z)
    assert np.isnan(a[0, 1])
    assert np.isfinite(a[1]).all()
    # whatever the slope of a piecewise one is there: what comes down from above is a NaN already
    dL_dz = activation.chain(a, activation.slope(z, a))
    assert np.isnan(dL_dz[0, 1])
    assert np.isfinite(dL_dz[1]).all()


@each
def test_infinity_is_not_hidden(activation):
    z = np.array([[np.inf]])
    formula_at_infinity = {"sigmoid": 1.0, "tanh": 1.0, "exp": float(np.exp(88.0))}
    assert activation(z)[0, 0] == formula_at_infinity.get(str(activation), np.inf)


@dtypes
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 5), (4, 2), (7, 3)], ids=str)
@every
def test_shape_and_dtype_are_kept(activation, shape, dtype):
    z = np.random.default_rng(0).normal(size=shape).astype(dtype)
    before = z.copy()
    a = activation(z)
    slope = activation.slope(z, a)
    assert a.shape == shape
    assert slope.shape == ((*shape, shape[1]) if isinstance(activation, Softmax) else shape)
    assert activation.chain(a, slope).shape == shape
    assert a.dtype == slope.dtype == dtype
    assert np.array_equal(z, before), "the input was written to"


@every
def test_rows_do_not_touch_each_other(activation):
    z = np.random.default_rng(1).normal(size=(5, 3))
    a = activation(z)
    alone = np.concatenate([activation(z[i : i + 1]) for i in range(5)])
    np.testing.assert_array_equal(a, alone)


@dtypes
@every
def test_float32_is_close_to_float64(activation, dtype):
    z = np.random.default_rng(2).normal(size=(20, 3)) * 3
    a, slope = activation(z), activation.slope(z, activation(z))
    z32 = z.astype(dtype)
    np.testing.assert_allclose(activation(z32), a, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(activation.slope(z32, activation(z32)), slope, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("n_out", [1, 2, 3, 5])
def test_softmax_is_a_distribution_and_its_jacobian_the_derivative(n_out):
    softmax = Softmax()
    z = np.random.default_rng(n_out).normal(size=(4, n_out)) * 2
    a = softmax(z)
    np.testing.assert_allclose(a.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(softmax(z + 1000.0), a, rtol=1e-12)
    np.testing.assert_allclose(
        a, np.exp(z) / np.array([[sum(np.exp(row))] for row in z]), rtol=1e-13
    )

    jacobian, h = softmax.slope(z, a), 1e-5
    for j in range(n_out):
        step = h * np.eye(n_out)[j]
        numeric = (softmax(z + step) - softmax(z - step)) / (2 * h)  # (n, n_out), da_i/dz_j
        np.testing.assert_allclose(jacobian[:, :, j], numeric, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(jacobian.sum(axis=1), 0.0, atol=1e-15)

    dL_da = np.random.default_rng(9).normal(size=a.shape)
    by_hand = [
        [sum(dL_da[s, i] * jacobian[s, i, j] for i in range(n_out)) for j in range(n_out)]
        for s in range(len(z))
    ]
    np.testing.assert_allclose(softmax.chain(dL_da, jacobian), by_hand, rtol=1e-12, atol=1e-15)


def test_softmax_with_one_class_far_ahead():
    np.testing.assert_array_equal(Softmax()(np.array([[1e4, -1e4, 0.0]])), [[1.0, 0.0, 0.0]])


def test_exp_is_held_at_88_in_both_dtypes():
    for dtype in (np.float64, np.float32):
        z = np.array([[88.0, 1e4]], dtype=dtype)
        np.testing.assert_array_equal(Exp()(z)[0, 0], Exp()(z)[0, 1])
        np.testing.assert_array_equal(Exp().slope(z, Exp()(z)), Exp()(z))


def test_sigmoid_keeps_its_digits_on_both_sides():
    z = np.array([-700.0, -40.0, 40.0])
    expected = exact(ACTIVATIONS[Sigmoid()][0], z)
    np.testing.assert_allclose(sigmoid(z), expected, rtol=1e-13)


@every
def test_an_activation_is_a_value(activation):
    assert pickle.loads(pickle.dumps(activation)) == activation
    assert hash(activation) == hash(type(activation)(*activation.constants))
    assert check_activation(activation) is activation
    assert activation.formula.startswith("a")
    with pytest.raises(AttributeError):
        activation.f = None


@pytest.mark.parametrize("activation", [a for a in ELEMENTWISE if a.constants], ids=str)
def test_constants_of_numpy_leave_float32_alone(activation):
    same = type(activation)(*(np.float64(constant) for constant in activation.constants))
    z = np.array([[-1.0, 2.0]], dtype=np.float32)
    assert same(z).dtype == same.slope(z, same(z)).dtype == np.float32
    np.testing.assert_array_equal(same(z), activation(z))


def test_ones_own_activation_needs_two_functions_and_no_registry():
    @dataclass(frozen=True)
    class Square(Activation):
        """a = scale·z²."""

        scale: float = 1.0

        @staticmethod
        def f(z, scale):
            return scale * z * z

        @staticmethod
        def df(z, a, scale):
            return 2.0 * scale * z

    z = np.array([[3.0]])
    assert Square(2.0)(z)[0, 0] == 18.0
    assert Square(2.0).slope(z, z)[0, 0] == 12.0
    assert Square(2.0).formula == "a = scale·z²."
    assert str(Square(2.0)) == "square(scale=2.0)"


@pytest.mark.parametrize("wrong", ["tanh", Sigmoid, None], ids=str)
def test_what_is_no_activation_is_refused(wrong):
    with pytest.raises(
        BadInput, match=r"is not an activation, an instance of one is expected\. For"
    ):
        check_activation(wrong)
