"""Opening: what a visitor finds in the lab, from a link, an own table, a model file, or both.

paths → which is the model, which the table → rows, functions, weights → a session of each visitor
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.core.optimizers import LBFGS
from glassnet.exchange import names
from glassnet.lab import limits
from glassnet.lab.data import Data
from glassnet.lab.link import opened
from glassnet.lab.problem import answers, in_batches
from glassnet.lab.session import Session
from glassnet.lab.setting import Change, Setting

if TYPE_CHECKING:
    from glassnet.exchange.model import Model
    from glassnet.exchange.tables import Table

Opener = Callable[[str], Session]
"""A session of a link's query."""

OWN = "data=table&held=0.0"
"""The link to an own table with nothing chosen; what it holds back is its data's affair."""

AUTO = 200
"""Rows an update where an estimator's batch size is "auto", as scikit-learn has it."""


def of_paths(*paths: Path) -> Opener:
    """The opener of what was named on the command line: a table, a model, or one of each."""
    from glassnet.exchange.model import load_model
    from glassnet.lab import tables

    model_path, table_path = which(*paths)
    if model_path is None:
        assert table_path is not None
        return opener(tables.begin(tables.open_table(table_path)))
    if table_path is None:
        model, data = tables.of_model(model_path)
        own = written(model)
        return opener(None if own is not None and own.data != "table" else data, model)
    model = load_model(model_path)
    table = tables.open_table(table_path, model.as_text)
    check_columns(model_path.name, model, table)
    said = told(model.settings)
    _, data = tables.of_model(model_path, table, held=said.held, seed=said.seed)
    parts = {"training_rows": len(data.X), "validation_rows": 0}
    if data.held_X is not None:
        parts["validation_rows"] = len(data.held_X)
        if parts.items() <= dict(model.settings).items():
            note = "The rows held for validation are drawn as they were when the model was trained."
            data = replace(data, notes=(note, *data.notes))
    return opener(data, model)


def which(*paths: Path) -> tuple[Path | None, Path | None]:
    """The model and the table among files, in whatever order they come."""
    from glassnet.lab import tables

    models = [path for path in paths if tables.is_model(path)]
    others = [path for path in paths if path not in models]
    for several, kind in ((models, "models"), (others, "tables")):
        if len(several) > 1:
            got = f"{' and '.join(path.name for path in several)} are {len(several)} {kind}"
            raise BadInput(got, "a table, a model, or one of each is expected")
    return next(iter(models), None), next(iter(others), None)


def check_columns(name: str, model: Model, table: Table) -> None:
    """Refuse a table in which a column of the model is missing."""
    if model.target is None:
        return  # `of_model` says what such a model lacks
    wanted = (*(one.column for one in model.inputs), model.target.column)
    lost = [column for column in wanted if column not in table]
    if lost:
        raise BadInput(
            f"{table.source} has no column {', '.join(map(repr, lost))}",
            f"the columns of {name} are expected: {', '.join(map(repr, wanted))}",
            "Open the model without the table, or the table without the model.",
        )


def opener(table: Data | None = None, model: Model | None = None) -> Opener:
    """How sessions begin: with the table, or the model, that the lab was opened with."""
    if table is None and model is None:
        return opened
    return partial(_opened_own, table, model)


def _opened_own(table: Data | None, model: Model | None, query: str) -> Session:
    given = parse_qs(query)
    if "data" in given:  # a link of this lab, or one to a built-in set
        return opened(query, table=table)
    if model is not None and not given.keys() & {"hidden", "pick"}:
        return of_model(model, table)
    return opened(query if table is None else f"{OWN}&{query}", table=table)


def of_model(model: Model, table: Data | None) -> Session:
    """The session that stands at the model's weights, with its functions, before any update.

    table : the rows; None where the model was written by the lab, on a set of its own.
    """
    own = written(model)
    if table is None:
        assert own is not None
        setting = own
    else:
        setting = _setting(model, table)
    session = Session(setting, table=table)
    if session.problem.task.net != model.net:
        got = f"the file's network {model.net} is not what its settings make here"
        raise BadInput(
            got, f"{session.problem.task.net} is expected, with biases everywhere or nowhere"
        )
    named = model.net.named(np.asarray(model.theta, dtype=np.float64))
    weights = tuple(
        (f"{name}[{','.join(map(str, place))}]", float(value))
        for name, array in named.items()
        for place, value in np.ndenumerate(array)
    )
    session.change(Change(0, weights=weights))
    session.position = replace(session.position, phase="ready")
    return session


def _setting(model: Model, table: Data) -> Setting:
    task, layers, said = model.task, model.net.layers, told(model.settings)
    optimizer, batch = Setting().optimizer, None
    if not isinstance(task.optimizer, LBFGS):  # which makes no steps to be looked at
        optimizer, batch = names.as_text(task.optimizer), said.batch
    dropout, seed = task.dropout, said.seed
    if dropout is not None:
        seed = dropout.seed % 2**32
    setting = Setting(
        data="table",
        held=0.0,
        hidden=tuple(layer.n_out for layer in layers[:-1]),
        activations=tuple(names.as_text(layer.activation) for layer in layers[:-1]),
        output=names.as_text(layers[-1].activation),
        loss=names.as_text(task.loss),
        bias=any(layer.bias for layer in layers),
        seed=seed,
        optimizer=optimizer,
        batch=batch,
        reduction=task.reduction,
        l1=task.l1,
        l2=task.l2,
        clip=task.clip,
        dropout=0.0 if dropout is None else dropout.rate,
        epochs=said.epochs,
    )
    by_data: Any
    for by_data in ({"output": ""}, {"loss": ""}):  # what the data would take anyway follows them
        plain = replace(setting, **by_data)
        if answers(plain, table) == answers(setting, table):
            setting = plain
    return in_batches(setting, table)


# ---------------------------------------------------------------- what a file says of its run


@dataclass(frozen=True)
class Told:
    """What a model's file says of its run beside the task; what it does not say is as always.

    batch : rows an update; None for all.
    held, seed : the share of rows that only measured, and what they were drawn by.
    """

    batch: int | None = None
    epochs: int = Setting.epochs
    seed: int = 0
    held: float = 0.25


def told(said: Mapping[str, Any]) -> Told:
    """What `glassnet train`, an estimator's `save` or the lab wrote; nothing in it is trusted."""
    own = _written(said)
    if own is not None:
        return Told(own.batch, own.epochs, own.seed)
    params = said.get("params")
    if isinstance(params, Mapping):
        said = {
            "batch_size": AUTO if params.get("batch_size") == "auto" else params.get("batch_size"),
            "epochs": params.get("max_iter"),
            "seed": params.get("random_state"),
        }
    share = said.get("validation")
    return Told(
        _whole(said.get("batch_size"), 1, limits.ROWS),
        _whole(said.get("epochs"), 1, limits.EPOCHS) or Told.epochs,
        _whole(said.get("seed"), 0, 2**32 - 1) or Told.seed,
        float(share) if isinstance(share, float | int) and 0 <= share <= 0.9 else Told.held,
    )


def written(model: Model) -> Setting | None:
    """The setting in which the lab wrote a model file; None of a file from elsewhere."""
    return _written(model.settings)


def _written(said: Mapping[str, Any]) -> Setting | None:
    query, epoch = said.get("lab"), said.get("epoch")
    if not isinstance(query, str):
        return None
    pairs = parse_qsl(query, keep_blank_values=True)
    try:
        setting = Setting.of_fields(dict(pairs))
        changes = [Change.of_text(text) for name, text in pairs if name == "change"]
        for change in changes:
            if isinstance(epoch, int) and change.epoch <= epoch:
                setting = change.of(setting)
    except BadInput:  # by another version, or by hand
        return None
    return setting


def _whole(value: Any, least: int, most: int) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    return value if fits else None
