# ruff: noqa: S608 - names are ours, c0, c1, …; what a cell says is never part of a query
"""From text to the narrowest kind that all cells of a column have, by looking at every cell."""

from __future__ import annotations

import duckdb

from glassnet.exchange.tables import MARKERS

SAMPLE = 1000
"""Rows that rule kinds out before all rows confirm one: it saves time and decides nothing."""


def narrowest(
    connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The SQL expression that gives each text column its kind, and what a reader should be told.

    `columns` has the name in SQL and the name to be told of each. A column that is no more than
    text is left out.
    """
    kinds = {column: list(_kinds(column)) for column in columns}
    head = f"(SELECT * FROM {table} LIMIT {SAMPLE})"
    for rows in (head, table):
        kinds = _possible(connection, rows, kinds, every=rows == table)
    chosen: dict[str, str] = {}
    notes: list[str] = []
    for column, name in columns.items():
        if not kinds[column]:
            continue
        if kinds[column][:2] == ["day first", "month first"]:
            example = "where the day may stand first or second, such as 01/02/2020"
            notes.append(f"{name}: dates {example}, read as text; write 2020-02-01")
            continue
        chosen[column] = _kinds(column)[kinds[column][0]]
        notes += _markers(connection, table, column, name, chosen[column])
    return chosen, notes


def _kinds(c: str) -> dict[str, str]:
    """For every kind, narrowest first, an expression that is NULL where the text is not of it."""
    integer = rf"regexp_full_match({c}, '\s*[+-]?\d+\s*')"
    iso = rf"regexp_matches({c}, '^\s*\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}')"
    clock = rf"regexp_matches({c}, '^\s*\d{{1,2}}:\d{{2}}')"
    # through a zoned timestamp: a plain one would drop the +02:00 that a text ends in
    zoned = f"make_timestamp(epoch_us(try_cast(trim({c}) AS TIMESTAMPTZ)))"
    return {
        "integer": f"CASE WHEN {integer} THEN try_cast(trim({c}) AS BIGINT) END",
        "large integer": f"CASE WHEN {integer} THEN try_cast(trim({c}) AS HUGEINT) END",
        "number": f"try_cast(trim({c}) AS DOUBLE)",
        "boolean": f"CASE lower(trim({c})) WHEN 'true' THEN true WHEN 'false' THEN false END",
        "timestamp": f"CASE WHEN {iso} THEN {zoned} END",
        "time": f"CASE WHEN {clock} THEN try_cast(trim({c}) AS TIME) END",
        "dotted": f"try_strptime(trim({c}), '%d.%m.%Y')",
        "day first": f"try_strptime(trim({c}), '%d/%m/%Y')",
        "month first": f"try_strptime(trim({c}), '%m/%d/%Y')",
    }


def _marker(c: str) -> str:
    return f"lower(trim({c})) IN ({', '.join(repr(marker) for marker in MARKERS)})"


def _possible(
    connection: duckdb.DuckDBPyConnection, rows: str, kinds: dict[str, list[str]], *, every: bool
) -> dict[str, list[str]]:
    """The kinds that no cell of these rows speaks against; of every row, and that some cell has."""
    asked = [(column, kind) for column, left in kinds.items() for kind in left]
    if not asked:
        return kinds
    counts = []
    for c, kind in asked:
        value = _kinds(c)[kind]
        against = f"{c} IS NOT NULL AND ({value}) IS NULL AND NOT {_marker(c)}"
        counts += [f"count(*) FILTER ({against})", f"count({value})" if every else "1"]
    told = connection.execute(f"SELECT {', '.join(counts)} FROM {rows}").fetchone() or ()
    found = zip(asked, told[::2], told[1::2], strict=True)
    possible: dict[str, list[str]] = {column: [] for column in kinds}
    for (column, kind), against_it, for_it in found:
        if for_it and not against_it:
            possible[column].append(kind)
    return possible


def _markers(
    connection: duckdb.DuckDBPyConnection, table: str, c: str, name: str, value: str
) -> list[str]:
    """A note for every marker that stands where a number or a date should."""
    said = connection.execute(
        f"SELECT {c}, count(*) FROM {table} WHERE {_marker(c)} AND ({value}) IS NULL "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return [
        f"{name}: {count} cell{' says' if count == 1 else 's say'} {text!r}, read as missing"
        for text, count in said
    ]
