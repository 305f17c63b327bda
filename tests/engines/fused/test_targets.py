"""Other instruction sets, forced: the same gradients where the machine can run them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.activations import GELU, ReLU, Sigmoid, Softmax
from glassnet.core.losses import CrossEntropy
from glassnet.core.network import Network
from glassnet.engines.fused import Fused, engine, run, target, tiny
from glassnet.engines.reference import Reference
from tests.engines.fused.instances import case, plain


def can_run(level):
    """Whether this machine is one of a level of x86-64."""
    try:
        import llvmlite.binding as llvm

        machine = target.host()
        if not machine.x86:
            return False
        has = {name for name, there in llvm.get_host_cpu_features().items() if there}
    except Exception:  # noqa: BLE001
        return False
    needed = {
        2: {"sse4.2", "popcnt"},
        3: {"avx2", "fma", "bmi2"},
        4: {"avx512f", "avx512dq", "avx512vl", "avx512bw"},
    }
    return needed[level] <= has


LEVELS = [
    pytest.param(
        level, marks=pytest.mark.skipif(not can_run(level), reason=f"no x86-64-v{level} here")
    )
    for level in (2, 3, 4)
]
levels = pytest.mark.parametrize("level", LEVELS)


@pytest.fixture
def forced(level, monkeypatch):
    """The engine's kernels for another machine. Their own caches are keyed by it."""
    machine = target.generic(level)
    made = target.kit
    monkeypatch.setattr(engine, "kit", lambda dtype: made(dtype, machine))
    return machine


def hold(c):
    bound = 1e-12 if c.dtype == np.float64 else 1e-5
    floor = 20 * np.finfo(c.dtype).eps
    ours, theirs = (e.sums(c.task, c.state.theta, c.samples) for e in (Fused(2), Reference()))
    scale = np.abs(theirs.grad).max()
    assert np.abs(ours.grad - theirs.grad).max() <= bound * scale + floor, str(c)
    assert ours.loss == pytest.approx(theirs.loss, rel=bound, abs=bound)
    a, b = (e.predict(c.task.net, c.state.theta, c.samples[0]) for e in (Fused(2), Reference()))
    assert np.abs(a - b).max() <= bound * np.abs(b).max() + floor


def both(c, n=3):
    a, b = (
        e.epochs(c.task, c.state, c.samples, n=n, **c.options)[0] for e in (Fused(2), Reference())
    )
    bound = 1e-10 if c.dtype == np.float64 else 1e-3
    np.testing.assert_allclose(a.theta, b.theta, rtol=bound, atol=bound)
    assert a.step == b.step


@levels
def test_a_few_networks_on_each(level, forced):
    assert forced.vector_bytes == {2: 16, 3: 32, 4: 64}[level]
    for dtype in (np.float64, np.float32):
        for c in (
            plain(2, 10, 1, n=101, activation=Sigmoid(), dtype=dtype, l1=0.01, clip=0.1),
            plain(19, 33, 31, 3, n=77, activation=GELU(), dtype=dtype, l2=0.1),
        ):
            hold(c)
            both(c)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
@levels
def test_random_networks_on_each(level, forced, seed):
    c = case(seed)
    hold(c)
    if np.isfinite(c.state.theta).all():
        both(replace(c, validation=None), n=1)


@pytest.mark.slow
@levels
def test_widths_on_each(level, forced):
    net = Network.mlp(9, 17, 5, activation=ReLU(), output=Softmax())
    c = plain(9, 17, 5, n=33, loss=CrossEntropy())
    y = np.eye(5)[np.arange(33) % 5]
    hold(replace(c, task=replace(c.task, net=net), samples=(c.samples[0], y, None)))
    for width in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 129, 193):
        for dtype in (np.float64, np.float32):
            hold(plain(width, 9, 3, dtype=dtype))
            hold(plain(3, width, 2, dtype=dtype))
            hold(plain(3, 9, width, dtype=dtype))


@levels
def test_bits_are_those_of_every_thread_on_each(level, forced):
    for c in (plain(2, 10, 1, n=3000), plain(20, 64, 64, 1, n=1500)):
        states = [
            Fused(threads).epochs(c.task, c.state, c.samples, n=2)[0] for threads in (1, 2, 3)
        ]
        assert len({state.theta.tobytes() for state in states}) == 1


@levels
def test_code_for_one_network_has_the_bits_of_code_for_all_on_each(level, forced, monkeypatch):
    for n in (1, 2, 3, 5):
        for dtype in (np.float64, np.float32):
            c = plain(4, 3, 1, n=n, activation=Sigmoid(), dtype=dtype)
            thetas = set()
            for worth in (float("inf"), 0.0):
                tiny.own.cache_clear()
                run.prepared.cache_clear()
                monkeypatch.setattr(tiny, "WORTH", worth)
                thetas.add(Fused().epochs(c.task, c.state, c.samples, n=30)[0].theta.tobytes())
            assert len(thetas) == 1
    tiny.own.cache_clear()
    run.prepared.cache_clear()


def test_the_host_is_what_is_forced_by_default():
    assert target.kit(np.float64).target == target.host()
    assert target.kit(np.float32).lanes == 2 * target.kit(np.float64).lanes
