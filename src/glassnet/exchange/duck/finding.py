"""Files that hold a table, by a name, a glob or a list of names."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from glassnet.core.errors import BadFile
from glassnet.exchange.files import cannot_read

ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}

WANTED = "a .csv, .tsv, .parquet, .json, .jsonl or .ndjson file was expected (text also as .gz)"


def find(source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """The files that are meant, sorted by name where a glob finds several."""
    if not isinstance(source, (str, os.PathLike)):
        if not source:
            raise BadFile("no file was named", "at least one was expected")
        return [path for one in source for path in find(one)]
    name = str(Path(source).expanduser())
    # a file that is there is meant as it is, even where its name holds [ or *
    if Path(name).exists() or not glob.has_magic(name):
        paths = [name]
    else:
        found = glob.glob(name, recursive=True)  # noqa: PTH207 - it takes absolute patterns too
        paths = sorted(path for path in found if not Path(path).is_dir())
        if not paths:
            raise BadFile(f"no file matches {name}", "at least one was expected", "Try ls.")
    for path in paths:
        ending_of(path)
    return paths


def ending_of(path: str) -> str:
    """The ending of a path, one of ours, without .gz."""
    small = path.lower()
    packed = small.endswith(".gz")
    ending = Path(small.removesuffix(".gz")).suffix
    if ending not in ENDINGS or (packed and ending == ".parquet"):
        if Path(path).is_dir():
            hint = f"Try {Path(path) / '*.csv'}"
            raise BadFile(f"{path} is a folder", "a file was expected", hint)
        if not Path(path).exists():
            raise cannot_read(path, FileNotFoundError(2, "no such file"))
        raise BadFile(f"{path} ends in {Path(path).suffix or 'nothing'}", WANTED, "Rename it.")
    return ending


def readable(path: str) -> None:
    """Refuse what is missing, a folder, not readable, or empty, before DuckDB sees it."""
    try:
        with Path(path).open("rb") as file:
            if os.fstat(file.fileno()).st_size or file.read(1):
                return
    except OSError as error:
        raise cannot_read(path, error) from error
    raise BadFile(f"{path} is empty", "a table with a header and rows was expected")
