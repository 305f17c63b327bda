"""`glassnet export notebook`: a network's numbers as a notebook that stands alone."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from cyclopts import Parameter

from glassnet.cli.demo import replay
from glassnet.cli.terminal import console, plural, tell
from glassnet.core.errors import BadInput
from glassnet.core.initializers import Uniform
from glassnet.core.optimizers import LBFGS, Optimizer
from glassnet.datasets import notebook_moons, notebook_samples
from glassnet.engines.base import Samples, State, Task
from glassnet.exchange import names as spelled
from glassnet.exchange.model import Model, load_model
from glassnet.exchange.tables import Table, read_table
from glassnet.exchange.targets import Classes, rows_with
from glassnet.tabular import Recipe, Study, prepare
from glassnet.training.stream import start
from glassnet.walkthrough.notebook import export_notebook, write_lessons
from glassnet.walkthrough.notebook.lesson import lesson
from glassnet.walkthrough.trace import trace

Weights = Literal["initial", "trained"]


def notebook(
    model: Path | None = None,
    rows: Annotated[str | None, Parameter(name="TABLE")] = None,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    sql: str | None = None,
    epochs: int | None = None,
    weights: Weights = "initial",
    optimizer: str | None = None,
    layout: Literal["rows", "columns"] | None = None,
    names: Literal["math", "seed"] | None = None,
    seed: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Write a notebook that follows a network number by number and proves what it shows.

    It needs NumPy alone, and matplotlib for its pictures. With the table that the model was trained
    on it replays that training from its first weights.

    Parameters
    ----------
    model
        A model file, as `glassnet train` writes it.
    rows
        A table with the model's columns and its target.
    out
        NAME.ipynb, or NAME.py for Python in cells.
    sql
        A query over the table first, in which it is called data.
    epochs
        How many the notebook trains; 100 unless said.
    weights
        Begin where training began, or with the weights of the model.
    optimizer
        Another than the model's, for example sgd:lr=0.1.
    layout
        Samples as rows (unless said) or as columns.
    names
        Names of mathematics, dL_dW2 (unless said), or those of the teaching notebook.
    seed
        Export the teaching notebook's own network; no model and table then.
    """
    if seed:
        if model is not None or sql or optimizer or epochs is not None:
            raise BadInput("--seed with a model or settings", "--seed alone is expected")
        written = write_lessons(
            seed_lessons(),
            out,
            layout=layout or "columns",
            names=names or "seed",
            title="The teaching notebook's network, number by number",
        )
        notes: list[str] = []
    else:
        if model is None or rows is None:
            raise BadInput(
                "no model and table",
                "both are expected",
                "Try glassnet export notebook model.safetensors data.csv -o a.ipynb, or --seed.",
            )
        loaded = load_model(model)
        if loaded.target is None:
            raise BadInput(
                f"{model} was not made from a table", "a model with a target is expected"
            )
        table = read_table(rows, sql, as_text=loaded.as_text)
        samples, state, batch_size, notes = beginning(loaded, table, weights)
        other = None if optimizer is None else spelled.optimizer(optimizer)
        task, state = with_optimizer(loaded.task, state, other)
        written = export_notebook(
            task,
            samples[0],
            samples[1],
            state=state,
            epochs=100 if epochs is None else epochs,
            batch_size=batch_size,
            path=out,
            layout=layout or "rows",
            names=names or "math",
            title=f"Learning {loaded.target.column}, number by number",
        )
    screen = console()
    tell(screen, notes)
    screen.print(f"Written: {', '.join(map(str, written))}", soft_wrap=True)
    if len(written) > 1:
        screen.print(f"Keep the two together: {written[1].name} holds the larger arrays.")
    return 0


def beginning(
    model: Model, table: Table, weights: Weights
) -> tuple[Samples, State, int | None, list[str]]:
    """Samples, first state and batch size of the run, and what a reader should be told."""
    assert model.target is not None
    settings = model.settings
    size = settings.get("batch_size")
    batch_size = size if isinstance(size, int) else None
    if isinstance(model.task.optimizer, LBFGS):
        batch_size = None
    study = first_study(model, table)
    if study is not None:
        X, y = study.training
        state, notes = study.state, [f"the run of the model on its {plural(len(X), 'row')}"]
    else:
        known, notes = rows_with(table, model.target.column)
        X, told = model.encode(known)
        y = model.target.encode(known)
        chance = settings.get("seed")
        state = start(model.task, chance if isinstance(chance, int) else 0, dtype=model.theta.dtype)
        said = (
            "not the table that the model was trained on: its encodings, these rows, and weights "
            "drawn anew"
        )
        notes = [*notes, *told, said]
    if weights == "trained":
        state = State(model.theta, state.slots, 0, 0, state.chance)
        notes.append("beginning with the weights of the model")
    return (X, y, None), state, batch_size, notes


def first_study(model: Model, table: Table) -> Study | None:
    """The study that the model came from, if this is its table: the same encodings come out."""
    target, task, settings = model.target, model.task, model.settings
    assert target is not None
    given: dict[str, Any] = {f.name: settings[f.name] for f in fields(Recipe) if f.name in settings}
    for name in ("hidden", "ignore", "categories"):
        if name in given:
            given[name] = tuple(given[name])
    given |= {
        "target": target.column,
        "task": "classes" if isinstance(target, Classes) else "numbers",
        "activation": tuple(layer.activation for layer in task.net.layers[:-1]),
        "loss": task.loss,
        "optimizer": task.optimizer,
        "reduction": task.reduction,
        "l1": task.l1,
        "l2": task.l2,
        "clip": task.clip,
        "dropout": 0.0 if task.dropout is None else task.dropout.rate,
        "bias": task.net.layers[0].bias,
    }
    try:
        study = prepare(table, Recipe(**given))
    except BadInput:
        return None
    same = (study.task, study.inputs, study.target) == (task, model.inputs, target)
    rows = settings.get("training_rows")
    return study if same and rows == len(study.training[0]) else None


def with_optimizer(task: Task, state: State, other: Optimizer | LBFGS | None) -> tuple[Task, State]:
    """The task and its first state with another optimizer."""
    optimizer = other or task.optimizer
    if isinstance(optimizer, LBFGS):
        raise BadInput(
            "L-BFGS is SciPy's, and a notebook needs NumPy alone",
            "an optimizer that makes steps is expected",
            "Try --optimizer adam:lr=0.01.",
        )
    state = State(state.theta, optimizer.start(state.theta), 0, 0, state.chance)
    return replace(task, optimizer=optimizer), state


def seed_lessons() -> list[Any]:
    """The teaching notebook's two networks, chance drawn as it draws it."""
    stream = np.random.RandomState(42)
    data, slow, fast = (
        notebook_samples(),
        replay.task(4, 3, 1, lr=0.01),
        replay.task(4, 3, 1, lr=0.1),
    )
    first = start(slow, stream, initializer=Uniform())
    fresh = start(fast, stream, initializer=Uniform())
    by_hand = trace(slow, data.X, data.y, state=first)
    moons, learn = notebook_moons(), replay.task(2, 10, 1, lr=0.1)
    drawn = start(learn, stream, initializer=Uniform())
    return [
        lesson(fast, (data.X, data.y, None), fresh, 1000, by_hand=by_hand),
        lesson(
            learn,
            (moons.X, moons.y, None),
            drawn,
            10_000,
            walked=False,
            prefix="moons_",
            title="Another data set: two moons",
        ),
    ]
