"""Steps: where a step within an update leads, from one position to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from glassnet.lab.position import PHASES, Phase, Position


def forth(here: Position, batches: int) -> Position:
    """Forward, loss, backward, update; then the next update's forward.

    batches : how many updates make this epoch.
    """
    if here.phase in ("ready", "all"):
        return replace(here, phase="forward")
    if here.phase != "update":
        return replace(here, phase=PHASES[PHASES.index(here.phase) + 1])
    return beyond(here, batches, "forward")


def back(here: Position, batches: int) -> Position:
    """The operation before this one; before the first, the update before.

    batches : how many updates make the epoch before.
    """
    if here.phase in PHASES[1:]:
        return replace(here, phase=PHASES[PHASES.index(here.phase) - 1])
    if here.batch:
        return replace(here, batch=here.batch - 1, phase="update")
    if here.epoch:
        return replace(here, epoch=here.epoch - 1, batch=batches - 1, phase="update")
    return replace(here, phase="ready")


def beyond(here: Position, batches: int, phase: Phase) -> Position:
    """The update after this one."""
    if here.batch + 1 < batches:
        return replace(here, batch=here.batch + 1, phase=phase)
    return replace(here, epoch=here.epoch + 1, batch=0, phase=phase)


def next_followed(here: Position, rows: np.ndarray) -> Position:
    """The next sample of the update, followed forward and back; after the last, the update."""
    k = here.among(rows)
    if k is None or here.phase == "all":
        k = 0
    elif here.phase not in ("ready", "forward", "loss"):  # else this sample first
        k += 1
    if k == len(rows):
        return replace(here, phase="update")
    return replace(here, row=int(rows[k]), held=False, phase="backward")


def first_followed(here: Position, rows: np.ndarray) -> Position:
    """The first sample of the update, followed forward and back."""
    return replace(here, row=int(rows[0]), held=False, phase="backward")


def neighbour(here: Position, rows: np.ndarray, by: int = 1) -> Position:
    """Another sample of the update, so many on; round and round."""
    k = here.among(rows)
    k = 0 if k is None else k + by
    return replace(here, row=int(rows[k % len(rows)]), held=False)
