from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.core.errors import BadInput
from glassnet.exchange.encodings import (
    LEVELS,
    Category,
    Flag,
    Moment,
    Number,
    encode,
    fit_inputs,
    input_names,
)
from glassnet.exchange.tables import Table, table_of

DAY = dt.timedelta(days=1)


def table(**columns: Any) -> Table:
    return table_of(columns, "t.csv")


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


TRAINING = table(
    age=[30, 41, None, 52],
    member=[True, True, None, False],
    since=[dt.date(2020, 1, 1), dt.date(2020, 1, 3), None, dt.date(2020, 1, 5)],
    city=["Oslo", "Paris", "Paris", None],
    y=[1.0, 2.0, 3.0, 4.0],
)
ROOT = math.sqrt(((30 - 41) ** 2 + 0 + (52 - 41) ** 2) / 3)


def test_each_kind_of_column_worked_by_hand() -> None:
    encodings, notes = fit_inputs(TRAINING, "y")
    assert notes == []
    day = (dt.date(2020, 1, 3) - dt.date(1970, 1, 1)) / DAY
    scale = math.sqrt(8 / 3)
    assert encodings == (
        Number("age", 41.0, ROOT, 41.0),
        Flag("member", fill=True),
        Moment("since", day, encodings[2].scale, day),  # type: ignore[attr-defined]
        Category("city", ("Oslo", "Paris"), "Paris"),
    )
    assert encodings[2].scale == pytest.approx(scale, rel=1e-15)
    X, told = encode(encodings, TRAINING)
    assert input_names(encodings) == ["age", "member", "since", "city=Oslo", "city=Paris"]
    expected: Any = [
        [-11 / ROOT, 1, -2 / scale, 1, 0],
        [0, 1, 0, 0, 1],
        [0, 1, 0, 0, 1],
        [11 / ROOT, 0, 2 / scale, 0, 1],
    ]
    np.testing.assert_allclose(X, expected, rtol=1e-14)
    assert told == [
        "age: 1 missing value, filled with the mean 41",
        "member: 1 missing value, filled with true, the more frequent",
        "since: 1 missing value, filled with the mean, 2020-01-03",
        "city: 1 missing value, filled with the most frequent, 'Paris'",
    ]


def test_every_number_can_be_explained() -> None:
    encodings, _ = fit_inputs(TRAINING, "y")
    age, member, since, city = encodings
    assert age.explain(52) == ["(52 - 41) / 8.98146 = 1.225"]
    assert age.explain(None) == ["missing, filled with 41: (41 - 41) / 8.98146 = 0"]
    assert Number("t", -1.5, 2.0, -1.5).explain(0.5) == ["(0.5 + 1.5) / 2 = 1"]
    assert member.explain(False) == ["false = 0"]
    assert member.explain(None) == ["missing, filled with true = 1"]
    assert since.explain(dt.date(2020, 1, 5)) == [
        "2020-01-05 is day 18266: (18266 - 18264) / 1.63299 = 1.225"
    ]
    assert city.explain("Oslo") == ["'Oslo' is 'Oslo': 1", "'Oslo' is not 'Paris': 0"]
    assert city.explain(None)[1] == "missing, filled with 'Paris' is 'Paris': 1"
    assert [line[-1] for line in city.explain("Rome")] == ["0", "0"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.floats(-1e12, 1e12, allow_subnormal=False).map(lambda v: round(v, 6)),
        min_size=2,
        max_size=30,
        unique=True,
    )
)
def test_what_is_standardised_has_mean_0_and_deviation_1_and_is_as_explained(
    values: list[float],
) -> None:
    (encoding,), _ = fit_inputs(table(x=values))
    X, _ = encode([encoding], table(x=values))
    assert abs(X.mean()) < 1e-6
    assert X.std() == pytest.approx(1.0, rel=1e-6)
    for value, x in zip(values[:3], X[:3, 0], strict=True):
        (line,) = encoding.explain(value)
        assert float(line.rpartition("= ")[2]) == pytest.approx(x, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("values", [[1e-200, 3e-200], [1e200, -1e200], [1e8 + 1e-3, 1e8]])
def test_extreme_spreads_keep_their_digits(values: list[float]) -> None:
    (encoding,), _ = fit_inputs(table(x=values))
    X, _ = encode([encoding], table(x=values))
    np.testing.assert_allclose(np.sort(X[:, 0]), [-1, 1], rtol=1e-4)


def test_too_wide_a_spread_is_refused() -> None:
    line = refused(lambda: fit_inputs(table(x=[1.7e308, -1.7e308, 1.7e308])))
    assert "column 'x' runs from -1.7e+308 to 1.7e+308" in line


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        ({"x": [5, 5, None]}, "x: 5 in every row, left out"),
        ({"x": [True, True, True]}, "x: true in every row, left out"),
        ({"x": ["a", "a", None]}, "x: 'a' in every row, left out"),
        ({"x": [dt.date(2020, 1, 1)] * 3}, "x: 2020-01-01 in every row, left out"),
    ],
)
def test_constant_columns_are_left_out(columns: dict[str, Any], note: str) -> None:
    encodings, notes = fit_inputs(table(**columns, z=[1, 2, 3]))
    assert [one.column for one in encodings] == ["z"]
    assert notes == [note]
    assert "no column of t.csv is left" in refused(lambda: fit_inputs(table(**columns)))


def test_texts_that_name_rows_are_left_out() -> None:
    names = [f"person {i}" for i in range(30)]
    encodings, notes = fit_inputs(table(name=names, x=range(30)))
    assert [one.column for one in encodings] == ["x"]
    assert notes == ["name: 30 different texts in 30 rows, left out"]
    few, _ = fit_inputs(table(name=names[:20]))
    assert len(input_names(few)) == 20


def test_of_many_levels_the_most_frequent_are_kept() -> None:
    texts = [f"l{i:03}" for i in range(LEVELS + 20)]
    rows = table(c=texts[20:] * 3 + texts[:20] * 2)
    (encoding,), notes = fit_inputs(rows)
    assert isinstance(encoding, Category)
    assert encoding.levels == tuple(sorted(texts[20:]))
    assert notes == ["c: 120 levels, the 100 most frequent kept, the others encoded as none"]
    X, told = encode([encoding], rows)
    assert X.sum() == 300
    assert "is none of the 100 levels kept" in told[0]


def test_levels_never_seen_are_named_and_encoded_as_none() -> None:
    encodings, _ = fit_inputs(table(city=["Oslo", "Paris", "Oslo"]))
    later = table(city=["Rome", "Oslo", "Bonn", "Rome", "Rome", "A", "B"]).take([1, 3, 4, 2, 5, 6])
    X, told = encode(encodings, later)
    assert X.tolist() == [[1, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]
    assert told == [
        "city: 'Rome' (row 4 and 1 more) was not seen in training, encoded as none",
        "city: 'Bonn' (row 3) was not seen in training, encoded as none",
        "city: 'A' (row 6) was not seen in training, encoded as none",
        "city: 4 such texts in 5 rows in all",
    ]


@pytest.mark.parametrize(
    ("training", "later", "expected"),
    [
        (["1", "2", "x"], [1, 2, 3], [[1, 0, 0], [0, 1, 0], [0, 0, 0]]),
        (["1", "2", "x"], [1.0, 2.0, None], [[1, 0, 0], [0, 1, 0], [1, 0, 0]]),
        (["01", "02", "01"], [1, 2], [[1, 0], [0, 1]]),
        (["a", "b", "true"], [True], [[0, 0, 1]]),
    ],
)
def test_a_category_whose_cells_are_read_as_numbers_later(
    training: list[str], later: list[Any], expected: Any
) -> None:
    encodings, _ = fit_inputs(table(c=training), categories=["c"])
    X, _ = encode(encodings, table(c=later))
    assert X.tolist() == expected


def test_a_number_column_can_be_declared_a_category() -> None:
    (encoding,), _ = fit_inputs(table(zip=[1010, 1020, 1010]), categories=["zip"])
    assert encoding == Category("zip", ("1010", "1020"), "1010")
    assert "no column 'zap'" in refused(lambda: fit_inputs(table(zip=[1, 2]), categories=["zap"]))


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (["1", "3", "NA", None], [-1, 1, 0, 0]),
        ([True, False], [-1, -2]),
        ([None, None], [0, 0]),
    ],
)
def test_numbers_read_otherwise_later(later: list[Any], expected: list[float]) -> None:
    encodings, _ = fit_inputs(table(x=[1, 3]))
    X, _ = encode(encodings, table(x=later))
    assert X[:, 0].tolist() == expected


@pytest.mark.parametrize("later", [["true", "FALSE", "na"], [1, 0, None], ["1", "0", None]])
def test_flags_read_otherwise_later(later: list[Any]) -> None:
    encodings, _ = fit_inputs(table(x=[True, True, False]))
    X, _ = encode(encodings, table(x=later))
    assert X[:, 0].tolist() == [1, 0, 1]


def test_dates_read_otherwise_later() -> None:
    encodings, _ = fit_inputs(table(x=[dt.date(2020, 1, 1), dt.date(2020, 1, 3)]))
    X, _ = encode(encodings, table(x=["2020-01-03", "NA", None]))
    assert X[:, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("training", "later", "said"),
    [
        ([1, 2], ["3", "oops"], "row 2 of column 'x' says 'oops', a number was expected"),
        ([1, 2], [3, np.inf], "row 2 of column 'x' is inf"),
        ([1, 2], ["3", "inf"], "row 2 of column 'x' says 'inf'"),
        ([1, 2], [dt.date(2020, 1, 1)], "row 1 of column 'x' says '2020-01-01', a number"),
        ([True, False], ["true", "maybe"], "row 2 of column 'x' says 'maybe', true or false"),
        ([True, False], [0, 2], "row 2 of column 'x' says '2'"),
        ([dt.date(2020, 1, 1), dt.date(2020, 1, 2)], ["2020-01-01", "now"], "says 'now', a date"),
        ([dt.date(2020, 1, 1), dt.date(2020, 1, 2)], [7], "row 1 of column 'x' says '7', a date"),
    ],
)
def test_cells_that_do_not_fit_are_named(training: Any, later: Any, said: str) -> None:
    encodings, _ = fit_inputs(table(x=training))
    assert said in refused(lambda: encode(encodings, table(x=later)))


def test_errors_name_the_row_of_the_file() -> None:
    encodings, _ = fit_inputs(table(x=[1, 2]))
    later = table(x=[1.0, 2.0, 3.0, -np.inf]).take([3, 1])
    assert "row 4 of column 'x' is -inf" in refused(lambda: encode(encodings, later))


def test_a_column_of_numbers_with_a_spoilt_cell() -> None:
    cells = [str(i) for i in range(19)]
    spoilt = table(x=[*cells[:4], "1O", *cells[4:]])
    line = refused(lambda: fit_inputs(spoilt))
    assert "row 5 of column 'x' says '1O'" in line
    assert "declare the column a category" in line
    encodings, _ = fit_inputs(spoilt, categories=["x"])
    assert isinstance(encodings[0], Category)
    # where one cell in nine is text, it is a column of texts
    encodings, _ = fit_inputs(table(x=["1", "2", "1", "2", "1", "2", "1", "2", "a"]))
    assert isinstance(encodings[0], Category)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"x": [None, None]}, "column 'x' has no value in any of its 2 rows"),
        ({"x": [1.0, np.inf]}, "row 2 of column 'x' is inf"),
        ({"x": [np.nan, -np.inf]}, "row 2 of column 'x' is -inf"),
    ],
)
def test_columns_that_cannot_be_inputs(columns: dict[str, Any], said: str) -> None:
    assert said in refused(lambda: fit_inputs(table(**columns, z=[1, 2])))


def test_a_column_of_the_model_is_missing() -> None:
    encodings, _ = fit_inputs(table(Age=[1, 2], b=[1, 2]))
    line = refused(lambda: encode(encodings, table(age=[1], b=[1])))
    assert "t.csv has no column 'Age'" in line
    assert "Did you mean 'age'?" in line
