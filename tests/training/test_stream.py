"""The stream: its numbers beside a loop by hand, its chunks, its chance, what it refuses."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import Softmax
from glassnet.core.backprop import backward, flatten, forward, sample_losses
from glassnet.core.errors import BadInput
from glassnet.core.initializers import Uniform
from glassnet.core.losses import CrossEntropy
from glassnet.core.network import Network
from glassnet.core.objective import clip_by_norm, penalty, penalty_slope
from glassnet.core.optimizers import LBFGS, SGD, Adam, Momentum, Optimizer
from glassnet.core.schedules import Cosine, Exponential, InverseScaling, Staircase, Warmup
from glassnet.engines.base import State
from glassnet.engines.divergence import Divergence
from glassnet.engines.reference import Reference
from glassnet.training.metrics import accuracy
from glassnet.training.stream import Epoch, last, start, train
from tests.engines.instances import same_bits
from tests.training.instances import (
    LINE,
    OPTIMIZERS,
    STEPWISE,
    TASK,
    line_rows,
    rows,
    same_records,
)

X, Y, W = rows()
HELD_X, HELD_Y, HELD_W = rows(9, seed=1)


def weighted_loss(theta: Any, X: Any, y: Any, w: Any) -> float:
    """Σ w·ℓ / Σ w, written by hand."""
    p = forward(TASK.net, theta, X)[-1].a
    losses = -(y * np.log(p) + (1 - y) * np.log(1 - p))[:, 0]
    return float((w * losses).sum() / w.sum())


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("optimizer", STEPWISE, ids=str)
def test_records_are_those_of_a_loop_by_hand(optimizer: Optimizer, reduction: Any) -> None:
    task = replace(TASK, optimizer=optimizer, reduction=reduction)
    state = start(task, 3)
    theta, slots, step = state.theta, optimizer.start(state.theta), 0
    stream = train(
        task,
        X,
        Y,
        state,
        batch_size=10,
        shuffle=False,
        weight=W,
        validation=(HELD_X, HELD_Y, HELD_W),
        epochs=4,
    )
    for record in stream:
        cost = objective = 0.0
        for batch in (slice(0, 10), slice(10, 20), slice(20, 23)):  # the last one is short
            x, y, w = X[batch], Y[batch], W[batch]
            passes = forward(task.net, theta, x)
            total = w @ sample_losses(task.net, task.loss, passes, y)
            g = flatten(backward(task.net, theta, passes, task.loss, y, w))
            share = w.sum() if reduction == "mean" else 1.0
            J = total / share + penalty(task.net, theta, task.l1, task.l2)
            g = g / share + penalty_slope(task.net, theta, task.l1, task.l2)
            theta, slots = optimizer.step(theta, clip_by_norm(g, 5.0), slots, step)
            step, cost, objective = step + 1, cost + total, objective + J * w.sum()
        assert record.loss == pytest.approx(cost / W.sum(), rel=1e-13)
        assert record.objective == pytest.approx(objective / W.sum(), rel=1e-13)
        assert record.val_loss == pytest.approx(
            weighted_loss(theta, HELD_X, HELD_Y, HELD_W), rel=1e-12
        )
        assert record.lr == optimizer.rate(step - 1)
        assert (record.state.step, record.state.epoch) == (step, record.epoch)
        np.testing.assert_allclose(record.state.theta, theta, rtol=1e-13, atol=1e-15)
    assert record.epoch == 4


@pytest.mark.parametrize("optimizer", [Adam(0.05), LBFGS()], ids=str)
def test_loss_is_from_before_the_update_and_val_loss_from_after(optimizer: Any) -> None:
    task = replace(TASK, optimizer=optimizer)
    state = start(task, 1)
    before = state.theta
    for record in train(task, X, Y, state, validation=(X, Y), weight=W, epochs=3):
        assert record.loss == pytest.approx(weighted_loss(before, X, Y, W), rel=1e-12)
        before = record.state.theta
        assert record.val_loss == pytest.approx(weighted_loss(before, X, Y, np.ones(23)), rel=1e-12)


def test_records_count_epochs_from_one_and_time_goes_forward() -> None:
    records = list(train(TASK, X, Y, start(TASK), epochs=3))
    assert [record.epoch for record in records] == [1, 2, 3]
    assert 0 < records[0].seconds < records[1].seconds < records[2].seconds
    assert records[0].val_loss is None
    assert records[0].metrics == {}


@pytest.mark.parametrize("batch_size", [None, 7])
def test_chunks_have_the_bits_of_single_epochs(batch_size: int | None) -> None:
    held = (HELD_X, HELD_Y)
    single = list(
        train(TASK, X, Y, start(TASK, 5), epochs=8, batch_size=batch_size, validation=held)
    )
    chunks = list(
        train(TASK, X, Y, start(TASK, 5), epochs=8, batch_size=batch_size, validation=held, every=3)
    )
    assert [record.epoch for record in chunks] == [3, 6, 8]  # the last chunk is short
    assert [len(record.costs.loss) for record in chunks] == [3, 3, 2]
    for chunk in chunks:
        assert same_bits(chunk.state, single[chunk.epoch - 1].state)
        assert chunk.lr == single[chunk.epoch - 1].lr
    for name in ("loss", "objective", "validation"):
        joined = np.concatenate([getattr(chunk.costs, name) for chunk in chunks])
        one_by_one = np.concatenate([getattr(record.costs, name) for record in single])
        assert joined.tobytes() == one_by_one.tobytes()


def test_rates_are_those_of_the_last_update() -> None:
    for schedule in (
        Exponential(0.1, 0.5, 4),
        Staircase(0.1, 0.5, 4),
        InverseScaling(0.1),
        Cosine(0.1, 10),
        Warmup(0.1, 5),
    ):
        task = replace(TASK, optimizer=SGD(schedule))
        records = list(train(task, X, Y, start(task), epochs=4, batch_size=10))
        assert [record.lr for record in records] == [schedule(step) for step in (2, 5, 8, 11)]


def test_lbfgs_has_no_rate() -> None:
    task = replace(TASK, optimizer=LBFGS())
    assert next(train(task, X, Y, start(task))).lr is None


def test_metrics_are_of_the_validation_rows_after_the_epoch_or_of_the_training_rows() -> None:
    def share(a: Any, y: Any) -> float:
        assert a.shape == y.shape
        return float(((a > 0.5) == (y > 0.5)).mean())

    metrics = {"accuracy": accuracy, "rows": lambda a, y: len(y), "share": share}
    for validation, held in ((None, (X, Y)), ((HELD_X, HELD_Y), (HELD_X, HELD_Y))):
        record = last(
            train(TASK, X, Y, start(TASK), epochs=5, metrics=metrics, validation=validation)
        )
        a = Reference().predict(TASK.net, record.state.theta, held[0])
        assert record.metrics["rows"] == len(held[0])
        assert record.metrics["share"] == accuracy(a, held[1]) == record.metrics["accuracy"]


def test_engine_is_the_one_that_was_passed() -> None:
    class Counting(Reference):
        asked: list[int] = []  # noqa: RUF012

        def epochs(self, *args: Any, n: int = 1, **settings: Any) -> Any:
            self.asked.append(n)
            return super().epochs(*args, n=n, **settings)

    list(train(TASK, X, Y, start(TASK), engine=Counting(), epochs=5, every=2))
    assert Counting.asked == [2, 2, 1]


# ---- chance


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    def run(seed: int) -> Any:
        return list(train(TASK, X, Y, start(TASK, seed), epochs=3, batch_size=5))

    assert same_records(run(7), run(7))
    assert not same_bits(run(7)[-1].state, run(8)[-1].state)


def test_without_shuffling_nothing_is_drawn_and_with_it_the_order_matters() -> None:
    def run(batch_size: int | None, shuffle: bool) -> State:
        state = start(TASK, 7)
        return last(
            train(TASK, X, Y, state, epochs=2, batch_size=batch_size, shuffle=shuffle)
        ).state

    begin = start(TASK, 7)
    assert run(5, shuffle=False).chance == begin.chance
    assert run(None, shuffle=True).chance == begin.chance
    assert run(5, shuffle=True).chance != begin.chance
    assert not same_bits(run(5, shuffle=True), run(5, shuffle=False))


def test_batches_are_the_rows_in_the_order_of_the_chance() -> None:
    # SGD on a line without bias, one row a batch: the order can be read off the steps
    task = replace(LINE, net=Network.mlp(1, 1, bias=False), optimizer=SGD(0.1))
    x, y = np.arange(1.0, 5.0)[:, None], np.array([[3.0], [1.0], [4.0], [1.5]])
    state = start(task, 11)
    order, after = state.chance.permutation(4)
    w = float(state.theta[0])
    for i in order:
        w -= 0.1 * (w * x[i, 0] - y[i, 0]) * x[i, 0]
    record = next(train(task, x, y, state, batch_size=1))
    assert record.state.theta[0] == pytest.approx(w, rel=1e-13)
    assert record.state.chance == after


def test_a_batch_larger_than_the_rows_is_all_of_them() -> None:
    all_rows = list(train(TASK, X, Y, start(TASK), epochs=2))
    assert same_records(all_rows, list(train(TASK, X, Y, start(TASK), epochs=2, batch_size=23)))
    assert same_records(all_rows, list(train(TASK, X, Y, start(TASK), epochs=2, batch_size=99)))


def test_weights_of_one_are_no_weights() -> None:
    without = last(train(TASK, X, Y, start(TASK), epochs=5, batch_size=6))
    ones = last(train(TASK, X, Y, start(TASK), epochs=5, batch_size=6, weight=np.ones(23)))
    np.testing.assert_allclose(ones.state.theta, without.state.theta, rtol=1e-12)
    assert ones.loss == pytest.approx(without.loss, rel=1e-12)


def test_start_takes_seeds_generators_and_a_legacy_stream_from_where_it_stands() -> None:
    seeded = start(TASK, 4)
    generated = start(TASK, np.random.default_rng(4))
    assert same_bits(seeded, generated)
    legacy = np.random.RandomState(42)
    legacy.normal(size=3)
    again = np.random.RandomState(42)
    again.normal(size=3)
    state = start(TASK, legacy, initializer=Uniform())
    expected = np.concatenate([again.uniform(0, 1, (2, 4)).ravel(), np.zeros(4)])
    np.testing.assert_array_equal(state.theta[:12], expected)
    # the stream has moved on by what the weights took, and the batches draw what comes next
    assert state.chance.legacy
    again.uniform(0, 1, (4, 1))
    order, _ = state.chance.permutation(6)
    np.testing.assert_array_equal(order, again.permutation(6))
    assert not same_bits(state, start(TASK, legacy, initializer=Uniform()))


def test_start_with_theta_draws_nothing_and_copies() -> None:
    theta = np.linspace(-1, 1, TASK.net.n_params)
    state = start(TASK, 4, theta=theta)
    assert state.chance == start(LINE, 4, theta=np.zeros(8)).chance
    theta[0] = 99
    assert state.theta[0] == -1
    assert theta.flags.writeable
    assert start(TASK, theta=theta.tolist(), dtype="float32").theta.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        state.theta[0] = 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_float32_stays_float32_and_follows_float64(optimizer: Any) -> None:
    task = replace(TASK, optimizer=optimizer)
    small = last(
        train(task, X, Y, start(task, 2, dtype=np.float32), epochs=5, batch_size=6, weight=W)
    )
    large = last(train(task, X, Y, start(task, 2), epochs=5, batch_size=6, weight=W))
    assert {array.dtype for array in (small.state.theta, *small.state.slots)} == {
        np.dtype(np.float32)
    }
    np.testing.assert_allclose(small.state.theta, large.state.theta, rtol=2e-3, atol=2e-4)
    assert small.loss == pytest.approx(large.loss, rel=1e-3)


# ---- costs nothing until it is asked, refuses at the call


def test_a_stream_that_is_not_started_costs_nothing() -> None:
    class Untouchable(Reference):
        def epochs(self, *args: Any, **settings: Any) -> Any:
            raise AssertionError("computed before it was asked for")

        sums = epochs  # type: ignore[assignment]

    train(TASK, X, Y, start(TASK), engine=Untouchable())
    lbfgs = replace(TASK, optimizer=LBFGS())
    train(lbfgs, X, Y, start(lbfgs), engine=Untouchable())


def test_without_epochs_it_goes_on_for_ever() -> None:
    assert next(itertools.islice(train(TASK, X, Y, start(TASK)), 400, None)).epoch == 401


def test_without_a_state_it_starts_from_seed_nought() -> None:
    assert same_records(
        list(train(TASK, X, Y, epochs=2)), list(train(TASK, X, Y, start(TASK, 0), epochs=2))
    )


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "X.T": ({"X": np.zeros((2, 23))}, r"Did you pass X\.T"),
    "y flat": ({"y": Y[:, 0]}, "reshape"),
    "y of other rows": ({"y": Y[:5]}, r"\(5, 1\)"),
    "y outside": ({"y": Y * 2}, "between 0 and 1"),
    "nan": ({"X": np.full((23, 2), np.nan)}, r"X\[0, 0\] is nan"),
    "text": ({"X": [["a", "b"]] * 23}, "no number"),
    "no rows": ({"X": np.zeros((0, 2)), "y": np.zeros((0, 1))}, "no rows"),
    "weight": ({"weight": -W}, "negative"),
    "epochs 0": ({"epochs": 0}, "epochs=0"),
    "epochs half": ({"epochs": 2.5}, "epochs=2.5"),
    "epochs nan": ({"epochs": float("nan")}, "epochs=nan"),
    "epochs text": ({"epochs": "ten"}, "epochs='ten'"),
    "epochs true": ({"epochs": True}, "epochs=True"),
    "batch 0": ({"batch_size": 0}, "batch_size=0"),
    "batch float": ({"batch_size": 2.0}, r"batch_size=2\.0"),
    "every": ({"every": -1}, "every=-1"),
    "validation X": ({"validation": X}, "validation"),
    "validation of 1": ({"validation": (X,)}, "validation"),
    "validation X.T": ({"validation": (HELD_X.T, HELD_Y)}, "9 columns"),
    "validation weight": ({"validation": (HELD_X, HELD_Y, HELD_W[1:])}, r"\(8,\)"),
    "a seed for a state": ({"state": 42}, r"state=42, a State is expected. Try start\(task, 42\)"),
    "state of another net": ({"state": start(LINE)}, "8 parameters"),
    "state of another optimizer": (
        {"state": start(replace(TASK, optimizer=SGD()))},
        "0 slots",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_at_the_call_in_one_line(case: str) -> None:
    given, says = REFUSED[case]
    settings = {"X": X, "y": Y, "state": start(TASK), **given}
    with pytest.raises(BadInput, match=says) as caught:
        train(TASK, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"rng": -1}, "source of chance"),
        ({"rng": "seed"}, "source of chance"),
        ({"rng": np.random.Generator(np.random.SFC64(1))}, "source of chance"),
        ({"dtype": "float16"}, "float64 or float32"),
        ({"dtype": "float46"}, "float64 or float32"),
        ({"dtype": int}, "float64 or float32"),
        ({"theta": np.zeros(3)}, r"\(3,\)"),
        ({"theta": np.full(17, np.inf)}, r"theta\[0\] is inf"),
        ({"theta": ["a"] * 17}, "no number"),
    ],
)
def test_start_refuses_in_one_line(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        start(TASK, **settings)
    assert "\n" not in str(caught.value)


def test_last_of_nothing_says_so() -> None:
    with pytest.raises(BadInput, match="no epochs"):
        last(iter(()))


# ---- errors on the way


def boom(a: Any, y: Any) -> float:
    raise ZeroDivisionError("metric")


def test_an_error_in_a_metric_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError, match="metric"):
        next(train(TASK, X, Y, start(TASK), metrics={"boom": boom}))


@pytest.mark.parametrize("optimizer", [SGD(1e3), Momentum(1e3)], ids=str)
def test_divergence_carries_the_last_good_state_and_a_smaller_rate_goes_on(optimizer: Any) -> None:
    X, y = line_rows()
    task = replace(LINE, optimizer=optimizer)
    records: list[Epoch] = []
    with pytest.raises(Divergence) as caught:
        records.extend(train(task, X, y, start(task), batch_size=10))
    found = caught.value
    assert found.epoch == len(records) + 1
    assert same_bits(found.state, records[-1].state)
    assert np.isfinite(found.state.theta).all()
    assert found.quantity in str(found)
    assert "\n" not in str(found)
    # the state is finite and fit to go on from, however large its numbers have become
    early = records[1].state
    calm = replace(task, optimizer=type(optimizer)(0.1))
    onward = list(train(calm, X, y, early, epochs=300))
    assert onward[0].epoch == 3
    assert onward[-1].loss < onward[0].loss * 1e-6
    assert next(train(calm, X, y, found.state)).epoch == found.epoch


def test_divergence_within_a_chunk_carries_a_state_from_before_it() -> None:
    X, y = line_rows()
    task = replace(LINE, optimizer=SGD(1e3))
    with pytest.raises(Divergence) as caught:
        list(train(task, X, y, start(task), every=1000))
    assert caught.value.state.epoch == caught.value.epoch - 1
    assert np.isfinite(caught.value.state.theta).all()


def test_softmax_over_three_classes_learns() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0, 2], [2, -1], [-2, -1]])
    label = np.repeat(np.arange(3), 20)
    X = centres[label] + 0.4 * rng.normal(size=(60, 2))
    task = replace(TASK, net=Network.mlp(2, 6, 3, output=Softmax()), loss=CrossEntropy())
    record = last(
        train(task, X, np.eye(3)[label], start(task), epochs=60, metrics={"accuracy": accuracy})
    )
    assert record.metrics["accuracy"] == 1.0
