from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassnet.core.errors import BadInput
from glassnet.exchange.tables import Table, table_of
from glassnet.exchange.targets import Classes, Numbers, fit_target, rows_with


def table(y: Any) -> Table:
    return table_of({"y": y}, "t.csv")


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("y", "labels", "why"),
    [
        (["no", "yes", "no"], ("no", "yes"), "text with 2 different values"),
        ([True, False], ("false", "true"), "true or false"),
        ([10, 2, 10], ("2", "10"), "integers with 2 different values"),
        (list(range(10)), tuple("0123456789"), "integers with 10 different values"),
        ([1, None, 2], ("1", "2"), "integers with 2 different values"),
    ],
)
def test_columns_that_make_classes(y: Any, labels: tuple[str, ...], why: str) -> None:
    target, notes = fit_target(table(y), "y")
    assert target == Classes("y", labels)
    assert notes[0].startswith(f"y: {why}, so the task is classes")


@pytest.mark.parametrize(
    ("y", "why"),
    [
        (list(range(11)), "integers with many values"),
        ([1.0, 2.0, 3.0], "numbers"),
        ([0.5, None, 1.5], "numbers"),
    ],
)
def test_columns_that_make_numbers(y: Any, why: str) -> None:
    target, notes = fit_target(table(y), "y")
    values = np.array([v for v in y if v is not None], dtype=float)
    assert isinstance(target, Numbers)
    assert target.mean == pytest.approx(values.mean())
    assert target.scale == pytest.approx(values.std())
    assert notes == [f"y: {why}, so the task is numbers (--task classes for classes)"]


def test_the_task_can_be_asked_for() -> None:
    assert isinstance(fit_target(table([1, 2, 3]), "y", "numbers")[0], Numbers)
    assert fit_target(table([1.5, 2.5, 1.5]), "y", "classes")[0] == Classes("y", ("1.5", "2.5"))
    assert fit_target(table([True, False]), "y", "numbers")[0] == Numbers("y", 0.5, 0.5)
    dates = [dt.date(2020, 1, 1), dt.date(2020, 1, 2)]
    labels = ("2020-01-01", "2020-01-02")
    assert fit_target(table(dates), "y", "classes")[0] == Classes("y", labels)
    assert fit_target(table([1.5, 2.5]), "y", standardise=False)[0] == Numbers("y", 0.0, 1.0)


@pytest.mark.parametrize(
    ("y", "task", "said"),
    [
        ([1, 1, 1], None, "target 'y' is '1' in every row"),
        (["a", "a", None], None, "target 'y' is 'a' in every row"),
        ([1.5, 1.5], "numbers", "target 'y' is '1.5' in every row"),
        ([None, None], None, "column 'y' has no value"),
        ([1.0, np.inf], None, "row 2 of column 'y' is inf"),
        (["a", "b"], "numbers", "row 1 of column 'y' says 'a', a number was expected"),
        ([dt.date(2020, 1, 1), dt.date(2020, 1, 2)], None, "target 'y' holds dates"),
        ([str(i) + "x" for i in range(30)], None, "30 different values in 30 rows"),
        (np.arange(30) + 0.5, "classes", "Try --task numbers"),
        ([1, 2], "regression", "the task is 'regression', classes or numbers was expected"),
    ],
)
def test_columns_that_make_no_target(y: Any, task: Any, said: str) -> None:
    assert said in refused(lambda: fit_target(table(y), "y", task))


def test_a_target_that_is_not_there() -> None:
    rows = table_of({"species": [1, 2], "width": [1, 2]})
    assert "Did you mean 'species'?" in refused(lambda: fit_target(rows, "Speceis"))


def test_two_classes_are_one_output() -> None:
    target = Classes("y", ("no", "yes"))
    assert target.n_out == 1
    assert target.encode(table(["yes", "no"])).tolist() == [[1.0], [0.0]]
    a = np.array([[0.2], [0.5], [0.9]])
    assert target.decode(a).tolist() == ["no", "no", "yes"]
    np.testing.assert_allclose(target.probabilities(a), [[0.8, 0.2], [0.5, 0.5], [0.1, 0.9]])


def test_three_classes_are_three_outputs() -> None:
    target = Classes("y", ("a", "b", "c"))
    assert target.n_out == 3
    assert target.encode(table(["c", "a"])).tolist() == [[0, 0, 1], [1, 0, 0]]
    a = np.array([[0.2, 0.3, 0.5], [0.9, 0.1, 0.0]])
    assert target.decode(a).tolist() == ["c", "a"]
    assert np.array_equal(target.probabilities(a), a)


@pytest.mark.parametrize("y", [["1", "2"], [1, 2], [1.0, 2.0], ["1.0", "02"]])
def test_labels_are_known_however_they_are_read(y: Any) -> None:
    assert Classes("y", ("1", "2")).encode(table(y)).tolist() == [[0.0], [1.0]]


def test_numbers_there_and_back() -> None:
    values = np.array([3.5, -1.25, 1e6])
    target, _ = fit_target(table(values), "y")
    y = target.encode(table(values))
    assert y.shape == (3, 1)
    assert y.mean() == pytest.approx(0, abs=1e-15)
    assert y.std() == pytest.approx(1)
    np.testing.assert_allclose(target.decode(y), values, rtol=1e-12)  # type: ignore[arg-type]
    raw = Numbers("y")
    assert np.array_equal(raw.encode(table(values))[:, 0], values)


def test_labels_never_seen_are_named() -> None:
    target = Classes("y", ("a", "b"))
    line = refused(lambda: target.encode(table(["a", "x", "b", "z"])))
    assert "'y' is 'x' in row 2 and 1 more" in line
    assert "'a', 'b'" in line


@pytest.mark.parametrize("y", [["a", None, None], [1.5, None, None]])
def test_rows_without_a_target_are_left_out_and_told(y: Any) -> None:
    rows = table([*y, y[0], y[0]])
    kept, notes = rows_with(rows, "y")
    assert kept.numbers.tolist() == [1, 4, 5]
    assert notes == ["y: 2 rows have no target, left out"]
    assert rows_with(kept, "y") == (kept, [])
    target = Classes("y", ("a", "b")) if y[0] == "a" else Numbers("y")
    assert "row 2 and 1 more of t.csv has no 'y'" in refused(lambda: target.encode(rows))
