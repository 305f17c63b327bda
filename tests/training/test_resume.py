"""Interrupted and resumed runs end in the bits of runs that were never interrupted."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.core.optimizers import LBFGS
from glassnet.engines.base import Task
from glassnet.exchange.checkpoint import load_checkpoint, save_checkpoint
from glassnet.training.stream import start, train
from tests.engines.instances import same_bits
from tests.training.instances import OPTIMIZERS, TASK, rows, same_records

X, Y, W = rows()
HELD = rows(9, seed=1)

SETTINGS = [
    pytest.param(task, dtype, batch_size, id=f"{task.optimizer}-{dtype}-{batch_size}")
    for task in (replace(TASK, optimizer=optimizer) for optimizer in OPTIMIZERS)
    for dtype in ("float64", "float32")
    for batch_size in (None, 5)
    if not (batch_size and isinstance(task.optimizer, LBFGS))
]


@pytest.mark.parametrize(("task", "dtype", "batch_size"), SETTINGS)
def test_going_on_from_any_record_has_the_same_bits(
    task: Task, dtype: Any, batch_size: int | None
) -> None:
    settings: dict[str, Any] = {"batch_size": batch_size, "weight": W, "validation": HELD}
    whole = list(train(task, X, Y, start(task, 3, dtype=dtype), epochs=7, **settings))
    for stop in (1, 4):
        parts = []
        for record in train(task, X, Y, start(task, 3, dtype=dtype), **settings):
            parts.append(record)
            if record.epoch == stop:
                break
        parts += train(task, X, Y, parts[-1].state, epochs=7 - stop, **settings)
        assert same_records(parts, whole)


def test_a_pause_is_not_calling_next() -> None:
    stream = train(TASK, X, Y, start(TASK), batch_size=5)
    first = [next(stream), next(stream)]
    other = list(train(TASK, X, Y, start(TASK), batch_size=5, epochs=9))  # meanwhile
    assert same_records(first + [next(stream) for _ in range(7)], other)


def test_records_stay_as_they_were_while_the_run_goes_on() -> None:
    stream = train(TASK, X, Y, start(TASK), batch_size=5)
    record = next(stream)
    theta, slots = record.state.theta.copy(), [slot.copy() for slot in record.state.slots]
    next(stream)
    np.testing.assert_array_equal(record.state.theta, theta)
    np.testing.assert_array_equal(record.state.slots, slots)
    assert not any(array.flags.writeable for array in (record.state.theta, *record.state.slots))


def test_chunks_go_on_from_single_epochs_and_back() -> None:
    whole = list(train(TASK, X, Y, start(TASK), batch_size=5, epochs=9))
    *_, chunk = train(TASK, X, Y, start(TASK), batch_size=5, epochs=4, every=4)
    *_, end = train(TASK, X, Y, chunk.state, batch_size=5, epochs=5, every=3)
    assert same_bits(end.state, whole[-1].state)


def test_lbfgs_goes_on_only_on_its_own_samples_and_from_its_own_states() -> None:
    task = replace(TASK, optimizer=LBFGS())
    *_, record = train(task, X, Y, start(task), epochs=4)
    with pytest.raises(ValueError, match="the state of epoch 4 is not where"):
        next(train(task, X, Y[::-1].copy(), record.state))
    with pytest.raises(ValueError, match="the state of epoch 4 is not where"):
        next(train(replace(task, l2=0.5), X, Y, record.state))
    foreign = replace(start(task), slots=(np.zeros(TASK.net.n_params),))
    with pytest.raises(ValueError, match="the state of epoch 0 is not where"):
        next(train(task, X, Y, foreign))


FRESH = """
import sys
import numpy as np
from glassnet import train
from glassnet.exchange.checkpoint import load_checkpoint, save_checkpoint

for path in sys.argv[2:]:
    checkpoint = load_checkpoint(path)
    samples = np.load(sys.argv[1])
    *_, record = train(
        checkpoint.task, samples["X"], samples["y"], checkpoint.state,
        batch_size=5, weight=samples["weight"], epochs=6,
    )
    save_checkpoint(path + ".end", checkpoint.task, record.state)
"""


def test_checkpoints_go_on_in_a_fresh_process(tmp_path: Path) -> None:
    np.savez(tmp_path / "samples.npz", X=X, y=Y, weight=W)
    paths, ends = [], []
    for number, optimizer in enumerate(OPTIMIZERS):
        task = replace(TASK, optimizer=optimizer)
        dtype = ("float64", "float32")[number % 2]
        rng = np.random.RandomState(number) if number % 3 == 0 else number
        path = tmp_path / f"{number}.checkpoint"
        whole = list(
            train(task, X, Y, start(task, rng, dtype=dtype), epochs=10, batch_size=5, weight=W)
        )
        stream = train(task, X, Y, start(task, _again(rng, number), dtype=dtype), **_same())
        for record in stream:
            if record.epoch == 4:
                save_checkpoint(path, task, record.state)
                break
        paths.append(str(path))
        ends.append(whole[-1].state)
    subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path / "samples.npz"), *paths],
        check=True,
        timeout=60,
    )
    for name, end in zip(paths, ends, strict=True):
        assert same_bits(load_checkpoint(name + ".end").state, end)


def _again(rng: Any, number: int) -> Any:
    # a legacy stream has moved on by what the first run drew from it
    return np.random.RandomState(number) if isinstance(rng, np.random.RandomState) else rng


def _same() -> dict[str, Any]:
    return {"batch_size": 5, "weight": W}
