"""glassnet through its public face: `train` with records and history, `predict`, `predictor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import SEED, Job, Turn, some
from glassnet import History, Reference, start, train

RECORDS = 10  # of a turn; one of a brief one


def engine_of(name: str, threads: int) -> Any:
    """The engine by its contender's name."""
    if name == "reference":
        return Reference()
    from glassnet.engines.fused import Fused

    return Fused(threads=threads)


def prepare(job: Job, name: str = "fused") -> Callable[[], Turn]:
    engine = engine_of(name, job.threads)
    match job.workload.kind:
        case "train":
            warm(job, engine)
            return lambda: training(job, engine)
        case "row":
            return one_row(job, engine)
        case _:
            return lambda: all_rows(job, engine)


def warm(job: Job, engine: Any) -> None:
    """Runs until compiled code has settled, as JAX and torch.compile compile before they count.

    A tiny network gets code of its own once that has paid; `waiting` tells what the start costs.
    """
    if job.task.net.n_params > 128 or isinstance(engine, Reference):
        return
    state = start(job.task, SEED, dtype=job.dtype, theta=job.theta)
    epochs = int(3e7 // len(job.X))
    for _ in train(job.task, job.X, job.y, state, engine=engine, epochs=epochs, every=epochs):
        pass


def training(job: Job, engine: Any) -> Turn:
    state = start(job.task, SEED, dtype=job.dtype, theta=job.theta)
    brief = job.epochs * len(job.X) < 10_000  # over in a moment: nobody could read ten records
    every = max(1, job.epochs // (1 if brief else RECORDS))
    began = job.clock()
    for _ in range(job.workload.repeats):
        stream = train(
            job.task, job.X, job.y, state,
            engine=engine, epochs=job.epochs, batch_size=job.workload.batch, every=every,
        )  # fmt: skip
        history = History.of(stream)
    seconds = job.clock() - began
    return Turn(seconds / job.epochs / job.workload.repeats, tuple(history.loss))


def one_row(job: Job, engine: Any) -> Callable[[], Turn]:
    net, theta, rows = job.net, job.theta, list(job.X)
    if hasattr(engine, "predictor"):
        answer = engine.predictor(net, theta)  # (n_in,) -> (n_out,)
    else:

        def answer(x: np.ndarray) -> np.ndarray:
            return engine.predict(net, theta, x[None])[0]

    def turn() -> Turn:
        began = job.clock()
        for _ in range(job.workload.repeats):
            for x in rows:
                a = answer(x)
        seconds = job.clock() - began
        return Turn(seconds / job.workload.repeats / len(rows), outputs=some(a))

    return turn


def all_rows(job: Job, engine: Any) -> Turn:
    began = job.clock()
    a = engine.predict(job.net, job.theta, job.X)
    return Turn(job.clock() - began, outputs=some(a))
