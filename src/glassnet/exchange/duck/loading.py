# ruff: noqa: S608 - names and paths go through identifier and quoted
"""Into DuckDB: files and columns as the table `data`."""

from __future__ import annotations

import csv
import gzip
import itertools
import re
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from glassnet.core.errors import BadFile, BadInput, GlassnetError
from glassnet.exchange.duck.bounds import Bounds, few_names
from glassnet.exchange.duck.refusals import not_utf8
from glassnet.exchange.duck.sql import identifier, paths_of
from glassnet.exchange.files import cannot_read
from glassnet.exchange.narrowing import narrowest
from glassnet.exchange.tables import EXACT, Table, listed


def load(
    connection: duckdb.DuckDBPyConnection,
    form: str,
    paths: list[str],
    as_text: Collection[str],
    bounds: Bounds | None = None,
) -> list[str]:
    """Make the files the view `data`; give notes on what was read how."""
    match form:
        case "csv":
            return _csv(connection, paths, as_text, bounds)
        case "parquet":
            return _view(connection, f"read_parquet([{paths_of(paths)}])")
    layout = "newline_delimited" if form == "jsonl" else "auto"
    large = f", maximum_object_size={bounds.packed}" if bounds else ""
    call = f"read_json([{paths_of(paths)}], format='{layout}', sample_size=-1{large})"
    return _view(connection, call)


def _csv(
    connection: duckdb.DuckDBPyConnection,
    paths: list[str],
    as_text: Collection[str],
    bounds: Bounds | None = None,
) -> list[str]:
    """Read text as text, then give each column the narrowest kind that all of its cells have.

    Every cell is looked at: a kind guessed from the first rows would depend on their order.
    """
    names, delimiter = _header(paths[0])
    for path in paths[1:]:
        if _header(path) != (names, delimiter):
            got = f"{path} has the columns {listed(_header(path)[0])}"
            raise BadFile(got, f"those of {paths[0]} were expected: {listed(names)}")
    if bounds:
        few_names(paths[0], len(names), max(len(name.encode()) for name in names), bounds)
    most = f" LIMIT {bounds.rows + 1}" if bounds else ""
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    connection.execute(
        f"CREATE TABLE raw AS SELECT * FROM read_csv([{paths_of(paths)}], columns={{{columns}}}, "
        f"delim='{delimiter}', quote='\"', escape='\"', header=true, auto_detect=false, "
        f"null_padding=false, ignore_errors=false, nullstr=['']){most}"
    )
    guessed = {f"c{i}": name for i, name in enumerate(names) if name not in as_text}
    narrow, notes = narrowest(connection, "raw", guessed, decimal_comma=delimiter == ";")
    shown = ", ".join(
        f"{narrow.get(f'c{i}', f'c{i}')} AS {identifier(name)}" for i, name in enumerate(names)
    )
    connection.execute(f"CREATE VIEW data AS SELECT {shown} FROM raw")
    return notes


def _header(path: str) -> tuple[list[str], str]:
    """The names of the columns and the delimiter: the one that the header holds most often."""
    packed = path.lower().endswith(".gz")
    try:
        with gzip.open(path) if packed else Path(path).open("rb") as file:
            lines = (line.decode("utf-8-sig") for line in file)
            first = next((line for line in lines if line.strip()), "")
            bare = re.sub(r'"[^"]*"', "", first)
            delimiter = max(",\t;|", key=bare.count)
            if Path(path.lower().removesuffix(".gz")).suffix in (".tsv", ".tab"):
                delimiter = "\t"
            row = next(csv.reader(itertools.chain([first], lines), delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise not_utf8(path, 1) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        got = f"{path} is not a whole gzip file"
        raise BadFile(got, "gzip was expected by its ending", "Was it cut short?") from error
    except OSError as error:
        raise cannot_read(path, error) from error
    except csv.Error as error:
        raise BadFile(f"{path}: {error}", "a header line was expected") from error
    if not any(cell.strip() for cell in row):
        raise BadFile(f"{path} has no header", "names of columns were expected in its first line")
    names = [cell.strip() or f"column{i}" for i, cell in enumerate(row, 1)]
    no_duplicates(names, path, BadFile)
    return names, delimiter


def no_duplicates(names: list[str], source: str, error: type[GlassnetError] = BadInput) -> None:
    """SQL does not tell A from a, so two such columns cannot both be asked for."""
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            other = seen[name.lower()]
            both = repr(name) if other == name else f"{other!r} and {name!r}"
            got = f"{source} has two columns named {both}"
            raise error(got, "names that differ (not only in case) were expected", "Rename one.")
        seen[name.lower()] = name


def _view(connection: duckdb.DuckDBPyConnection, call: str) -> list[str]:
    connection.execute(f"CREATE VIEW data AS SELECT * FROM {call}")
    return []


def register(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Columns as a view; their own names come in as SQL identifiers, not as Python names."""
    no_duplicates(table.names, table.source)
    arrays: dict[str, Any] = {}
    shown = []
    for i, column in enumerate(table.columns):
        values, name = column.values, identifier(column.name)
        if column.whole and np.all(np.abs(values[~column.missing]) <= EXACT):
            values = np.where(column.missing, 0, values).astype(np.int64)
        # what is missing goes by a column of its own: not every DuckDB reads NumPy's masks
        arrays[f"c{i}"], arrays[f"m{i}"] = values, column.missing
        shown.append(f"CASE WHEN NOT m{i} THEN c{i} END AS {name}")
    connection.register("registered", arrays)
    connection.execute(f"CREATE TABLE data AS SELECT {', '.join(shown)} FROM registered")
