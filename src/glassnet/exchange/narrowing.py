# ruff: noqa: S608 - names are ours, c0, c1, …; what a cell says is never part of a query
"""From text to the narrowest kind that all cells of a column have, by looking at every cell."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from glassnet.exchange.tables import MARKERS

KINDS = {
    "integer": r"""CASE WHEN regexp_full_match({c}, '\s*[+-]?\d+\s*')
        THEN try_cast(trim({c}) AS BIGINT) END""",
    "large integer": r"""CASE WHEN regexp_full_match({c}, '\s*[+-]?\d+\s*')
        THEN try_cast(trim({c}) AS HUGEINT) END""",
    "number": "try_cast(trim({c}) AS DOUBLE)",
    "decimal comma": r"""CASE WHEN regexp_full_match(trim({c}),
        '[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?([eE][+-]?\d+)?')
        THEN try_cast(replace(replace(trim({c}), '.', ''), ',', '.') AS DOUBLE) END""",
    "boolean": "CASE lower(trim({c})) WHEN 'true' THEN true WHEN 'false' THEN false END",
    # through a zoned timestamp: a plain one would drop the +02:00 that a text ends in
    "timestamp": r"""CASE WHEN regexp_matches({c}, '^\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}')
        THEN make_timestamp(epoch_us(try_cast(trim({c}) AS TIMESTAMPTZ))) END""",
    "time": r"""CASE WHEN regexp_matches({c}, '^\s*\d{1,2}:\d{2}')
        THEN try_cast(trim({c}) AS TIME) END""",
    "dotted": "try_strptime(trim({c}), '%d.%m.%Y')",
    "day first": "try_strptime(trim({c}), '%d/%m/%Y')",
    "month first": "try_strptime(trim({c}), '%m/%d/%Y')",
}
"""For every kind, narrowest first, a SQL expression that is NULL where a text {c} is not of it."""

SAMPLE = 1000
"""Rows that rule kinds out before all rows confirm one: it saves time and decides nothing."""

TOGETHER = 25
"""Questions in one query: DuckDB takes memory for each, and a table can have 1000 columns."""


def narrowest(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: dict[str, str],
    *,
    decimal_comma: bool = False,
) -> tuple[dict[str, str], list[str]]:
    """The SQL expression that gives each text column its kind, and what a reader should be told.

    `columns` has the name in SQL and the name to be told of each. A column that is no more than
    text is left out. `decimal_comma`: whether 1.234,5 can be a number, as where semicolons part the
    cells; elsewhere 1,234 is as likely a thousand.
    """
    head = f"(SELECT * FROM {table} LIMIT {SAMPLE})"
    left = list(columns)
    chosen: dict[str, str] = {}
    told: dict[str, list[str]] = {column: [] for column in columns}
    for kind in KINDS:
        if kind == "decimal comma" and not decimal_comma:
            continue
        likely = _count(connection, head, kind, left, all_three=False)
        counted = _count(connection, table, kind, [c for c in likely if not likely[c].against])
        found = {c: count for c, count in counted.items() if count.cells and not count.against}
        left = [c for c in left if c not in found]
        either = {}
        if kind == "day first":
            either = _count(connection, table, "month first", list(found))
        for c, count in found.items():
            if c in either and not either[c].against:
                example = "where the day may stand first or second, such as 01/02/2020"
                told[c].append(f"{columns[c]}: dates {example}, read as text; write 2020-02-01")
                continue
            chosen[c] = _value(c, kind)
            if kind == "decimal comma":
                told[c].append(f"{columns[c]}: decimal commas, 1.234,5 is read as 1234.5")
            if count.markers:
                told[c] += _markers(connection, table, c, columns[c], chosen[c])
    return chosen, [note for notes in told.values() for note in notes]


def _value(c: str, kind: str) -> str:
    """The expression of a kind for one column: NULL where the text is not of it."""
    return KINDS[kind].replace("{c}", c)


def _marker(c: str) -> str:
    return f"lower(trim({c})) IN ({', '.join(repr(marker) for marker in MARKERS)})"


class _Count(NamedTuple):
    """How many cells of a column are of a kind, speak against it, or say that they are missing."""

    cells: int
    against: int
    markers: int


def _count(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    kind: str,
    columns: list[str],
    *,
    all_three: bool = True,
) -> dict[str, _Count]:
    """The count of every column; without `all_three`, that of the cells against it alone."""
    found: dict[str, _Count] = {}
    for start in range(0, len(columns), TOGETHER):
        some = columns[start : start + TOGETHER]
        counts = []
        for c in some:
            value, other = _value(c, kind), f"{c} IS NOT NULL AND ({_value(c, kind)}) IS NULL"
            counts.append(f"count({value})" if all_three else "0")
            counts.append(f"count(*) FILTER ({other} AND NOT {_marker(c)})")
            counts.append(f"count(*) FILTER ({other} AND {_marker(c)})" if all_three else "0")
        told = connection.execute(f"SELECT {', '.join(counts)} FROM {rows}").fetchone() or ()
        for i, c in enumerate(some):
            found[c] = _Count(*told[3 * i : 3 * i + 3])
    return found


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
