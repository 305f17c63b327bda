# ruff: noqa: S608 - names and paths go through _identifier and _quoted
"""DuckDB's part: text, Parquet and JSON files into columns, and columns into files.

Nothing is fetched: the connection lives in memory, and neither installs nor loads extensions.
"""

from __future__ import annotations

import codecs
import csv
import errno
import glob
import gzip
import io
import itertools
import os
import re
import tempfile
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from glassnet.core.errors import BadFile, BadInput, GlassnetError
from glassnet.exchange.files import atomic, cannot_read, cannot_write
from glassnet.exchange.narrowing import narrowest
from glassnet.exchange.tables import EXACT, Column, Kind, Table, listed, rounding

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

INTEGERS = re.compile(r"^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$|^UINT128$|^BIGNUM$")
NUMBERS = re.compile(r"^(FLOAT|DOUBLE)$|^DECIMAL")
DATES = re.compile(r"^(DATE$|TIME$|TIME |TIMESTAMP)")
TEXTS = re.compile(r"^(VARCHAR|ENUM|UUID|JSON$|\"NULL\"$)")

DEEPEST = 32
"""Brackets in brackets of a JSON file; a table needs two, and some DuckDBs crash at 100,000."""


@dataclass(frozen=True)
class Bounds:
    """The most that is read of a file that somebody else sent."""

    packed: int = 20_000_000
    """Bytes of the file."""
    unpacked: int = 100_000_000
    """Bytes of what is packed in it."""
    rows: int = 100_000
    columns: int = 200
    cells: int = 4_000_000
    """Rows times columns."""
    letters: int = 10_000
    """Bytes of one cell, or ten times as many of a column's name."""
    memory: str = "512MB"
    """What DuckDB may take for it."""


def read(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    sql: str | None,
    as_text: Collection[str],
) -> Table:
    """Read files that are found by a name, a glob or a list of names."""
    paths = _find(source)
    form = {ENDINGS[_ending(path)] for path in paths}
    if len(form) > 1:
        got = f"{listed(paths)} are files of different kinds"
        raise BadFile(got, "files of one kind were expected", "Name them by a narrower glob.")
    for path in paths:
        _readable(path)
    name = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    connection = _connect()
    try:
        notes = _load(connection, form.pop(), paths, as_text)
        return _result(connection, sql, name, notes)
    except duckdb.Error as error:
        raise _refused(name, error) from error
    finally:
        connection.close()


def read_bytes(
    content: bytes, name: str, bounds: Bounds | None = None, as_text: Collection[str] = ()
) -> Table:
    """Read what somebody sent under a name, which is used in messages and for its ending alone.

    DuckDB sees one file, with a name of ours in a folder of our own, and nothing else of the
    machine: no other file, no network. How long it takes is for the caller to bound.
    """
    bounds = bounds or Bounds()
    shown = shown_name(name)
    ending, content = _unpacked(content, name, shown, bounds)
    form = ENDINGS[ending]
    if form in ("json", "jsonl"):
        _shallow(content, shown)
    with tempfile.TemporaryDirectory(prefix="glassnet-") as folder:
        path = str(Path(folder).resolve() / f"table{ending}")
        Path(path).write_bytes(content)
        try:
            return _read_one(path, form, bounds, as_text)
        except GlassnetError as error:
            parts = (part.replace(path, shown) for part in (error.got, error.wanted, error.hint))
            raise type(error)(*parts) from error


def _read_one(path: str, form: str, bounds: Bounds, as_text: Collection[str]) -> Table:
    connection = _connect(only=path, memory=bounds.memory)
    try:
        if form == "parquet":
            _few_bytes(connection, path, bounds)
        elif form != "csv":
            _few_keys(connection, path, bounds)
        notes = _load(connection, form, [path], as_text, bounds)
        return _result(connection, None, path, notes, bounds)
    except duckdb.OutOfMemoryException as error:
        got = f"{path} takes more than {bounds.memory} to read"
        raise BadFile(got, "less was expected", "Take fewer rows or columns.") from error
    except duckdb.Error as error:
        raise _refused(path, error) from error
    finally:
        connection.close()


def query_table(table: Table, sql: str) -> Table:
    """The result of a query over columns that are there already."""
    connection = _connect()
    try:
        _register(connection, table)
        return _result(connection, sql, table.source, list(table.notes))
    finally:
        connection.close()


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
        connection = _connect()
        try:
            _register(connection, table)
            # no temporary file of DuckDB's own beside ours
            target = f"{_quoted(temporary)} ({options[ending]}, USE_TMP_FILE false, COMPRESSION "
            target += "'zstd')" if ending == ".parquet" else "'none')"
            connection.execute(f"COPY data TO {target}")
        except duckdb.Error as error:
            full = "No space left" in str(error)
            reason = OSError(errno.ENOSPC if full else errno.EIO, _first(error))
            raise cannot_write(path, reason) from error
        finally:
            connection.close()


# ---------------------------------------------------------------- finding files


def _find(source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """The files that are meant, sorted by name where a glob finds several."""
    if not isinstance(source, (str, os.PathLike)):
        if not source:
            raise BadFile("no file was named", "at least one was expected")
        return [path for one in source for path in _find(one)]
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
        _ending(path)
    return paths


def _ending(path: str) -> str:
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


def _readable(path: str) -> None:
    """Refuse what is missing, a folder, not readable, or empty, before DuckDB sees it."""
    try:
        with Path(path).open("rb") as file:
            if os.fstat(file.fileno()).st_size or file.read(1):
                return
    except OSError as error:
        raise cannot_read(path, error) from error
    raise BadFile(f"{path} is empty", "a table with a header and rows was expected")


# ---------------------------------------------------------------- what somebody sent


def shown_name(name: str) -> str:
    """The last part of a name that somebody sent, in letters that can be shown."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    if len(shown) > 60:
        shown = f"{shown[:40]}…{shown[-15:]}"
    return shown or "the file"


def _unpacked(content: bytes, name: str, shown: str, bounds: Bounds) -> tuple[str, bytes]:
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
        raise _too_much(shown, f"{_mega(len(content))} MB", f"{_mega(bounds.packed)} MB")
    if packed:
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                content = file.read(bounds.packed + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            got = f"{shown} is not a whole gzip file"
            raise BadFile(got, "gzip was expected by its ending", "Was it cut short?") from error
        if len(content) > bounds.packed:
            raise _too_much(shown, "more unpacked", f"{_mega(bounds.packed)} MB")
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


def _shallow(content: bytes, shown: str) -> None:
    """Refuse JSON whose brackets are nested deeply, before anything that calls itself reads it."""
    bare = re.sub(rb'"[^"\\]*(?:\\.[^"\\]*)*"', b"", content, flags=re.DOTALL)
    letters = np.frombuffer(bare, dtype=np.uint8)
    steps = np.isin(letters, list(b"[{")).astype(np.int8) - np.isin(letters, list(b"]}"))
    if len(steps) and int(np.cumsum(steps, dtype=np.int64).max()) > DEEPEST:
        got = f"{shown} has brackets nested more than {DEEPEST} deep"
        raise BadFile(got, "a list of flat records was expected", 'Like [{"x": 1, "y": 2}].')


def _few_keys(connection: duckdb.DuckDBPyConnection, path: str, bounds: Bounds) -> None:
    """Refuse JSON whose records have many different names, before each becomes a column."""
    objects = f"read_json_objects({_quoted(path)}, maximum_object_size={bounds.packed})"
    found = connection.execute(
        "SELECT count(*), max(strlen(name)) FROM (SELECT DISTINCT name FROM "
        f"(SELECT unnest(json_keys(json)) AS name FROM {objects}) LIMIT {bounds.columns + 1})"
    ).fetchone()
    assert found is not None
    names, longest = found
    if not names:
        got = f"{path} has no records with names"
        raise BadFile(got, "a list of flat records was expected", 'Like [{"x": 1, "y": 2}].')
    _few_names(path, names, longest, bounds)


def _few_bytes(connection: duckdb.DuckDBPyConnection, path: str, bounds: Bounds) -> None:
    """Refuse a Parquet file that says itself that much is packed in it."""
    found = connection.execute(
        "SELECT sum(total_uncompressed_size)::DOUBLE, count(DISTINCT path_in_schema), "
        f"max(strlen(path_in_schema)) FROM parquet_metadata({_quoted(path)})"
    ).fetchone()
    assert found is not None
    size, names, longest = found
    _few_names(path, names, longest or 0, bounds)
    if (size or 0) > bounds.unpacked:
        raise _too_much(path, f"{_mega(size)} MB unpacked", f"{_mega(bounds.unpacked)} MB")


def _few_names(path: str, names: int, longest: int, bounds: Bounds) -> None:
    if names > bounds.columns:
        most = f"at most {bounds.columns} are read"
        raise BadFile(f"{path} has more than {bounds.columns} columns", most, "Take fewer.")
    if longest > bounds.letters // 10:
        got = f"{path} has a column whose name is {longest} bytes long"
        raise BadFile(got, f"at most {bounds.letters // 10} are read", "Shorten it.")


def _few_cells(
    connection: duckdb.DuckDBPyConnection, kinds: list[tuple[str, Kind]], path: str, bounds: Bounds
) -> None:
    """Refuse many rows, cells and letters, before Python holds any."""
    _few_names(path, len(kinds), max(len(name.encode()) for name, _ in kinds), bounds)
    (rows,) = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM data LIMIT {bounds.rows + 1})"
    ).fetchone() or (0,)
    if rows > bounds.rows:
        raise _too_much(path, f"more than {bounds.rows:,} rows", f"{bounds.rows:,}")
    if rows * len(kinds) > bounds.cells:
        got = f"{rows:,} rows of {len(kinds)} columns"
        raise _too_much(path, got, f"{bounds.cells:,} cells")
    texts = [name for name, kind in kinds if kind == "category"]
    for name in texts:
        length = f"strlen(CAST({_identifier(name)} AS VARCHAR))"
        # every row is asked for: after LIMIT some DuckDBs copy each text first
        longest, letters = connection.execute(
            f"SELECT coalesce(max({length}), 0), coalesce(sum({length}), 0)::DOUBLE FROM data"
        ).fetchone() or (0, 0)
        if longest > bounds.letters:
            got = f"column {name!r} of {path} has a cell of {longest} bytes"
            raise BadFile(got, f"at most {bounds.letters} are read", "Shorten it.")
        if letters > bounds.unpacked:
            got = f"{_mega(letters)} MB of text in column {name!r}"
            raise _too_much(path, got, f"{_mega(bounds.unpacked)} MB")


def _too_much(name: str, got: str, most: str) -> BadFile:
    return BadFile(f"{name} has {got}", f"at most {most} are read", "Take fewer rows or columns.")


def _mega(size: float) -> str:
    return f"{size / 1e6:.4g}"


# ---------------------------------------------------------------- into DuckDB


def _load(
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
            return _view(connection, f"read_parquet([{_names(paths)}])")
    layout = "newline_delimited" if form == "jsonl" else "auto"
    large = f", maximum_object_size={bounds.packed}" if bounds else ""
    call = f"read_json([{_names(paths)}], format='{layout}', sample_size=-1{large})"
    return _view(connection, call)


def _connect(*, only: str | None = None, memory: str = "") -> duckdb.DuckDBPyConnection:
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
        connection.execute(f"SET allowed_paths = [{_quoted(only)}]")
        connection.execute("SET temp_directory = ''")  # nothing is put aside on the disk
        connection.execute(f"SET memory_limit = {_quoted(memory)}")
        connection.execute("SET threads = 1")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    return connection


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
        _few_names(paths[0], len(names), max(len(name.encode()) for name in names), bounds)
    most = f" LIMIT {bounds.rows + 1}" if bounds else ""
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    connection.execute(
        f"CREATE TABLE raw AS SELECT * FROM read_csv([{_names(paths)}], columns={{{columns}}}, "
        f"delim='{delimiter}', quote='\"', escape='\"', header=true, auto_detect=false, "
        f"null_padding=false, ignore_errors=false, nullstr=['']){most}"
    )
    guessed = {f"c{i}": name for i, name in enumerate(names) if name not in as_text}
    narrow, notes = narrowest(connection, "raw", guessed, decimal_comma=delimiter == ";")
    shown = ", ".join(
        f"{narrow.get(f'c{i}', f'c{i}')} AS {_identifier(name)}" for i, name in enumerate(names)
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
        raise _not_utf8(path, 1) from error
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
    _no_duplicates(names, path, BadFile)
    return names, delimiter


def _no_duplicates(names: list[str], source: str, error: type[GlassnetError] = BadInput) -> None:
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


def _register(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Columns as a view; their own names come in as SQL identifiers, not as Python names."""
    _no_duplicates(table.names, table.source)
    arrays: dict[str, Any] = {}
    shown = []
    for i, column in enumerate(table.columns):
        values, name = column.values, _identifier(column.name)
        if column.whole and np.all(np.abs(values[~column.missing]) <= EXACT):
            values = np.where(column.missing, 0, values).astype(np.int64)
        # what is missing goes by a column of its own: not every DuckDB reads NumPy's masks
        arrays[f"c{i}"], arrays[f"m{i}"] = values, column.missing
        shown.append(f"CASE WHEN NOT m{i} THEN c{i} END AS {name}")
    connection.register("registered", arrays)
    connection.execute(f"CREATE TABLE data AS SELECT {', '.join(shown)} FROM registered")


# ---------------------------------------------------------------- out of DuckDB


def _result(
    connection: duckdb.DuckDBPyConnection,
    sql: str | None,
    source: str,
    notes: list[str],
    bounds: Bounds | None = None,
) -> Table:
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
        _few_cells(connection, kinds, source, bounds)
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
        _no_duplicates(list(result.columns), "the result of the query")
        result.create("result")
    except duckdb.Error as error:
        got = f"the query fails: {_first(error)}"
        raise BadInput(got, "a SELECT over the table `data` was expected") from error


def _kind(source: str, name: str, sort: str) -> tuple[Kind, str]:
    """What kind a SQL type is, and the expression that gives its values to NumPy."""
    c = _identifier(name)
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


# ---------------------------------------------------------------- words


def _refused(name: str, error: duckdb.Error) -> GlassnetError:
    """DuckDB's refusal to read a file, in one line."""
    text = str(error)
    file = re.search(r"^\s*file = (.+)$", text, re.MULTILINE)
    name = file[1] if file else name
    line = re.search(r"CSV Error on Line: (\d+)", text)
    at = f"line {line[1]}" if line else ""
    wide = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if wide:
        got = f"{name}: {at} has {wide[2]} cell{'' if wide[2] == '1' else 's'}"
        wanted = f"{wide[1]} were expected, as in the header"
        return BadFile(got, wanted, "Is a comma in a cell without quotes?")
    if "not utf-8" in text or "nvalid unicode" in text or "invalid UTF-8" in text:
        return _not_utf8(name, int(line[1]) if line else None)
    if "unterminated quote" in text:
        got = f"{name}: {at} has a quote that does not end"
        return BadFile(got, 'quotes in pairs were expected, "like ""this"""')
    if "Maximum line size" in text:
        got = f"{name}: {at} is longer than 2 MB"
        return BadFile(got, "shorter lines were expected", "Does a quote not end?")
    if "state machine" in text:
        return BadFile(f"{name} mixes line endings or quotes", "a regular CSV file was expected")
    if "GZIP" in text:
        return BadFile(f"{name} is not a whole gzip file", "gzip was expected", "Was it cut short?")
    return BadFile(f"{name} cannot be read: {_first(error)}", "a whole, regular file was expected")


def _not_utf8(name: str, line: int | None) -> BadFile:
    where = f"{name}: line {line}" if line else name
    hint = "Save it as UTF-8, or try iconv -f latin1 -t utf-8."
    return BadFile(f"{where} is not UTF-8", "text in UTF-8 was expected", hint)


def _first(error: duckdb.Error) -> str:
    """The first sentence of DuckDB's message, without the kind of error and the drawing below."""
    text = re.split(r"\n\s*LINE \d|\n\n|\nTry |\nPossible", str(error))[0]
    text = re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", text)
    return " ".join(text.split()).rstrip(".!")[:300]


def _names(paths: list[str]) -> str:
    """File names as a list for SQL; what a glob would read as a pattern stands for itself."""
    return ", ".join(_quoted(re.sub(r"([\[*?])", r"[\1]", path)) for path in paths)


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
