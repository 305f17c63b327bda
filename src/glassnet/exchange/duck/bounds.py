# ruff: noqa: S608 - names and paths go through identifier and quoted
"""The most that is read of a file that somebody else sent, and what refuses more."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from glassnet.core.errors import BadFile
from glassnet.exchange.duck.sql import identifier, quoted
from glassnet.exchange.tables import Kind


@dataclass(frozen=True)
class Bounds:
    """The most that is read of a file that somebody else sent."""

    packed: int = 20_000_000
    """Bytes of the file."""
    unpacked: int = 100_000_000
    """Bytes of what is packed in it."""
    rows: int = 100_000
    columns: int = 200
    cells: int = 4_000_000
    """Rows times columns."""
    letters: int = 10_000
    """Bytes of one cell, or ten times as many of a column's name."""
    memory: str = "512MB"
    """What DuckDB may take for it."""


def few_names(path: str, names: int, longest: int, bounds: Bounds) -> None:
    """Refuse many columns, and long names of them."""
    if names > bounds.columns:
        most = f"at most {bounds.columns} are read"
        raise BadFile(f"{path} has more than {bounds.columns} columns", most, "Take fewer.")
    if longest > bounds.letters // 10:
        got = f"{path} has a column whose name is {longest} bytes long"
        raise BadFile(got, f"at most {bounds.letters // 10} are read", "Shorten it.")


def few_keys(connection: duckdb.DuckDBPyConnection, path: str, bounds: Bounds) -> None:
    """Refuse JSON whose records have many different names, before each becomes a column."""
    objects = f"read_json_objects({quoted(path)}, maximum_object_size={bounds.packed})"
    found = connection.execute(
        "SELECT count(*), max(strlen(name)) FROM (SELECT DISTINCT name FROM "
        f"(SELECT unnest(json_keys(json)) AS name FROM {objects}) LIMIT {bounds.columns + 1})"
    ).fetchone()
    assert found is not None
    names, longest = found
    if not names:
        got = f"{path} has no records with names"
        raise BadFile(got, "a list of flat records was expected", 'Like [{"x": 1, "y": 2}].')
    few_names(path, names, longest, bounds)


def few_bytes(connection: duckdb.DuckDBPyConnection, path: str, bounds: Bounds) -> None:
    """Refuse a Parquet file that says itself that much is packed in it."""
    found = connection.execute(
        "SELECT sum(total_uncompressed_size)::DOUBLE, count(DISTINCT path_in_schema), "
        f"max(strlen(path_in_schema)) FROM parquet_metadata({quoted(path)})"
    ).fetchone()
    assert found is not None
    size, names, longest = found
    few_names(path, names, longest or 0, bounds)
    if (size or 0) > bounds.unpacked:
        raise too_much(path, f"{megabytes(size)} MB unpacked", f"{megabytes(bounds.unpacked)} MB")


def few_cells(
    connection: duckdb.DuckDBPyConnection, kinds: list[tuple[str, Kind]], path: str, bounds: Bounds
) -> None:
    """Refuse many rows, cells and letters, before Python holds any."""
    few_names(path, len(kinds), max(len(name.encode()) for name, _ in kinds), bounds)
    (rows,) = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM data LIMIT {bounds.rows + 1})"
    ).fetchone() or (0,)
    if rows > bounds.rows:
        raise too_much(path, f"more than {bounds.rows:,} rows", f"{bounds.rows:,}")
    if rows * len(kinds) > bounds.cells:
        got = f"{rows:,} rows of {len(kinds)} columns"
        raise too_much(path, got, f"{bounds.cells:,} cells")
    texts = [name for name, kind in kinds if kind == "category"]
    for name in texts:
        length = f"strlen(CAST({identifier(name)} AS VARCHAR))"
        # every row is asked for: after LIMIT some DuckDBs copy each text first
        longest, letters = connection.execute(
            f"SELECT coalesce(max({length}), 0), coalesce(sum({length}), 0)::DOUBLE FROM data"
        ).fetchone() or (0, 0)
        if longest > bounds.letters:
            got = f"column {name!r} of {path} has a cell of {longest} bytes"
            raise BadFile(got, f"at most {bounds.letters} are read", "Shorten it.")
        if letters > bounds.unpacked:
            got = f"{megabytes(letters)} MB of text in column {name!r}"
            raise too_much(path, got, f"{megabytes(bounds.unpacked)} MB")


def too_much(name: str, got: str, most: str) -> BadFile:
    """The refusal of what is more than the bounds."""
    return BadFile(f"{name} has {got}", f"at most {most} are read", "Take fewer rows or columns.")


def megabytes(size: float) -> str:
    """A number of bytes, in MB."""
    return f"{size / 1e6:.4g}"
