"""A visitor's file read: what a browser sent, safely, or what the command line named."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from glassnet.core.errors import GlassnetError
from glassnet.exchange.tables import Table, read_table
from glassnet.lab import limits
from glassnet.lab.apart import read_apart
from glassnet.lab.limits import within
from glassnet.lab.tables.words import spoken


def read_upload(content: bytes, name: str, as_text: Collection[str] = ()) -> Table:
    """The table in bytes that a browser sent; the name is for messages and its ending alone.

    A CSV, TSV, Parquet, JSON or JSON Lines file, the text ones also with .gz. It is read by a
    process of its own that sees nothing else of this machine: see `apart`.
    """
    try:
        return read_apart(content, name, as_text)
    except GlassnetError as error:
        raise spoken(error) from error


def open_table(path: str | os.PathLike[str], as_text: Collection[str] = ()) -> Table:
    """The table that was named on the command line: a file of one's own."""
    table = read_table(path, as_text=as_text)
    within("rows", table.rows, limits.ROWS, 1)
    return replace(table, source=Path(table.source).name)


def is_model(path: str | os.PathLike[str]) -> bool:
    """Whether a file named on the command line is a model: it begins as safetensors files do."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(9)
    except OSError:
        return False
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") < 2**27
