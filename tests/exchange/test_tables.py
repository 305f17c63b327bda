from __future__ import annotations

import datetime as dt
import glob
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.core.errors import BadFile, BadInput, GlassnetError
from glassnet.exchange.tables import Table, column_of, read_table, table_of, write_table

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(data: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        raw = data.encode() if isinstance(data, str) else data
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return _write


def cells(table: Table, name: str) -> list[Any]:
    column = table[name]
    return [None if m else v for v, m in zip(column.values.tolist(), column.missing, strict=True)]


def refused(kind: type[GlassnetError], call: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    return str(caught.value)


CSV = "n,x,b,d,city\n1,1.5,true,2020-01-02,Oslo\n2,,FALSE,2020-01-03,\n,-1e3,,,Århus\n"
JSON: list[dict[str, Any]] = [
    {"n": 1, "x": 1.5, "b": True, "d": "2020-01-02", "city": "Oslo"},
    {"n": 2, "x": None, "b": False, "d": "2020-01-03", "city": None},
    {"n": None, "x": -1e3, "b": None, "d": None, "city": "Århus"},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", CSV),
        ("t.CSV", CSV),
        ("t.csv.gz", CSV),
        ("t.csv", CSV.replace(",", ";")),
        ("t.csv", CSV.replace("\n", "\r\n")),
        ("t.csv", "\ufeff" + CSV),
        ("t.tsv", CSV.replace(",", "\t")),
        ("t.json", json.dumps(JSON)),
        ("t.jsonl", "\n".join(map(json.dumps, JSON))),
        ("t.ndjson.gz", "\n".join(map(json.dumps, JSON))),
        ("t.parquet", ""),
    ],
)
def test_the_same_table_from_every_kind_of_file(
    write: Write, tmp_path: Path, name: str, text: str
) -> None:
    path = write(text, name)
    if name == "t.parquet":
        columns: dict[str, Any] = {k: [row[k] for row in JSON] for k in JSON[0]}
        columns["d"] = [dt.date.fromisoformat(str(d)) if d else None for d in columns["d"]]
        write_table(path, columns)
    table = read_table(path)
    assert table.names == ["n", "x", "b", "d", "city"]
    kinds = [column.kind for column in table.columns]
    assert kinds == ["number", "number", "boolean", "date", "category"]
    assert [column.whole for column in table.columns] == [True, False, False, False, False]
    assert cells(table, "n") == [1.0, 2.0, None]
    assert cells(table, "x") == [1.5, None, -1000.0]
    assert cells(table, "b") == [True, False, None]
    assert cells(table, "d") == [dt.datetime(2020, 1, 2), dt.datetime(2020, 1, 3), None]
    assert cells(table, "city") == ["Oslo", None, "Århus"]
    assert table.numbers.tolist() == [1, 2, 3]
    assert table.source == str(path)
    assert np.isnan(table["x"].values[1])


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("1", "number", 1.0),
        (" 2 ", "number", 2.0),
        ("+3", "number", 3.0),
        ("007", "number", 7.0),
        ("1e400", "number", np.inf),
        ("99999999999999999999", "number", 1e20),
        ("true", "boolean", True),
        ("yes", "category", "yes"),  # a label that a user wants to see again
        ("2020-02-01", "date", dt.datetime(2020, 2, 1)),
        ("2020/02/01", "date", dt.datetime(2020, 2, 1)),
        ("01.02.2020", "date", dt.datetime(2020, 2, 1)),
        ("13/02/2020", "date", dt.datetime(2020, 2, 13)),
        ("02/13/2020", "date", dt.datetime(2020, 2, 13)),
        ("01/02/2020", "category", "01/02/2020"),
        ("2020-02-01 10:30", "date", dt.datetime(2020, 2, 1, 10, 30)),
        ("2020-02-01T10:30:00.5Z", "date", dt.datetime(2020, 2, 1, 10, 30, 0, 500000)),
        ("2020-02-01T10:30:00+02:00", "date", dt.datetime(2020, 2, 1, 8, 30)),
        ("12:30", "date", dt.datetime(1970, 1, 1, 12, 30)),
        ("2020-02-31", "category", "2020-02-31"),
        ("it's", "category", "it's"),
        ('"a ""b"", c"', "category", 'a "b", c'),
    ],
)
def test_cells_of_text_files(write: Write, cell: str, kind: str, value: object) -> None:
    table = read_table(write(f"x,other\n{cell},1\n{cell},1\n"))
    assert table["x"].kind == kind
    assert table["x"].values.tolist() == [value, value]
    assert not table["x"].missing.any()


def test_one_cell_far_down_decides_too(write: Write) -> None:
    rows = "\n".join(["1"] * 5000)
    assert read_table(write(f"x\n{rows}\n"))["x"].kind == "number"
    assert read_table(write(f"x\n{rows}\ntwo\n"))["x"].kind == "category"
    empty = ",1\n" * 5000
    assert read_table(write(f"x,y\n{empty}2.5,1\n"))["x"].kind == "number"


def test_wide_tables(write: Write) -> None:
    cells_of = ["1", "2.5", "true", "2020-01-01", "x"]
    names = [f"c{i}" for i in range(150)]
    row = ",".join(cells_of[i % 5] for i in range(150))
    table = read_table(write(",".join(names) + f"\n{row}\n{row}\n"))
    kinds = ["number", "number", "boolean", "date", "category"]
    assert [column.kind for column in table.columns] == kinds * 30
    assert [column.whole for column in table.columns] == [True, False, False, False, False] * 30


def test_markers_are_missing_only_among_numbers_and_are_told(write: Write) -> None:
    table = read_table(write("x,country\n1,NA\n?,NO\nNA,NA\n2.5,SE\nNA,NO\n"))
    assert cells(table, "x") == [1.0, None, None, 2.5, None]
    assert cells(table, "country") == ["NA", "NO", "NA", "SE", "NO"]
    assert table.notes == (
        "x: 1 cell says '?', read as missing",
        "x: 2 cells say 'NA', read as missing",
    )


def test_nan_is_missing(write: Write) -> None:
    table = read_table(write("x,y\n1.5,a\nnan,b\nNaN,c\n-2,d\n"))
    assert cells(table, "x") == [1.5, None, None, -2.0]
    assert table["x"].missing.tolist() == [False, True, True, False]
    assert cells(read_table({"x": [1]}, "select 'nan'::double as x from data"), "x") == [None]


def test_dates_that_could_be_either_are_told(write: Write) -> None:
    table = read_table(write("when\n01/02/2020\n03/04/2020\n"))
    assert table["when"].kind == "category"
    assert "day may stand first or second" in table.notes[0]


def test_integers_that_float64_cannot_hold_are_told(write: Write) -> None:
    assert read_table(write(f"x\n{2**53}\n")).notes == ()
    big = read_table(write(f"x\n{2**70}\n"))
    assert big["x"].values.tolist() == [float(2**70)]
    assert big.notes == ("x: integers beyond 2^53, rounded to the nearest float64",)


def test_columns_read_as_text(write: Write) -> None:
    table = read_table(write("zip,n\n007,1\n010,2\n"), as_text=["zip"])
    assert cells(table, "zip") == ["007", "010"]
    assert table["n"].kind == "number"


def test_a_header_without_a_name_and_names_with_quotes(write: Write) -> None:
    path = write(',"a ""b""",it\'s\n1,2,3\n')
    table = read_table(path)
    assert table.names == ["column1", 'a "b"', "it's"]
    assert read_table(path, 'select "a ""b""" + 1 as c from data')["c"].values.tolist() == [3.0]


@pytest.mark.parametrize("name", ["[a].csv", "it's.csv", "a b*.csv", "ä?.csv"])
def test_odd_file_names_are_read_as_they_are(write: Write, name: str) -> None:
    write("x\n1\n", "a.csv")
    write("x\n1\n", "a bc.csv")
    assert cells(read_table(write("x\n2\n", name)), "x") == [2.0]


def test_a_glob_and_a_list_are_read_in_order(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = glob.glob
    # a folder lists its files in any order
    monkeypatch.setattr(glob, "glob", lambda *a, **k: sorted(found(*a, **k), reverse=True))
    for i in (3, 1, 2):
        write(f"x,y\n{i},{i}\n{i}.5,{i}\n", f"part{i}.csv")
    table = read_table(tmp_path / "part*.csv")
    assert cells(table, "x") == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert table.numbers.tolist() == [1, 2, 3, 4, 5, 6]
    chosen = read_table([tmp_path / "part3.csv", tmp_path / "part1.csv"])
    assert cells(chosen, "x") == [3.0, 3.5, 1.0, 1.5]
    for i in (2, 1):
        write_table(tmp_path / f"q{i}.parquet", {"x": [i, i + 10]})
    assert cells(read_table(tmp_path / "q*.parquet"), "x") == [1.0, 11.0, 2.0, 12.0]


def test_row_order_is_that_of_the_file(write: Write) -> None:
    order = np.random.default_rng(0).permutation(200_000)
    path = write("x\n" + "\n".join(map(str, order)) + "\n")
    assert np.array_equal(read_table(path)["x"].values, order)
    # the order of groups is that in which they are met, as long as one thread meets them
    threads = read_table(path, "select current_setting('threads') as threads")
    assert cells(threads, "threads") == [1.0]


@pytest.mark.parametrize("mapping", [False, True])
def test_queries(write: Write, mapping: bool) -> None:
    source: Any = write("x,city\n1,Oslo\n2,Rome\n,Oslo\n")
    if mapping:
        source = {"x": [1, 2, None], "city": ["Oslo", "Rome", "Oslo"]}
    sql = "select city, sum(x) as s, count(*) n from data group by all order by city -- end"
    table = read_table(source, sql)
    assert table.names == ["city", "s", "n"]
    assert cells(table, "city") == ["Oslo", "Rome"]
    assert cells(table, "s") == [1.0, 2.0]
    assert cells(read_table(source, "with q as (from data) from q; "), "x") == [1.0, 2.0, None]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select nothing from data", "nothing"),
        ("selec 1", "syntax error"),
        ("select 1; select 2", "one SELECT was expected"),
        ("copy data to 'stolen.csv'", "one SELECT was expected"),
        ("drop view data", "one SELECT was expected"),
        ("", "one SELECT was expected"),
        ("select * from data where x > 9", "gives no rows"),
        ("select x, x from data", "two columns named 'x'"),
        ("select [x] as l from data", "column 'l' of .* holds lists"),
        ("select {'a': x} as s from data", "column 's' of .* holds values of type struct"),
        ("select * from sys", "sys"),
        ("select * from 'http://example.org/a.csv'", "httpfs"),
        ("select 1 / 0 as x, error('broken') as y from data", "broken"),
    ],
)
def test_wrong_queries(write: Write, sql: str, said: str) -> None:
    path = write("x\n1\n")
    line = refused(BadInput, lambda: read_table(path, sql))
    assert re.search(said, line), line
    assert [p.name for p in path.parent.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("t.csv", "", "is empty"),
        ("t.csv", "\n\n", "has no header"),
        ("t.csv", "a,b\n", "has no rows"),
        ("t.csv", "a,b", "has no rows"),
        ("t.csv", "a,b,a\n1,2,3\n", "two columns named 'a'"),
        ("t.csv", "a,A\n1,2\n", "'a' and 'A'"),
        ("t.csv", "a,b\n1,2\n3\n", "line 3 has 1 cell, 2 were expected"),
        ("t.csv", "a,b\n1,2\n3,4,5\n", "line 3 has 3 cells, 2 were expected"),
        ("t.csv", b"a,b\n1,caf\xe9\n", "line 2 is not UTF-8"),
        ("t.csv", b"caf\xe9,b\n1,2\n", "line 1 is not UTF-8"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "is not UTF-8"),
        ("t.csv", 'a,b\n1,"x\n', "quote that does not end"),
        ("t.parquet", "a,b\n1,2\n", "cannot be read"),
        ("t.parquet", "PAR1" * 20, "cannot be read"),
        ("t.json", "[]", "has no rows"),
        ("t.json", '[{"a": 1]', "cannot be read"),
        ("t.jsonl", '{"a": 1}\n{"a": ', "cannot be read"),
        ("t.jsonl", b'{"a": "\xff"}\n', "is not UTF-8"),
        ("t.xlsx", "a,b\n1,2\n", "ends in .xlsx"),
        ("t", "a,b\n1,2\n", "ends in nothing"),
    ],
)
def test_files_that_are_no_tables(write: Write, name: str, data: str | bytes, said: str) -> None:
    path = write(data, name)
    line = refused(BadFile, lambda: read_table(path))
    assert said in line
    assert str(path) in line


def test_files_that_are_not_there(write: Write, tmp_path: Path) -> None:
    assert "does not exist" in refused(BadFile, lambda: read_table(tmp_path / "no.csv"))
    assert "does not exist" in refused(BadFile, lambda: read_table(tmp_path / "no"))
    assert "no file matches" in refused(BadFile, lambda: read_table(tmp_path / "no*.csv"))
    assert "is a folder" in refused(BadFile, lambda: read_table(tmp_path))
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in refused(BadFile, lambda: read_table(tmp_path / "folder.csv"))
    assert "no file" in refused(BadFile, lambda: read_table([]))


def test_cut_gzip(tmp_path: Path) -> None:
    data = gzip.compress(b"a,b\n" + b"".join(b"%d,2\n" % i for i in range(5000)))
    (tmp_path / "t.csv.gz").write_bytes(data[:-30])
    assert "gzip" in refused(BadFile, lambda: read_table(tmp_path / "t.csv.gz"))
    (tmp_path / "t.csv.gz").write_bytes(b"a,b\n1,2\n")
    assert "gzip" in refused(BadFile, lambda: read_table(tmp_path / "t.csv.gz"))


def test_files_that_do_not_belong_together(write: Write, tmp_path: Path) -> None:
    write("a,b\n1,2\n", "p1.csv")
    write("b,a\n1,2\n", "p2.csv")
    line = refused(BadFile, lambda: read_table(tmp_path / "p*.csv"))
    assert "p2.csv has the columns b, a" in line
    write("{}", "p3.json")
    assert "different kinds" in refused(BadFile, lambda: read_table(tmp_path / "p*"))


@pytest.mark.parametrize(
    ("values", "kind", "whole", "expected"),
    [
        ([1, 2, None], "number", True, [1.0, 2.0, None]),
        ([1, 2.5, float("nan")], "number", False, [1.0, 2.5, None]),
        (np.array([1.0, np.nan]), "number", False, [1.0, None]),
        (np.array([1, 2], dtype=np.int8), "number", True, [1.0, 2.0]),
        (np.ma.masked_array([1, 2], [False, True]), "number", True, [1.0, None]),
        ([True, None], "boolean", False, [True, None]),
        (["a", None, ""], "category", False, ["a", None, ""]),
        (np.array(["a", "b"]), "category", False, ["a", "b"]),
        ([dt.date(2020, 1, 1), None], "date", False, [dt.datetime(2020, 1, 1), None]),
        ([dt.time(12, 0)], "date", False, [dt.datetime(1970, 1, 1, 12)]),
        (np.array(["2020-01-01"], dtype="M8[D]"), "date", False, [dt.datetime(2020, 1, 1)]),
        ([dt.datetime(2020, 1, 1, tzinfo=dt.UTC)], "date", False, [dt.datetime(2020, 1, 1)]),
    ],
)
def test_columns_that_are_there_already(
    values: Any, kind: str, whole: bool, expected: list[Any]
) -> None:
    table = read_table({"x": values})
    assert (table["x"].kind, table["x"].whole) == (kind, whole)
    assert cells(table, "x") == expected
    # the same through DuckDB, with a query
    assert cells(read_table({"x": values}, "from data"), "x") == expected


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "no columns"),
        ({"a": []}, "no rows"),
        ({"a": [1], "b": [1, 2]}, "different lengths: a (1), b (2)"),
        ({"a": [[1, 2]]}, "shape (1, 2)"),
        ({"a": [1, "x"]}, "column 'a' holds int, str"),
        ({"a": [1, True]}, "column 'a' holds bool, int"),
        ({"a": np.array([1j])}, "complex128"),
        ({"a": 3}, "shape ()"),
    ],
)
def test_columns_that_make_no_table(columns: Any, said: str) -> None:
    assert said in refused(BadInput, lambda: read_table(columns))


def test_a_column_that_is_not_there() -> None:
    table = table_of({"Species": [1], "petal_length": [2]})
    assert "Did you mean 'Species'?" in refused(BadInput, lambda: table["species"])
    assert "its columns are Species, petal_length" in refused(BadInput, lambda: table["x"])
    assert "Species" in table
    assert "x" not in table


@pytest.mark.parametrize("rows", [[2, 0], np.array([True, False, True])])
def test_rows_keep_their_numbers(rows: Any) -> None:
    table = table_of({"x": [10, 20, 30], "c": ["a", None, "c"]}).take(rows)
    assert sorted(table.numbers.tolist()) == [1, 3]
    assert [v / 10 for v in table["x"].values] == table.numbers.tolist()
    assert table.take([1]).numbers.tolist() == [table.numbers[1]]
    assert table.rows == 2


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_what_is_written_reads_back(tmp_path: Path, ending: str) -> None:
    rng = np.random.default_rng(1)
    columns: dict[str, Any] = {
        "n": [1, None, 3],
        'odd "name", it\'s': rng.standard_normal(3) * 1e-7,
        "text": ['a "b"', None, "c,d\n\te"],
        "flag": [True, False, None],
        "when": np.array(["2020-01-01", "NaT", "2021-06-01T12:30:00.25"], dtype="M8[us]"),
    }
    path = tmp_path / f"out.{ending}"
    write_table(path, columns)
    table, expected = read_table(path), table_of(columns)
    assert table.names == list(columns)
    for name in columns:
        assert cells(table, name) == cells(expected, name)
        assert table[name].whole == expected[name].whole
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.csv.gz", "no/out.csv"])
def test_refusal_to_write_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    if "/" not in name:
        (tmp_path / name).write_text("old")
    refused(BadFile, lambda: write_table(tmp_path / name, {"x": [1]}))
    assert "/" in name or (tmp_path / name).read_text() == "old"


def test_a_write_that_breaks_off_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    from glassnet.exchange.duck import writing

    def full(path: object) -> str:
        Path(str(path)).write_text("half")
        raise duckdb.IOException("Could not write file: No space left on device")

    (tmp_path / "out.csv").write_text("old")
    monkeypatch.setattr(writing, "quoted", full)
    line = refused(BadFile, lambda: write_table(tmp_path / "out.csv", {"x": [1]}))
    assert "the disk is full" in line
    assert (tmp_path / "out.csv").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


def test_texts_are_as_one_would_type_them() -> None:
    assert column_of("x", [1, None]).texts().tolist() == ["1", ""]
    assert column_of("x", [1.0, 0.1]).texts().tolist() == ["1.0", "0.1"]
    assert column_of("x", [True]).texts().tolist() == ["true"]
    moments = np.array(["2020-01-01", "2020-01-01T12:00:00.5"], dtype="M8[us]")
    assert column_of("x", moments).texts().tolist() == ["2020-01-01", "2020-01-01 12:00:00.5"]


def test_duckdb_and_safetensors_are_loaded_only_where_they_are_used() -> None:
    code = (
        "import sys\n"
        "import glassnet.exchange.model, glassnet.exchange.checkpoint\n"
        "from glassnet.exchange.tables import read_table\n"
        "read_table({'x': [1]})\n"
        "assert not {'duckdb', 'safetensors', 'scipy'} & set(sys.modules), sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_decimal_commas_where_semicolons_part_the_cells(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Größe;Preis;Ort;Zahl\n83,5;1.234,50;Köln;1\n91;-99,9;Ulm;2\n;1e3;Ulm,1;3\n")
    table = read_table(path)
    assert [column.kind for column in table.columns] == ["number", "number", "category", "number"]
    assert table["Größe"].values[:2].tolist() == [83.5, 91.0]
    assert table["Größe"].missing.tolist() == [False, False, True]
    assert table["Preis"].values.tolist() == [1234.5, -99.9, 1000.0]
    assert table.notes == (
        "Größe: decimal commas, 1.234,5 is read as 1234.5",
        "Preis: decimal commas, 1.234,5 is read as 1234.5",
    )


def test_elsewhere_a_comma_within_a_cell_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n"1,234",1\n"5,678",2\n')
    assert read_table(path)["a"].kind == "category"


def test_arrays_are_no_table() -> None:
    with pytest.raises(BadInput, match=r"ndarray as a table, a file.*see glassnet\.train"):
        read_table(np.ones((3, 2)))
