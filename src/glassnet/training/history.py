"""The history of a run: what each epoch cost, in plain numbers, without the parameters."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any

import numpy as np

from glassnet.core.formula import Array
from glassnet.training.stream import Epoch

MANY = 64
"""Epochs of a record from which on their numbers stay in arrays until somebody looks at them."""

_looking = Lock()  # several threads may do so at once


class History:
    """Columns of numbers, a row an epoch: `epoch`, `loss`, `objective`, `val_loss`.

    `val_loss` is empty without validation rows. Metrics are measured once a record, so they have
    epochs of their own: `metrics[name]` is a list of (epoch, value).
    """

    def __init__(
        self,
        epoch: Iterable[int] = (),
        loss: Iterable[float] = (),
        objective: Iterable[float] = (),
        val_loss: Iterable[float] = (),
        metrics: Mapping[str, list[tuple[int, float]]] | None = None,
        seconds: float = 0.0,
    ) -> None:
        self._epoch, self._loss = list(epoch), list(loss)
        self._objective, self._val_loss = list(objective), list(val_loss)
        self._waiting: deque[tuple[Any, ...]] = deque()
        self.metrics = dict(metrics or {})
        self.seconds = seconds

    # to make a thousand Python numbers takes longer than a thousand epochs of a tiny network

    @property
    def epoch(self) -> list[int]:
        """1, 2, 3, …: how many epochs lie behind."""
        self._catch_up()
        return self._epoch

    @property
    def loss(self) -> list[float]:
        """The training losses, before the updates."""
        self._catch_up()
        return self._loss

    @property
    def objective(self) -> list[float]:
        """What was minimised."""
        self._catch_up()
        return self._objective

    @property
    def val_loss(self) -> list[float]:
        """The validation losses, after the updates."""
        self._catch_up()
        return self._val_loss

    def _catch_up(self) -> None:
        with _looking:
            while self._waiting:
                epoch, *columns = self._waiting.popleft()
                self._epoch += range(epoch - len(columns[0]) + 1, epoch + 1)
                for column, new in zip(self._told(), columns, strict=False):
                    column.extend(new.tolist())

    def _told(self) -> tuple[list[float], ...]:
        return self._loss, self._objective, self._val_loss

    def _columns(self) -> tuple[object, ...]:
        columns = self.epoch, self.loss, self.objective, self.val_loss
        return *columns, self.metrics, self.seconds

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return self._columns() == other._columns()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        names = "epoch", "loss", "objective", "val_loss", "metrics", "seconds"
        pairs = zip(names, self._columns(), strict=True)
        return f"History({', '.join(f'{name}={column!r}' for name, column in pairs)})"

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
        costs = record.costs
        held = () if costs.validation is None else (costs.validation.copy(),)
        self._waiting.append((record.epoch, costs.loss.copy(), costs.objective.copy(), *held))
        if len(costs.loss) < MANY:
            self._catch_up()
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
