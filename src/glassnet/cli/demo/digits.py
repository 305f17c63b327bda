"""The notebook's digits beside glassnet's, as text at the precision that was printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

import numpy as np

from glassnet.cli.demo.replay import Quantity, Run, Value, first_outputs

NUMBER = re.compile(r"-?\d[\d.]*(?:e[+-]\d+)?")
TOKEN = re.compile(rf"[\[\]()]|{NUMBER.pattern}")

Verdict = Literal["agree", "differs", "chaotic here"]


@dataclass(frozen=True)
class Row:
    """A quantity that the notebook prints.

    notebook, glassnet : the same text where the two agree at the printed precision.
    value : glassnet's in full.
    spread : where the run is chaotic, lowest and highest of each number over nudged runs.
    """

    cell: int
    quantity: str
    notebook: str
    glassnet: str
    verdict: Verdict
    value: Value
    spread: tuple[tuple[str, str], ...] = ()
    note: str = ""


def notebook() -> dict[str, Any]:
    """What the notebook printed, cell by cell, and with which versions."""
    text = resources.files(__package__).joinpath("notebook.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def compare(
    printed: Sequence[dict[str, Any]], computed: Iterable[Quantity], chaotic: Sequence[Run]
) -> list[Row]:
    """A row for each quantity; `chaotic` are the runs over which a spread is measured."""
    return [
        row(entry, quantity, chaotic) for entry, quantity in zip(printed, computed, strict=True)
    ]


def row(entry: dict[str, Any], quantity: Quantity, chaotic: Sequence[Run]) -> Row:
    """One quantity of the notebook beside glassnet's."""
    name, printed = entry["quantity"], entry["printed"]
    if (entry["cell"], name) != (quantity.cell, quantity.name):
        raise LookupError(f"{entry['cell']} {name} beside {quantity.cell} {quantity.name}")
    style = precision(printed)
    there, here = canonical(printed, style), canonical(spelled(quantity.value), style)
    verdict: Verdict = "agree" if there == here else "differs"
    spread: tuple[tuple[str, str], ...] = ()
    if entry.get("chaotic"):
        verdict, spread = "chaotic here", measured_spread(quantity, chaotic, style)
    note = entry.get("note", "")
    return Row(quantity.cell, name, there, here, verdict, quantity.value, spread, note)


def precision(printed: str) -> str:
    """How the numbers of a printed text are written: "d" for whole ones, ".8f", ".8e".

    NumPy leaves out zeros at the end, so the longest number tells the precision of all.

    >>> precision("[0.21929   , 0.08261531]"), precision("(4, 3)"), precision("[1.5e-07, 2.25e+00]")
    ('.8f', 'd', '.2e')
    """
    numbers = NUMBER.findall(printed)
    if not any("." in number for number in numbers):
        return "d"
    decimals = max(len(number.partition("e")[0].partition(".")[2]) for number in numbers)
    return f".{decimals}{'e' if any('e' in number for number in numbers) else 'f'}"


def canonical(text: str, style: str) -> str:
    """The text with every number in one style and with commas alone between them.

    >>> canonical("[[1 0] [-0.    2.5]]", ".2f")
    '[[1.00, 0.00], [0.00, 2.50]]'
    """
    parts = [
        part if part in {*"[]()"} else written(float(part), style) for part in TOKEN.findall(text)
    ]
    joined = re.sub(r"(?<=[\d\])])\n(?=[-\d\[(])", ", ", "\n".join(parts)).replace("\n", "")
    return re.sub(r"\((\d+)\)", r"(\1,)", joined)  # a shape with one side, as Python writes it


def written(x: float, style: str) -> str:
    """A number in a style; where whole numbers are printed, one that is not shows its digits."""
    if style == "d":
        return str(int(x)) if x == int(x) else repr(x)
    text = format(x, style)
    return text.lstrip("-") if float(text) == 0 else text


def spelled(value: Value) -> str:
    """A value as text with all its digits."""
    return str(value.tolist() if isinstance(value, np.ndarray) else value)


def measured_spread(
    quantity: Quantity, runs: Sequence[Run], style: str
) -> tuple[tuple[str, str], ...]:
    """(lowest, highest) over the runs, of each number of the quantity."""
    epoch = re.search(r"at epoch (\d+)", quantity.name)
    values = [run.loss(int(epoch[1])) if epoch else first_outputs(run) for run in runs]
    table = np.array(values, dtype=float).reshape(len(runs), -1)
    ends = zip(table.min(axis=0), table.max(axis=0), strict=True)
    return tuple((written(low, style), written(high, style)) for low, high in ends)
