"""Stages: when they stop, what they keep, when they save, what they print."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from glassnet.core.errors import BadInput
from glassnet.training.history import History
from glassnet.training.stages import (
    for_seconds,
    keep_best,
    line,
    printing,
    saving,
    until_flat,
    until_loss,
    watched,
)
from glassnet.training.stream import Epoch, last, start, train
from tests.training.instances import TASK, rows, same_records, told


def epochs(stream: Iterator[Epoch]) -> list[int]:
    return [record.epoch for record in stream]


class Clock:
    """A clock that moves when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


def ticking(stream: Iterator[Epoch], clock: Clock, seconds: float = 1.0) -> Iterator[Epoch]:
    for record in stream:
        clock.now += seconds
        yield record


# ---- until_flat


def test_until_flat_ends_after_patience_epochs_without_a_gain() -> None:
    assert epochs(until_flat(told(5, 4, 3, 3, 3, 3, 2), patience=3)) == [1, 2, 3, 4, 5, 6]
    assert epochs(until_flat(told(5, 4, 3, 3, 3, 2, 2, 2, 2), patience=3)) == list(range(1, 10))
    assert epochs(until_flat(told(1, 2, 0), patience=1)) == [1, 2]


def test_until_flat_asks_for_more_than_tol() -> None:
    creeping = [1.0 - 0.001 * i for i in range(20)]
    # 0.001 an epoch: gains of 0.0035 come every fourth epoch, of 0.0005 every epoch
    assert epochs(until_flat(told(*creeping), patience=3, tol=0.0035)) == [1, 2, 3, 4]
    assert epochs(until_flat(told(*creeping), patience=4, tol=0.0035)) == list(range(1, 21))
    assert epochs(until_flat(told(*creeping), patience=1, tol=0.0005)) == list(range(1, 21))


def test_until_flat_watches_the_validation_loss_or_what_it_is_told_to() -> None:
    falling, flat = (5.0, 4.0, 3.0, 2.0, 1.0), (1.0, 1.0, 1.0, 1.0, 1.0)
    assert epochs(until_flat(told(*falling, validation=flat), patience=2)) == [1, 2, 3]
    by_loss = until_flat(told(*falling, validation=flat), patience=2, monitor=lambda r: r.loss)
    assert epochs(by_loss) == [1, 2, 3, 4, 5]
    by_epoch = until_flat(told(*falling), patience=2, monitor=lambda r: float(r.epoch))
    assert epochs(by_epoch) == [1, 2, 3]


@pytest.mark.parametrize("stop", range(1, 9))
@pytest.mark.parametrize("validation", [False, True])
def test_until_flat_resumed_with_its_past_stops_where_it_would_have(
    stop: int, validation: bool
) -> None:
    values = (9.0, 8.0, 8.5, 8.2, 7.0, 7.5, 7.4, 7.3, 7.2, 6.0)
    losses, held = (tuple(range(10)), values) if validation else (values, None)
    whole = epochs(until_flat(told(*losses, validation=held), patience=4))
    assert whole == list(range(1, 10))
    history = History()
    for record in history.follow(told(*losses, validation=held)):
        if record.epoch == stop:
            break
    rest = told(*losses[stop:], validation=held[stop:] if held else None, first=stop + 1)
    assert epochs(until_flat(rest, patience=4, past=history.watched())) == whole[stop:]


def test_until_flat_looks_between_records_and_resumes_in_chunks_too() -> None:
    X, y, _ = rows()
    settings: dict[str, Any] = {"validation": rows(9, seed=1), "batch_size": 4}
    each = train(TASK, X, y, start(TASK), epochs=400, **settings)
    end = last(until_flat(each, patience=9)).epoch
    chunked = train(TASK, X, y, start(TASK), epochs=400, every=5, **settings)
    whole = list(until_flat(chunked, patience=9))
    assert end <= whole[-1].epoch < 400  # it can only end with a record
    history = History()
    stream = history.follow(train(TASK, X, y, start(TASK), epochs=400, every=5, **settings))
    parts = [next(stream), next(stream)]
    onward = train(TASK, X, y, parts[-1].state, epochs=390, every=5, **settings)
    parts += until_flat(onward, patience=9, past=history.watched())
    assert same_records(parts, whole)


def test_until_flat_refuses_no_patience() -> None:
    with pytest.raises(BadInput, match="patience=0"):
        next(until_flat(told(1.0), patience=0))


# ---- until_loss, for_seconds


def test_until_loss_ends_with_the_first_record_below() -> None:
    assert epochs(until_loss(told(3, 2, 1, 0.5, 0.1), 1)) == [1, 2, 3, 4]
    assert epochs(until_loss(told(3, 2, 1, validation=(9, 0.5, 0)), 1)) == [1, 2]
    assert epochs(until_loss(told(3, 2), 1)) == [1, 2]
    assert epochs(until_loss(told(3, 2), 1, monitor=lambda r: 0.0)) == [1]


def test_for_seconds_ends_with_the_first_record_after_them(clock: Clock) -> None:
    assert epochs(for_seconds(ticking(told(*range(9)), clock), 3)) == [1, 2, 3]
    assert epochs(for_seconds(ticking(told(*range(9)), clock), 0)) == [1]


# ---- keep_best


def best_epochs(stream: Iterator[Epoch]) -> list[int]:
    return [record.best.epoch for record in stream if record.best]


def test_keep_best_has_the_lowest_so_far_and_the_first_of_equals() -> None:
    assert best_epochs(keep_best(told(3, 2, 4, 2, 1, 1))) == [1, 2, 2, 2, 5, 5]
    assert best_epochs(keep_best(told(1, 2, 3, validation=(3, 2, 1)))) == [1, 2, 3]
    assert best_epochs(keep_best(told(1, 2, 3), monitor=lambda r: -r.loss)) == [1, 2, 3]


def test_keep_best_goes_on_from_an_earlier_best() -> None:
    *_, record = keep_best(told(3, 2, 4))
    assert best_epochs(keep_best(told(2, 3, 1.5, first=4), best=record.best)) == [2, 2, 6]


def test_keep_best_leaves_a_loss_that_is_no_number() -> None:
    assert best_epochs(keep_best(told(np.nan, 2, np.nan, 1))) == [1, 2, 2, 4]
    assert best_epochs(keep_best(told(np.inf, 2, np.inf))) == [1, 2, 2]


def test_the_best_is_a_record_with_its_own_state() -> None:
    X, y, _ = rows()
    records = list(keep_best(train(TASK, X, y, start(TASK), validation=rows(9, 1), epochs=60)))
    best = records[-1].best
    assert best is not None
    assert best.best is None  # no chain of records that keeps all of them in memory
    assert best.val_loss == min(r.val_loss for r in records if r.val_loss is not None)
    np.testing.assert_array_equal(best.state.theta, records[best.epoch - 1].state.theta)


# ---- saving


def test_saving_every_so_many_epochs_and_at_the_end() -> None:
    saved: list[int] = []
    stream = saving(told(*range(8)), lambda record: saved.append(record.epoch), epochs=3)
    assert epochs(stream) == list(range(1, 9))
    assert saved == [3, 6, 8]
    saved.clear()
    list(saving(told(*range(6)), lambda record: saved.append(record.epoch), epochs=3))
    assert saved == [3, 6]  # the last one is not saved twice


def test_saving_counts_from_where_a_run_goes_on() -> None:
    saved: list[int] = []
    list(saving(told(*range(7), first=11), lambda record: saved.append(record.epoch), epochs=3))
    assert saved == [13, 16, 17]


def test_saving_counts_the_epochs_of_chunks() -> None:
    X, y, _ = rows()
    saved: list[int] = []
    stream = train(TASK, X, y, start(TASK), epochs=20, every=4)
    list(saving(stream, lambda record: saved.append(record.epoch), epochs=6))
    assert saved == [8, 16, 20]


def test_saving_every_so_many_seconds(clock: Clock) -> None:
    saved: list[int] = []
    stream = ticking(told(*range(8)), clock)
    list(saving(stream, lambda record: saved.append(record.epoch), seconds=3))
    assert saved == [3, 6, 8]
    saved.clear()
    stream = ticking(told(*range(8)), clock)
    list(saving(stream, lambda record: saved.append(record.epoch), seconds=5, epochs=2))
    assert saved == [2, 4, 6, 8]


def failing(error: BaseException) -> Iterator[Epoch]:
    yield from told(1.0, 2.0)
    raise error


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt()], ids=repr)
def test_saving_at_the_end_that_an_error_makes(error: BaseException) -> None:
    saved: list[int] = []
    with pytest.raises(type(error)):
        list(saving(failing(error), lambda record: saved.append(record.epoch), epochs=100))
    assert saved == [2]


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt()], ids=repr)
def test_saving_when_the_loop_around_it_fails(error: BaseException) -> None:
    saved: list[int] = []

    def loop() -> None:
        for record in keep_best(saving(told(*range(9)), lambda r: saved.append(r.epoch), epochs=9)):
            if record.epoch == 3:
                raise error

    with pytest.raises(type(error)):
        loop()
    assert saved == [3]


def test_saving_when_the_stream_is_closed_or_left() -> None:
    saved: list[int] = []
    stream = saving(told(*range(9)), lambda record: saved.append(record.epoch), epochs=9)
    next(stream)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert saved == [2]
    for _ in saving(told(*range(9)), lambda record: saved.append(record.epoch), epochs=9):
        break
    assert saved == [2, 1]
    list(until_loss(saving(told(3, 2, 1), lambda r: saved.append(r.epoch), epochs=9), 2.5))
    assert saved == [2, 1, 2]


def test_saving_nothing_where_there_was_no_record() -> None:
    saved: list[Epoch] = []
    assert list(saving(iter(()), saved.append, epochs=1)) == []
    assert saved == []


def test_saving_wants_to_know_how_often() -> None:
    with pytest.raises(BadInput, match="how often"):
        next(saving(told(1.0), print))


# ---- printing


def test_printing_the_first_each_so_many_and_the_last() -> None:
    lines: list[str] = []
    assert epochs(printing(told(*range(9)), 3, write=lines.append)) == list(range(1, 10))
    assert [text.split()[1] for text in lines] == ["1", "4", "7", "9"]
    lines.clear()
    list(printing(told(1.0), 3, write=lines.append))
    assert len(lines) == 1
    assert list(printing(iter(()), write=lines.append)) == []
    assert len(lines) == 1


def test_a_line_says_the_numbers_of_its_record(capsys: pytest.CaptureFixture[str]) -> None:
    X, y, _ = rows()
    metrics = {"thousand": lambda a, y: 1234.5678}
    stream = train(TASK, X, y, start(TASK), validation=(X, y), metrics=metrics, epochs=1)
    (record,) = printing(stream)
    expected = (
        f"epoch 1  loss {record.loss:.5f}  validation loss {record.val_loss:.5f}  thousand 1235"
    )
    assert capsys.readouterr().out == expected + "\n"
    assert line(record) == expected
    assert "validation" not in line(next(told(1.0)))


# ---- together


def test_stages_compose_in_any_order() -> None:
    saved: list[int] = []
    lines: list[str] = []
    history = History()
    values = (5.0, 4.0, 3.0, 3.5, 3.5, 3.5, 1.0)
    stream = history.follow(told(*values))
    stream = saving(stream, lambda record: saved.append(record.epoch), epochs=2)
    stream = keep_best(until_flat(printing(stream, 2, write=lines.append), patience=3))
    record = last(stream)
    assert (record.epoch, record.best and record.best.epoch) == (6, 3)
    assert history.loss == list(values[:6])
    assert saved == [2, 4, 6]
    assert [text.split()[1] for text in lines] == ["1", "3", "5"]
    assert watched(record) == 3.5
