"""Whole fits and predictions of the estimators beside scikit-learn's, one thread, by turns.

    python -m benchmarks.estimators [--engine fused] [--rounds 5] [--only digits]

Data lie in memory. Both get the same configuration; that the results are the same is asserted.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import scipy.sparse
from sklearn import neural_network as theirs
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from glassnet import estimators as ours


@dataclass(frozen=True)
class Fit:
    """One configuration, and how many times as fast ours is asked to be."""

    name: str
    data: str
    params: dict[str, Any]
    asked: float = 1.0

    @property
    def kind(self) -> str:
        return "MLPRegressor" if self.data.startswith("numbers") else "MLPClassifier"

    def make(self, room: Any, **more: Any) -> Any:
        return getattr(room, self.kind)(random_state=0, **self.params, **more)


@cache
def rows(name: str) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return X / 16.0, y
    kind, n, features = name.split()
    if kind == "sparse":
        X = scipy.sparse.random(int(n), int(features), 0.01, format="csr", random_state=0)
        return X, rng.integers(0, 4, int(n))
    X = rng.normal(size=(int(n), int(features)))
    if kind == "numbers":
        return X, X[:, 0] * X[:, 1] + np.sin(X[:, 2]) + 0.1 * rng.normal(size=len(X))
    return X, X[:, :10].argmax(axis=1)


FITS = [
    Fit("digits (64,) batch 32", "digits", {"hidden_layer_sizes": (64,), "batch_size": 32}, 8.0),
    Fit("digits (64,) batch 200", "digits", {"hidden_layer_sizes": (64,), "batch_size": 200}, 4.0),
    Fit(
        "100,000 × 20 (32, 32) batch 256",
        "numbers 100000 20",
        {"hidden_layer_sizes": (32, 32), "batch_size": 256, "max_iter": 5},
        5.0,
    ),
]
GRID = [
    Fit(
        f"{data} {hidden} {solver} batch {batch}",
        data,
        {"hidden_layer_sizes": hidden, "solver": solver, "batch_size": batch, "max_iter": epochs},
    )
    for (data, hidden, epochs), (solver, batch) in product(
        [
            ("digits", (16,), 20),
            ("digits", (100,), 10),
            ("digits", (64, 64), 10),
            ("numbers 5000 10", (32,), 10),
            ("numbers 20000 50", (100, 50), 3),
            ("classes 2000 784", (512, 512), 2),
        ],
        [("adam", "auto"), ("adam", 32), ("sgd", 128), ("sgd", 1000), ("lbfgs", "auto")],
    )
]  # thirty
SPARSE = [
    Fit(
        f"sparse {n} {features} {hidden} batch {batch}",
        f"sparse {n} {features}",
        {"hidden_layer_sizes": hidden, "batch_size": batch, "max_iter": 4},
    )
    for n, features, hidden, batch in [
        (2000, 5000, (50,), 200),
        (2000, 5000, (50,), 32),
        (2000, 300, (50,), 64),
        (1000, 20000, (20,), 200),
    ]
]
EARLY = Fit(
    "classes 2000 784 (512, 512) early stopping",
    "classes 2000 784",
    {"hidden_layer_sizes": (512, 512), "early_stopping": True, "max_iter": 6},
)


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = act()
    return time.perf_counter() - began, result


def beside(fit: Fit, engine: Any, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of both, by turns; the first turn of each warms up."""
    X, y = rows(fit.data)
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        results = []
        for times, room, more in zip(taken, (theirs, ours), ({}, {"engine": engine}), strict=True):
            est = fit.make(room, **more)
            seconds, est = timed(lambda est=est: est.fit(X, y))
            results.append(est)
            if turn:
                times.append(seconds)
        a, b = results
        assert abs(a.score(X[:5000], y[:5000]) - b.score(X[:5000], y[:5000])) < 0.02, fit.name
        assert a.n_iter_ == b.n_iter_ or fit.params.get("solver") == "lbfgs", fit.name
    return taken


def tell(name: str, a: float, b: float, asked: float) -> None:
    mark = "" if a / b >= asked else f"   asked: {asked:g}"
    print(f"{name:<52} {a * 1e3:>11.3f} ms {b * 1e3:>11.3f} ms {a / b:>7.2f} ×{mark}")


def predictions(engine: Any, rounds: int) -> None:
    params = {"hidden_layer_sizes": (32, 32), "max_iter": 1}
    X, y = rows("numbers 5000 20")
    a = theirs.MLPRegressor(random_state=0, **params).fit(X, y)
    b = ours.MLPRegressor(random_state=0, engine=engine, **params).fit(X, y)
    many = np.random.default_rng(0).normal(size=(1_000_000, 20))
    pairs = [
        (timed(lambda: a.predict(many))[0], timed(lambda: b.predict(many))[0])
        for _ in range(rounds + 1)
    ]
    np.testing.assert_allclose(a.predict(many[:1000]), b.predict(many[:1000]), rtol=1e-9)
    tell("predict a million rows", *(median(side) for side in zip(*pairs[1:], strict=True)), 1.5)
    x, answer, calls = X[0], b.predictor(), 2000
    slow = timed(lambda: [a.predict(x[None]) for _ in range(calls // 10)])[0] / (calls // 10)
    each = median(timed(lambda: [answer(x) for _ in range(calls)])[0] / calls for _ in range(5))
    tell("one row: predict, and est.predictor()", slow, each, slow / 15e-6)


def memory(engine: str) -> None:
    """What a fit takes at most beyond what was there before it, X and y among that.

    In a process of its own, after a small fit, so that neither library's code is counted.
    """
    for fit in [FITS[0], FITS[2], *(GRID[i] for i in (21, 24, 26, 29)), SPARSE[0], EARLY]:
        most = {}
        for who in ("theirs", "ours"):
            command = [sys.executable, "-m", "benchmarks.estimators", "--alone", who, "--fit"]
            said = subprocess.run(
                [*command, fit.name, "--engine", engine],
                check=True,
                capture_output=True,
                text=True,
                cwd=Path(__file__).parents[1],
            )
            most[who] = json.loads(said.stdout)
        a, b = most["theirs"], most["ours"]
        mark = "" if b <= 1.1 * a else "   asked: at most 1.1"
        print(f"{fit.name:<52} {a:>11.1f} MB {b:>11.1f} MB {b / a:>7.2f}{mark}")


def of_status(field: str) -> float:
    """Megabytes, of Linux's account of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def alone(who: str, name: str, engine: Any) -> None:
    (fit,) = (one for one in [*FITS, *GRID, *SPARSE, EARLY] if one.name == name)
    make = partial(fit.make, theirs) if who == "theirs" else partial(fit.make, ours, engine=engine)
    parts = fit.data.split()
    kind = fit.data if fit.data == "digits" else f"{parts[0]} 300 {parts[-1]}"
    X, y = rows(kind)
    make().fit(X[:300], y[:300])
    X, y = rows(fit.data)
    gc.collect()
    if sys.platform == "linux":  # what malloc keeps of the small fit would hide as much of this one
        ctypes.CDLL(None).malloc_trim(0)
    before = of_status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is the memory of now
    est = make().fit(X, y)
    assert est.n_iter_
    print(json.dumps(of_status("VmHWM") - before))


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="fused", help="fused, reference or auto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="fits whose name holds this text")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    threadpool_limits(1)
    engine: Any = asked.engine
    if engine == "fused":
        from glassnet.engines.fused import Fused

        engine = Fused(threads=1)
    if asked.alone:
        alone(asked.alone, asked.fit, engine)
        return
    print(f"{'':<52} {'scikit-learn':>14} {'glassnet':>14}   engine {asked.engine}, one thread")
    ratios = []
    for fit in [*FITS, *GRID, *SPARSE]:
        if asked.only in fit.name:
            a, b = (median(side) for side in beside(fit, engine, asked.rounds))
            tell(fit.name, a, b, fit.asked)
            ratios.append(a / b)
    if ratios:
        least, middle = min(ratios), median(ratios)
        print(f"{len(ratios)} fits: {least:.2f} × at least, {middle:.2f} × in the middle")
    if not asked.only:
        predictions(engine, asked.rounds)
        memory(asked.engine)


if __name__ == "__main__":
    main()
