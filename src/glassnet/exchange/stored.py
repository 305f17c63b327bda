"""Tasks, encodings and targets as JSON and back, each key and each value checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.core.network import Dense, Network
from glassnet.engines.base import Task
from glassnet.exchange import names
from glassnet.exchange.container import fields, texts
from glassnet.exchange.encodings import LEVELS, Category, Encoding, Flag, Moment, Number
from glassnet.exchange.targets import Classes, Numbers, Target

LAYERS = 1000
NEURONS = 2**31


def task_as_json(task: Task) -> dict[str, Any]:
    """The task in plain numbers and names; an error where it holds a class of the user's own."""
    stored = {
        "layers": [
            {
                "n_in": layer.n_in,
                "n_out": layer.n_out,
                "activation": names.as_json(layer.activation),
                "bias": layer.bias,
            }
            for layer in task.net.layers
        ],
        "loss": names.as_json(task.loss),
        "optimizer": names.as_json(task.optimizer),
        "reduction": task.reduction,
        "l1": float(task.l1),
        "l2": float(task.l2),
        "clip": None if task.clip is None else float(task.clip),
    }
    if task.dropout is not None:  # else the file is what it was before there was dropout
        stored["dropout"] = asdict(task.dropout)
    task_from_json(stored)  # what could not be read again is not written
    return stored


def task_from_json(stored: Any) -> Task:
    """The task that `task_as_json` wrote."""
    said = dict(stored) if isinstance(stored, dict) else stored
    dropout = said.pop("dropout", None) if isinstance(said, dict) else None
    layers, loss, optimizer, reduction, l1, l2, clip = fields(
        "task",
        said,
        layers=list,
        loss=dict,
        optimizer=dict,
        reduction=str,
        l1=float,
        l2=float,
        clip=(float, type(None)),
    )
    if not 0 < len(layers) <= LAYERS:
        raise BadInput(f"the network has {len(layers)} layers", f"1 to {LAYERS} were expected")
    return Task(
        Network(tuple(_layer(f"layer {i}", layer) for i, layer in enumerate(layers, 1))),
        names.from_json("loss", loss),
        names.from_json("optimizer", optimizer),
        reduction=reduction,
        l1=float(l1),
        l2=float(l2),
        clip=None if clip is None else float(clip),
        dropout=None if dropout is None else _dropout(dropout),
    )


def _dropout(stored: Any) -> Dropout:
    rate, seed = fields("dropout", stored, rate=(float, list, tuple), seed=int)
    return Dropout(tuple(rate) if isinstance(rate, list) else rate, seed)


def _layer(where: str, stored: Any) -> Dense:
    n_in, n_out, activation, bias = fields(
        where, stored, n_in=int, n_out=int, activation=dict, bias=bool
    )
    if not (0 < n_in <= NEURONS and 0 < n_out <= NEURONS):
        raise BadInput(f"{where} has {n_in} inputs and {n_out} outputs", "1 or more were expected")
    return Dense(n_in, n_out, names.from_json("activation", activation), bias)


def inputs_as_json(inputs: Sequence[Encoding]) -> list[dict[str, Any]]:
    """The encodings of the inputs in plain numbers and text."""
    return [{"kind": one.kind, **asdict(one)} for one in inputs]


def inputs_from_json(stored: Any) -> tuple[Encoding, ...]:
    """The encodings that `inputs_as_json` wrote."""
    inputs = tuple(_encoding(f"input column {i}", one) for i, one in enumerate(stored, 1))
    texts("the columns of the inputs", [one.column for one in inputs])
    return inputs


def _encoding(where: str, stored: Any) -> Encoding:
    kind = stored.get("kind") if isinstance(stored, dict) else None
    match kind:
        case "number" | "date":
            _, column, mean, scale, fill = fields(
                where, stored, kind=str, column=str, mean=float, scale=float, fill=float
            )
            _scale(where, scale)
            one = Number if kind == "number" else Moment
            return one(column, float(mean), float(scale), float(fill))
        case "boolean":
            _, column, flag = fields(where, stored, kind=str, column=str, fill=bool)
            return Flag(column, flag)
        case "category":
            _, column, levels, level = fields(
                where, stored, kind=str, column=str, levels=list, fill=str
            )
            found = texts(f"{where}.levels", levels)
            if level not in found or not 0 < len(found) <= LEVELS:
                raise BadInput(f"{where} has {len(found)} levels", "its fill was expected in them")
            return Category(column, found, level)
    raise BadInput(f"{where} is of no known kind", "number, boolean, date or category")


def target_as_json(target: Target | None) -> dict[str, Any] | None:
    """The target in plain numbers and text."""
    return None if target is None else {"kind": target.kind, **asdict(target)}


def target_from_json(stored: Any) -> Target | None:
    """The target that `target_as_json` wrote."""
    match stored.get("kind") if isinstance(stored, dict) else stored:
        case None:
            return None
        case "classes":
            _, column, labels = fields("target", stored, kind=str, column=str, labels=list)
            if len(labels) < 2:
                raise BadInput(f"the target has {len(labels)} labels", "at least 2 were expected")
            return Classes(column, texts("target.labels", labels))
        case "numbers":
            _, column, mean, scale = fields(
                "target", stored, kind=str, column=str, mean=float, scale=float
            )
            _scale("target", scale)
            return Numbers(column, float(mean), float(scale))
    raise BadInput("the target is of no known kind", "classes or numbers was expected")


def _scale(where: str, scale: float) -> None:
    if not 0 < scale < math.inf:
        raise BadInput(f"{where} has scale {scale!r}", "a number above 0 was expected")
