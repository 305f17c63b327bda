"""A visitor's file read, and one of the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glassnet.core.errors import BadFile
from glassnet.exchange.tables import read_table
from glassnet.lab.tables import (
    choose,
    is_model,
    open_table,
    read_upload,
)
from tests.lab.tables.made import CSV, cells, files, parquet, same


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


def test_a_table_of_the_command_line_is_read_as_always(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(files()["t.csv"])
    same(open_table(path))
    assert open_table(path).source == "t.csv"
    assert not is_model(path)
    with pytest.raises(BadFile):
        open_table(tmp_path / "none.csv")
    assert not is_model(tmp_path / "none.csv")


def test_nothing_but_glassnet_reads_a_table_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(CSV)
    from_disk, sent = (
        choose(read_table(path), "species"),
        choose(read_upload(CSV.encode(), "t.csv"), "species"),
    )
    assert np.array_equal(from_disk.X, sent.X)
    assert from_disk.encodings == sent.encodings
