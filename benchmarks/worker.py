"""One contender in a process of its own, pinned: `python -m benchmarks.worker NAME THREADS FOLDER`.

Each line that comes in asks for a turn, each line that goes out is one. The environment that holds
libraries to so many threads is set by whoever starts it (`harness.py`), before anything is loaded.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

SHOWN = 20  # losses that are handed on
LEAST = 0.1  # seconds of a turn


def clock(threads: int) -> Callable[[], float]:
    """One thread: processor time, which other users of the machine do not lengthen. Else wall."""
    return time.process_time if threads == 1 else time.perf_counter


def pin(threads: int) -> None:
    """This process stays on its cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def prepare(name: str, threads: int, folder: Path, asked: dict[str, Any]) -> Callable[[], Any]:
    """The turn of a contender at a workload."""
    from importlib import import_module

    from benchmarks.contenders import CONTENDERS
    from benchmarks.workloads import WORKLOADS, load

    contender, workload = CONTENDERS[name], WORKLOADS[asked["workload"]]
    if asked["quick"]:
        workload = workload.quick()
    job = load(
        workload, asked["dtype"], folder,
        epochs=contender.epochs(workload), threads=threads, clock=clock(threads),
    )  # fmt: skip
    module = import_module(f"benchmarks.contenders.{contender.module}")
    if contender.module == "glassnet_engines":
        return module.prepare(job, name)
    return module.prepare(job)


def turned(turn: Callable[[], Any]) -> tuple[Any, float]:
    """What a turn made, and its seconds; one that is over in no time is repeated: their median.

    Else a fast contender would be measured while the processor still wakes up for it.
    """
    ends = time.perf_counter() + LEAST
    made = turn()
    seconds = [made.seconds]
    while time.perf_counter() < ends:
        seconds.append(turn().seconds)
    return made, median(seconds)


def main() -> None:
    name, threads, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    pin(threads)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    last, turn = None, None
    said: list[str] = []
    warnings.showwarning = lambda message, *_: said.append(str(message))
    for line in sys.stdin:
        said.clear()
        try:
            if line != last:
                turn = None  # what the workload before held is free
                turn, last = prepare(name, threads, folder, json.loads(line)), line
            made, seconds = turned(turn)
            answer = {
                "seconds": seconds,
                "losses": made.losses[:SHOWN],
                "outputs": made.outputs,
                "warnings": sorted(set(said)),
            }
        except Exception as error:  # noqa: BLE001 - told, and the others go on
            traceback.print_exc()
            last, answer = None, {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
