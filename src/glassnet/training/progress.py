"""A progress bar around the stream, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from glassnet.training.stream import Epoch

if TYPE_CHECKING:
    from rich.console import Console


def progress(
    stream: Iterator[Epoch],
    epochs: int | None = None,
    *,
    console: Console | None = None,
    label: str = "training",
) -> Iterator[Epoch]:
    """A stage: shows epoch, losses, metrics and the time left while the run goes on.

    epochs : how many the stream will have; None where nobody knows.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[costs]}"),
        TimeElapsedColumn() if epochs is None else TimeRemainingColumn(elapsed_when_finished=True),
    ]
    with Progress(*columns, console=console, refresh_per_second=8) as bar:
        shown = bar.add_task(label, total=epochs, costs="")
        done = 0
        for record in stream:
            done += len(record.costs.loss)
            bar.update(shown, completed=done, costs=costs(record))
            yield record


def costs(record: Epoch) -> str:
    """The numbers of a record in few characters: they stand behind a bar."""
    parts = [f"loss {record.loss:.4f}"]
    if record.val_loss is not None:
        parts.append(f"val {record.val_loss:.4f}")
    parts += [f"{name} {value:.3f}" for name, value in record.metrics.items()]
    return " ".join(parts)
