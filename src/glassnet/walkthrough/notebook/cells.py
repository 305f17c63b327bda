"""Cells, and the two files they are written to: a Jupyter notebook, or Python in percent format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH = 88  # of a line of code, where its formula can be broken


@dataclass(frozen=True)
class Cell:
    """Text for people, or code; `key` says what it is about."""

    kind: Literal["text", "code"]
    source: str
    key: str


def text(source: str, key: str) -> Cell:
    """A cell of Markdown."""
    return Cell("text", source, key)


def code(lines: Iterable[str], key: str) -> Cell:
    """A cell of Python."""
    return Cell("code", "\n".join(lines), key)


def as_ipynb(cells: Sequence[Cell]) -> str:
    """A notebook of format 4.5. Cells are named by their place and subject: same cells, same bytes.

    It has not been run: outputs come from the reader's own machine.
    """
    from nbformat import v4, validate, writes

    made = []
    for place, cell in enumerate(cells):
        new = v4.new_markdown_cell if cell.kind == "text" else v4.new_code_cell
        name = f"{place:03d}-{re.sub('[^A-Za-z0-9_-]+', '-', cell.key)}"[:64]
        made.append(new(cell.source, id=name))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    found = v4.new_notebook(cells=made, metadata=metadata)
    validate(found)
    return writes(found, version=4) + "\n"


def as_percent(cells: Sequence[Cell]) -> str:
    """A Python file whose cells begin with `# %%`, which editors read as a notebook."""
    parts = []
    for cell in cells:
        if cell.kind == "text":
            lines = [f"# {line}".rstrip() for line in cell.source.splitlines()]
            parts.append("\n".join(["# %% [markdown]", *lines]))
        else:
            parts.append(f"# %%\n{cell.source}")
    return "\n\n".join(parts) + "\n"


def printed(called: str) -> list[str]:
    """Its shape, then its numbers."""
    return [f'print(f"{{{called}.shape = }}")', f"print({called})"]


def assigned(name: str, formula: str) -> list[str]:
    """`name = formula`, in brackets and broken at an operator where it is too long for a line."""
    line = f"{name} = {formula}"
    if len(line) <= WIDTH:
        return [line]
    if len(formula) + 4 <= WIDTH:
        return [f"{name} = (", f"    {formula}", ")"]
    parts = [part.strip() for part in _broken(formula)]
    if len(parts) == 1:
        return [line]
    return [f"{name} = (", *(f"    {part}" for part in parts), ")"]


def _broken(formula: str) -> list[str]:
    """The formula in pieces, each but the first beginning with its loosest operator."""
    for operators in ((" + ", " - "), (" * ", " / ", " @ ")):
        parts, depth, begin = [], 0, 0
        for i, letter in enumerate(formula):
            depth += (letter in "([") - (letter in ")]")
            if depth == 0 and i > begin and formula[i : i + 3] in operators:
                parts.append(formula[begin:i])
                begin = i
        if parts:
            return [*parts, formula[begin:]]
    return [formula]
