"""The figures of 'How fast, and how we know', from where the benchmarks left them.

`python docs/figures.py [FOLDER]` copies tables and pictures into docs/explanation/figures. Without
a folder it takes benchmarks/results, where `make bench` writes.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent
HERE = DOCS / "explanation" / "figures"
NAMES = ("speed.md", "speed.svg", "growth.md", "growth.svg", "memory.md", "waiting.md")


def take(folder: Path) -> None:
    """Copy what is there; say what is not."""
    HERE.mkdir(exist_ok=True)
    for name in NAMES:
        if not (folder / name).exists():
            print(f"not there: {name}, the one before stays")
            continue
        shutil.copyfile(folder / name, HERE / name)
        told = HERE / name
        if told.suffix == ".md" and "Made on" not in (words := told.read_text("utf-8")):
            told.write_text(f"{words}\n{origin(folder / f'{told.stem}.json')}\n", "utf-8")
        print(f"taken: {name}")


def origin(data: Path) -> str:
    """Where, when and by what the figures beside a JSON file were made."""
    machine = json.loads(data.read_text("utf-8"))["machine"]
    return f"{machine['processor']}. Made on {machine['date'][:10]} by `{machine['command']}`."


if __name__ == "__main__":
    take(Path(sys.argv[1]) if sys.argv[1:] else DOCS.parent / "benchmarks" / "results")
