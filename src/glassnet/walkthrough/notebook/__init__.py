"""A notebook of one network that stands alone: NumPy, every partial derivative, its own proof."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassnet.core.data import check_samples
from glassnet.core.errors import BadInput
from glassnet.core.optimizers import LBFGS, Optimizer
from glassnet.engines.base import Samples, State
from glassnet.engines.chance import Chance
from glassnet.walkthrough.notebook.cells import as_ipynb, as_percent
from glassnet.walkthrough.notebook.lesson import Lesson, lesson
from glassnet.walkthrough.notebook.writing import cells
from glassnet.walkthrough.step import Layout, Names
from glassnet.walkthrough.trace import Trace, trace


def export_notebook(
    what: Any,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    path: str | os.PathLike[str],
    weight: ArrayLike | None = None,
    theta: ArrayLike | None = None,
    state: State | None = None,
    epochs: int = 100,
    batch_size: int | None = None,
    shuffle: bool = True,
    optimizer: Optimizer | None = None,
    layout: Layout = "rows",
    names: Names = "math",
    title: str = "",
) -> tuple[Path, ...]:
    """Write a notebook (.ipynb) or Python in cells (.py); the files written are returned.

    It follows the first update number by number, then trains; it holds its data and weights, needs
    NumPy alone, and compares its numbers with those recorded here by the reference engine.

    Parameters
    ----------
    what : a trace with targets; or a model, task or network, with X (n, n_in) and y (n, n_out).
    weight : (n,), one a sample.
    theta, state : where training begins; a model has its own theta.
    epochs, batch_size, shuffle : the training, as `train` takes them.
    optimizer : another than the task's; L-BFGS is SciPy's and cannot be written in NumPy alone.
    layout : "rows" or "columns", one for each sample. names : "math" or "seed".
    """
    if isinstance(what, Trace):
        if what.samples is None:
            raise BadInput(
                "a trace without targets", "one with y is expected", "Try trace(model, X, y)."
            )
        samples: Samples = what.samples
        task = what.task
        begin = State(what.theta, what.slots, what.step, 0, Chance.of(0))
    else:
        if X is None or y is None:
            raise BadInput("no samples", "X and y are expected beside a model, task or network")
        first = trace(what, X, y, weight=weight, theta=theta, state=state)
        task = first.task
        chance = Chance.of(0) if state is None else state.chance
        begin = State(first.theta, first.slots, first.step, 0, chance)
        samples = check_samples(task.net, task.loss, X, y, weight, first.theta.dtype)
    if optimizer is not None:
        task = replace(task, optimizer=optimizer)
        begin = replace(begin, slots=optimizer.start(begin.theta), step=0)
    if isinstance(task.optimizer, LBFGS):
        raise BadInput(
            "L-BFGS is SciPy's, and the notebook needs NumPy alone",
            "an optimizer that makes steps is expected",
            "Try optimizer=SGD(0.1).",
        )
    if not isinstance(epochs, int | np.integer) or epochs < 1:
        raise BadInput(f"epochs={epochs!r}", "a whole number of 1 or more is expected")
    told = lesson(task, samples, begin, int(epochs), batch_size=batch_size, shuffle=shuffle)
    return write_lessons([told], path, layout=layout, names=names, title=title)


def write_lessons(
    lessons: Sequence[Lesson],
    path: str | os.PathLike[str],
    *,
    layout: Layout = "rows",
    names: Names = "math",
    title: str = "",
) -> tuple[Path, ...]:
    """Write the notebook of some lessons, and its arrays beside it where they are many."""
    target = Path(path)
    if target.suffix not in {".ipynb", ".py"}:
        raise BadInput(
            f"{target.name} ends in {target.suffix or 'nothing'!r}", "'.ipynb' or '.py' is expected"
        )
    if layout not in ("rows", "columns"):
        raise BadInput(f"layout={layout!r}", "'rows' or 'columns' is expected")
    if names not in ("math", "seed"):
        raise BadInput(f"names={names!r}", "'math' or 'seed' is expected")
    made, literals = cells(lessons, layout=layout, names=names, stem=target.stem, title=title)
    content = as_ipynb(made) if target.suffix == ".ipynb" else as_percent(made)
    stored = literals.file()
    files = []
    # the arrays first: a notebook never lies there without them
    if stored is not None:
        beside = target.with_suffix(".npz")
        _write(beside, stored)
        files.append(beside)
    _write(target, content.encode())
    return (target, *files)


def _write(path: Path, data: bytes) -> None:
    """The file whole, or as it was."""
    half = path.with_name(f".{path.name}.half")
    try:
        half.write_bytes(data)
        half.replace(path)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror or error}", "a place to write was expected"
        ) from error
    finally:
        half.unlink(missing_ok=True)
