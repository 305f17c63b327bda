"""How cost grows with rows, width, depth and batch, and whether there is a cliff on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from benchmarks.contenders.glassnet_engines import engine_of
from benchmarks.machine import describe
from benchmarks.report import number
from benchmarks.worker import pin
from benchmarks.workloads import SEED
from glassnet import Adam, Network, ReLU, SquaredError, Tanh, Task, start

CLIFF = 1.5  # times dearer than its neighbour, by sample and parameter
LEAST = 0.03  # seconds that a measurement takes at least, by repeating


@dataclass(frozen=True)
class Case:
    """One point: a network, rows and rows an update."""

    x: int  # what grows
    sizes: tuple[int, ...]
    rows: int
    batch: int

    def task(self, activation: Any) -> Task:
        return Task(Network.mlp(*self.sizes, activation=activation), SquaredError(), Adam())


@dataclass(frozen=True)
class Family:
    """Cases in which one thing grows.

    against : what the time of an epoch is fitted to, as a power: 'rows', 'parameters' or 'batch'.
    """

    name: str
    about: str
    activation: Any
    cases: tuple[Case, ...]
    against: str


WIDTHS = (4, 6, 8, 12, 16, 17, 24, 32, 33, 48, 64, 65, 96, 128, 129, 192, 256, 384, 512, 768, 1024)
DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16)
BATCHES = tuple(2**k for k in range(14))
ROWS = tuple(round(10 ** (k / 2)) for k in range(6, 15))


def families(*, quick: bool = False) -> list[Family]:
    most = 10**5 if quick else 10**7
    widths, depths, batches = WIDTHS, DEPTHS, BATCHES
    if quick:
        widths, depths, batches = WIDTHS[::4], DEPTHS[::3], BATCHES[2::4]
    n = 2048 if quick else 8192
    return [
        Family(
            "rows", "2-10-1 tanh, batch 256", Tanh(),
            tuple(Case(rows, (2, 10, 1), rows, 256) for rows in ROWS if rows <= most), "rows",
        ),
        Family(
            "width", f"20-w-w-1 relu, {n} rows, batch 256", ReLU(),
            tuple(Case(w, (20, w, w, 1), n, 256) for w in widths), "parameters",
        ),
        Family(
            "depth", f"20-32-…-32-1 relu, {n} rows, batch 256", ReLU(),
            tuple(Case(d, (20, *[32] * d, 1), n, 256) for d in depths), "parameters",
        ),
        Family(
            "batch", f"20-32-32-1 tanh, {n} rows", Tanh(),
            tuple(Case(b, (20, 32, 32, 1), n, b) for b in batches), "batch",
        ),
    ]  # fmt: skip


def epoch_seconds(engine: Any, family: Family, case: Case, dtype: str, rounds: int) -> float:
    """Median of the rounds, each of so many epochs that the clock does not matter."""
    task = case.task(family.activation)
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((case.rows, case.sizes[0]), np.float32).astype(dtype, copy=False)
    y = np.sin(X[:, :1])
    state, samples = start(task, SEED, dtype=dtype), (X, y, None)

    def seconds(n: int) -> float:
        began = time.process_time() if engine_threads(engine) == 1 else time.perf_counter()
        engine.epochs(task, state, samples, n=n, batch_size=case.batch)
        ended = time.process_time() if engine_threads(engine) == 1 else time.perf_counter()
        return ended - began

    once = min(seconds(1), seconds(1))  # the first may compile
    n = max(1, round(LEAST / once))
    return median(seconds(n) / n for _ in range(1 if once > 5 else rounds))


def engine_threads(engine: Any) -> int:
    return getattr(engine, "threads", 1) or 1


def measured(
    engine: Any, family: Family, dtype: str, rounds: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    points = []
    for case in family.cases:
        parameters = case.task(family.activation).net.n_params
        seconds = epoch_seconds(engine, family, case, dtype, rounds)
        points.append(
            {
                family.name: case.x,
                "rows": case.rows,
                "parameters": parameters,
                "batch": case.batch,
                "seconds": seconds,
                "picoseconds": 1e12 * seconds / case.rows / parameters,
            }
        )
        tell(f"{family.name} {case.x}: {points[-1]['picoseconds']:.1f} ps")
    return {"name": family.name, "about": family.about, "points": points} | fitted(
        points, family.against
    )


def fitted(points: list[dict[str, Any]], against: str) -> dict[str, Any]:
    """seconds ≈ c·x^exponent; the largest step between neighbours, by sample and parameter."""
    x = np.log([point[against] for point in points])
    seconds = np.log([point["seconds"] for point in points])
    exponent = float(np.polyfit(x, seconds, 1)[0]) if len(points) > 1 else float("nan")
    cost = np.array([point["picoseconds"] for point in points])
    steps = cost[1:] / cost[:-1]
    worst = int(np.argmax(steps)) if len(steps) else 0
    return {
        "against": against,
        "exponent": exponent,
        "largest_step": float(steps[worst]) if len(steps) else 1.0,
        "largest_step_at": worst + 1,
        "cliff": bool(len(steps) and steps[worst] > CLIFF),
    }


def markdown(told: dict[str, Any]) -> str:
    lines = [
        "| grows | from, to | ps a sample and parameter | an epoch's time | largest step up |",
        "|---|---|---|---|---|",
    ]
    for family in told["families"]:
        name, points = family["name"], family["points"]
        at = points[family["largest_step_at"]][name] if len(points) > 1 else ""
        costs = " · ".join(number(point["picoseconds"]) for point in points)
        step = f"×{family['largest_step']:.2f} at {at:,}"
        lines.append(
            f"| {name}: {family['about']} | {points[0][name]:,} to {points[-1][name]:,} | {costs} "
            f"| {family['against']}^{family['exponent']:.2f} "
            f"| {step}{', a cliff' if family['cliff'] else ''} |"
        )
    machine = told["machine"]
    lines += [
        "",
        (
            f"{told['engine']}, {told['dtype']}, {told['threads']} thread(s), "
            f"{machine['processor']}. Made on {machine['date'][:10]} by `{machine['command']}`."
        ),
        "",
    ]
    return "\n".join(lines)


def picture(told: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(told["families"]), figsize=(13, 3.2), sharey=True)
    for ax, family in zip(np.atleast_1d(axes), told["families"], strict=True):
        x = [point[family["name"]] for point in family["points"]]
        ax.loglog(x, [point["picoseconds"] for point in family["points"]], "o-", ms=4)
        ax.set_title(family["about"], fontsize=9)
        ax.set_xlabel(family["name"])
        ax.grid(alpha=0.3)
    np.atleast_1d(axes)[0].set_ylabel("ps a sample and parameter")
    fig.tight_layout()
    fig.savefig(path, metadata={"Date": None})
    plt.close(fig)


def run(
    engine: str,
    dtype: str,
    threads: int,
    rounds: int,
    *,
    quick: bool,
    folder: Path,
    console: Console,
) -> None:
    pin(threads)
    made, machine = engine_of(engine, threads), describe()
    with threadpool_limits(limits=threads):
        found = [
            measured(
                made, family, dtype, 1 if quick else rounds,
                lambda text: console.print(f"[dim]{text}[/]"),
            )
            for family in families(quick=quick)
        ]  # fmt: skip
    told = {
        "engine": engine, "dtype": dtype, "threads": threads, "machine": machine,
        "families": found,
    }  # fmt: skip
    for family in found:
        table = Table(title=f"{family['name']}: {family['about']}", title_justify="left")
        for name in (family["name"], "parameters", "ms an epoch", "ps a sample and parameter"):
            table.add_column(name, justify="right")
        for point in family["points"]:
            table.add_row(
                f"{point[family['name']]:,}", f"{point['parameters']:,}",
                number(1e3 * point["seconds"]), number(point["picoseconds"]),
            )  # fmt: skip
        console.print(table)
        console.print(
            f"an epoch's time grows as {family['against']}^{family['exponent']:.2f}; largest step "
            f"up ×{family['largest_step']:.2f}{': a cliff' if family['cliff'] else ''}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "growth.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    (folder / "growth.md").write_text(markdown(told), "utf-8")
    picture(told, folder / "growth.svg")
    console.print("written: growth.json, growth.md, growth.svg")
