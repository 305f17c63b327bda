"""How much memory an engine takes for itself, beside what is promised: 2 MB and three times θ.

Each case runs in a process of its own, `python -m benchmarks.memory ENGINE CASE`: first in little,
so that code is loaded, then in full, twice: once for the system's count of pages (the highest
resident set less the one before), once under tracemalloc, to which NumPy tells its arrays. What
belongs to the caller is taken off: the state that is given back (θ and the slots), the order of
the rows that the stream of chance has drawn, the outputs of a prediction.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.workloads import SEED, WORKLOADS
from glassnet import CrossEntropy, Task, start

ROOT = Path(__file__).parents[1]
FIXED = 2e6  # bytes
TIMES = 3


@dataclass(frozen=True)
class Case:
    task: Task
    rows: int
    batch: int | None
    dtype: str
    predicts: bool = False

    def data(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        rng, net = np.random.default_rng(SEED), self.task.net
        X = rng.random((rows, net.n_in), np.float32).astype(self.dtype, copy=False)
        if isinstance(self.task.loss, CrossEntropy):
            return X, np.eye(net.n_out, dtype=self.dtype)[rng.integers(0, net.n_out, rows)]
        return X, rng.random((rows, net.n_out), np.float32).astype(self.dtype, copy=False)


def of(key: str, rows: int, batch: int | None, dtype: str, *, predicts: bool = False) -> Case:
    return Case(WORKLOADS[key].task, rows, batch, dtype, predicts)


CASES = {
    "W1, 1,000 rows at once, f64": of("W1", 1_000, None, "float64"),
    "W1, 1,000,000 rows at once, f64": of("W1", 1_000_000, None, "float64"),
    "W3, batch 32, f64": of("W3-32", 1_797, 32, "float64"),
    "W4a, batch 128, f32": of("W4a", 20_000, 128, "float32"),
    "W4b, batch 128, f32": of("W4b", 2_000, 128, "float32"),
    "W4b, 2,000 rows at once, f32": of("W4b", 2_000, None, "float32"),
    "W6, 1,000 rows, batch 256, f32": of("W6", 1_000, 256, "float32"),
    "W6, 1,000,000 rows, batch 256, f32": of("W6", 1_000_000, 256, "float32"),
    "W6, 1,000,000 rows at once, f32": of("W6", 1_000_000, None, "float32"),
    "W5, predicts 1,000,000 rows, f32": of("W5-tanh", 1_000_000, None, "float32", predicts=True),
}


def child(engine_name: str, name: str, *, quick: bool) -> dict[str, Any]:
    """Bytes of one case."""
    from benchmarks.contenders.glassnet_engines import engine_of

    case, engine = CASES[name], engine_of(engine_name, 1)
    rows = min(case.rows, 20_000) if quick else case.rows
    X, y = case.data(rows)
    state = start(case.task, SEED, dtype=case.dtype)

    def work(rows: int) -> int:
        """Does it, and gives back how many bytes of what was made are the caller's."""
        if case.predicts:
            return int(engine.predict(case.task.net, state.theta, X[:rows]).nbytes)
        after, _ = engine.epochs(
            case.task, state, (X[:rows], y[:rows], None), n=1, batch_size=case.batch
        )
        order = 8 * rows if case.batch and case.batch < rows else 0
        return int(sum(a.nbytes for a in (after.theta, *after.slots))) + order

    work(min(rows, 4 * (case.batch or 64)))
    before = resident()
    callers = work(rows)
    pages = max(0, highest() - before - callers) if before else None
    tracemalloc.start()
    work(rows)
    traced = tracemalloc.get_traced_memory()[1] - callers
    return {
        "case": name,
        "rows": rows,
        "parameters": case.task.net.n_params,
        "allowed": FIXED + TIMES * state.theta.nbytes,
        "traced": traced,
        "pages": pages,
        "met": traced <= FIXED + TIMES * state.theta.nbytes,
    }


def resident() -> int:
    """Bytes in memory now; the highest so far is forgotten. 0 where the system does not tell."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return of_status("VmRSS")
    except OSError:
        return 0


def highest() -> int:
    return of_status("VmHWM")


def of_status(field: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def run(engine: str, *, quick: bool, folder: Path, console: Console) -> None:
    found = []
    for name in CASES:
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", engine, name, "quick" if quick else ""],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if told.returncode:
            console.print(f"{name} failed: {told.stderr.strip().splitlines()[-1]}")
            continue
        found.append(json.loads(told.stdout))
    heads = ["case", "θ, MB", "allowed, MB", "own buffers, MB", "by the system, MB", ""]
    table, lines = Table(title="memory of the engine's own", title_justify="left"), []
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i == 0 else "right")
    for case in found:
        cells = [
            case["case"],
            f"{(case['allowed'] - FIXED) / TIMES / 1e6:.3f}",
            f"{case['allowed'] / 1e6:.2f}",
            f"{case['traced'] / 1e6:.2f}",
            "" if case["pages"] is None else f"{case['pages'] / 1e6:.2f}",
            "met" if case["met"] else "not met",
        ]
        table.add_row(*cells)
        lines.append("| " + " | ".join(cells) + " |")
    console.print(table)
    machine = describe()
    folder.mkdir(parents=True, exist_ok=True)
    told_all = {"engine": engine, "machine": machine, "cases": found}
    (folder / "memory.json").write_text(json.dumps(told_all, indent=1) + "\n", "utf-8")
    top = ["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1)]
    (folder / "memory.md").write_text("\n".join([*top, *lines, ""]), "utf-8")
    console.print("written: memory.json, memory.md")


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], sys.argv[2], quick=sys.argv[3] == "quick")))
