"""The figures of 'How fast, and how we know' and of the lab, from where the benchmarks left them.

`python docs/figures.py [FOLDER]` copies tables and pictures into docs/explanation/figures. Without
a folder it takes benchmarks/results, where `make bench` writes.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent
HERE = DOCS / "explanation" / "figures"
NAMES = (
    "speed.md", "speed.svg", "growth.md", "growth.svg", "memory.md", "waiting.md", "lab.md",
)  # fmt: skip


def take(folder: Path) -> None:
    """Copy what is there; say what is not."""
    HERE.mkdir(exist_ok=True)
    for name in NAMES:
        if not (folder / name).exists():
            print(f"not there: {name}, the one before stays")
            continue
        if name.endswith(".md"):
            words = together((folder / name).read_text("utf-8"))
            if "Made on" not in words:
                words += f"\n{origin((folder / name).with_suffix('.json'))}\n"
            (HERE / name).write_text(words, "utf-8")
        else:
            shutil.copyfile(folder / name, HERE / name)
        print(f"taken: {name}")


def together(words: str) -> str:
    """With blanks that do not break where a narrow cell would part "≈ 5.4", "(5 ✓)" or "53 %"."""
    words = re.sub(r"(?<=[\d≈]) (?=[✓✗%\d])", "\N{NO-BREAK SPACE}", words)
    return words.replace("torch.compile |", "torch.\N{ZERO WIDTH SPACE}compile |")


def origin(data: Path) -> str:
    """Where, when and by what the figures beside a JSON file were made."""
    machine = json.loads(data.read_text("utf-8"))["machine"]
    return f"{machine['processor']}. Made on {machine['date'][:10]} by `{machine['command']}`."


if __name__ == "__main__":
    take(Path(sys.argv[1]) if sys.argv[1:] else DOCS.parent / "benchmarks" / "results")
