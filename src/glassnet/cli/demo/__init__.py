"""`glassnet demo`: the teaching notebook replayed by the library, and every number compared."""

from __future__ import annotations

import sys
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from glassnet.cli.demo import show
from glassnet.cli.demo.digits import Row, compare, notebook
from glassnet.cli.demo.replay import NUDGED_RUNS, nudged, part_one, part_two, quantities
from glassnet.cli.terminal import as_json, console
from glassnet.training.progress import progress


def demo(*, out: Path = Path("glassnet-demo"), json: bool = False, pictures: bool = True) -> int:
    """Replay the teaching notebook and compare every number that it prints.

    Status 1 where a number disagrees that is not chaotic.

    Parameters
    ----------
    out
        The folder for pictures.
    json
        The same as data.
    pictures
        Whether pictures are drawn.
    """
    screen = console()
    # where data are asked for, text is said to nobody and the bar goes to the error stream
    text = Console(quiet=True) if json else screen
    bars = Console(stderr=True, quiet=not sys.stderr.isatty()) if json else screen
    if pictures:
        from glassnet.cli.demo.pictures import draw, prepare

        prepare(out)
    rng = np.random.RandomState(42)  # the notebook's own stream
    show.introduction(text)
    one = part_one(rng)
    show.part_one(text, one)
    show.part_two_begins(text)
    two = part_two(rng, partial(progress, epochs=10_000, console=bars, label="moons"))
    show.part_two(text, two)
    epochs = NUDGED_RUNS * len(two.run.history)
    others = nudged(two.run, partial(progress, epochs=epochs, console=bars, label="nudged"))
    told = notebook()
    rows = compare(told["quantities"], quantities(one, two), [two.run, *others])
    versions = {"notebook": told["versions"], "here": here(told["versions"])}
    show.comparison(text, rows, versions)
    drawn = draw(one, two, others, out) if pictures else []
    if drawn:
        show.prose(text, f"\nPictures: {', '.join(map(str, drawn))}")
    status = int(any(row.verdict == "differs" for row in rows))
    if json:
        as_json(screen, as_data(rows, versions, drawn))
    return status


def here(names: dict[str, str]) -> dict[str, str]:
    """The versions of those packages that run here."""
    return {name: metadata.version(name) for name in names}


def as_data(
    rows: list[Row], versions: dict[str, dict[str, str]], drawn: list[Path]
) -> dict[str, Any]:
    """The comparison as plain numbers and text."""
    return {
        "agrees": not any(row.verdict == "differs" for row in rows),
        "versions": versions,
        "nudged_runs": NUDGED_RUNS,
        "quantities": [
            {
                "cell": row.cell,
                "quantity": row.quantity,
                "notebook": row.notebook,
                "glassnet": row.glassnet,
                "verdict": row.verdict,
                "value": row.value.tolist() if isinstance(row.value, np.ndarray) else row.value,
                **({"spread": [list(ends) for ends in row.spread]} if row.spread else {}),
                **({"note": row.note} if row.note else {}),
            }
            for row in rows
        ],
        "why": show.WHY,
        "pictures": [str(path) for path in drawn],
    }
