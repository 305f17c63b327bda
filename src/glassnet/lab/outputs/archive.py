"""Files with the numbers of a run: the model, the notebook, an own table's rows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo

import numpy as np

from glassnet.core.errors import BadInput
from glassnet.exchange.model import Model, save_model
from glassnet.lab.outputs.code import few, table
from glassnet.lab.outputs.file import File, goal, stem, title
from glassnet.lab.problem import Problem
from glassnet.lab.session import Session
from glassnet.walkthrough.notebook import export_notebook

RECORDED = 15.0
"""Seconds that recording a notebook's run may take, as reckoned before."""


def model_file(session: Session) -> File:
    """The network as it stands, for `glassnet info`, `predict`, `walk` and `load_model`."""
    one, state = session.problem, session.state
    settings = {"lab": session.query(), "epoch": session.position.epoch}
    losses = session.timeline.curve()[: session.position.epoch]
    history = {"epochs": len(losses)} | ({"loss": float(losses[-1])} if len(losses) else {})
    model = Model(one.task, state.theta, one.data.encodings, one.data.target, settings, history)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_model(model, path)
        return File(f"{stem(session)}.safetensors", path.read_bytes())


def notebook(session: Session) -> File:
    """The run as a notebook that needs NumPy alone; in a .zip where its arrays need a file.

    What was changed on the way cannot be told there: it begins after the last change.
    """
    end = goal(session)
    begin = max((change.epoch for change in session.changes if change.epoch <= end), default=0)
    one = session.timeline.problem_at(begin)
    epochs = end - begin or max(session.setting.epochs - begin, 1)
    seconds = _seconds(one, epochs)
    if seconds > RECORDED:
        raise BadInput(
            f"a notebook of {epochs} epochs, which takes about {seconds:.0f} s to record",
            f"{RECORDED:.0f} s are allowed on this page",
            "Take it at an earlier epoch, or lower the number of epochs.",
        )
    view = session.view
    with TemporaryDirectory() as folder:
        written = export_notebook(
            one.task,
            one.data.X,
            one.data.y,
            state=session.timeline.at(begin),
            epochs=epochs,
            batch_size=one.batch,
            path=Path(folder) / f"{stem(session)}.ipynb",
            layout="columns" if view.columns else "rows",
            names="seed" if view.seed_names else "math",
            title=title(session),
        )
        found = [File(path.name, path.read_bytes()) for path in written]
    return found[0] if len(found) == 1 else _zipped(f"{stem(session)}.zip", found)


def _seconds(one: Problem, epochs: int) -> float:
    # seconds: the reference engine makes the run three times
    rows, updates = len(one.data.X), epochs
    if one.batch is not None:
        updates *= -(-rows // one.batch)
    net, dropout = one.task.net, one.task.dropout
    each = updates * len(net.layers) * 4e-5 + epochs * rows * net.n_params * 4e-9
    if dropout is not None:
        masked = [
            size for size, rate in zip(net.sizes[1:], dropout.rates(net), strict=True) if rate
        ]
        each += updates * len(masked) * 4e-4 + epochs * rows * sum(masked) * 1e-7
    return 3 * each


def _zipped(name: str, files: Sequence[File]) -> File:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for file in files:  # without the time of day: the same state, the same bytes
            archive.writestr(ZipInfo(file.name), file.content)
    return File(name, buffer.getvalue())


def rows_file(session: Session) -> File:
    """The training rows of an own table as the network saw them, X and y, for `python`."""
    data = table(session)
    buffer = io.BytesIO()
    np.savez(buffer, X=data.X, y=data.y)
    return File("rows.npz", buffer.getvalue())


def needs_rows(session: Session) -> bool:
    """Whether the lines of Python read `rows_file`."""
    return session.origin.data == "table" and not few(table(session))
