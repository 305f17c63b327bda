"""Checkpoints: a run between two epochs, so that it goes on as if it had never stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.optimizers import LBFGS
from glassnet.engines.base import State, Task
from glassnet.engines.chance import Chance
from glassnet.exchange import container
from glassnet.exchange.stored import task_as_json, task_from_json


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The task, the state it had reached, and what the program wants to remember beside it.

    best : the best theta so far, where one is kept.
    settings : plain numbers and text.
    curves : columns of numbers, what each epoch cost for example; nan and infinity may be in them.
    """

    task: Task
    state: State
    best: Array | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Array] = field(default_factory=dict)


def save_checkpoint(
    path: str | os.PathLike[str],
    task: Task,
    state: State,
    *,
    best: Array | None = None,
    settings: Mapping[str, Any] | None = None,
    curves: Mapping[str, Array] | None = None,
) -> None:
    """Write a checkpoint, whole or not at all: the one before it stays until this one is there."""
    tensors = {"theta": state.theta, **dict(zip(_slots(task), state.slots, strict=True))}
    if best is not None:
        tensors["best"] = best
    _refuse_not_finite(tensors)
    for name, column in (curves or {}).items():
        tensors[container.CURVE + name] = np.asarray(column, dtype=np.float64)
    content = {
        "task": task_as_json(task),
        "step": int(state.step),
        "epoch": int(state.epoch),
        "chance": state.chance.as_json(),
        "settings": settings or {},
    }
    container.write(path, "checkpoint", content, tensors)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint; `train(task, X, y, checkpoint.state)` goes on from it bit for bit."""
    name = os.fspath(path)
    content, tensors = container.read(path, "checkpoint")
    try:
        stored, step, epoch, chance, settings = container.fields(
            "content",
            content,
            task=dict,
            step=int,
            epoch=int,
            chance=dict,
            settings=dict,
        )
        curves = {
            name.removeprefix(container.CURVE): tensors.pop(name)
            for name in list(tensors)
            if name.startswith(container.CURVE)
        }
        if any(column.ndim != 1 for column in curves.values()):
            raise BadInput("a curve is no column", "one number an epoch was expected")
        task = task_from_json(stored)
        length = sum(layer.n_params for layer in task.net.layers)
        wanted = ["theta", *_slots(task), *(["best"] if "best" in tensors else [])]
        container.shaped(name, "checkpoint", tensors, dict.fromkeys(wanted, (length,)))
        if step < 0 or epoch < 0:
            raise BadInput(f"step {step} of epoch {epoch}", "numbers of 0 or more were expected")
        best = tensors.pop("best", None)
        theta = tensors.pop("theta")
        slots = tuple(tensors[slot] for slot in _slots(task))
        state = State(theta, slots, step, epoch, Chance.from_json(chance))
        return Checkpoint(task, state, best, settings, curves)
    except BadInput as error:
        raise container.damaged(name, "checkpoint", f"{error.got}, {error.wanted}") from error


def _slots(task: Task) -> list[str]:
    # L-BFGS carries the initial weights in its one slot, see `training/lbfgs.py`
    slots = ("start",) if isinstance(task.optimizer, LBFGS) else task.optimizer.slots
    return [f"slot.{slot}" for slot in slots]


def _refuse_not_finite(tensors: Mapping[str, Array]) -> None:
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise BadInput(f"{name} holds nan or infinity", "a state with finite numbers", "")
