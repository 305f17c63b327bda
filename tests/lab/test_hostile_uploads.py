"""What somebody sends ends in a table or in one clear line, and touches nothing else."""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from glassnet.core.errors import BadFile, GlassnetError
from glassnet.exchange.duck import Bounds, read_bytes
from glassnet.exchange.duck.connection import connect
from glassnet.lab.apart import read_apart
from glassnet.lab.tables import choose, preview, read_upload
from tests.exchange.test_fuzz import damages

SECRET = "the-secret-of-this-machine"


def zipped(content: bytes) -> bytes:
    """The same bytes at every hour: gzip writes down the second at which it packed."""
    return gzip.compress(content, mtime=0)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    """A machine with a secret, and two folders that are as empty afterwards as before."""
    found = {name: tmp_path / name for name in ("home", "temporary", "here")}
    for folder in found.values():
        folder.mkdir()
    (found["home"] / "secret.csv").write_text(f"a,b\n{SECRET},1\n")
    monkeypatch.chdir(found["here"])
    monkeypatch.setenv("TMPDIR", str(found["temporary"]))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield found
    assert list(found["temporary"].iterdir()) == []
    assert list(found["here"].iterdir()) == []
    assert [path.name for path in found["home"].iterdir()] == ["secret.csv"]


def refused(content: bytes, name: str, **given: Any) -> str:
    with pytest.raises(GlassnetError) as caught:
        read_bytes(content, name, **given)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 500
    assert "glassnet-" not in line  # the folder is nobody's business
    assert "/tmp" not in line
    return line


def packed(query: str, folder: Path, options: str = "") -> bytes:
    """A Parquet file, made beside the folders that are watched."""
    path = folder.parent / "made.parquet"
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{options})")
    return path.read_bytes()


# ---------------------------------------------------------------- the name


NAMES = [
    "/etc/passwd.csv",
    "../../../etc/passwd.csv",
    "..\\..\\windows\\system32\\config.csv",
    "file:///etc/passwd.csv",
    "https://example.org/x.csv",
    "s3://bucket/x.csv",
    "*.csv",
    "[a-z]?.csv",
    "x'; ATTACH 'evil.db'; --.csv",
    "x\0.csv",
    "x\n\x1b[31m.csv",
    "$(touch owned).csv",
    "-rf.csv",
    " .csv",
    "CON.csv",
    "x" * 5000 + ".csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_and_nothing_else(name: str) -> None:
    table = read_bytes(b"a,b\n1,2\n", name)
    assert table.names == ["a", "b"]
    assert table["a"].values.tolist() == [1.0]


@pytest.mark.parametrize("name", ["../../home/secret.csv", NAMES[8], NAMES[9], NAMES[10]])
def test_a_name_never_reaches_the_disk(name: str, places: dict[str, Path]) -> None:
    named = str(places["home"] / "secret.csv") if "secret" in name else name
    table = read_upload(b"a,b\n1,2\n", named)
    assert table["a"].values.tolist() == [1.0]
    assert "/" not in table.source
    assert table.source.isprintable()


def test_the_name_in_an_error_is_its_last_part() -> None:
    assert refused(b"a,b\n1\n", "../../etc/\x1bpass\nwd.csv").startswith("passwd.csv: line 2 has")
    assert len(refused(b"", "x" * 5000 + ".csv")) < 150


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("passwd", "passwd has no ending"),
        ("/etc/passwd", "passwd has no ending"),
        ("", "the file has no ending"),
        ("x.xlsx", "x.xlsx ends in .xlsx"),
        ("x.db", "x.db ends in .db"),
        ("x.parquet.gz", "x.parquet.gz ends in .gz"),
        ("x.csv.gz.gz", "x.csv.gz.gz ends in .gz"),
    ],
)
def test_other_endings_are_refused(name: str, said: str) -> None:
    assert refused(b"a,b\n1,2\n", name).startswith(said)


# ---------------------------------------------------------------- what DuckDB may touch


def test_duckdb_sees_the_one_file_and_nothing_else(places: dict[str, Path], tmp_path: Path) -> None:
    sent, secret = tmp_path / "table.csv", places["home"] / "secret.csv"
    sent.write_text("a,b\n1,2\n")
    folder = places["home"]
    connection = connect(only=str(sent.resolve()), memory="100MB")
    assert connection.execute(f"SELECT * FROM read_csv('{sent.resolve()}')").fetchall() == [(1, 2)]
    for query in (
        f"SELECT * FROM read_csv('{secret}')",
        f"SELECT * FROM read_text('{secret}')",
        f"SELECT * FROM read_blob('{secret}')",
        f"SELECT * FROM read_json('{secret}')",
        f"SELECT * FROM '{secret}'",
        f"SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('https://example.org/x.csv')",
        f"ATTACH '{folder}/x.db'",
        f"COPY (SELECT 1) TO '{folder}/x.csv'",
        f"COPY (SELECT 1) TO '{sent}'",
        f"EXPORT DATABASE '{folder}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        f"SET allowed_paths = ['{secret}']",
        "SET memory_limit = '100GB'",
        "RESET lock_configuration",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(query).fetchall()
    connection.close()


TRICKS = [
    f"SELECT * FROM read_text('{os.sep}etc{os.sep}passwd')",
    "'); ATTACH 'evil.db' AS e; COPY (SELECT 1) TO 'owned.csv'; --",
    '"; DROP TABLE raw; --',
    "x\" FROM raw; COPY raw TO 'owned.csv'; --",
    "read_csv('/etc/passwd')",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{7*7}}${7*7}",
    "c0",
    "data",
    "__import__('os').system('touch owned')",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_cells_and_names_of_columns_are_only_text(trick: str) -> None:
    quoted = '"' + trick.replace('"', '""') + '"'
    csv = f"{quoted},b\n{quoted},0\nx,1\n{quoted},0\nx,1\n".encode()
    records = [{trick: trick, "b": 0}, {trick: "x", "b": 1}] * 2
    for content, name in ((csv, "t.csv"), (json.dumps(records).encode(), "t.json")):
        table = read_bytes(content, name)
        assert table.names == [trick, "b"]
        assert table[trick].values.tolist() == [trick, "x"] * 2
        assert (
            preview(table).cells[0] == (" ".join(trick.split())[:39] + "…", "0") or len(trick) < 41
        )
        data = choose(table, "b", held=0.0)
        assert f"{trick}={trick}" in data.inputs


# ---------------------------------------------------------------- broken and odd files


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "t.csv", "t.csv is empty"),
        (b"", "t.parquet", "t.parquet is empty"),
        (zipped(b""), "t.csv.gz", "t.csv.gz is empty"),
        (b"\n\n\n", "t.csv", "has no header"),
        (b"a,b\n", "t.csv", "has no rows"),
        (b"a,b\n1,2,3\n", "t.csv", "line 2 has 3 cells, 2 were expected"),
        (b"a,A\n1,2\n", "t.csv", "two columns named 'a' and 'A'"),
        (b"a,a\n1,2\n", "t.csv", "two columns named 'a'"),
        (b'a,b\n"1,2\n', "t.csv", "a quote that does not end"),
        ("a,b\nÅ,2\n".encode("latin-1"), "t.csv", "is not UTF-8"),
        ("å,b\n1,2\n".encode("latin-1"), "t.csv", "line 1 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "t.csv", "is text in UTF-16, text in UTF-8 was"),
        (b"a,b\n1,x\0y\n", "t.csv", "line 2 holds a NUL byte"),
        (b"a\0,b\n1,2\n", "t.csv", "line 1 holds a NUL byte"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "t.csv", "NUL byte"),
        (b"a,b\n" + b"x" * 3_000_000 + b",2\n", "t.csv", "line 2 is longer than 2 MB"),
        (b"a" * 3_000_000, "t.csv", "a header line was expected"),
        (b"a,b\n1,2\n", "t.csv.gz", "is not a whole gzip file"),
        (zipped(b"a,b\n" + b"1,2\n" * 999)[:-9], "t.csv.gz", "is not a whole gzip file"),
        (b"PAR1", "t.parquet", "t.parquet cannot be read"),
        (b"PAR1" + b"\xff" * 100 + b"PAR1", "t.parquet", "t.parquet cannot be read"),
        (b"a,b\n1,2\n", "t.parquet", "t.parquet cannot be read"),
        (b"{", "t.json", "t.json cannot be read"),
        (b"[1, 2, 3]", "t.json", "t.json has no records with names"),
        (b'"text"', "t.json", "t.json"),
        (b'[{"a": 1, "a": 2}]', "t.json", "uplicate key"),
        (b'[{"a": [1, 2]}]', "t.json", "column 'a' of t.json holds lists"),
        (b'[{"a": {"b": 1}}]', "t.json", "holds values of type struct"),
        (b"<html>no</html>", "t.json", "t.json cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(content: bytes, name: str, said: str) -> None:
    assert said in refused(content, name)


@pytest.mark.parametrize(
    "content",
    [
        b'[{"a":' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}]",
        b"[" * 300_000 + b"]" * 300_000,
        b'{"a":' * 300_000,
        b'[{"a": "\\"", "b": ' + b"[" * 40 + b"]" * 40 + b"}]",
    ],
)
def test_brackets_nested_deeply_are_refused_before_duckdb_reads_them(content: bytes) -> None:
    assert "brackets nested more than 32 deep" in refused(content, "t.json")
    assert "brackets nested" in refused(content, "t.jsonl")


def test_brackets_in_texts_are_texts() -> None:
    table = read_bytes(json.dumps([{"a": "[" * 99 + '"\\', "b": 1}]).encode(), "t.json")
    assert table["a"].values.tolist() == ["[" * 99 + '"\\']


# ---------------------------------------------------------------- too much


SMALL = Bounds(packed=50_000, unpacked=100_000, rows=100, columns=10, cells=500, letters=1000)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"a,b\n" + b"1,2\n" * 20_000, "t.csv", "t.csv has 0.08 MB, at most 0.05 MB are read"),
        (zipped(b"a,b\n" + b"1,2\n" * 20_000), "t.csv.gz", "has more unpacked"),
        (zipped(b"\0" * 10**7), "t.csv.gz", "has more unpacked"),
        (b"a,b\n" + b"1,2\n" * 101, "t.csv", "more than 100 rows, at most 100"),
        (b'{"a": 1}\n' * 101, "t.jsonl", "more than 100 rows"),
        (b",".join(b"c%d" % i for i in range(11)) + b"\n", "t.csv", "more than 10 columns"),
        (json.dumps([{f"k{i}": 1} for i in range(11)]).encode(), "t.json", "more than 10 columns"),
        (
            b",".join(b"%d" % i for i in range(8)) + b"\n" + b"1,2,3,4,5,6,7,8\n" * 70,
            "t.csv",
            "500 cells",
        ),
        (b"a,b\n" + b"x" * 1001 + b",1\n", "t.csv", "column 'a' of t.csv has a cell of 1001 bytes"),
        (b'[{"a": "' + b"x" * 1001 + b'"}]', "t.json", "a cell of 1001 bytes"),
        (b"a" * 101 + b",b\n1,2\n", "t.csv", "a column whose name is 101 bytes long"),
        (b'[{"' + b"a" * 101 + b'": 1}]', "t.json", "a column whose name is 101 bytes long"),
    ],
)
def test_what_is_too_much_is_refused_with_the_bound(content: bytes, name: str, said: str) -> None:
    assert said in refused(content, name, bounds=SMALL)


def test_all_that_is_allowed_is_read() -> None:
    csv = b",".join(b"c%d" % i for i in range(5)) + b"\n" + b"1,2,3,4,x\n" * 100
    assert read_bytes(csv, "t.csv", SMALL).rows == 100


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 0::TINYINT AS a FROM range(3_000_000)", "more than 100,000 rows"),
        (
            "SELECT repeat('a', 5_000_000) || i AS a FROM range(40) t(i)",
            "MB unpacked, at most 100 MB",
        ),
        ("SELECT repeat('a', 20_000) AS a, i FROM range(99) t(i)", "a cell of 20000 bytes"),
        (f"SELECT {', '.join(f'{i} AS c{i}' for i in range(201))}", "more than 200 columns"),
        ("SELECT [1, 2] AS a", "holds lists"),
        ("SELECT {'b': 1} AS a", "struct"),
        ("SELECT 'x'::BLOB AS a", "holds values of type blob"),
    ],
)
def test_parquet_that_unpacks_to_much_is_refused(
    query: str, said: str, places: dict[str, Path]
) -> None:
    options = ", COMPRESSION zstd, ROW_GROUP_SIZE 1_000_000"
    assert said in refused(packed(query, places["home"], options), "t.parquet")


def test_many_long_texts_of_one_entry_are_refused(places: dict[str, Path]) -> None:
    # a dictionary with one text, named by each of many rows: little in the file, much in memory
    query = "SELECT repeat('a', 9000) AS a FROM range(50_000)"
    content = packed(query, places["home"], ", COMPRESSION zstd")
    assert len(content) < 100_000
    assert "450 MB of text in column 'a'" in refused(content, "t.parquet")


# ---------------------------------------------------------------- the process


def test_a_file_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(BadFile, match=r"t\.csv takes more than 0\.01 seconds to read"):
        read_apart(b"a,b\n1,2\n", "t.csv", seconds=0.01)


def test_a_reader_that_dies_takes_nobody_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BadFile, match=r"reading t\.csv failed"):
        read_apart(b"a,b\n1,2\n", "t.csv")
    monkeypatch.setattr(sys, "executable", "/bin/none/at/all")
    with pytest.raises(BadFile, match=r"no process to read t\.csv"):
        read_apart(b"a,b\n1,2\n", "t.csv")


def test_what_a_killed_reader_left_is_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reader = tmp_path / "reader"
    reader.write_text("#!/bin/sh\ncat > /dev/null\nmktemp -d > $0.made\nexec sleep 60\n")
    reader.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(reader))
    with pytest.raises(BadFile, match="takes more than 1 seconds to read"):
        read_apart(b"a,b\n1,2\n", "t.csv", seconds=1.0)
    made = Path((tmp_path / "reader.made").read_text().strip())
    assert "glassnet-" in str(made)
    assert not made.exists()


def test_a_module_in_the_folder_is_not_run(places: dict[str, Path]) -> None:
    for name in ("numpy.py", "duckdb.py", "json.py"):
        (places["here"] / name).write_text("raise SystemExit('owned')")
    assert read_upload(b"a,b\n1,2\n", "t.csv").rows == 1
    for path in places["here"].iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"a,b\n1\n", "t.csv", "t.csv: line 2 has 1 cell, 2 were expected"),
        (b"\0" * 20_000_001, "t.csv", "t.csv has 20 MB, at most 20 MB are read"),
        ("å,b\n1,2\n".encode("latin-1"), "t.csv", "text in UTF-8 was expected. Save it as UTF-8."),
        (b'[{"a": [1, 2]}]', "t.json", "Leave the column out of the file."),
    ],
)
def test_errors_come_through_in_words_of_the_page(content: bytes, name: str, said: str) -> None:
    with pytest.raises(GlassnetError) as caught:
        read_upload(content, name)
    assert said in str(caught.value)
    assert "--" not in str(caught.value)


# ---------------------------------------------------------------- whatever happens to the bytes


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    csv = b"a,b,c\n" + b"".join(b"%d,%.2f,x%d\n" % (i, i / 7, i % 3) for i in range(30))
    records = [{"a": i, "b": i / 7, "c": f"x{i % 3}"} for i in range(30)]
    query = "SELECT i AS a, i / 7 AS b, 'x' || (i % 3) AS c FROM range(30) t(i)"
    return {
        "t.csv": csv,
        "t.csv.gz": zipped(csv),
        "t.json": json.dumps(records).encode(),
        "t.jsonl": "\n".join(map(json.dumps, records)).encode(),
        "t.parquet": packed(query, tmp_path_factory.mktemp("whole")),
    }


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.json", "t.jsonl", "t.parquet"])
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(damage=damages())
def test_damaged_bytes_give_a_table_or_one_line(
    name: str, damage: Any, whole: dict[str, bytes]
) -> None:
    content = damage(whole[name])
    try:
        table = read_bytes(content, name, Bounds(memory="64MB"))
    except GlassnetError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert table.rows
    assert all(len(column) == table.rows for column in table.columns)
    preview(table)


def test_numbers_of_any_size_come_through() -> None:
    table = read_upload(b"a,b\n1e308,9007199254740995\n-1e308,-1\nnan,0\n", "t.csv")
    assert table["a"].values[:2].tolist() == [1e308, -1e308]
    assert table["a"].missing.tolist() == [False, False, True]
    assert np.isnan(table["a"].values[2])
    assert any("beyond 2^53" in note for note in table.notes)
    assert table["b"].values.tolist() == [9007199254740996.0, -1.0, 0.0]
