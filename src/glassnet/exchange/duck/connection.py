"""A connection to DuckDB: it lives in memory, and neither installs nor loads extensions."""

from __future__ import annotations

import duckdb

from glassnet.exchange.duck.sql import quoted


def connect(*, only: str | None = None, memory: str = "") -> duckdb.DuckDBPyConnection:
    """A connection in memory; with `only`, one that sees no file but that one, on one thread."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            # a query sees its table and files, not the variables of the program
            "python_enable_replacements": "false",
            "preserve_insertion_order": "true",
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    if only is not None:
        connection.execute(f"SET allowed_paths = [{quoted(only)}]")
        connection.execute("SET temp_directory = ''")  # nothing is put aside on the disk
        connection.execute(f"SET memory_limit = {quoted(memory)}")
        connection.execute("SET threads = 1")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    return connection
