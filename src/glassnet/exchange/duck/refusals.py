"""What DuckDB refuses, in one line that says got, wanted, try."""

from __future__ import annotations

import re

import duckdb

from glassnet.core.errors import BadFile, GlassnetError


def refused(name: str, error: duckdb.Error) -> GlassnetError:
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
        return not_utf8(name, int(line[1]) if line else None)
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
    return BadFile(
        f"{name} cannot be read: {first_sentence(error)}", "a whole, regular file was expected"
    )


def not_utf8(name: str, line: int | None) -> BadFile:
    """The refusal of text in another encoding."""
    where = f"{name}: line {line}" if line else name
    hint = "Save it as UTF-8, or try iconv -f latin1 -t utf-8."
    return BadFile(f"{where} is not UTF-8", "text in UTF-8 was expected", hint)


def first_sentence(error: duckdb.Error) -> str:
    """The first sentence of DuckDB's message, without the kind of error and the drawing below."""
    text = re.split(r"\n\s*LINE \d|\n\n|\nTry |\nPossible", str(error))[0]
    text = re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", text)
    return " ".join(text.split()).rstrip(".!")[:300]
