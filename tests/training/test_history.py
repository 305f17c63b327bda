"""The history: columns of plain numbers, whatever the chunks."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from glassnet.training.history import History
from glassnet.training.metrics import accuracy
from glassnet.training.stream import start, train
from tests.training.instances import TASK, rows, told

X, Y, _ = rows()
HELD = rows(9, seed=1)


def test_columns_are_the_costs_of_each_epoch() -> None:
    records = list(train(TASK, X, Y, start(TASK), epochs=6, validation=HELD))
    history = History.of(records)
    assert len(history) == 6
    assert history.epoch == [1, 2, 3, 4, 5, 6]
    assert history.loss == [record.loss for record in records]
    assert history.objective == [record.objective for record in records]
    assert history.val_loss == [record.val_loss for record in records]
    assert history.seconds == records[-1].seconds
    assert history.watched() == list(zip(history.epoch, history.val_loss, strict=True))


def test_chunks_fill_the_columns_as_single_epochs_do() -> None:
    metrics = {"accuracy": accuracy}
    single = History.of(train(TASK, X, Y, start(TASK), epochs=7, validation=HELD, metrics=metrics))
    chunks = History.of(
        train(TASK, X, Y, start(TASK), epochs=7, validation=HELD, metrics=metrics, every=3)
    )
    for name in ("epoch", "loss", "objective", "val_loss"):
        assert getattr(chunks, name) == getattr(single, name)
    assert chunks.metrics["accuracy"] == [single.metrics["accuracy"][i] for i in (2, 5, 6)]


def test_numbers_of_long_records_come_when_they_are_looked_at_and_in_order() -> None:
    """Records of many epochs keep their arrays until then: nobody can tell."""
    single = History.of(train(TASK, X, Y, start(TASK), epochs=300, validation=HELD))
    assert single.epoch == list(range(1, 301))
    mixed, state = History(), start(TASK)
    for every, looked_at in (
        (100, False),
        (3, False),
        (70, True),
        (90, False),
        (1, False),
        (36, 0),
    ):
        stream = train(TASK, X, Y, state, epochs=every, every=every, validation=HELD)
        for record in mixed.follow(stream):
            state = record.state
            before = record.costs.loss.tolist()
            record.costs.loss[:] = -1.0  # what was noted stays
        if looked_at:
            assert mixed.loss[-every:] == before
    again = pickle.loads(pickle.dumps(mixed))
    for history in (mixed, again, copy.deepcopy(mixed)):
        assert len(history) == 300
        for name in ("loss", "epoch", "objective", "val_loss"):
            assert getattr(history, name) == getattr(single, name)


def test_two_threads_may_look_at_once() -> None:
    single = History.of(train(TASK, X, Y, start(TASK), epochs=1))
    for _ in range(5):
        history = History.of(train(TASK, X, Y, start(TASK), epochs=640, every=64))
        with ThreadPoolExecutor(4) as pool:
            columns = list(pool.map(lambda _, h=history: list(h.loss), range(4)))
        assert all(column == columns[0] and len(column) == 640 for column in columns)
        assert columns[0][0] == single.loss[0]


def test_following_hands_on_each_record_and_goes_on_with_another_stream() -> None:
    history = History()
    *_, record = history.follow(train(TASK, X, Y, start(TASK), epochs=3))
    spent = history.seconds
    *_, other = history.follow(train(TASK, X, Y, record.state, epochs=2))
    whole = History.of(train(TASK, X, Y, start(TASK), epochs=5))
    assert (history.epoch, history.loss) == (whole.epoch, whole.loss)
    assert history.seconds == spent + other.seconds
    assert history.val_loss == []
    assert history.watched() == list(zip(whole.epoch, whole.loss, strict=True))


def test_arrays_lead_back_to_the_history() -> None:
    history = History.of(
        train(TASK, X, Y, start(TASK), epochs=5, every=2, validation=HELD, metrics={"a": accuracy})
    )
    arrays = history.arrays()
    assert {(array.dtype, array.ndim) for array in arrays.values()} == {(np.dtype("float64"), 1)}
    assert History.from_arrays(arrays) == history
    empty = History()
    assert History.from_arrays(empty.arrays()) == empty


def test_summary_is_plain_numbers_of_the_end_and_the_best() -> None:
    history = History.of(told(5, 4, 3, 2, validation=(3, 1, 1, 2)))
    history.metrics["R²"] = [(2, 0.1), (4, 0.7)]
    assert history.summary() == {
        "epochs": 4,
        "loss": 2.0,
        "best_epoch": 2,  # the first of equals
        "best_loss": 1.0,
        "val_loss": 2.0,
        "R²": 0.7,
    }
    json.dumps(history.summary())
    trained = History.of(train(TASK, X, Y, start(TASK, dtype="float32"), epochs=2))
    json.dumps(trained.summary())


def test_summary_without_validation_and_without_epochs() -> None:
    summary = History.of(told(2, 1, 3, first=11)).summary()
    assert summary["best_epoch"] == 12
    assert summary["best_loss"] == 1.0
    assert summary["epochs"] == 13
    assert "val_loss" not in summary
    assert History().summary() == {"epochs": 0}
    assert len(History()) == 0


def test_the_first_loss_is_that_of_the_initial_weights() -> None:
    from glassnet.engines.reference import mean_loss

    state = start(TASK)
    history = History.of(train(TASK, X, Y, state, epochs=1))
    assert history.loss == [pytest.approx(mean_loss(TASK, state.theta, (X, Y, None)), rel=1e-14)]
