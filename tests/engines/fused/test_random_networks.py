"""Random networks: gradients, costs and five epochs, beside the reference engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.activations import ReLU, Softmax
from glassnet.core.losses import CrossEntropy
from glassnet.core.network import Network
from glassnet.engines.base import State
from glassnet.engines.divergence import Divergence
from glassnet.engines.fused import Fused
from glassnet.engines.reference import Reference
from tests.core.instances import ALL_ACTIVATIONS, ALL_LOSSES, OPTIMIZERS, SCHEDULES
from tests.engines.fused.instances import BORDERS, ROWS, WIDE, case, plain

REFERENCE = Reference()
CASES = range(240)


def tolerance(dtype):
    return 1e-12 if dtype == np.float64 else 1e-5


def close(ours, theirs, bound, what, terms=0.0):
    """Within `bound` of the largest number; what cancels leaves a few roundings of its terms."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    off = np.abs(ours.astype(float) - theirs).max(initial=0.0)
    floor = 8 * np.finfo(ours.dtype).eps * terms
    assert off <= bound * np.abs(theirs).max(initial=0.0) + floor, f"{what}: {off}"


def hold_to_reference(engine, c):
    bound = tolerance(c.dtype)
    theta, (X, y, _) = c.state.theta, c.samples
    a = REFERENCE.predict(c.task.net, theta, X)
    close(engine.predict(c.task.net, theta, X), a, bound, "a", terms=1.0)
    ours, theirs = (e.sums(c.task, theta, c.samples) for e in (engine, REFERENCE))
    slopes = np.abs(c.task.loss.slope(a, y)).max()
    close(ours.grad, theirs.grad, bound, "gradient", terms=slopes)
    assert ours.loss == pytest.approx(theirs.loss, rel=bound, abs=bound * 1e-3)
    assert ours.weight == pytest.approx(theirs.weight, rel=1e-14 if bound < 1e-9 else 1e-6)


def drift(c, expected):
    """How far a last bit of the start carries in five epochs: no engine can be nearer than that."""
    rng = np.random.default_rng(0)
    eps, far = np.finfo(c.dtype).eps, []
    for _ in range(3):
        theta = c.state.theta * (1 + eps * rng.choice([-1.0, 1.0], len(c.state.theta)))
        start = replace(c.state, theta=theta.astype(c.dtype))
        moved, _ = REFERENCE.epochs(c.task, start, c.samples, n=5, **c.options)
        far.append(np.abs(moved.theta - expected.theta).max())
    return max(far) / np.abs(expected.theta).max()


def outcome(engine, c):
    """State and costs after five epochs; or the divergence that came between."""
    try:
        return engine.epochs(c.task, c.state, c.samples, n=5, **c.options)
    except Divergence as found:
        return found, None


@pytest.mark.parametrize("seed", CASES)
def test_random_networks(seed):
    """Gradients, then five epochs, on one thread or two."""
    engine, c = Fused(threads=1 + seed % 2), case(seed)
    hold_to_reference(engine, c)
    expected, costs = outcome(REFERENCE, c)
    if isinstance(expected, Divergence):
        assert str(outcome(engine, c)[0]) == str(expected)
        return
    after, found = engine.epochs(c.task, c.state, c.samples, n=5, **c.options)
    assert (after.step, after.epoch, after.chance) == (
        expected.step, expected.epoch, expected.chance,
    )  # fmt: skip
    bound = max(tolerance(c.dtype), 30 * drift(c, expected))
    close(after.theta, expected.theta, bound, "theta")
    for ours, theirs in zip(after.slots, expected.slots, strict=True):
        close(ours, theirs, 10 * bound, "slot", terms=1.0)
    for name in ("loss", "objective", "validation"):
        ours, theirs = getattr(found, name), getattr(costs, name)
        if theirs is None:
            assert ours is None
        else:
            close(ours, theirs, 10 * bound, name)


def test_the_cases_have_every_kind():
    cases = [case(seed) for seed in CASES]
    layers = [layer for c in cases for layer in c.task.net.layers]
    assert {layer.activation for layer in layers} == set(ALL_ACTIVATIONS)
    assert {layer.bias for layer in layers} == {True, False}
    assert {c.task.loss for c in cases} == set(ALL_LOSSES)
    assert {type(c.task.optimizer) for c in cases} == {type(o) for o in OPTIMIZERS}
    schedules = {type(c.task.optimizer.lr) for c in cases}
    assert schedules >= {type(s) for s in SCHEDULES} | {float}
    assert {c.task.reduction for c in cases} == {"mean", "sum", "batch"}
    assert {c.dtype for c in cases} == {np.dtype(np.float64), np.dtype(np.float32)}
    assert {bool(c.task.clip) for c in cases} == {True, False}
    assert {(bool(c.task.l1), bool(c.task.l2)) for c in cases} == {
        (a, b) for a in (True, False) for b in (True, False)
    }
    assert {len(c.samples[0]) for c in cases} == set(ROWS)
    assert {c.samples[2] is None for c in cases} == {True, False}
    assert {c.validation is None for c in cases} == {True, False}
    assert {c.batch_size for c in cases} == {None, 1, 5, 16, 33, 200}
    empty = [c for c in cases if c.samples[2] is not None and not c.samples[2].all()]
    assert len(empty) > 50


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_five_epochs_of_adam_within_a_trillionth(seed):
    c = case(seed, adam=True)
    if c.dtype != np.float64:
        c = case(seed + 1, adam=True)
    expected, _ = REFERENCE.epochs(c.task, c.state, c.samples, n=5, **c.options)
    after, _ = Fused().epochs(c.task, c.state, c.samples, n=5, **c.options)
    close(after.theta, expected.theta, max(1e-12, 30 * drift(c, expected)), "theta")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("width", sorted({*BORDERS, *WIDE, 129}))
def test_widths_around_the_borders_of_blocks(width, dtype):
    """The width as inputs, in the middle and as outputs."""
    for n_in, hidden, n_out in ((width, 9, 3), (5, width, 2), (3, 9, width), (1, width, 1)):
        hold_to_reference(Fused(), plain(n_in, hidden, n_out, dtype=dtype, n=37))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    "n", [*range(1, 20), 31, 32, 33, 63, 64, 65, 127, 128, 129, 500, 513, 4097]
)
def test_any_number_of_rows(n, threads):
    hold_to_reference(Fused(threads), plain(3, 5, 2, n=n))
    hold_to_reference(Fused(threads), plain(9, 40, 33, 2, n=n))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_deep(dtype):
    hold_to_reference(Fused(), plain(*[6] * 33, 1, dtype=dtype))
    hold_to_reference(Fused(), plain(*[40] * 17, 1, dtype=dtype))


def test_one_neuron_one_row():
    c = plain(1, 1, n=1)
    hold_to_reference(Fused(), c)
    after, _ = Fused().epochs(c.task, c.state, c.samples, n=5)
    expected, _ = REFERENCE.epochs(c.task, c.state, c.samples, n=5)
    np.testing.assert_allclose(after.theta, expected.theta, rtol=1e-13)


def many_ways(a):
    """The same numbers, lying in memory in other ways."""
    apart = np.zeros((2 * len(a), 3 * a.shape[1]), a.dtype)
    apart[::2, 1::3] = a
    backwards = a[::-1, ::-1].copy()
    packed = np.zeros(len(a), [("flag", "i1"), ("row", a.dtype, a.shape[1])])
    packed["row"] = a
    other = np.float32 if a.dtype == np.float64 else np.float64
    frozen = a.copy()
    frozen.setflags(write=False)
    return {
        "Fortran": np.asfortranarray(a),
        "slices": apart[::2, 1::3],
        "columns": np.hstack([a, a])[:, a.shape[1] :],
        "backwards": backwards[::-1, ::-1],
        "not aligned": packed["row"],
        "other dtype": a.astype(other),
        "swapped bytes": a.astype(a.dtype.newbyteorder()),
        "read-only": frozen,
        "broadcast": np.broadcast_to(a[:1], a.shape),
    }


WAYS = sorted(many_ways(np.zeros((2, 2))))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sizes", [(3, 4, 2), (19, 40, 3), (1, 3, 1)], ids=str)
def test_rows_may_lie_in_memory_as_they_like(sizes, way, dtype):
    c = plain(*sizes, dtype=dtype, n=41)
    X, y = (many_ways(part.astype(np.float32).astype(dtype))[way] for part in c.samples[:2])
    weight = np.linspace(0.1, 2.0, 123).astype(dtype)[::3]
    # exact in float32, so that the other dtype holds the same numbers
    usual = tuple(np.ascontiguousarray(a, dtype) for a in (X, y, weight))
    strange = (X, y, weight)
    for batch_size in (None, 7):
        options = {"n": 2, "batch_size": batch_size}
        a, costs = Fused().epochs(c.task, c.state, usual, validation=usual, **options)
        b, found = Fused().epochs(c.task, c.state, strange, validation=strange, **options)
        assert a.theta.tobytes() == b.theta.tobytes()
        assert costs.validation.tobytes() == found.validation.tobytes()
    theta = c.state.theta
    assert (
        Fused().predict(c.task.net, theta, X) == Fused().predict(c.task.net, theta, usual[0])
    ).all()


def test_theta_may_lie_as_it_likes():
    c = plain(3, 4, 2)
    wide = np.zeros(2 * c.task.net.n_params)
    wide[::2] = c.state.theta
    state = State(wide[::2], tuple(slot.copy() for slot in c.state.slots), 0, 0, c.state.chance)
    a, _ = Fused().epochs(c.task, c.state, c.samples, n=2)
    b, _ = Fused().epochs(c.task, state, c.samples, n=2)
    assert a.theta.tobytes() == b.theta.tobytes()
    assert (Fused().predict(c.task.net, wide[::2], c.samples[0])
            == Fused().predict(c.task.net, c.state.theta, c.samples[0])).all()  # fmt: skip
    J, g = Fused().loss_and_grad(c.task, wide[::2], c.samples)
    J_, g_ = Fused().loss_and_grad(c.task, c.state.theta, c.samples)
    assert (J, g.tobytes()) == (J_, g_.tobytes())


def test_a_negative_zero_and_a_huge_spread_of_scales():
    c = plain(4, 5, 3)
    X = c.samples[0] * np.logspace(-200, 2, 4)
    X[::3, 1] = -0.0
    hold_to_reference(Fused(), replace_samples(c, (X, *c.samples[1:])))


def replace_samples(c, samples):
    return replace(c, samples=samples)


def test_digits_like_data_train_alike():
    net = Network.mlp(64, 64, 10, activation=ReLU(), output=Softmax())
    c = plain(64, 64, 10, n=300, loss=CrossEntropy())
    task = replace(c.task, net=net)
    y = np.eye(10)[np.arange(300) % 10]
    samples = (np.abs(c.samples[0]), y, None)
    start = replace(c.state, theta=net.init(0))
    a, _ = REFERENCE.epochs(task, start, samples, n=5, batch_size=32)
    b, _ = Fused().epochs(task, start, samples, n=5, batch_size=32)
    close(b.theta, a.theta, 1e-11, "theta")
