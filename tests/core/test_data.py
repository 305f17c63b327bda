"""The one check where data come in: each bad input gets its line."""

from __future__ import annotations

import numpy as np
import pytest

from glassnet.core.activations import Sigmoid, Softmax
from glassnet.core.data import check_samples, check_X, numbers
from glassnet.core.errors import BadInput
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from glassnet.core.network import Network

NET = Network.mlp(3, 2, 1)
WIDE = Network.mlp(3, 2, 4, output=Softmax())
X = np.arange(15.0).reshape(5, 3)
Y = np.arange(5.0).reshape(5, 1)
ONES = np.ones(5)


def spoilt(value: float, *at: int) -> np.ndarray:
    array = X.copy()
    array[at] = value
    return array


NOT_FINITE = (
    "finite numbers are expected. Fill in or leave out missing values, and scale very large"
)
NO_NUMBER = "holds something that is no number, numbers are expected. Encode text and categories"
REFUSED = [
    ("X.T", (X.T, Y), "X has 5 columns, the network expects 3. Did you pass X.T?"),
    ("columns", (X[:, :2], Y), "X has 2 columns, the network expects 3."),
    (
        "one sample",
        (X[0], Y),
        "X has shape (3,), two dimensions are expected, a row for each sample",
    ),
    ("three dims", (X[None], Y), "X has shape (1, 5, 3), two dimensions are expected"),
    ("scalar", (1.0, Y), "X has shape (), two dimensions are expected"),
    ("no rows", (X[:0], Y[:0]), "X has no rows, at least one sample is expected."),
    (
        "(n,)",
        (X, Y[:, 0]),
        "y has shape (5,), (5, 1) is expected. Make it a column: y.reshape(-1, 1)",
    ),
    ("y.T", (X, Y.T), "y has shape (1, 5), (5, 1) is expected. Did you pass y.T?"),
    ("rows", (X, Y[:4]), "y has shape (4, 1), (5, 1) is expected."),
    ("nan", (spoilt(np.nan, 2, 1), Y), f"X[2, 1] is nan (1 such in all), {NOT_FINITE}"),
    ("inf", (spoilt(-np.inf, 4, 0), Y), f"X[4, 0] is -inf (1 such in all), {NOT_FINITE}"),
    ("nans", (X * np.nan, Y), f"X[0, 0] is nan (15 such in all), {NOT_FINITE}"),
    ("none", ([[1, 2, None]], [[1]]), f"X[0, 2] is nan (1 such in all), {NOT_FINITE}"),
    ("y nan", (X, Y * np.nan), f"y[0, 0] is nan (5 such in all), {NOT_FINITE}"),
    ("text", ([["a", "b", "c"]], [[1]]), f"X {NO_NUMBER}"),
    ("text in y", (X, [["yes"]] * 5), f"y {NO_NUMBER}"),
    ("numbers as text", ([["1", "2", "3.5"]], [[1]]), f"X {NO_NUMBER}"),
    ("one text", (np.array([[1, 2, "3.5"]], dtype=object), [[1]]), f"X {NO_NUMBER}"),
    ("numbers as bytes", (X, Y.astype("S")), f"y {NO_NUMBER}"),
    ("ragged", ([[1, 2, 3], [1]], Y), f"X {NO_NUMBER}"),
    ("complex", (X + 1j, Y), f"X {NO_NUMBER}"),
    ("dates", (X.astype("datetime64[D]"), Y), f"X {NO_NUMBER}"),
    ("durations", (X, Y.astype("timedelta64[s]")), f"y {NO_NUMBER}"),
    ("weights' shape", (X, Y, np.ones((5, 1))), "weight has shape (5, 1), (5,) is expected"),
    ("weights' rows", (X, Y, np.ones(4)), "weight has shape (4,), (5,) is expected: one number"),
    ("negative weight", (X, Y, ONES - 2 * (Y[:, 0] == 3)), "the weights are negative or all 0"),
    ("weights of 0", (X, Y, ONES * 0), "the weights are negative or all 0"),
    ("nan weight", (X, Y, ONES * np.nan), f"weight[0] is nan (5 such in all), {NOT_FINITE}"),
]


@pytest.mark.parametrize(
    ("data", "text"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_bad_data_is_refused_in_one_line(data, text):
    with pytest.raises(BadInput) as error:
        check_samples(NET, SquaredError(), *data)
    assert str(error.value).startswith(text)
    assert "\n" not in str(error.value)


def test_classes_as_numbers_get_their_own_hint():
    with pytest.raises(BadInput, match=r"expected. Give one column for each output: np.eye"):
        check_samples(WIDE, CrossEntropy(), X, [0, 1, 2, 3, 0])


def test_the_loss_is_asked_about_its_targets():
    net = Network.mlp(3, 1, output=Sigmoid())
    with pytest.raises(BadInput, match="y runs from 0 to 4, binary cross-entropy expects"):
        check_samples(net, BinaryCrossEntropy(), X, Y)


def test_too_large_for_float32_is_named_and_not_warned_of():
    with pytest.raises(BadInput, match=r"X\[1, 0\] is inf \(1 such in all\)"):
        check_samples(NET, SquaredError(), spoilt(1e300, 1, 0), Y, dtype=np.float32)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        lambda x: x.tolist(),
        lambda x: x.astype(int),
        lambda x: x.astype(np.float16),
        lambda x: x.astype(object),
        np.asfortranarray,
    ],
    ids=["array", "list", "int", "float16", "object", "fortran"],
)
def test_good_data_comes_out_in_one_dtype(convert, dtype):
    checked = check_samples(NET, SquaredError(), convert(X), convert(Y), convert(ONES), dtype)
    for array, expected in zip(checked, (X, Y, ONES), strict=True):
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, expected)


def test_booleans_are_numbers_and_no_weight_stays_none():
    X_, y_, weight = check_samples(NET, SquaredError(), X > 3, Y > 1)
    np.testing.assert_array_equal(X_, (X > 3) * 1.0)
    np.testing.assert_array_equal(y_, (Y > 1) * 1.0)
    assert weight is None


def test_prediction_may_be_of_no_rows():
    assert check_X(NET, X[:0], np.float64).shape == (0, 3)


def test_what_fits_is_not_copied():
    assert numbers("X", X, np.float64) is X


MANY = np.ones((30_000, 3))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("lay", [np.array, np.asfortranarray, lambda x: np.repeat(x, 2, 0)[::2]])
def test_one_of_many_is_found(number, lay):
    bad = lay(MANY)
    bad[20_000, 1] = number
    with pytest.raises(BadInput, match=rf"X\[20000, 1\] is {number} \(1 such in all\)"):
        numbers("X", bad, np.float64)
    bad[7, 2] = -number
    with pytest.raises(BadInput, match=r"X\[7, 2\] is .* \(2 such in all\)"):
        numbers("X", bad, np.float64)


@pytest.mark.parametrize(("dtype", "large"), [(np.float64, 1e308), (np.float32, 3e38)])
def test_many_large_numbers_are_finite(dtype, large):
    numbers("X", (MANY * large).astype(dtype), dtype)
