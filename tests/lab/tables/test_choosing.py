"""A table made the data of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassnet.core.errors import BadInput
from glassnet.exchange.encodings import Moment, Number
from glassnet.exchange.tables import table_of
from glassnet.exchange.targets import Numbers
from glassnet.lab import limits
from glassnet.lab.tables import (
    begin,
    choose,
    choosing,
)
from glassnet.tabular import Recipe, prepare
from tests.lab.tables.made import mixed


@pytest.mark.parametrize(
    ("target", "sort"),
    [("species", None), ("weight", None), ("ok", None), ("age", "numbers")],
)
@pytest.mark.parametrize("held", [0.0, 0.25])
def test_the_rows_are_those_of_glassnet_train(target: str, sort: Any, held: float) -> None:
    table = mixed()
    data = choose(table, target, sort=sort, held=held, seed=3, ignore=("day",))
    study = prepare(table, Recipe(target, task=sort, validation=held, seed=3, ignore=("day",)))
    assert np.array_equal(data.X, study.training[0])
    assert np.array_equal(data.y, study.training[1])
    assert data.encodings == study.inputs
    assert data.target == study.target
    if study.validation is None:
        assert data.held_X is None
        assert data.held_y is None
    else:
        assert np.array_equal(data.held_X, study.validation[0])
        assert np.array_equal(data.held_y, study.validation[1])
    assert len(data.inputs) == len(data.scaling) == data.X.shape[1]
    assert len(data.outputs) == data.y.shape[1]


def test_classes_have_names() -> None:
    three = choose(mixed(), "species")
    assert three.labels == three.outputs == ("setosa", "versicolor", "virginica")
    two = choose(mixed(), "ok")
    assert (two.labels, two.outputs) == (("false", "true"), ("ok",))
    assert choose(mixed(), "weight").labels == ()


def test_without_scaling_the_numbers_are_those_of_the_table() -> None:
    table = mixed()
    data = choose(table, "species", scaled=False, held=0.0)
    age = data.inputs.index("age")
    present = ~table["age"].missing
    assert np.array_equal(data.X[present, age], table["age"].values[present])
    # what is missing is filled all the same
    assert np.allclose(data.X[~present, age], table["age"].values[present].mean())
    assert data.scaling[age] == "age as it is"
    for one in data.encodings:
        if isinstance(one, Number | Moment):
            assert (one.mean, one.scale) == (0.0, 1.0)
    # the target's numbers stay standardised, so that the learning rate means the same
    weight = choose(table, "weight", scaled=False, held=0.0)
    assert isinstance(weight.target, Numbers)
    assert abs(weight.y.mean()) < 1e-12
    assert abs(weight.y.std() - 1) < 1e-12


def test_scaling_is_told_in_words() -> None:
    data = choose(table_of({"a": [1.0, 3.0], "b": [True, False], "y": ["p", "q"]}), "y", held=0.0)
    assert data.scaling == (
        "a: minus the mean 2, divided by the standard deviation 1",
        "b: 1 for true, 0 for false",
    )
    assert "y: text with 2 different values, so the task is classes" in data.notes


def test_missing_values_are_named_by_row_and_column() -> None:
    data = choose(mixed(), "species", held=0.0)
    mean = f"{np.nanmean(mixed()['age'].values):.6g}"
    assert f"age: no value in rows 4, 12, 21 and 1 more, filled with the mean {mean}" in data.notes
    (city,) = [note for note in data.notes if note.startswith("city:")]
    assert city.startswith("city: no value in row 8, filled with the most frequent, '")
    assert not [note for note in data.notes if "missing value" in note]  # said once


def test_rows_without_a_target_are_left_out_and_named() -> None:
    table = table_of({"a": [1.0, 2, 3, 4], "y": ["p", "q", None, "p"]})
    data = choose(table, "y", held=0.0)
    assert len(data.X) == 3
    assert "y: no value in row 3, left out" in data.notes


def test_a_number_can_be_a_category_and_the_page_has_no_command_line() -> None:
    table = table_of({"code": [1, 2, 3, 1], "y": [0, 1, 0, 1]})
    data = choose(table, "y", held=0.0, categories=("code",))
    assert data.inputs == ("code=1", "code=2", "code=3")
    said = "\n".join([*data.notes, *choose(table, "y", sort="numbers").notes])
    assert "--" not in said
    with pytest.raises(BadInput) as caught:
        choose(table_of({"a": [1, 2], "empty": [None, None], "y": [0, 1]}), "y")
    assert str(caught.value).endswith("Untick the column.")
    many = table_of({"y": np.arange(30), "a": np.arange(30) % 7})
    with pytest.raises(BadInput) as caught:
        choose(many, "y", sort="classes")
    assert str(caught.value).endswith("Learn it as numbers.")


def test_more_inputs_than_the_page_takes_are_refused_before_they_are_made() -> None:
    rng = np.random.default_rng(0)
    texts = {f"c{i}": [f"t{k}" for k in rng.integers(90, size=900)] for i in range(6)}
    table = table_of({**texts, "y": np.arange(900) % 2})
    with pytest.raises(BadInput, match=rf"make 540 inputs, at most {limits.INPUTS} are") as caught:
        choose(table, "y", held=0.0)
    assert "Untick 'c0'" in str(caught.value)
    assert choose(table, "y", held=0.0, ignore=("c0",)).X.shape[1] == 450


def test_rows_times_inputs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "CELLS", 100)
    with pytest.raises(BadInput, match="150 rows of 7 inputs are 1,050 numbers, at most 100"):
        choose(mixed(), "species")


def test_the_rows_of_data_cannot_be_written() -> None:
    data = begin(mixed())
    assert data.target is not None
    assert data.target.column == "species"
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 1.0
