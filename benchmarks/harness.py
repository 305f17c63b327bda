"""All contenders side by side: a pinned process each, rounds by turns (A B C A B C), medians."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS, Workload, store

ROOT = Path(__file__).parents[1]
LIBRARIES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
SAME = {"float64": 1e-6, "float32": 2e-3}  # how far losses and outputs may lie apart, relative


@dataclass
class Result:
    """What one contender did at one workload."""

    workload: str
    dtype: str
    threads: int
    contender: str
    seconds: list[float] = field(default_factory=list)  # of one unit, a round each
    first: float | None = None  # seconds of wall time to the end of the first turn, all in
    losses: list[float] = field(default_factory=list)
    outputs: list[float] = field(default_factory=list)
    rounds: int = 0
    rows: int = 0
    error: str | None = None
    apart: float | None = None  # from glassnet's losses or outputs, relative
    nearest: str | None = None  # what it does in place of the workload
    warnings: list[str] = field(default_factory=list)  # of the first turn

    @property
    def median(self) -> float | None:
        return median(self.seconds) if self.seconds else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"median": self.median}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Result:
        return cls(**{name: value for name, value in fields.items() if name != "median"})


class Worker:
    """A process that answers one line for each line, and is held between its turns.

    Held: stopped by the system. The threads of some libraries go on looking for work long after a
    call, on the very cores where the next contender runs its turn.
    """

    def __init__(self, name: str, threads: int, folder: Path) -> None:
        limits = dict.fromkeys(LIBRARIES, str(threads))
        self.log = (folder / f"{name}-{threads}.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, str(threads), str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            cwd=ROOT, env=os.environ | limits,
        )  # fmt: skip

    def ask(self, **asked: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._send("SIGCONT")
        try:
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        self._send("SIGSTOP")
        if not line:
            self.log.seek(0)
            ended = self.log.read().strip().splitlines()[-1:] or ["without a word"]
            return {"error": f"its process ended: {ended[0]}"}
        return json.loads(line)

    def _send(self, name: str) -> None:
        if hasattr(signal, name):  # not on every system
            self.process.send_signal(getattr(signal, name))

    def close(self) -> None:
        self._send("SIGCONT")
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(timeout=60)
        self.log.close()


def run(
    workloads: list[str],
    contenders: list[str],
    dtypes: list[str],
    threads: int,
    rounds: int,
    *,
    quick: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[list[Result]]:
    """The results of one workload in one dtype after the other."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name)
        workers: dict[str, Worker] = {}
        try:
            for key in workloads:
                workload = WORKLOADS[key].quick() if quick else WORKLOADS[key]
                store(workload, folder)
                for dtype in dtypes:
                    if dtype in workload.dtypes:
                        tell(f"{key} {dtype}, {threads} thread{'s' * (threads > 1)}")
                        yield group(
                            workload, dtype, threads, contenders, rounds, workers, folder, quick
                        )
                for path in folder.glob("*.npy"):
                    path.unlink()
        finally:
            for worker in workers.values():
                worker.close()


def group(
    workload: Workload,
    dtype: str,
    threads: int,
    contenders: list[str],
    rounds: int,
    workers: dict[str, Worker],
    folder: Path,
    quick: bool,
) -> list[Result]:
    """Everybody at one workload: a turn that does not count, then the rounds, by turns."""
    results = []
    for name in contenders:
        if CONTENDERS[name].covers(workload):
            nearest = dict(CONTENDERS[name].nearest).get(workload.key)
            results.append(
                Result(workload.key, dtype, threads, name, rows=workload.rows, nearest=nearest)
            )
    rounds = min(rounds, workload.rounds or rounds)
    for number in range(rounds + 1):
        for result in results:
            if result.error:
                continue
            if result.contender not in workers:
                workers[result.contender] = Worker(result.contender, threads, folder)
            began = time.perf_counter()
            made = workers[result.contender].ask(workload=workload.key, dtype=dtype, quick=quick)
            if "error" in made:
                result.error, result.seconds = made["error"], []
                worker = workers[result.contender]
                if worker.process.poll() is not None:  # a new one for the next workload
                    workers.pop(result.contender).close()
                continue
            if number == 0:
                result.first = time.perf_counter() - began
                result.losses, result.outputs = made["losses"], made["outputs"]
                result.warnings = made["warnings"]
            else:
                result.seconds.append(made["seconds"])
                result.rounds = number
    compare(results)
    return results


def compare(results: list[Result]) -> None:
    """How far everybody's first losses, or outputs, lie from those of the first contender."""
    done = [r for r in results if not r.error]
    for result in done:
        if result.nearest is None:
            epochs = CONTENDERS[result.contender].compared
            result.apart = max(
                apart(result.losses[:epochs], done[0].losses[:epochs]),
                apart(result.outputs, done[0].outputs),
            )


def apart(a: list[float], b: list[float]) -> float:
    """max |a - b| over the largest |b|."""
    if not a or not b:
        return 0.0
    n = min(len(a), len(b))
    x, y = np.asarray(a[:n]), np.asarray(b[:n])
    return float(np.abs(x - y).max() / np.abs(y).max())


def disagreements(results: list[Result]) -> list[Result]:
    """Those who did other arithmetic than the first: their times are of something else."""
    return [
        r
        for r in results
        if r.apart is not None and not r.apart <= SAME[r.dtype] * CONTENDERS[r.contender].loose
    ]
