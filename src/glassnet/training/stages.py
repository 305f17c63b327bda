"""Stages: generators around the stream. They stop it, mark its best, save it, print it.

for epoch in keep_best(until_flat(train(...), patience=20)):
    ...
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from math import inf, isnan

from glassnet.core.errors import BadInput
from glassnet.training.stream import Epoch

Monitor = Callable[[Epoch], float]


def watched(record: Epoch) -> float:
    """The validation loss; the training loss where there is none."""
    return record.loss if record.val_loss is None else record.val_loss


def until_flat(
    stream: Iterator[Epoch],
    patience: int = 10,
    tol: float = 1e-4,
    *,
    monitor: Monitor | None = None,
    past: Iterable[tuple[int, float]] = (),
) -> Iterator[Epoch]:
    """Ends once `patience` epochs in a row have not lowered the best value by more than `tol`.

    monitor : a number of each record. None looks at the validation loss, or else the loss, of each
        epoch, also of those between two records.
    past : (epoch, value) pairs up to here of a run that goes on, so that it stops where it would
        have: `history.watched()`.
    """
    if patience < 1:
        raise BadInput(f"patience={patience!r}", "a whole number of 1 or more is expected")
    lowest, since = inf, 0

    def flat(epoch: int, value: float) -> bool:
        nonlocal lowest, since
        if value < lowest - tol:
            lowest, since = value, epoch
        return epoch - since >= patience

    for epoch, value in past:
        flat(epoch, value)
    for record in stream:
        yield record
        seen = each_epoch(record) if monitor is None else [(record.epoch, monitor(record))]
        noted = [flat(epoch, value) for epoch, value in seen]
        if noted[-1]:
            return


def each_epoch(record: Epoch) -> list[tuple[int, float]]:
    """(epoch, validation loss or else loss) of every epoch since the record before."""
    costs = record.costs
    values = costs.loss if costs.validation is None else costs.validation
    return [(record.epoch - len(values) + i, float(value)) for i, value in enumerate(values, 1)]


def until_loss(
    stream: Iterator[Epoch], below: float, *, monitor: Monitor = watched
) -> Iterator[Epoch]:
    """Ends with the first record whose loss is below a value."""
    for record in stream:
        yield record
        if monitor(record) < below:
            return


def for_seconds(stream: Iterator[Epoch], seconds: float) -> Iterator[Epoch]:
    """Ends with the first record after so many seconds."""
    end = time.monotonic() + seconds
    for record in stream:
        yield record
        if time.monotonic() >= end:
            return


def keep_best(
    stream: Iterator[Epoch], *, monitor: Monitor = watched, best: Epoch | None = None
) -> Iterator[Epoch]:
    """Each record with `best`: the one so far whose value was lowest, the first of equals.

    A training loss is measured before the epoch's updates and the state is the one after them; a
    validation loss belongs to the state exactly.

    best : the best record up to here of a run that goes on.
    """
    lowest = inf if best is None else monitor(best)
    for record in stream:
        value = monitor(record)
        if best is None or value < lowest or isnan(lowest):
            best, lowest = record, value
        yield replace(record, best=best)


def saving(
    stream: Iterator[Epoch],
    save: Callable[[Epoch], object],
    *,
    epochs: int | None = None,
    seconds: float | None = None,
) -> Iterator[Epoch]:
    """Calls `save(record)` every so many epochs or seconds, and at the end however it comes."""
    if epochs is None and seconds is None:
        raise BadInput("neither epochs nor seconds", "how often to save is expected", "epochs=100.")
    newest = saved = None
    saved_epoch, saved_at = None, time.monotonic()
    try:
        for newest in stream:
            if saved_epoch is None:  # where the run began, or went on
                saved_epoch = newest.epoch - len(newest.costs.loss)
            due = (epochs is not None and newest.epoch - saved_epoch >= epochs) or (
                seconds is not None and time.monotonic() - saved_at >= seconds
            )
            if due:
                save(newest)
                saved, saved_epoch, saved_at = newest, newest.epoch, time.monotonic()
            yield newest
    finally:
        if newest is not None and newest is not saved:
            save(newest)


def printing(
    stream: Iterator[Epoch], every: int = 1, *, write: Callable[[str], object] = print
) -> Iterator[Epoch]:
    """Writes a line for the first record, for each `every` epochs after it, and for the last."""
    newest, written = None, None
    for newest in stream:
        if written is None or newest.epoch - written.epoch >= every:
            write(line(newest))
            written = newest
        yield newest
    if newest is not None and newest is not written:
        write(line(newest))


def line(record: Epoch) -> str:
    """A record as one line of text."""
    parts = [f"epoch {record.epoch}", f"loss {record.loss:.5f}"]
    if record.val_loss is not None:
        parts.append(f"validation loss {record.val_loss:.5f}")
    parts += [f"{name} {value:.4g}" for name, value in record.metrics.items()]
    return "  ".join(parts)
