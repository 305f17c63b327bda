"""The bits do not depend on how many threads BLAS may use."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from glassnet import CrossEntropy, Network, Reference, ReLU, Softmax, Task, last, start, train
from glassnet.engines.blas import one_thread

WIDE = Network.mlp(200, 512, 64, 3, activation=ReLU(), output=Softmax())
RUN = """
import hashlib, numpy as np
from glassnet import *
rng = np.random.default_rng(0)
net = Network.mlp(200, 512, 64, 3, activation=ReLU(), output=Softmax())
X, y = rng.normal(size=(300, 200)), np.eye(3)[rng.integers(0, 3, 300)]
task = Task(net, CrossEntropy(), Adam(0.01))
run = train(task, X, y, start(task, 1, dtype=DTYPE), epochs=3, batch_size=128)
theta = last(run).state.theta
digest = hashlib.sha256(theta.tobytes())
digest.update(trace(task, X, y, theta=theta)["dL_dW1"].value.tobytes())
digest.update(Reference().predict(net, theta, X.astype(DTYPE)).tobytes())
print(digest.hexdigest())
"""


def blas_threads() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_for_any_number_of_threads(dtype: str) -> None:
    def run(threads: int) -> str:
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, "-c", RUN.replace("DTYPE", repr(dtype))],
            env={**os.environ, **dict.fromkeys(names, str(threads))},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert run(1) == run(2) == run(4)


@pytest.mark.skipif(not blas_threads(), reason="a BLAS that tells nothing of its threads")
def test_what_was_set_before_is_set_again() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with one_thread(WIDE, 300):
            assert set(blas_threads()) == {1}
            with one_thread(WIDE, 300):
                assert set(blas_threads()) == {1}
            assert set(blas_threads()) == {1}
        assert blas_threads() == before
        with pytest.raises(ZeroDivisionError), one_thread(WIDE, 300):
            raise ZeroDivisionError
        assert blas_threads() == before
        with one_thread(Network.mlp(2, 8, 1), 1000):
            assert blas_threads() == before  # too small for BLAS to split: left alone


@pytest.mark.skipif(not blas_threads(), reason="a BLAS that tells nothing of its threads")
def test_several_runs_at_once_end_as_one_would() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 200)), np.eye(3)[rng.integers(0, 3, 200)]
    task = Task(WIDE, CrossEntropy())

    def run(seed: int) -> bytes:
        stream = train(task, X, y, start(task, seed), engine=Reference(), epochs=3, batch_size=64)
        return last(stream).state.theta.tobytes()

    with threadpool_limits(2, user_api="blas"):
        alone = [run(seed) for seed in range(4)]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(run, range(4)))
        assert set(blas_threads()) == {2}
    assert alone == together
