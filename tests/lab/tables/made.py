"""Tables to read, look at and choose from."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from glassnet.exchange.tables import Table, table_of

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
