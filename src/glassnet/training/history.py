"""The history of a run: what each epoch cost, in plain numbers, without the parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from glassnet.core.formula import Array
from glassnet.training.stream import Epoch


@dataclass
class History:
    """Columns of numbers, a row an epoch: `epoch`, `loss`, `objective`, `val_loss`.

    `val_loss` is empty without validation rows. Metrics are measured once a record, so they have
    epochs of their own: `metrics[name]` is a list of (epoch, value).
    """

    epoch: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    objective: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, stream: Iterable[Epoch]) -> History:
        """The history of a stream, run to its end."""
        history = cls()
        for record in stream:
            history.add(record)
        return history

    def follow(self, stream: Iterable[Epoch]) -> Iterator[Epoch]:
        """A stage: notes each record and hands it on. One history may follow several streams."""
        before = self.seconds
        for record in stream:
            self.add(record)
            self.seconds = before + record.seconds
            yield record

    def add(self, record: Epoch) -> None:
        """Note a record, with all epochs since the one before it."""
        count = len(record.costs.loss)
        self.epoch += range(record.epoch - count + 1, record.epoch + 1)
        self.loss += record.costs.loss.tolist()
        self.objective += record.costs.objective.tolist()
        if record.costs.validation is not None:
            self.val_loss += record.costs.validation.tolist()
        for name, value in record.metrics.items():
            self.metrics.setdefault(name, []).append((record.epoch, value))
        self.seconds = record.seconds

    def watched(self) -> list[tuple[int, float]]:
        """(epoch, value) pairs of the validation loss, or of the loss: for `until_flat`."""
        return list(zip(self.epoch, self.val_loss or self.loss, strict=True))

    def arrays(self) -> dict[str, Array]:
        """The columns as float64 arrays (n,) by name; of a metric its values and their epochs."""
        columns = {
            "epoch": np.asarray(self.epoch, dtype=np.float64),
            "loss": np.asarray(self.loss),
            "objective": np.asarray(self.objective),
            "val_loss": np.asarray(self.val_loss),
            "seconds": np.asarray([self.seconds]),
        }
        for name, pairs in self.metrics.items():
            epochs, values = np.asarray(pairs, dtype=np.float64).T
            columns |= {f"metric {name}": values, f"epochs of {name}": epochs}
        return columns

    @classmethod
    def from_arrays(cls, columns: Mapping[str, Array]) -> History:
        """The history whose `arrays` these are, so that a run goes on with its past."""
        metrics = {}
        for column, values in columns.items():
            if column.startswith("metric "):
                name = column.removeprefix("metric ")
                epochs = columns[f"epochs of {name}"].astype(int).tolist()
                metrics[name] = list(zip(epochs, values.tolist(), strict=True))
        return cls(
            columns["epoch"].astype(int).tolist(),
            columns["loss"].tolist(),
            columns["objective"].tolist(),
            columns["val_loss"].tolist(),
            metrics,
            float(columns["seconds"][0]),
        )

    def summary(self) -> dict[str, float | int]:
        """The end and the best of it, as plain numbers for a file; no time, which never repeats."""
        if not self.epoch:
            return {"epochs": 0}
        values = self.val_loss or self.loss
        best = int(np.argmin(values))
        summary: dict[str, float | int] = {
            "epochs": self.epoch[-1],
            "loss": self.loss[-1],
            "best_epoch": self.epoch[best],
            "best_loss": values[best],
        }
        if self.val_loss:
            summary["val_loss"] = self.val_loss[-1]
        return summary | {name: pairs[-1][1] for name, pairs in self.metrics.items()}

    def __len__(self) -> int:
        return len(self.epoch)
