"""Files, what somebody sent, and columns that are there, read into a table."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from glassnet.core.errors import BadFile, GlassnetError
from glassnet.exchange.duck.bounds import Bounds, few_bytes, few_keys
from glassnet.exchange.duck.connection import connect
from glassnet.exchange.duck.finding import ENDINGS, ending_of, find, readable
from glassnet.exchange.duck.loading import load, register
from glassnet.exchange.duck.refusals import refused
from glassnet.exchange.duck.result import result
from glassnet.exchange.duck.sent import shallow, shown_name, unpacked
from glassnet.exchange.tables import Table, listed


def read(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    sql: str | None,
    as_text: Collection[str],
) -> Table:
    """Read files that are found by a name, a glob or a list of names."""
    paths = find(source)
    form = {ENDINGS[ending_of(path)] for path in paths}
    if len(form) > 1:
        got = f"{listed(paths)} are files of different kinds"
        raise BadFile(got, "files of one kind were expected", "Name them by a narrower glob.")
    for path in paths:
        readable(path)
    name = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    connection = connect()
    try:
        notes = load(connection, form.pop(), paths, as_text)
        return result(connection, sql, name, notes)
    except duckdb.Error as error:
        raise refused(name, error) from error
    finally:
        connection.close()


def read_bytes(
    content: bytes, name: str, bounds: Bounds | None = None, as_text: Collection[str] = ()
) -> Table:
    """Read what somebody sent under a name, which is used in messages and for its ending alone.

    DuckDB sees one file, with a name of ours in a folder of our own, and nothing else of the
    machine: no other file, no network. How long it takes is for the caller to bound.
    """
    bounds = bounds or Bounds()
    shown = shown_name(name)
    ending, content = unpacked(content, name, shown, bounds)
    form = ENDINGS[ending]
    if form in ("json", "jsonl"):
        shallow(content, shown)
    with tempfile.TemporaryDirectory(prefix="glassnet-") as folder:
        path = str(Path(folder).resolve() / f"table{ending}")
        Path(path).write_bytes(content)
        try:
            return _read_one(path, form, bounds, as_text)
        except GlassnetError as error:
            parts = (part.replace(path, shown) for part in (error.got, error.wanted, error.hint))
            raise type(error)(*parts) from error


def _read_one(path: str, form: str, bounds: Bounds, as_text: Collection[str]) -> Table:
    connection = connect(only=path, memory=bounds.memory)
    try:
        if form == "parquet":
            few_bytes(connection, path, bounds)
        elif form != "csv":
            few_keys(connection, path, bounds)
        notes = load(connection, form, [path], as_text, bounds)
        return result(connection, None, path, notes, bounds)
    except duckdb.OutOfMemoryException as error:
        got = f"{path} takes more than {bounds.memory} to read"
        raise BadFile(got, "less was expected", "Take fewer rows or columns.") from error
    except duckdb.Error as error:
        raise refused(path, error) from error
    finally:
        connection.close()


def query_table(table: Table, sql: str) -> Table:
    """The result of a query over columns that are there already."""
    connection = connect()
    try:
        register(connection, table)
        return result(connection, sql, table.source, list(table.notes))
    finally:
        connection.close()
