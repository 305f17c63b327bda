"""A file that a visitor sent, read by a process of its own.

Whatever the file does to its reader, the page lives on: the process has bounds of time and memory,
may write no more than the file itself, and sees no file but that one (`duck.read_bytes`). It is
given bytes and gives back arrays; nothing that it says is ever run.

    request    one line of JSON: the name and the columns to read as text; then the file's bytes
    answer     one line of JSON: the columns, or an error; then their arrays, as .npz
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from glassnet.core.errors import BadFile, BadInput, GlassnetError
from glassnet.exchange.duck import Bounds, read_bytes, shown_name
from glassnet.exchange.tables import Column, Table

SECONDS = 30.0
"""How long one file may take."""

TOGETHER = threading.BoundedSemaphore(2)
"""Files read at a time; the others wait their turn."""

SPACE = 4 * 2**30
"""Bytes of addresses for the process: a wall behind DuckDB's own bound."""

ERRORS: dict[str, type[GlassnetError]] = {"BadFile": BadFile, "BadInput": BadInput}


def read_apart(
    content: bytes, name: str, as_text: Collection[str] = (), *, seconds: float = SECONDS
) -> Table:
    """The table in the bytes that came under a name; an error in one line where there is none."""
    shown = shown_name(name)
    most = Bounds().packed
    if len(content) > most:
        got = f"{shown} has {len(content) / 1e6:.4g} MB"
        raise BadFile(got, f"at most {most / 1e6:g} MB are read", "Take fewer rows or columns.")
    request = json.dumps({"name": name[-200:], "as_text": list(as_text)}).encode()
    # -P: a numpy.py in the folder where the lab was started is not NumPy
    command = [sys.executable, "-P", "-m", "glassnet.lab.apart"]
    # the folder is removed here, even where the process had to be killed
    with TOGETHER, tempfile.TemporaryDirectory(prefix="glassnet-") as folder:
        try:
            done = subprocess.run(  # noqa: S603 - the command is ours
                command,
                input=request + b"\n" + content,
                capture_output=True,
                timeout=seconds,
                check=False,
                env=_environment(folder),
            )
        except subprocess.TimeoutExpired as error:
            got = f"{shown} takes more than {seconds:g} seconds to read"
            raise BadFile(got, "less was expected", "Take fewer rows or columns.") from error
        except OSError as error:
            got = f"no process to read {shown} can be started ({error.strerror})"
            raise BadFile(got, "one was expected", "Try again later.") from error
    head, _, arrays = done.stdout.partition(b"\n")
    if done.returncode or not head:
        got = f"reading {shown} failed"
        raise BadFile(got, "a whole, regular file was expected", "Save the table as CSV.")
    told = json.loads(head)
    if "error" in told:
        raise ERRORS[told["error"]](told["got"], told["wanted"], told["hint"])
    return _table(shown, told, arrays)


def _environment(folder: str) -> dict[str, str]:
    # one thread: the arithmetic is little, and every thread's stack counts as taken
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **threads, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)}


def _table(source: str, told: Mapping[str, Any], arrays: bytes) -> Table:
    columns = []
    with np.load(io.BytesIO(arrays), allow_pickle=False) as loaded:
        for i, (name, kind, whole) in enumerate(told["columns"]):
            values = loaded[f"c{i}"]
            if kind == "category":
                values = np.array(json.loads(values.tobytes()), dtype=object)
            columns.append(Column(name, kind, values, loaded[f"m{i}"], whole))
    return Table(tuple(columns), source, notes=tuple(told["notes"]))


# ---------------------------------------------------------------- in the process


def _answer(request: bytes) -> bytes:
    head, _, content = request.partition(b"\n")
    asked = json.loads(head)
    try:
        table = read_bytes(content, asked["name"], as_text=asked["as_text"])
    except GlassnetError as error:
        told = {"error": type(error).__name__, "got": error.got}
        return json.dumps({**told, "wanted": error.wanted, "hint": error.hint}).encode() + b"\n"
    arrays: dict[str, Any] = {}
    for i, column in enumerate(table.columns):
        values = column.values
        if column.kind == "category":
            values = np.frombuffer(json.dumps(values.tolist()).encode(), dtype=np.uint8)
        arrays[f"c{i}"], arrays[f"m{i}"] = values, column.missing
    columns = [(column.name, column.kind, column.whole) for column in table.columns]
    file = io.BytesIO()
    np.savez(file, **arrays)
    head = json.dumps({"columns": columns, "notes": table.notes}).encode()
    return head + b"\n" + file.getvalue()


def _bounded(seconds: float) -> None:
    """Bounds that the system holds, where it has them."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        resource.setrlimit(resource.RLIMIT_FSIZE, (Bounds().packed, Bounds().packed))
        resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))


if __name__ == "__main__":
    _bounded(SECONDS)
    sys.stdout.buffer.write(_answer(sys.stdin.buffer.read()))
