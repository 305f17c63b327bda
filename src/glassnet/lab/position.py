"""Positions and views: where in a run one is, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Phase = Literal["ready", "forward", "loss", "backward", "update", "all"]
PHASES: tuple[Phase, ...] = ("forward", "loss", "backward", "update")
"""What Next goes through. Before them comes "ready"; "all" is where one has jumped to an epoch."""


@dataclass(frozen=True)
class Position:
    """Where one is: within which update, how far in it, looking at which sample.

    epoch, batch : how many epochs, and batches of the next one, are behind the state shown.
    row : the current sample, as its place in the training rows, or in the validation rows.
    """

    epoch: int = 0
    batch: int = 0
    phase: Phase = "ready"
    row: int = 0
    held: bool = False

    def among(self, rows: np.ndarray) -> int | None:
        """The sample's place among the training rows of an update; None where it is not there."""
        found = np.flatnonzero(rows == self.row)
        return int(found[0]) if len(found) and not self.held else None


@dataclass(frozen=True)
class View:
    """How it is shown; nothing here changes a number of the run.

    axes : the two inputs that maps are drawn over; at : what the others are held at, one an input.
    """

    axes: tuple[int, int] = (0, 1)
    at: tuple[float, ...] = ()
    hard: bool = False
    log: bool = False
    exact: bool = False
    seed_names: bool = False
    columns: bool = False
