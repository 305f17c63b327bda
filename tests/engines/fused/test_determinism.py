"""The same bits, whoever computes them and in however many calls."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest

from glassnet.core.activations import GELU, Identity, LeakyReLU, Sigmoid, Tanh
from glassnet.core.losses import Absolute, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam, Momentum, Optimizer
from glassnet.core.schedules import Exponential, Schedule
from glassnet.engines.divergence import Divergence
from glassnet.engines.fused import Fused, plan, run, tiny
from glassnet.engines.fused.target import kit
from tests.engines.fused.instances import case, plain
from tests.engines.instances import same_bits

THREADS = [1, 2, 3, 4]  # more than there are processors, perhaps


def bits(engine, c, n=3, **options):
    """All that a run tells, to the last bit."""
    try:
        state, costs = engine.epochs(c.task, c.state, c.samples, n=n, **{**c.options, **options})
    except Divergence as error:
        return str(error), pickle.dumps(error.state)
    arrays = [state.theta, *state.slots, costs.loss, costs.objective]
    if costs.validation is not None:
        arrays.append(costs.validation)
    total = engine.sums(c.task, c.state.theta, c.samples)
    a = engine.predict(c.task.net, c.state.theta, c.samples[0])
    arrays += [total.grad, np.array([total.loss, total.weight]), a]
    return [array.tobytes() for array in arrays], state.step, state.epoch, state.chance


# enough rows that all threads have some
MANY = [
    plain(2, 10, 1, n=1000, activation=Sigmoid()),
    plain(2, 10, 1, n=3001, reduction="sum", l1=0.01, clip=0.1),
    plain(3, 7, 5, 2, n=2500, dtype=np.float32, l2=0.1),
    plain(20, 32, 32, 1, n=3000),
    plain(20, 33, 31, 2, n=2999, dtype=np.float32, clip=0.01),
    plain(5, 64, 64, 3, n=1500, l1=1e-3, reduction="batch"),
    plain(130, 70, 10, n=700, clip=1.0, l2=0.3),
    plain(200, 130, 7, n=900, dtype=np.float32),
]
many = pytest.mark.parametrize("c", MANY, ids=str)


@pytest.mark.parametrize("seed", range(60))
def test_threads_in_random_cases(seed):
    c = case(seed, narrow=seed % 2 == 0)
    first = bits(Fused(1), c)
    for threads in THREADS[1:]:
        assert bits(Fused(threads), c) == first


@pytest.mark.parametrize("batch_size", [None, 257, 1024])
@many
def test_threads_where_there_is_work_for_all(c, batch_size):
    c = replace(c, validation=tuple(None if a is None else a[::2] for a in c.samples))
    first = bits(Fused(1), c, batch_size=batch_size)
    for threads in [*THREADS[1:], 7]:
        assert bits(Fused(threads), c, batch_size=batch_size) == first


def test_the_cases_are_summed_in_both_ways_and_have_work_for_several_threads():
    def how(c, batch):
        code = run.prepared(
            kit(c.dtype), c.task, batch, whole=batch == len(c.samples[0]), updating=True
        )
        return code.how

    plans = [how(c, len(c.samples[0])) for c in MANY]
    assert {p.grouped for p in plans} == {True, False}
    pieces = [p.pieces(len(c.samples[0])) for p, c in zip(plans, MANY, strict=True)]
    assert min(pieces) > 1, pieces
    assert any(p.resident for p in plans)
    random = [case(seed, narrow=seed % 2 == 0) for seed in range(60)]
    assert {how(c, len(c.samples[0])).grouped for c in random} == {True, False}


def in_steps(engine, c, steps):
    state, losses = c.state, []
    for n in steps:
        # through pickle, as from a file
        state, costs = engine.epochs(
            c.task, pickle.loads(pickle.dumps(state)), c.samples, n=n, **c.options
        )
        losses += [*costs.loss]
    return state, losses


@pytest.mark.parametrize("seed", range(60, 120))
def test_many_calls_are_one_call(seed):
    c = case(seed, narrow=seed % 2 == 0)
    try:
        once, losses = in_steps(Fused(2), c, [7])
    except Divergence:
        pytest.skip("this one diverges: see test_divergence")
    for threads, steps in ((1, [1] * 7), (2, [3, 4]), (3, [1, 0, 5, 1])):
        state, found = in_steps(Fused(threads), c, steps)
        assert same_bits(once, state)
        assert found == losses
    without, _ = in_steps(Fused(2), replace(c, validation=None), [7])
    assert same_bits(once, without)


@many
def test_data_that_stay_in_memory_and_data_that_do_not(c, monkeypatch):
    usual = bits(Fused(2), c, n=4)
    plan.plan.cache_clear()
    run.prepared.cache_clear()
    monkeypatch.setattr(plan, "RESIDENT", 0)
    try:
        assert bits(Fused(2), c, n=4) == usual
    finally:
        plan.plan.cache_clear()
        run.prepared.cache_clear()


def test_data_that_changed_between_two_calls_are_read_again():
    c = plain(2, 10, 1, n=300)
    X, y, _ = c.samples
    first, _ = Fused().epochs(c.task, c.state, c.samples, n=2)
    X += 1.0
    second, _ = Fused().epochs(c.task, c.state, (X, y, None), n=2)
    third, _ = Fused().epochs(c.task, c.state, (X.copy(), y.copy(), None), n=2)
    assert not same_bits(first, second)
    assert same_bits(second, third)


@pytest.fixture
def tiny_from(monkeypatch):
    """Code for one network is made from so many operations on; nothing is known of any before."""

    def forget():
        tiny.own.cache_clear()
        run.prepared.cache_clear()

    def begin(operations):
        monkeypatch.setattr(tiny, "WORTH", operations)
        forget()

    yield begin
    forget()


TINY = [
    plain(2, 10, 1, n=1000, activation=Sigmoid()),
    plain(4, 3, 1, n=3),
    plain(1, 1, n=1),
    plain(2, 5, 3, 2, n=333, dtype=np.float32),
    plain(3, 4, 4, 2, n=1201, l1=0.01, clip=0.1, reduction="sum"),
    *(case(seed, narrow=True) for seed in range(120, 160)),
]


@pytest.mark.parametrize("c", TINY, ids=str)
def test_code_for_one_network_has_the_bits_of_code_for_all(c, tiny_from, monkeypatch):
    """A long run compiles its own code; where that sets in is nobody's business."""
    made = count_made(monkeypatch)
    tiny_from(1e300)
    usual = bits(Fused(1), c)
    assert not made
    tiny_from(0)
    for threads in (1, 2, 3):
        assert bits(Fused(threads), c) == usual


def count_made(monkeypatch):
    """A list that gets a word for each code of one network that is written from now on."""
    made = []
    for name in ("write_learn", "write_repeat"):
        write = getattr(tiny, name)

        def noted(*arguments, name=name, write=write):
            write(*arguments)
            made.append(name)

        monkeypatch.setattr(tiny, name, noted)
    return made


def weighted(c):
    X, y, _ = c.samples
    weight = np.random.default_rng(3).uniform(0.0, 2.0, len(X)).astype(X.dtype)
    return replace(c, samples=(X, y, weight))


@dataclass(frozen=True)
class Leap(Schedule):
    """A step so far that theta leaves the numbers at once, while the loss is still one."""

    @staticmethod
    def f(step):
        return 1.7e308 if step == 5 else 0.01


@dataclass(frozen=True)
class Restless(Optimizer):
    """θ ← θ - lr·g, but what has no gradient grows: that is what fills a register up."""

    lr: float = 0.01

    @staticmethod
    def f(theta, g, lr, t):
        return (np.where(g == 0, 1e30 * theta + 1e30, theta - lr * g),)


@dataclass(frozen=True)
class Watchful(Optimizer):
    """θ ← θ ± 0.01, by the sign of g, also where g is a 0."""

    lr: float = 0.01

    @staticmethod
    def f(theta, g, lr, t):
        return (np.where(1.0 / g < 0, theta + lr, theta - lr),)


def faint(c):
    """Inputs so small that products with them are 0, or -0 in all samples alike."""
    X, y, w = c.samples
    return replace(c, samples=(np.full_like(X, 5e-324), np.full_like(y, 0.1), w))


ONE_TILE = [
    *(
        plain(3, 5, 2, n=n, activation=activation, optimizer=optimizer, dtype=dtype)
        for n in (1, 3, 8, 9, 16, 17, 31)
        for activation, optimizer, dtype in (
            (Sigmoid(), SGD(0.1), np.float64),
            (Tanh(), Adam(0.01), np.float32),
            (GELU(), Momentum(Exponential(0.1, 0.9)), np.float64),
        )
    ),
    plain(7, 4, 3, 2, n=6, reduction="sum"),
    weighted(plain(2, 9, 1, n=5, activation=LeakyReLU(0.1), reduction="batch")),
    weighted(plain(2, 9, 1, n=7, dtype=np.float32)),
    plain(2, 3, 1, n=6, activation=Identity(), optimizer=SGD(3.0)),  # grows without end
    plain(2, 3, 1, n=6, loss=Absolute(), optimizer=SGD(Leap()), reduction="sum"),
    plain(2, 3, 1, n=6, optimizer=Restless()),
    plain(2, 3, 1, n=13, optimizer=Restless()),
    *(faint(plain(3, 2, 2, n=n, optimizer=Watchful())) for n in (1, 2, 3, 4, 5, 7, 8)),
    *(weighted(plain(4, 3, 2, n=n, dtype=np.float32)) for n in (2, 4, 5, 11)),
]


@pytest.mark.parametrize("c", ONE_TILE, ids=str)
def test_whole_updates_on_one_tile_have_the_bits_of_single_ones(c, tiny_from, monkeypatch):
    """Parameters stay in registers from update to update; each number is what it was."""
    tiny_from(1e300)
    usual = bits(Fused(1), c, n=300)
    made = count_made(monkeypatch)
    tiny_from(0)
    assert bits(Fused(1), c, n=300) == usual
    assert "write_repeat" in made


def test_tiny_networks_do_get_code_of_their_own(tiny_from, monkeypatch):
    made = count_made(monkeypatch)
    tiny_from(0)
    bits(Fused(1), TINY[0])
    assert set(made) == {"write_learn"}


def test_order_of_calls_leaves_no_trace():
    """What ran before, with other sizes and types, changes nothing."""
    cases = [case(seed) for seed in range(30)]
    first = [bits(Fused(2), c, n=1) for c in cases]
    second = [bits(Fused(2), c, n=1) for c in reversed(cases)][::-1]
    assert first == second


def test_a_long_run_in_many_slices():
    """One call here is several of compiled code."""
    net = Network.mlp(1, 2, 1, activation=Tanh())
    c = plain(1, 2, 1, n=2)
    c = replace(c, task=replace(c.task, net=net, loss=SquaredError(), optimizer=SGD(0.01)))
    c = replace(c, state=replace(c.state, theta=net.init(0), slots=()))
    once, costs = Fused(1).epochs(c.task, c.state, c.samples, n=400_000)
    twice, first = Fused(1).epochs(c.task, c.state, c.samples, n=150_001)
    twice, second = Fused(1).epochs(c.task, twice, c.samples, n=249_999)
    assert same_bits(once, twice)
    assert (np.concatenate([first.loss, second.loss]) == costs.loss).all()
