"""What somebody sent: the bytes looked at before DuckDB sees them."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from pathlib import Path

import numpy as np

from glassnet.core.errors import BadFile
from glassnet.exchange.duck.bounds import Bounds, megabytes, too_much
from glassnet.exchange.duck.finding import ENDINGS, WANTED

DEEPEST = 32
"""Brackets in brackets of a JSON file; a table needs two, and some DuckDBs crash at 100,000."""


def shown_name(name: str) -> str:
    """The last part of a name that somebody sent, in letters that can be shown."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    if len(shown) > 60:
        shown = f"{shown[:40]}…{shown[-15:]}"
    return shown or "the file"


def unpacked(content: bytes, name: str, shown: str, bounds: Bounds) -> tuple[str, bytes]:
    """The ending, one of ours, and the bytes without gzip."""
    small = name.strip().lower()
    packed = small.endswith(".gz")
    ending = next((one for one in ENDINGS if small.removesuffix(".gz").endswith(one)), "")
    if not ending or (packed and ending == ".parquet"):
        last = f"ends in {Path(shown).suffix}" if Path(shown).suffix else "has no ending"
        raise BadFile(f"{shown} {last}", WANTED, "Save the table as one of these.")
    if not content:
        raise BadFile(f"{shown} is empty", "a table with a header and rows was expected")
    if len(content) > bounds.packed:
        raise too_much(shown, f"{megabytes(len(content))} MB", f"{megabytes(bounds.packed)} MB")
    if packed:
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                content = file.read(bounds.packed + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            got = f"{shown} is not a whole gzip file"
            raise BadFile(got, "gzip was expected by its ending", "Was it cut short?") from error
        if len(content) > bounds.packed:
            raise too_much(shown, "more unpacked", f"{megabytes(bounds.packed)} MB")
        if not content:
            raise BadFile(f"{shown} is empty", "a table with a header and rows was expected")
    if ending != ".parquet":
        _only_text(content, shown)
    return ending, content


def _only_text(content: bytes, shown: str) -> None:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        hint = "Save it as UTF-8."
        raise BadFile(f"{shown} is text in UTF-16", "text in UTF-8 was expected", hint)
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        got = f"{shown}: line {line} holds a NUL byte"
        raise BadFile(got, "text was expected", "Is it a file of another kind?")


def shallow(content: bytes, shown: str) -> None:
    """Refuse JSON whose brackets are nested deeply, before anything that calls itself reads it."""
    bare = re.sub(rb'"[^"\\]*(?:\\.[^"\\]*)*"', b"", content, flags=re.DOTALL)
    letters = np.frombuffer(bare, dtype=np.uint8)
    steps = np.isin(letters, list(b"[{")).astype(np.int8) - np.isin(letters, list(b"]}"))
    if len(steps) and int(np.cumsum(steps, dtype=np.int64).max()) > DEEPEST:
        got = f"{shown} has brackets nested more than {DEEPEST} deep"
        raise BadFile(got, "a list of flat records was expected", 'Like [{"x": 1, "y": 2}].')
