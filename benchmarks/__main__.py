"""The command line of the benchmarks: `python -m benchmarks --help`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).parents[1]
RESULTS, QUICK = ROOT / "benchmarks" / "results", ROOT / "build" / "benchmarks"

app = App(name="python -m benchmarks", help="How fast, and how we know.")
console = Console(width=None if sys.stdout.isatty() else 200)
Names = Annotated[str | None, Parameter(help="Names with commas between them; all by default.")]
Folder = Annotated[Path | None, Parameter(help="Where the files go: benchmarks/results.")]


def chosen(asked: str | None, known: list[str]) -> list[str]:
    """The names asked for, in the order of those known."""
    if asked is None:
        return known
    names = [name.strip() for name in asked.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"{', '.join(unknown)}: not known. There are {', '.join(known)}.")
    return [name for name in known if name in names]


@app.default
def speed(
    *,
    workloads: Names = None,
    contenders: Names = None,
    dtypes: Names = None,
    threads: str = "1,2",
    rounds: int = 7,
    quick: bool = False,
    add: bool = False,
    out: Folder = None,
) -> None:
    """glassnet beside its peers: a table, and speed.json, speed.md, speed.svg.

    Parameters
    ----------
    threads : numbers of threads with commas between them.
    rounds : turns of each contender, after one that does not count.
    quick : few rows, few epochs, two rounds: shows that everything runs. Into build/benchmarks.
    add : keeps what the folder's speed.json has of other workloads, dtypes and threads.
    """
    from benchmarks import harness, report
    from benchmarks.machine import describe
    from benchmarks.peaks import measure

    folder = out or (QUICK if quick else RESULTS)
    machine = describe()
    keys = chosen(workloads, list(WORKLOADS))
    names = chosen(contenders, list(CONTENDERS))
    missing = {n: module for n in names if (module := CONTENDERS[n].missing())}
    for name, module in missing.items():
        console.print(f"{CONTENDERS[name].label} is left out: {module} is not installed.")
    present = [n for n in names if n not in missing]
    peaks, results = measure(), []
    for count in map(int, threads.split(",")):
        stream = harness.run(
            keys, present, chosen(dtypes, list(harness.SAME)), count, rounds,
            quick=quick, tell=lambda text: console.print(f"[dim]{text}[/]"),
        )  # fmt: skip
        for group in stream:
            results += group
        report.print_table([r for r in results if r.threads == count], peaks, count, console)
    for line in report.remarks(results, missing):
        console.print(line)
    wrong = harness.disagreements(results)
    if add and (folder / "speed.json").exists():
        done = {(r.workload, r.dtype, r.threads) for r in results}
        before, _, then, _ = report.read(folder / "speed.json")
        machine["command"] = f"{then['command']}; {machine['command']}"
        results += [r for r in before if (r.workload, r.dtype, r.threads) not in done]
    for path in report.write(folder, results, peaks, machine, missing):
        console.print(f"written: {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
    if wrong or any(r.error for r in results):
        sys.exit(1)


@app.command
def again(folder: Path = RESULTS) -> None:
    """The table, speed.md and speed.svg anew from speed.json, nothing measured."""
    from benchmarks import report

    results, *rest = report.read(folder / "speed.json")
    for count in sorted({r.threads for r in results}):
        report.print_table(results, rest[0], count, console)
    report.write(folder, results, *rest)


@app.command
def growth(
    *, engine: str = "fused", dtype: str = "float32", rounds: int = 5, quick: bool = False,
    threads: int = 1, out: Folder = None,
) -> None:  # fmt: skip
    """How cost grows with rows, width, depth and batch: growth.json, growth.md, growth.svg."""
    from benchmarks import growth as module

    module.run(
        engine, dtype, threads, rounds, quick=quick,
        folder=out or (QUICK if quick else RESULTS), console=console,
    )  # fmt: skip


@app.command
def memory(*, engine: str = "fused", quick: bool = False, out: Folder = None) -> None:
    """The engine's own buffers beside what is promised: memory.json, memory.md."""
    from benchmarks import memory as module

    module.run(engine, quick=quick, folder=out or (QUICK if quick else RESULTS), console=console)


@app.command
def waiting(
    *, engine: str = "fused", rounds: int = 3, quick: bool = False, out: Folder = None
) -> None:
    """From the call of `train` to the first epoch, cache empty or full: waiting.json and .md."""
    from benchmarks import waiting as module

    module.run(
        engine, 1 if quick else rounds, quick=quick,
        folder=out or (QUICK if quick else RESULTS), console=console,
    )  # fmt: skip


if __name__ == "__main__":
    app()
