"""The comparison compares: everybody does the same arithmetic, and who does less is found out."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no part of the package

from benchmarks.contenders import (
    CONTENDERS,
    Contender,
    glassnet_engines,
    numpy_loop,
    scikit_learn,
)
from benchmarks.harness import Result
from benchmarks.operations import operations
from benchmarks.peaks import Paces, Peaks
from benchmarks.targets import required
from benchmarks.workloads import WORKLOADS, Job, load, store

from benchmarks import harness, report

SMALL = {
    key: replace(workload, rows=min(workload.rows, 200), epochs=3, few=3, repeats=1)
    for key, workload in WORKLOADS.items()
    if key not in ("W4a", "W4b")  # wide; W3 is the same in small
}


def job(key: str, folder: Path, dtype: str = "float64") -> Job:
    workload = replace(SMALL[key], dtypes=(dtype,))
    store(workload, folder)
    return load(workload, dtype, folder, epochs=3, threads=1, clock=time.process_time)


@pytest.mark.parametrize("key", SMALL)
def test_numpy_does_what_glassnet_does(key: str, tmp_path: Path) -> None:
    given = job(key, tmp_path)
    ours = glassnet_engines.prepare(given, "reference")()
    theirs = numpy_loop.prepare(given)()
    np.testing.assert_allclose(theirs.losses, ours.losses, rtol=1e-9)
    np.testing.assert_allclose(theirs.outputs, ours.outputs, rtol=1e-9)
    assert len(ours.losses) == (3 if given.workload.kind == "train" else 0)
    assert len(ours.losses) + len(ours.outputs) > 0
    assert ours.seconds > 0
    assert theirs.seconds > 0


@pytest.mark.parametrize("key", [key for key in SMALL if key not in ("W1", "W2")])
def test_scikit_learn_has_our_weights_and_our_first_order(key: str, tmp_path: Path) -> None:
    given = job(key, tmp_path)
    ours = glassnet_engines.prepare(given, "reference")()
    theirs = scikit_learn.prepare(given)()
    np.testing.assert_allclose(theirs.losses[:1], ours.losses[:1], rtol=1e-5)
    np.testing.assert_allclose(theirs.outputs, ours.outputs, rtol=1e-9)


def results(**losses: list[float]) -> list[Result]:
    return [
        Result("W6", "float64", 1, name, seconds=[1.0], losses=values)
        for name, values in losses.items()
    ]


def test_who_does_other_arithmetic_is_found_out() -> None:
    found = results(fused=[2.0, 1.0], numpy=[2.0, 1.00001], torch=[2.0, 1.0 + 1e-9], jax=[])
    harness.compare(found)
    assert [r.contender for r in harness.disagreements(found)] == ["numpy"]


def test_what_is_no_number_agrees_with_nothing() -> None:
    found = results(fused=[2.0, 1.0], jax=[2.0, float("nan")])
    harness.compare(found)
    assert [r.contender for r in harness.disagreements(found)] == ["jax"]


def test_a_peer_that_is_not_there_is_named() -> None:
    assert Contender("x", "X", "x", ("numpy", "no_such_library.inside")).missing() == (
        "no_such_library.inside"
    )
    assert CONTENDERS["numpy"].missing() is None
    lines = report.remarks([], {"jax": "jax"})
    assert lines == ["JAX is left out: jax is not installed."]


PEAKS = Peaks(
    "told", {"float64": Paces(1e9, 1e8, 2e8, 1e8), "float32": Paces(2e9, 2e8, 4e8, 2e8)},
    {1 << 14: 1e12, 1 << 28: 1e9},
)  # fmt: skip


def test_the_limit_of_the_notebook_by_hand() -> None:
    counted = operations(WORKLOADS["W1"], "float64")
    # forward 20 + 10, dL/dW 20 + 10, dL/dx 10 each sample; SGD one for each of 30 parameters
    assert counted.multiply_adds == 1000 * 70 + 30
    assert counted.exponentials == counted.divisions == 1000 * 11
    assert counted.roots == 0
    assert counted.data_bytes == 1000 * 3 * 8
    parts = counted.parts(PEAKS, "float64")
    assert parts["multiplying"] == pytest.approx(70_030 / 1e9 + 11_000 / 1e8)
    assert parts["dividing"] == pytest.approx(11_000 / 2e8)
    assert counted.seconds(PEAKS, "float64") == pytest.approx(max(parts.values()))
    assert counted.seconds(PEAKS, "float64", 2) == pytest.approx(max(parts.values()) / 2)


def test_two_threads_do_not_halve_what_memory_takes() -> None:
    slow = replace(PEAKS, reading={1 << 14: 1e3})
    counted = operations(WORKLOADS["W3-32"], "float32")
    assert counted.seconds(slow, "float32", 2) == counted.seconds(slow, "float32", 1)


def test_adam_divides_and_takes_a_root_for_each_parameter_and_update() -> None:
    workload = WORKLOADS["W3-200"]
    counted, updates = operations(workload, "float64"), 9 * workload.task.net.n_params
    assert counted.roots == updates
    assert counted.divisions == updates + workload.rows
    assert counted.step_bytes == updates * 3 * 2 * 8


def test_what_is_asked_for_has_its_place() -> None:
    assert required("W1", "float32", 1, "sklearn") == 35
    assert required("W6", "float32", 2, "jax") == 3.2
    assert required("W3-32", "float64", 2, "numpy") is None
    assert required("W5-row", "float32", 1, "ort") == 7
    assert required("W1", "float64", 1, "reference") is None


def test_the_table_says_what_is_met(tmp_path: Path) -> None:
    found = [
        Result("W6", "float32", 1, name, seconds=[seconds], rows=100_000)
        for name, seconds in {"fused": 0.02, "numpy": 0.09, "jax": 0.021}.items()
    ]
    machine = {
        "processor": "P", "simd": "S", "cores": 2, "caches": [], "versions": {},
        "date": "2026-01-01", "command": "c",
    }  # fmt: skip
    report.write(tmp_path, found, PEAKS, machine, {})
    text = (tmp_path / "speed.md").read_text("utf-8")
    assert "| 4.50 (4 ✓) |" in text
    assert "| **1.05 (1.4 ✗)** |" in text
    assert "1 of 2 are met" in text
    again, *_ = report.read(tmp_path / "speed.json")
    assert sorted(again, key=lambda r: r.contender) == sorted(found, key=lambda r: r.contender)
