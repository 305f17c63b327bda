"""When to stop: scikit-learn's counting of epochs that bring nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

MOST = 100
"""Epochs in one call of the engine at most, so that Ctrl-C loses little."""


@dataclass
class Patience:
    """Counts epochs in a row without improvement; training ends when more than `limit` were.

    best : the lowest loss, or with `rising` the highest score. A loss has to fall below the best by
        at least tol to count; a score has to rise by tol. NaN counts as improvement, as there.
    """

    limit: float
    tol: float
    best: float
    count: int = 0
    rising: bool = False

    def note(self, value: float) -> bool:
        """Take an epoch's value; whether it is the best so far."""
        if self.rising:
            self.count = self.count + 1 if value < self.best + self.tol else 0
            better = value > self.best
        else:
            self.count = self.count + 1 if value > self.best - self.tol else 0
            better = value < self.best
        if better:
            self.best = value
        return better

    @property
    def over(self) -> bool:
        """Whether there were too many."""
        return self.count > self.limit

    @property
    def room(self) -> int:
        """Epochs that may be made in one go: were it to end among them, then with the last."""
        left = inf if self.limit == inf else self.limit + 1 - self.count
        return int(max(1, min(MOST, left)))
