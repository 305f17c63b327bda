"""How long one waits: for `import glassnet`, and from the call of `train` to the first epoch.

Each measurement is a fresh process, `python -m benchmarks.waiting ENGINE WORKLOAD DTYPE`; with an
empty cache of machine code, then with the one that was left there. The networks are those of the
workloads, the rows few, so that the epoch itself takes next to no time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
FIRST, LATER = 1.0, 0.3  # seconds that are asked for
ROWS = 256
KEYS = ("W1", "W3-32", "W4b", "W6")


def child(engine_name: str, key: str, dtype: str) -> dict[str, float]:
    """Seconds of one process."""
    began = time.perf_counter()
    import numpy  # noqa: F401, ICN001

    numpy_there = time.perf_counter()
    import glassnet

    told = {"numpy": numpy_there - began, "glassnet": time.perf_counter() - numpy_there}
    from benchmarks.workloads import SEED, WORKLOADS

    workload = WORKLOADS[key]
    X, y = (array[:ROWS].astype(dtype) for array in workload.draw(ROWS))
    state = glassnet.start(workload.task, SEED, dtype=dtype)
    for name in ("first", "second"):
        began = time.perf_counter()
        from benchmarks.contenders.glassnet_engines import engine_of

        stream = glassnet.train(
            workload.task, X, y, state,
            engine=engine_of(engine_name, 1), epochs=2, batch_size=workload.batch,
        )  # fmt: skip
        next(iter(stream))
        told[name] = time.perf_counter() - began
    return told


def measured(engine: str, key: str, dtype: str, cache: str) -> dict[str, float]:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.waiting", engine, key, dtype],
        cwd=ROOT, env=os.environ | {"GLASSNET_CACHE_DIR": cache},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if told.returncode:
        raise SystemExit(f"{engine} at {key} {dtype}: {told.stderr.strip().splitlines()[-1]}")
    return json.loads(told.stdout)


def run(engine: str, rounds: int, *, quick: bool, folder: Path, console: Console) -> None:
    from benchmarks.machine import describe
    from benchmarks.workloads import WORKLOADS

    found: list[dict[str, Any]] = []
    imports = []
    for key in KEYS[:2] if quick else KEYS:
        for dtype in WORKLOADS[key].dtypes:
            empty, full, second = [], [], []
            for _ in range(rounds):
                with tempfile.TemporaryDirectory() as cache:
                    a, b = (measured(engine, key, dtype, cache) for _ in range(2))
                empty.append(a["first"])
                full.append(b["first"])
                second.append(b["second"])
                imports += [a, b]
            found.append(
                {
                    "workload": key, "dtype": dtype, "empty": median(empty),
                    "full": median(full), "second": median(second),
                    "met": max(empty) <= FIRST and max(full) <= LATER,
                }
            )  # fmt: skip
    over = median(one["glassnet"] for one in imports)
    beside = median(one["numpy"] for one in imports)
    heads = ["first epoch of", "empty cache, s", "full cache, s", "second fit, s", ""]
    table, lines = (
        Table(title="from the call of train to the first epoch", title_justify="left"),
        [],
    )
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i == 0 else "right")
    for one in found:
        cells = [
            f"{one['workload']} {one['dtype']}",
            *(f"{one[name]:.3f}" for name in ("empty", "full", "second")),
            "met" if one["met"] else "not met",
        ]
        table.add_row(*cells)
        lines.append("| " + " | ".join(cells) + " |")
    console.print(table)
    told = f"`import glassnet` takes {over:.3f} s after `import numpy` ({beside:.3f} s)."
    console.print(told)
    folder.mkdir(parents=True, exist_ok=True)
    everything = {
        "engine": engine, "asked": {"empty": FIRST, "full": LATER}, "machine": describe(),
        "import_glassnet": over, "import_numpy": beside, "workloads": found,
    }  # fmt: skip
    (folder / "waiting.json").write_text(json.dumps(everything, indent=1) + "\n", "utf-8")
    top = ["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1)]
    asked = f"Asked for: {FIRST:g} s with an empty cache, {LATER:g} s later. {told}"
    (folder / "waiting.md").write_text("\n".join([*top, *lines, "", asked, ""]), "utf-8")
    console.print("written: waiting.json, waiting.md")


if __name__ == "__main__":
    print(json.dumps(child(*sys.argv[1:4])))
