"""The progress bar: one line that is read on any terminal."""

from __future__ import annotations

import io
import itertools
import re
from typing import Any

import pytest
from rich.console import Console

from glassnet.training.metrics import accuracy
from glassnet.training.progress import costs, progress
from glassnet.training.stream import start, train
from tests.training.instances import TASK, rows, same_records, told

X, Y, _ = rows()


def shown(width: int, epochs: int | None = 40, **settings: Any) -> list[str]:
    """The lines that stand on a screen of so many columns in the end."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=False)
    stream = train(TASK, X, Y, start(TASK), epochs=40, **settings)
    for _ in progress(stream, epochs, console=console):
        pass
    return out.getvalue().splitlines()


FULL: dict[str, Any] = {"validation": (X, Y), "metrics": {"accuracy": accuracy}}


@pytest.mark.parametrize("width", [20, 24, 30, 40, 50, 60, 80, 120])
def test_one_whole_line_on_any_width(width: int) -> None:
    *_, record = train(TASK, X, Y, start(TASK), epochs=40, **FULL)
    (line,) = shown(width, **FULL)
    assert len(line) <= width
    assert line.rstrip().endswith(("loss", "val", "accuracy")) is False
    assert "…" not in line
    assert "40/40" in line
    assert f"loss {record.loss:.4f}" in line
    if width >= 30:
        assert f"val {record.val_loss:.4f}" in line
    if width >= 60:
        assert f"accuracy {record.metrics['accuracy']:.3f}" in line
        assert "━" in line
    if width >= 80:
        assert line.startswith("training ")
    if width in {40, 60, 80, 120}:  # at 50 the accuracy takes its place
        assert re.search(r" 0:0\d:\d\d$", line.rstrip())


def test_where_nobody_knows_how_many_epochs_it_says_how_many_are_done() -> None:
    (line,) = shown(80, None)
    assert "epoch 40 loss" in line
    assert "/" not in line


def test_chunks_are_counted_in_epochs() -> None:
    (line,) = shown(80, every=7)
    assert "40/40" in line


def test_a_run_that_goes_on_counts_what_lies_behind_it() -> None:
    out = io.StringIO()
    *_, first = train(TASK, X, Y, start(TASK), epochs=5)
    stream = train(TASK, X, Y, first.state, epochs=3)
    for _ in progress(stream, 3, console=Console(file=out, width=80), past=5):
        pass
    assert "8/8" in out.getvalue()


def test_records_go_through_as_they_are() -> None:
    console = Console(file=io.StringIO())
    stream = progress(train(TASK, X, Y, start(TASK), epochs=5), 5, console=console)
    assert same_records(list(stream), list(train(TASK, X, Y, start(TASK), epochs=5)))


def test_a_terminal_sees_the_line_grow_and_gets_its_cursor_back() -> None:
    out = io.StringIO()
    console = Console(file=out, width=60, force_terminal=True, legacy_windows=False)
    stream = progress(train(TASK, X, Y, start(TASK), **FULL), 400, console=console)
    for _ in itertools.islice(stream, 30):
        pass
    stream.close()  # type: ignore[attr-defined]
    text = out.getvalue()
    assert "\x1b[?25l" in text  # hidden while it runs
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # and shown again
    assert " 30/400" in text


@pytest.mark.parametrize(
    ("loss", "said"),
    [(0.5, "loss 0.5000"), (999.9, "loss 999.9000"), (123456.7, "loss 1.235e+05")],
)
def test_large_losses_stay_short(loss: float, said: str) -> None:
    assert costs(next(told(loss))) == [said]
    assert len(costs(next(told(loss, validation=(-1e300,))))[1]) <= 15
