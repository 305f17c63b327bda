"""A number that is not finite is found where it arises, and named as the reference names it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.activations import Exp, Identity, ReLU, Softmax
from glassnet.core.losses import CrossEntropy, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD, Adam, Momentum, RMSProp
from glassnet.engines.divergence import Divergence
from glassnet.engines.fused import Fused, run, tiny
from glassnet.engines.reference import Reference
from tests.engines.fused.instances import plain
from tests.engines.instances import same_bits


def divergence(engine, c, **options):
    with pytest.raises(Divergence) as error:
        engine.epochs(c.task, c.state, c.samples, **{"batch_size": 8, "n": 3, **options})
    return error.value


def alike(c, threads=1, *, bits=True, **options):
    """Both engines say the same, and carry the state before the epoch."""
    found = divergence(Fused(threads), c, **options)
    expected = divergence(Reference(), c, **options)
    assert str(found) == str(expected)
    assert (found.epoch, found.step, found.layer, found.quantity) == (
        expected.epoch, expected.step, expected.layer, expected.quantity,
    )  # fmt: skip
    assert (found.state.step, found.state.epoch, found.state.chance) == (
        expected.state.step, expected.state.epoch, expected.state.chance,
    )  # fmt: skip
    before = expected.state.epoch
    state, _ = Fused().epochs(
        c.task, c.state, c.samples, **{"batch_size": 8, **options, "n": before}
    ) if before else (c.state, None)  # fmt: skip
    assert same_bits(found.state, state)
    assert np.isfinite(found.state.theta).all()
    return found


SIZES = [(2, 5, 1), (20, 30, 30, 1), (3, 200, 2)]
sizes = pytest.mark.parametrize("sizes", SIZES, ids=str)
shuffles = pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])


@shuffles
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 1e308, 1e200])
@pytest.mark.parametrize("row", [0, 23, 49])
@sizes
def test_a_bad_row_is_found_in_its_own_batch(sizes, row, bad, shuffle):
    c = plain(*sizes, n=50, activation=ReLU(), optimizer=SGD(1e-3))
    X = c.samples[0].copy()
    X[row, 1] = bad
    for threads in (1, 2):
        found = alike(replace(c, samples=(X, *c.samples[1:])), threads, shuffle=shuffle)
        assert found.epoch == 1
        if not shuffle:
            assert found.step == 1 + row // 8


@pytest.mark.parametrize("last", [False, True])
@sizes
def test_full_batch(sizes, last):
    c = plain(*sizes, n=50)
    X = c.samples[0].copy()
    X[-1 if last else 0, 0] = np.nan
    alike(replace(c, samples=(X, *c.samples[1:])), batch_size=None)


@pytest.mark.parametrize("bad", [np.inf, np.nan, 1e200])
@sizes
def test_a_bad_target_is_named_the_loss(sizes, bad):
    c = plain(*sizes, n=50)
    y = c.samples[1].copy()
    y[33, -1] = bad
    assert alike(replace(c, samples=(c.samples[0], y, None)), shuffle=False).quantity == "loss"


@pytest.mark.parametrize("optimizer", [Adam(0.1), RMSProp(0.1), Momentum(1e200)], ids=str)
@sizes
def test_a_slot_overflows(sizes, optimizer):
    c = plain(*sizes, n=50, activation=Identity(), optimizer=optimizer)
    X = c.samples[0] * 1e-3
    y = c.samples[1] * 1e-3
    y[20] = 1e130
    X[20] = 1e100
    c = replace(c, samples=(X, y, None))
    alike(c, shuffle=False)


@pytest.mark.parametrize("n", [3, 7, 40])
def test_found_in_the_epoch_in_which_it_comes(n):
    """A rate too large grows until it breaks: in which epoch depends on the rate alone."""
    c = plain(1, 1, n=1, activation=Identity(), optimizer=SGD(1.0 + 10.0 ** (300 / n)))
    task = replace(c.task, net=Network.mlp(1, 1, bias=False))
    state = replace(c.state, theta=np.ones(1), slots=())
    c = replace(c, task=task, state=state, samples=(np.ones((1, 1)), np.zeros((1, 1)), None))
    found = alike(c, n=100, batch_size=None)
    assert found.epoch == found.step
    assert abs(found.epoch - n / 2) <= 2


@pytest.fixture(params=["all", "one", "updates"])
def made_for(request, monkeypatch):
    """Code for all networks, for one alone, and for its whole updates: what is run, and on what."""
    tiny.own.cache_clear()
    run.prepared.cache_clear()
    monkeypatch.setattr(tiny, "WORTH", float("inf") if request.param == "all" else 0.0)
    yield request.param
    tiny.own.cache_clear()
    run.prepared.cache_clear()


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("rows", [1, 3, 8, 40])
@pytest.mark.parametrize("weight", [None, 0.0, 0.5])
def test_a_loss_overflows_while_theta_stays_finite(made_for, dtype, rows, weight, monkeypatch):
    """Theta grows by four digits a step, and the square of it is the first that is no number."""
    called = count_calls(monkeypatch)
    c = plain(1, 1, n=rows, activation=Identity(), optimizer=SGD(10001.0 / rows), dtype=dtype)
    task = replace(c.task, net=Network.mlp(1, 1, bias=False), reduction="sum")
    state = replace(c.state, theta=np.ones(1, dtype), slots=())
    X, y = np.ones((rows, 1), dtype), np.zeros((rows, 1), dtype)
    if weight is not None:
        weight = np.full(rows, weight, dtype)
        weight[0] = rows - weight[1:].sum()  # so that theta goes on as without
    c = replace(c, task=task, state=state, samples=(X, y, weight))
    held = (X[:1], y[:1], None) if made_for == "one" else None
    found = alike(c, n=400, batch_size=None, validation=held)
    assert found.quantity == "loss"
    assert found.epoch == found.step
    exponent = np.log10(float(np.finfo(dtype).max))
    assert abs(found.epoch - exponent / 2 / 4) <= 2
    assert called[made_for]


def count_calls(monkeypatch):
    """How often each kind of code is put into a job."""
    called = {"all": 0, "one": 0, "updates": 0}
    make = run.Job.__init__

    def noted(self, laid, told, *rest):
        kind = "updates" if told["quick"] else "one" if told["tiny"] else "all"
        called[kind] += 1
        make(self, laid, told, *rest)

    monkeypatch.setattr(run.Job, "__init__", noted)
    return called


def test_growth_in_shuffled_minibatches():
    c = plain(4, 9, 2, n=60, activation=ReLU(), optimizer=SGD(30.0))
    for threads in (1, 2):
        found = divergence(Fused(threads), c, n=200)
        expected = divergence(Reference(), c, n=200)
        assert str(found) == str(expected)


@pytest.mark.parametrize(
    "task", [{"l2": 1e299}, {"l1": 1e299, "clip": 1.0}, {"clip": 1.0}], ids=str
)
def test_penalties_and_clipping(task):
    c = plain(3, 6, 2, n=30, **task)
    c = replace(c, state=replace(c.state, theta=c.state.theta * 1e10))
    if task == {"clip": 1.0}:
        c = replace(c, samples=(c.samples[0], c.samples[1] * 1e300, None))
    alike(c)


def test_nan_does_not_hide_behind_relu_softmax_or_a_weight_of_0():
    net = Network.mlp(4, 5, 3, activation=ReLU(), output=Softmax())
    c = plain(4, 5, 3, n=20, activation=ReLU(), loss=CrossEntropy())
    task = replace(c.task, net=net)
    X, _, _ = c.samples
    y = np.eye(3)[np.arange(20) % 3]
    X = X.copy()
    X[5] = np.nan
    for weight in (None, np.where(np.arange(20) == 5, 0.0, 1.0)):
        alike(replace(c, task=task, samples=(X, y, weight)), batch_size=None)


def test_a_forward_overflow_in_float32_alone():
    net = Network.mlp(2, 3, 1, activation=Exp())
    for dtype in (np.float32, np.float64):
        c = plain(2, 3, 1, n=10, dtype=dtype, loss=SquaredError())
        X = c.samples[0].copy()
        X[3] = 100.0
        theta = np.ones_like(c.state.theta)
        c = replace(
            c,
            task=replace(c.task, net=net),
            samples=(X, *c.samples[1:]),
            state=replace(c.state, theta=theta),
        )
        if dtype == np.float32:
            assert alike(c, batch_size=None).quantity == "z2"  # 3·e^88
        else:
            Fused().epochs(c.task, c.state, c.samples)


def test_validation_that_is_not_finite_is_told_and_stops_nothing():
    c = plain(2, 4, 1, n=20)
    X, y, _ = c.samples
    bad = (np.full_like(X, np.inf), y, None)
    for engine in (Fused(), Reference()):
        _, costs = engine.epochs(c.task, c.state, c.samples, n=2, validation=bad)
        assert not np.isfinite(costs.validation).any()


def test_predictions_carry_what_is_not_finite():
    c = plain(2, 4, 1, n=20)
    X = c.samples[0].copy()
    X[3], X[7] = np.nan, np.inf
    a = Fused().predict(c.task.net, c.state.theta, X)
    with np.errstate(all="ignore"):
        expected = Reference().predict(c.task.net, c.state.theta, X)
    np.testing.assert_array_equal(np.isfinite(a), np.isfinite(expected))
    assert np.isnan(a[3]).all()
    assert np.isfinite(a[[0, 1, 2, 4, 5, 6, 8]]).all()
