"""Names, paths and texts as SQL writes them."""

from __future__ import annotations

import re


def paths_of(paths: list[str]) -> str:
    """File names as a list for SQL; what a glob would read as a pattern stands for itself."""
    return ", ".join(quoted(re.sub(r"([\[*?])", r"[\1]", path)) for path in paths)


def quoted(text: object) -> str:
    """A text, in quotes."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name, in quotes."""
    return '"' + name.replace('"', '""') + '"'
