"""Opening: what a visitor finds in the lab, from a link, an own table or a model file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import numpy as np

from glassnet.core.optimizers import LBFGS
from glassnet.exchange import names
from glassnet.lab.data import Data
from glassnet.lab.link import opened
from glassnet.lab.session import Session
from glassnet.lab.setting import Change, Setting

if TYPE_CHECKING:
    from glassnet.exchange.model import Model

Opener = Callable[[str], Session]
"""A session of a link's query."""

OWN = "data=table&held=0.0"
"""The link to an own table with nothing chosen; what it holds back is its data's affair."""


def of_path(path: Path) -> Opener:
    """The opener of a file that was named on the command line: a table or a model."""
    from glassnet.lab import tables

    if tables.is_model(path):
        model, data = tables.of_model(path)
        return opener(data, model)
    return opener(tables.begin(tables.open_table(path)))


def opener(table: Data | None = None, model: Model | None = None) -> Opener:
    """How sessions begin: with the table, or the model, that the lab was opened with."""
    if table is None:
        return opened
    return partial(_opened_own, table, model)


def _opened_own(table: Data, model: Model | None, query: str) -> Session:
    if "data" in parse_qs(query):  # a link of this lab, or one to a built-in set
        return opened(query, table=table)
    if model is None or "hidden" in parse_qs(query):
        return opened(f"{OWN}&{query}", table=table)
    return of_model(model, table)


def of_model(model: Model, table: Data) -> Session:
    """The session that stands at the model's weights, with its functions, before any update."""
    task, layers = model.task, model.net.layers
    optimizer = Setting().optimizer
    if not isinstance(task.optimizer, LBFGS):  # which makes no steps to be looked at
        optimizer = names.as_text(task.optimizer)
    setting = Setting(
        data="table",
        held=0.0,
        hidden=tuple(layer.n_out for layer in layers[:-1]),
        activations=tuple(names.as_text(layer.activation) for layer in layers[:-1]),
        output=names.as_text(layers[-1].activation),
        loss=names.as_text(task.loss),
        bias=any(layer.bias for layer in layers),
        optimizer=optimizer,
        reduction=task.reduction,
        l1=task.l1,
        l2=task.l2,
    )
    session = Session(setting, table=table)
    named = model.net.named(np.asarray(model.theta, dtype=np.float64))
    weights = tuple(
        (f"{name}[{','.join(map(str, place))}]", float(value))
        for name, array in named.items()
        for place, value in np.ndenumerate(array)
    )
    session.change(Change(0, weights=weights))
    session.position = replace(session.position, phase="ready")
    return session
