from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from glassnet.core.activations import Identity, Sigmoid, Softmax, Tanh
from glassnet.core.errors import BadFile, BadInput
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD
from glassnet.engines.base import Task
from glassnet.exchange.encodings import Moment, Number
from glassnet.exchange.model import Model, save_model
from glassnet.exchange.tables import Table, read_table, table_of
from glassnet.exchange.targets import Numbers
from glassnet.lab import limits
from glassnet.lab.tables import (
    begin,
    choose,
    choosing,
    is_model,
    of_model,
    open_table,
    preview,
    read_upload,
    suggest,
)
from glassnet.lab.tables.words import rows_named
from glassnet.tabular import Recipe, fit, prepare

CSV = (
    "age,city,ok,day,species\n"
    "1,Oslo,true,2020-01-01,a\n,Paris,false,2020-01-03,b\n3,,true,2020-02-03,a\n"
    "4,Oslo,,,c\n5,Oslo,true,2020-01-01,a\n6,Paris,false,2020-01-03,b\n"
    "3,,true,2020-02-03,c\n4,Oslo,,,c\n"
)


def mixed() -> Table:
    """150 rows of every kind, some cells missing, three classes."""
    rng = np.random.default_rng(5)
    n = 150
    k = np.arange(n) % 3
    city = np.array(["Oslo", "Paris", "Rome"], dtype=object)[rng.integers(3, size=n)]
    city[7] = None
    age = rng.normal(40, 10, n) + 5 * k
    age[[3, 11, 20, 99]] = np.nan
    day = np.datetime64("2020-01-01") + rng.integers(365, size=n)
    return table_of(
        {
            "age": age,
            "city": city.tolist(),
            "ok": rng.random(n) < 0.4,
            "day": day,
            "weight": 2 * age + rng.normal(size=n),
            "species": [["setosa", "versicolor", "virginica"][i] for i in k],
        }
    )


def files() -> dict[str, bytes]:
    """The same table in each format."""
    records = [
        {"n": 1, "x": 1.5, "b": True, "city": "Oslo"},
        {"n": 2, "x": None, "b": False, "city": None},
        {"n": 4, "x": -1e3, "b": None, "city": "Århus"},
    ]
    csv = "n,x,b,city\n1,1.5,true,Oslo\n2,,FALSE,\n4,-1e3,,Århus\n".encode()
    lines = "\n".join(map(json.dumps, records)).encode()
    found = {
        "t.csv": csv,
        "T.CSV": csv,
        "bom.csv": b"\xef\xbb\xbf" + csv,
        "semicolons.csv": csv.replace(b",", b";"),
        "t.tsv": csv.replace(b",", b"\t"),
        "t.json": json.dumps(records).encode(),
        "t.jsonl": lines,
        "t.ndjson": lines,
    }
    found |= {f"{name}.gz": gzip.compress(found[name]) for name in ("t.csv", "t.json", "t.jsonl")}
    return found


def parquet(query: str, folder: Path) -> bytes:
    path = folder / "made.parquet"
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def cells(table: Table, name: str) -> list[Any]:
    column = table[name]
    return [None if m else v for v, m in zip(column.values.tolist(), column.missing, strict=True)]


def same(table: Table) -> None:
    assert table.names == ["n", "x", "b", "city"]
    assert cells(table, "n") == [1.0, 2.0, 4.0]
    assert cells(table, "x") == [1.5, None, -1000.0]
    assert cells(table, "b") == [True, False, None]
    assert cells(table, "city") == ["Oslo", None, "Århus"]
    assert [column.whole for column in table.columns][:2] == [True, False]


@pytest.mark.parametrize("name", ["t.csv", "t.json.gz"])
def test_an_upload_is_the_table_that_was_sent(name: str) -> None:
    table = read_upload(files()[name], name)
    same(table)
    assert table.source == name


@pytest.mark.parametrize("name", files())
def test_every_format_says_the_same(name: str) -> None:
    from glassnet.exchange.duck import read_bytes

    same(read_bytes(files()[name], name))


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    query = (
        "SELECT 1 AS n, 1.5::FLOAT AS x, true AS b, 'Oslo' AS city, DATE '2020-01-02' AS d "
        "UNION ALL SELECT NULL, NULL, NULL, NULL, NULL"
    )
    table = read_upload(parquet(query, tmp_path), "p.parquet")
    assert [column.kind for column in table.columns] == [
        "number",
        "number",
        "boolean",
        "category",
        "date",
    ]
    assert cells(table, "x") == [1.5, None]
    assert str(table["d"].values[0]) == "2020-01-02T00:00:00.000000"
    assert table["d"].missing.tolist() == [False, True]


def test_columns_can_be_read_as_text() -> None:
    assert read_upload(b"a,b\n01,2\n02,3\n", "t.csv", ["a"])["a"].values.tolist() == ["01", "02"]


# ---------------------------------------------------------------- looking


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


# ---------------------------------------------------------------- choosing


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


# ---------------------------------------------------------------- the command line


def test_a_table_of_the_command_line_is_read_as_always(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(files()["t.csv"])
    same(open_table(path))
    assert open_table(path).source == "t.csv"
    assert not is_model(path)
    with pytest.raises(BadFile):
        open_table(tmp_path / "none.csv")
    assert not is_model(tmp_path / "none.csv")


def test_a_model_comes_with_the_rows_of_a_table(tmp_path: Path) -> None:
    model, _ = fit(mixed(), "species", hidden=(3,), epochs=2)
    save_model(model, tmp_path / "m.glassnet")
    assert is_model(tmp_path / "m.glassnet")
    found, data = of_model(tmp_path / "m.glassnet", mixed(), held=0.0)
    assert np.array_equal(found.theta, model.theta)
    assert np.array_equal(data.X, model.encode(mixed())[0])
    assert data.labels == ("setosa", "versicolor", "virginica")
    assert data.inputs == tuple(choose(mixed(), "species").inputs)
    _, parted = of_model(tmp_path / "m.glassnet", mixed(), held=0.2)
    assert parted.held_X is not None
    assert len(parted.X) + len(parted.held_X) == 150


def test_a_model_without_a_table_gets_points_with_its_own_answers(tmp_path: Path) -> None:
    model, _ = fit(mixed(), "species", hidden=(3,), epochs=2)
    save_model(model, tmp_path / "m")
    _, data = of_model(tmp_path / "m")
    _, again = of_model(tmp_path / "m")
    assert np.array_equal(data.X, again.X)
    # one city each, true or false
    cities = [i for i, name in enumerate(data.inputs) if name.startswith("city=")]
    assert np.array_equal(data.X[:, cities].sum(axis=1), np.ones(len(data.X)))
    assert set(data.X[:, data.inputs.index("ok")]) == {0.0, 1.0}
    assert np.array_equal(data.y.argmax(axis=1), model.predict(data.X).argmax(axis=1))
    assert "the model's own answers" in data.notes[0]


@pytest.mark.parametrize(
    ("sizes", "output", "loss", "labels"),
    [
        ((2, 3, 1), Sigmoid(), BinaryCrossEntropy(), ("class 0", "class 1")),
        ((2, 3, 3), Softmax(), CrossEntropy(), ("class 0", "class 1", "class 2")),
        ((2, 3, 2), Identity(), SquaredError(), ()),
    ],
)
def test_a_model_made_without_a_table(
    tmp_path: Path, sizes: tuple[int, ...], output: Any, loss: Any, labels: tuple[str, ...]
) -> None:
    net = Network.mlp(*sizes, activation=Tanh(), output=output)
    theta = net.init(np.random.default_rng(1))
    save_model(Model(Task(net, loss, SGD(lr=0.1)), theta), tmp_path / "m")
    model, data = of_model(tmp_path / "m")
    assert data.labels == labels
    assert data.inputs == ("x1", "x2")
    assert len(data.outputs) == net.n_out
    answers = model.predict(data.X)
    if labels:
        assert set(np.unique(data.y)) <= {0.0, 1.0}
        assert np.array_equal(data.classes_of(data.y), data.classes_of(answers))
    else:
        assert np.array_equal(data.y, answers)
    with pytest.raises(BadInput, match="was not made from a table"):
        of_model(tmp_path / "m", mixed())


def test_nothing_but_glassnet_reads_a_table_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(CSV)
    from_disk, sent = (
        choose(read_table(path), "species"),
        choose(read_upload(CSV.encode(), "t.csv"), "species"),
    )
    assert np.array_equal(from_disk.X, sent.X)
    assert from_disk.encodings == sent.encodings
