# ruff: noqa: S608 - names and paths go through identifier and quoted
"""Out of DuckDB: a table, or what a query makes of it, as columns."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import numpy as np

from glassnet.core.errors import BadFile, BadInput
from glassnet.exchange.duck.bounds import Bounds, few_cells
from glassnet.exchange.duck.loading import no_duplicates
from glassnet.exchange.duck.refusals import first_sentence
from glassnet.exchange.duck.sql import identifier
from glassnet.exchange.tables import Column, Kind, Table, rounding

INTEGERS = re.compile(r"^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$|^UINT128$|^BIGNUM$")
NUMBERS = re.compile(r"^(FLOAT|DOUBLE)$|^DECIMAL")
DATES = re.compile(r"^(DATE$|TIME$|TIME |TIMESTAMP)")
TEXTS = re.compile(r"^(VARCHAR|ENUM|UUID|JSON$|\"NULL\"$)")


def result(
    connection: duckdb.DuckDBPyConnection,
    sql: str | None,
    source: str,
    notes: list[str],
    bounds: Bounds | None = None,
) -> Table:
    """What the table `data` holds, or what a query makes of it."""
    if sql is not None:
        _query(connection, sql)
    described = connection.execute(f"DESCRIBE {'result' if sql is not None else 'data'}").fetchall()
    shown, kinds, whole = [], [], []
    for i, (name, sort, *_) in enumerate(described):
        kind, expression = _kind(source, name, str(sort))
        shown.append(f"{expression} AS c{i}")
        kinds.append((name, kind))
        whole.append(bool(INTEGERS.match(str(sort))))
    if bounds:
        few_cells(connection, kinds, source, bounds)
    arrays = connection.execute(
        f"SELECT {', '.join(shown)} FROM {'result' if sql is not None else 'data'}"
    ).fetchnumpy()
    columns = tuple(
        _column(name, kind, arrays[f"c{i}"], whole=whole[i]) for i, (name, kind) in enumerate(kinds)
    )
    if not columns or not len(columns[0]):
        if sql is not None:
            raise BadInput("the query gives no rows", "at least one was expected", "Loosen it.")
        raise BadFile(f"{source} has no rows", "at least one was expected", "Is it cut short?")
    return Table(columns, source, notes=(*notes, *rounding(columns)))


def _query(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Run the user's query into a table, on one thread so that its rows come in one order."""
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            wanted = "one SELECT was expected"
            raise BadInput("the query is more than a SELECT", wanted, "Its table is called data.")
        connection.execute("SET threads = 1")
        # without what follows the last semicolon: the query becomes a part of another
        result = connection.sql(re.sub(r";(\s|--[^\n]*|/\*.*?\*/)*$", "", statements[0].query))
        no_duplicates(list(result.columns), "the result of the query")
        result.create("result")
    except duckdb.Error as error:
        got = f"the query fails: {first_sentence(error)}"
        raise BadInput(got, "a SELECT over the table `data` was expected") from error


def _kind(source: str, name: str, sort: str) -> tuple[Kind, str]:
    """What kind a SQL type is, and the expression that gives its values to NumPy."""
    c = identifier(name)
    if sort == "BOOLEAN":
        return "boolean", c
    if INTEGERS.match(sort) or (NUMBERS.match(sort) and not sort.endswith("]")):
        return "number", f"CAST({c} AS DOUBLE)"
    if DATES.match(sort) and not sort.endswith("]"):
        finite = f"isfinite({c})" if not sort.startswith("TIME ") and sort != "TIME" else "true"
        return "date", f"CASE WHEN {finite} THEN epoch_us({c}) END"
    if TEXTS.match(sort) and not sort.endswith("]"):
        return "category", f"{c} ->> '$'" if sort == "JSON" else f"CAST({c} AS VARCHAR)"
    what = "lists" if sort.endswith("]") else f"values of type {re.split('[( ]', sort)[0].lower()}"
    got = f"column {name!r} of {source} holds {what}"
    hint = f"Leave it out: --sql 'select * exclude ({c}) from data'."
    raise BadInput(got, "numbers, booleans, dates or text were expected", hint)


def _column(name: str, kind: Kind, fetched: Any, *, whole: bool) -> Column:
    missing = np.ma.getmaskarray(fetched).copy()
    values = np.asarray(np.ma.getdata(fetched))
    match kind:
        case "number":
            missing |= np.isnan(values)
            values = np.where(missing, np.nan, values)
        case "boolean":
            values = values.astype(bool) & ~missing
        case "date":
            values = np.where(missing, 0, values).astype("datetime64[us]")
            values[missing] = np.datetime64("NaT")
        case "category":
            values = np.where(missing, "", values.astype(object))
    return Column(name, kind, values, missing, whole)
