"""A table looked at before it is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassnet.exchange.tables import table_of
from glassnet.lab.tables import (
    preview,
    read_upload,
    suggest,
)
from glassnet.lab.tables.words import rows_named
from tests.lab.tables.made import CSV


def test_a_preview_says_what_is_there() -> None:
    seen = preview(read_upload(CSV.encode(), "my.csv"), rows=3)
    assert (seen.source, seen.rows, seen.numbers) == ("my.csv", 8, (1, 2, 3))
    assert seen.cells == (
        ("1", "Oslo", "true", "2020-01-01", "a"),
        ("", "Paris", "false", "2020-01-03", "b"),
        ("3", "", "true", "2020-02-03", "a"),
    )
    assert [(c.name, c.kind, c.about) for c in seen.columns] == [
        ("age", "number", "whole numbers from 1 to 6"),
        ("city", "category", "2 different texts: Oslo, Paris"),
        ("ok", "boolean", "4 true, 2 false"),
        ("day", "date", "dates from 2020-01-01 to 2020-02-03"),
        ("species", "category", "3 different texts: a, b, c"),
    ]
    assert seen.missing == (
        "age: no value in row 2",
        "city: no value in rows 3 and 7",
        "ok: no value in rows 4 and 8",
        "day: no value in rows 4 and 8",
    )


def test_long_cells_are_cut_and_stay_in_one_line() -> None:
    seen = preview(table_of({"a": ["x" * 500, "one\ntwo"], "b": [1, 2]}))
    assert seen.cells[0][0] == "x" * 39 + "…"
    assert seen.cells[1][0] == "one two"


def test_rows_are_named_and_then_counted() -> None:
    assert rows_named([]) == ""
    assert rows_named([3]) == "row 3"
    assert rows_named([3, 7, 9]) == "rows 3, 7 and 9"
    assert rows_named([3, 7, 9, *range(10, 2000)]) == "rows 3, 7, 9 and 1,990 more"


@pytest.mark.parametrize(
    ("columns", "target", "why"),
    [
        ({"a": [1.5, 2, 3], "b": [1, 0, 1]}, "b", "'b' is the last column"),
        ({"Class": [0, 1, 0], "b": [1, 0, 1]}, "Class", "'Class' is what a target is often called"),
        # `target` says more than `y`
        ({"y": [0, 1, 0], "target": [1, 0, 1], "b": [1, 2, 3]}, "target", "often called"),
        # a constant teaches nothing, dates are no target
        (
            {"a": [1, 2, 1], "c": [7, 7, 7], "d": np.array(["2020-01-01"] * 3, dtype="M8[D]")},
            "a",
            "the last column that can be learnt",
        ),
    ],
)
def test_a_target_is_offered_and_why(columns: dict[str, Any], target: str, why: str) -> None:
    found, told = suggest(table_of(columns))
    assert found == target
    assert why in told
