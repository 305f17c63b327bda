"""A progress bar around the stream, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from glassnet.training.stream import Epoch

if TYPE_CHECKING:
    import rich.progress
    import rich.table
    from rich.console import Console

SHORTEST, LONGEST = 6, 20  # the bar, in characters
EXTRAS = (("label", "bar", "time"), ("bar", "time"), ("time",), ())  # as room gets scarce


def progress(
    stream: Iterator[Epoch],
    epochs: int | None = None,
    *,
    console: Console | None = None,
    label: str = "training",
    past: int = 0,
) -> Iterator[Epoch]:
    """A stage: shows epoch, losses, metrics and the time left while the run goes on.

    On a narrow terminal the label goes first, then the bar, the time and the metrics; the epoch and
    the loss stay.

    epochs : how many the stream will have; None where nobody knows.
    past : epochs that lie behind a run that goes on; they are counted too.
    """
    from rich.progress import Progress, ProgressColumn

    class Line(ProgressColumn):
        def render(self, task: rich.progress.Task) -> rich.table.Table:
            return fitted(task, bar.console.width)

    with Progress(Line(), console=console, refresh_per_second=8) as bar:
        total = None if epochs is None else past + epochs
        shown = bar.add_task(label, total=total, completed=past, costs=[])
        done = past
        for record in stream:
            done += len(record.costs.loss)
            bar.update(shown, completed=done, costs=costs(record))
            yield record


def costs(record: Epoch) -> list[str]:
    """The numbers of a record in few characters each, the most important first."""
    parts = [f"loss {_short(record.loss)}"]
    if record.val_loss is not None:
        parts.append(f"val {_short(record.val_loss)}")
    return parts + [f"{name} {value:.3f}" for name, value in record.metrics.items()]


def fitted(task: rich.progress.Task, width: int) -> rich.table.Table:
    """As much of the line as stands in so many characters."""
    from rich.progress import BarColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.table import Table
    from rich.text import Text

    total = None if task.total is None else str(int(task.total))
    done = f"{int(task.completed)}"
    count = f"epoch {done}" if total is None else f"{done:>{len(total)}}/{total}"
    clock = (
        TimeElapsedColumn() if total is None else TimeRemainingColumn(elapsed_when_finished=True)
    )
    time = clock.render(task)
    said: list[str] = task.fields["costs"]
    for numbers, extras in product(range(len(said), -1, -1), EXTRAS):
        before = [Text(task.description, style="bold")] if "label" in extras else []
        after = [Text(count), *map(Text, said[:numbers]), *([time] if "time" in extras else [])]
        left = width - sum(len(part) + 1 for part in before + after)
        if left >= (SHORTEST if "bar" in extras else -1):
            break
    bar = [BarColumn(bar_width=min(left, LONGEST)).render(task)] if "bar" in extras else []
    line = Table.grid(padding=(0, 1, 0, 0))
    for _ in (*before, *bar, *after):
        line.add_column(no_wrap=True)
    line.add_row(*before, *bar, *after)
    return line


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.3e}"
