"""Models: a trained network with all that leads from a table's cells to it, and back to labels.

The file is safetensors, with the parameters as W1, b1, W2, b2, … and the rest as JSON in its
metadata (`container`). Nothing in it is ever imported by name, unpickled or run.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.core.data import check_X
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.network import Network
from glassnet.engines.base import Task
from glassnet.engines.reference import Reference
from glassnet.exchange import container
from glassnet.exchange.encodings import Encoding, Floats, Notes, encode, input_names
from glassnet.exchange.stored import (
    inputs_as_json,
    inputs_from_json,
    target_as_json,
    target_from_json,
    task_as_json,
    task_from_json,
)
from glassnet.exchange.tables import Table
from glassnet.exchange.targets import Classes, Target

SLOT = "slot."  # begins the names of tensors that are an optimizer's memory

ROWS = 2**16
"""Rows that are predicted at a time, so that memory does not grow with the table."""


def versions_now() -> dict[str, str]:
    """What a model is made with: glassnet, NumPy, Python."""
    try:
        glassnet = version("glassnet")
    except PackageNotFoundError:
        glassnet = "unknown"
    return {"glassnet": glassnet, "numpy": np.__version__, "python": platform.python_version()}


@dataclass(frozen=True, eq=False)
class Model:
    """A task and its theta; the encodings of inputs and target where it was made from a table.

    settings and history are plain numbers and text, kept for the reader (`glassnet info`).
    slots : what the optimizer remembers, by name, where training is to go on from here; else empty.
    """

    task: Task
    theta: Array
    inputs: tuple[Encoding, ...] = ()
    target: Target | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=versions_now)
    slots: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        net = self.task.net
        if np.shape(self.theta) != (net.n_params,):
            got = f"theta has shape {np.shape(self.theta)}"
            raise BadInput(got, f"({net.n_params},) was expected for the network {net}")
        n_in = len(input_names(self.inputs))
        if self.inputs and n_in != net.n_in:
            raise BadInput(f"the encodings make {n_in} inputs", f"the network expects {net.n_in}")
        if self.target is not None and self.target.n_out != net.n_out:
            got = f"the target has {self.target.n_out} outputs"
            raise BadInput(got, f"the network has {net.n_out}")
        for name, array in net.named(np.asarray(self.theta)).items():
            if not np.isfinite(array).all():
                raise BadInput(f"{name} holds nan or infinity", "finite parameters were expected")
        names = slot_names(self.task)
        if self.slots and (
            sorted(self.slots) != sorted(names)
            or any(np.shape(slot) != (net.n_params,) for slot in self.slots.values())
        ):
            got = f"slots are {', '.join(self.slots)}"
            raise BadInput(got, f"the optimizer has {', '.join(names) or 'none'}, as long as theta")

    @property
    def net(self) -> Network:
        """The architecture."""
        return self.task.net

    @property
    def as_text(self) -> tuple[str, ...]:
        """The columns to read as text: `read_table(path, as_text=model.as_text)`."""
        return tuple(one.column for one in self.inputs if one.kind == "category")

    def predict(self, X: ArrayLike) -> Array:
        """The network's answer (n, n_out) to encoded rows X (n, n_in)."""
        x = check_X(self.net, X, self.theta.dtype)
        engine = Reference()
        parts = [
            engine.predict(self.net, self.theta, x[start : start + ROWS])
            for start in range(0, max(len(x), 1), ROWS)
        ]
        return np.concatenate(parts)

    def encode(self, table: Table) -> tuple[Floats, Notes]:
        """X (n, n_in), and what a reader should be told of the cells."""
        if not self.inputs:
            hint = "Encode the rows yourself and call model.predict(X)."
            raise BadInput("the model was not made from a table", "encodings were expected", hint)
        return encode(self.inputs, table)

    def predict_table(self, table: Table) -> Prediction:
        """Labels with their probabilities, or numbers in the units of the target's column."""
        if self.target is None:
            hint = "Encode the rows yourself and call model.predict(X)."
            raise BadInput("the model was not made from a table", "a target was expected", hint)
        X, notes = self.encode(table)
        a = self.predict(X)
        probabilities = self.target.probabilities(a) if isinstance(self.target, Classes) else None
        return Prediction(self.target, self.target.decode(a), probabilities, tuple(notes))


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of the rows of a table."""

    target: Target
    values: NDArray[Any]
    """(n,): labels as text, or numbers in the units of the target's column."""
    probabilities: Floats | None
    """(n, labels) where the target is classes."""
    notes: tuple[str, ...] = ()

    def columns(self, *, proba: bool = False) -> dict[str, NDArray[Any]]:
        """Columns to write: the target's, and with `proba` one for each label's probability."""
        columns = {self.target.column: self.values}
        if not proba:
            return columns
        if self.probabilities is None or not isinstance(self.target, Classes):
            got = f"the target {self.target.column!r} is numbers"
            raise BadInput(got, "probabilities belong to classes", "Leave out --proba.")
        for label, column in zip(self.target.labels, self.probabilities.T, strict=True):
            columns[f"P({self.target.column}={label})"] = column
        return columns


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model file, whole or not at all. The same model gives the same bytes."""
    content = {
        "task": task_as_json(model.task),
        "inputs": inputs_as_json(model.inputs),
        "target": target_as_json(model.target),
        "settings": model.settings,
        "history": model.history,
        "versions": model.versions,
    }
    theta = np.asarray(model.theta)
    slots = {SLOT + name: slot for name, slot in model.slots.items()}
    container.write(path, "model", content, {**model.net.named(theta), **slots})


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model file; an error in one line that says what is wrong with it."""
    name = os.fspath(path)
    content, tensors = container.read(path, "model")
    try:
        task, inputs, target, settings, history, versions = container.fields(
            "content",
            content,
            task=dict,
            inputs=list,
            target=(dict, type(None)),
            settings=dict,
            history=dict,
            versions=dict,
        )
        made = task_from_json(task)
        remembered = {slot: SLOT + slot for slot in slot_names(made)}
        length = sum(layer.n_params for layer in made.net.layers)
        there = any(tensor in tensors for tensor in remembered.values())
        wanted = dict.fromkeys(remembered.values() if there else (), (length,))
        container.shaped(name, "model", tensors, {**shapes(made.net), **wanted})
        slots = {slot: tensors[tensor] for slot, tensor in remembered.items()} if there else {}
        theta = np.concatenate([tensors[part].ravel() for part in made.net.names])
        theta.setflags(write=False)
        encodings, goal = inputs_from_json(inputs), target_from_json(target)
        return Model(made, theta, encodings, goal, settings, history, versions, slots)
    except BadInput as error:
        raise container.damaged(name, "model", f"{error.got}, {error.wanted}") from error


def slot_names(task: Task) -> tuple[str, ...]:
    """What the optimizer of a task remembers; nothing, where it is L-BFGS."""
    return getattr(task.optimizer, "slots", ())


def shapes(net: Network) -> dict[str, tuple[int, ...]]:
    """The shape of every part of theta, without allocating any: {"W1": (4, 3), "b1": (3,), …}."""
    found: dict[str, tuple[int, ...]] = {}
    for number, layer in enumerate(net.layers, 1):
        found[f"W{number}"] = (layer.n_in, layer.n_out)
        if layer.bias:
            found[f"b{number}"] = (layer.n_out,)
    return found
