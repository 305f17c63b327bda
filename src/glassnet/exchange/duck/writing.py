"""Columns written to a file, whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import duckdb

from glassnet.core.errors import BadFile
from glassnet.exchange.duck.connection import connect
from glassnet.exchange.duck.loading import register
from glassnet.exchange.duck.refusals import first_sentence
from glassnet.exchange.duck.sql import quoted
from glassnet.exchange.files import atomic, cannot_write
from glassnet.exchange.tables import Table


def write(path: str | os.PathLike[str], table: Table) -> None:
    """Write columns to a CSV, TSV or Parquet file, whole or not at all."""
    ending = Path(path).suffix.lower()
    options = {
        ".csv": "FORMAT csv, HEADER, DELIMITER ','",
        ".tsv": "FORMAT csv, HEADER, DELIMITER '\t'",
        ".parquet": "FORMAT parquet",
    }
    if ending not in options:
        got = f"{os.fspath(path)} ends in {Path(path).suffix or 'nothing'}"
        raise BadFile(got, "a name that ends in .csv, .tsv or .parquet was expected", "Rename it.")
    with atomic(path) as temporary:
        connection = connect()
        try:
            register(connection, table)
            # no temporary file of DuckDB's own beside ours
            target = f"{quoted(temporary)} ({options[ending]}, USE_TMP_FILE false, COMPRESSION "
            target += "'zstd')" if ending == ".parquet" else "'none')"
            connection.execute(f"COPY data TO {target}")
        except duckdb.Error as error:
            full = "No space left" in str(error)
            reason = OSError(errno.ENOSPC if full else errno.EIO, first_sentence(error))
            raise cannot_write(path, reason) from error
        finally:
            connection.close()
