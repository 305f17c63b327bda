"""From a table to a trained model: what `glassnet train` does, in steps that one can take oneself.

    recipe → prepare → a study: task, encodings, training and validation rows, the first state
           → study.stream() → epochs → study.model(record, history) → a model to save and to ask

`fit` takes all of them. Nothing here computes: tables become numbers in `exchange`, numbers become
weights in `training`.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from glassnet.core.activations import Activation, Exp, Identity, Sigmoid, Softmax, Tanh
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.core.formula import Array
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, Loss, Poisson, SquaredError
from glassnet.core.network import Network
from glassnet.core.objective import Reduction
from glassnet.core.optimizers import LBFGS, Adam, Optimizer
from glassnet.engines.base import Engine, Losses, State, Task
from glassnet.engines.choice import EngineName
from glassnet.exchange.checkpoint import load_checkpoint, save_checkpoint
from glassnet.exchange.encodings import Encoding, encode, fit_inputs, input_names
from glassnet.exchange.model import Model
from glassnet.exchange.tables import Source, Table, read_table
from glassnet.exchange.targets import Classes, Sort, Target, fit_target, rows_with
from glassnet.training.history import History
from glassnet.training.metrics import accuracy, classes, mae, r2, rmse
from glassnet.training.stages import keep_best, until_flat
from glassnet.training.stream import Epoch, Metric, last, start, train
from glassnet.walkthrough.trace import Trace, trace

Rows = tuple[Array, Array]  # X (n, n_in), y (n, n_out)


@dataclass(frozen=True)
class Recipe:
    """How to learn a column of a table from the others. The target is all that has no default.

    target : the column to be learnt.
    task : "classes" or "numbers"; None lets the column decide.
    hidden : neurons of each hidden layer; () for none.
    activation : of the hidden layers, one for all or one for each.
    loss : None takes cross-entropy for classes and the squared error for numbers.
    optimizer, reduction, l1, l2, clip : see `Task`.
    dropout : the rate of all hidden layers, or of each; its masks are drawn from the seed.
    epochs : the most there will be.
    batch_size : rows an update; None for all. L-BFGS takes all in any case.
    patience : stop after so many epochs that do not lower the validation loss; None never stops.
    validation : the share of rows to measure on, drawn by chance, class by class; 0 for none.
    seed : of the one stream of chance: the split first, then the weights, then the batches.
    dtype : "float64" or "float32".
    bias : whether neurons have one.
    ignore, categories : columns to leave out; columns to take as categories though they look like
        numbers.
    """

    target: str
    task: Sort | None = None
    hidden: tuple[int, ...] = (32, 16)
    activation: Activation | tuple[Activation, ...] = Tanh()
    loss: Loss | None = None
    optimizer: Optimizer | LBFGS = Adam(lr=0.01)
    reduction: Reduction = "mean"
    l1: float = 0.0
    l2: float = 1e-3
    clip: float | None = None
    dropout: float | tuple[float, ...] = 0.0
    epochs: int = 300
    batch_size: int | None = 32
    patience: int | None = 50
    validation: float = 0.2
    seed: int = 0
    dtype: Literal["float64", "float32"] = "float64"
    bias: bool = True
    ignore: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.validation < 1:
            raise BadInput(
                f"validation={self.validation}", "a share of the rows from 0 to below 1 is expected"
            )
        for name in ("epochs", "batch_size", "patience"):
            count = getattr(self, name)
            if count is None and name != "epochs":
                continue
            if not isinstance(count, int) or count < 1:
                raise BadInput(f"{name}={count!r}", "a whole number of 1 or more is expected")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise BadInput(f"seed={self.seed!r}", "a whole number of 0 or more is expected")
        if self.dtype not in ("float64", "float32"):
            raise BadInput(f"dtype={self.dtype!r}", "'float64' or 'float32' is expected")


@dataclass(frozen=True, eq=False)
class Past:
    """A run that was interrupted: its last record, with the best in it, and its history."""

    record: Epoch
    history: History


@dataclass(frozen=True, eq=False)
class Study:
    """A recipe with its data: all that a run begins with."""

    recipe: Recipe
    task: Task
    state: State
    inputs: tuple[Encoding, ...]
    target: Target
    training: Rows
    validation: Rows | None
    notes: tuple[str, ...]  # what a reader should be told

    @property
    def metric(self) -> dict[str, Metric]:
        """The one metric to watch, by name."""
        return {"accuracy": accuracy} if isinstance(self.target, Classes) else {"R²": r2}

    def stream(
        self, engine: Engine | EngineName = "auto", past: Past | None = None
    ) -> Iterator[Epoch]:
        """The run: every record with the best so far, until it is flat or the epochs are over.

        past : how far an earlier run of the same study came; it goes on from there.
        """
        state, best, watched = self.state, None, []
        if past is not None:
            state, best, watched = past.record.state, past.record.best, past.history.watched()
        if state.epoch >= self.recipe.epochs:
            return iter(())
        stream = train(
            self.task,
            *self.training,
            state,
            engine=engine,
            epochs=self.recipe.epochs - state.epoch,
            batch_size=self.recipe.batch_size,
            validation=self.validation,
            metrics=self.metric,
        )
        if self.recipe.patience is not None:
            stream = until_flat(stream, self.recipe.patience, past=watched)
        return keep_best(stream, best=best)

    def model(self, record: Epoch, history: History) -> Model:
        """The model of a record: with validation rows its best, else the record itself."""
        chosen = record if self.validation is None else record.best or record
        recipe = self.recipe
        settings = {
            "hidden": list(recipe.hidden),
            "epochs": recipe.epochs,
            "batch_size": recipe.batch_size,
            "patience": recipe.patience,
            "validation": recipe.validation,
            "seed": recipe.seed,
            "dtype": recipe.dtype,
            "ignore": list(recipe.ignore),
            "categories": list(recipe.categories),
            "training_rows": len(self.training[0]),
            "validation_rows": 0 if self.validation is None else len(self.validation[0]),
            "epoch_kept": chosen.epoch,
        }
        return Model(
            task=self.task,
            theta=chosen.state.theta,
            inputs=self.inputs,
            target=self.target,
            settings=settings,
            history=history.summary(),
        )

    def save(self, path: str | os.PathLike[str], record: Epoch, history: History) -> None:
        """A checkpoint of the run, from which `resume` goes on in the same bits."""
        best = record.best or record
        save_checkpoint(
            path,
            self.task,
            record.state,
            best=best.state.theta,
            settings={"data": self.fingerprint, "best_epoch": best.epoch},
            curves=history.arrays(),
        )

    def resume(self, path: str | os.PathLike[str]) -> Past:
        """How far the run of a checkpoint came; an error if it was not a run of this study."""
        stored = load_checkpoint(path)
        if stored.task != self.task or stored.settings.get("data") != self.fingerprint:
            raise BadInput(
                f"{os.fspath(path)} is the checkpoint of another run",
                "the same rows, network, loss and optimizer are expected",
                "Begin anew without it, or repeat the settings that it was made with.",
            )
        history = History.from_arrays(stored.curves)
        state, best_epoch = stored.state, int(stored.settings["best_epoch"])
        assert stored.best is not None
        best_state = State(stored.best, (), 0, best_epoch, state.chance)
        best = _recorded(history, best_epoch, best_state, None)
        return Past(_recorded(history, state.epoch, state, best), history)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all rows as the network sees them."""
        digest = hashlib.sha256()
        for rows in (self.training, self.validation or ()):
            for part in rows:
                digest.update(repr(part.shape).encode() + np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()


def _recorded(history: History, epoch: int, state: State, best: Epoch | None) -> Epoch:
    # a record as the history tells it; what it does not tell is not asked of a past record
    row = history.epoch.index(epoch)
    costs = Losses(
        np.array([history.loss[row]]),
        np.array([history.objective[row]]),
        np.array([history.val_loss[row]]) if history.val_loss else None,
    )
    return Epoch(epoch, costs, {}, None, history.seconds, state, best)


def prepare(
    source: Source | Table, recipe: Recipe, *, validation: Source | Table | None = None
) -> Study:
    """The study of a table. Encodings are fitted on the training rows alone.

    validation : a table of its own to measure on, instead of a share of the rows.
    """
    table = _table(source, recipe)
    known, notes = rows_with(table, recipe.target)
    notes = [*table.notes, *notes]
    loss = recipe.loss
    raw = isinstance(loss, Poisson)  # counts stay counts
    target, why = fit_target(known, recipe.target, recipe.task, standardise=not raw)
    notes += why
    rng = np.random.default_rng(recipe.seed)
    learn, held_out = known, None
    if validation is not None:
        held_out, told = rows_with(_table(validation, recipe), recipe.target)
        notes += [f"validation: {note}" for note in told]
    elif recipe.validation > 0:
        first, second = split(target.encode(known), recipe.validation, rng, target)
        if len(second):
            learn, held_out = known.take(first), known.take(second)
        else:
            notes.append(f"{known.rows} rows are too few to keep some for validation")
    if not isinstance(target, Classes) and not raw:
        # fitted again without the rows that only measure
        target, _ = fit_target(learn, recipe.target, "numbers")
    inputs, told = fit_inputs(learn, (recipe.target, *recipe.ignore), categories=recipe.categories)
    notes += told
    X, told = encode(inputs, learn)
    notes += told
    training = (X, target.encode(learn))
    measured = None
    if held_out is not None:
        held_X, told = encode(inputs, held_out)
        notes += [f"validation: {note}" for note in told]
        measured = (held_X, target.encode(held_out))
    task = task_for(recipe, target, len(input_names(inputs)))
    task.loss.check_targets(training[1])
    state = start(task, rng, dtype=recipe.dtype)
    return Study(recipe, task, state, inputs, target, training, measured, tuple(notes))


def task_for(recipe: Recipe, target: Target, n_in: int) -> Task:
    """The task: loss and output activation follow the target, unless the recipe has a loss."""
    output: Activation
    if isinstance(target, Classes):
        two = target.n_out == 1
        loss = recipe.loss or (BinaryCrossEntropy() if two else CrossEntropy())
        output = Sigmoid() if two else Softmax()
        if isinstance(loss, CrossEntropy if two else BinaryCrossEntropy):
            output = Sigmoid()
            if two:
                raise BadInput(
                    "cross-entropy over 2 classes with 1 output",
                    "binary cross-entropy is expected",
                    "Leave the loss out, or take binarycrossentropy.",
                )
        if isinstance(loss, Poisson):
            raise BadInput(
                f"the Poisson loss for the {len(target.labels)} classes of {target.column!r}",
                "a loss for classes is expected",
                "Leave the loss out, or say that the task is numbers.",
            )
    else:
        loss = recipe.loss or SquaredError()
        output = Exp() if isinstance(loss, Poisson) else Identity()
        if isinstance(loss, BinaryCrossEntropy | CrossEntropy):
            raise BadInput(
                f"{loss} for the numbers of {target.column!r}",
                "a loss for numbers is expected",
                "Leave the loss out, or say that the task is classes.",
            )
    net = Network.mlp(
        n_in,
        *recipe.hidden,
        target.n_out,
        activation=recipe.activation,
        output=output,
        bias=recipe.bias,
    )
    dropout = Dropout(recipe.dropout, recipe.seed % 2**64)
    return Task(
        net,
        loss,
        recipe.optimizer,
        recipe.reduction,
        recipe.l1,
        recipe.l2,
        recipe.clip,
        dropout if any(dropout.rates(net)) else None,
    )


def split(
    y: Array, share: float, rng: np.random.Generator, target: Target
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows to measure on, each in the order of the table.

    Classes keep their shares in both parts, and each has at least one row to learn from.
    """
    groups = [np.arange(len(y))]
    if isinstance(target, Classes):
        label = classes(y)
        groups = [np.flatnonzero(label == k) for k in range(len(target.labels))]
    held: list[np.ndarray] = []
    for rows in groups:
        count = min(round(share * len(rows)), len(rows) - 1)
        held.append(rng.permutation(rows)[: max(count, 0)])
    measured = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(y)), measured), measured


def fit(source: Source | Table, target: str, **settings: Any) -> tuple[Model, History]:
    """A model of a table, and the history of its training: all of the above in one call.

    `settings` are the fields of `Recipe`.

    >>> model, history = fit({"x": [0, 1, 2, 3] * 5, "y": [1, 3, 5, 7] * 5}, "y", task="numbers")
    >>> float(model.predict_table(read_table({"x": [1.5]})).values.round(1)[0])
    4.0
    """
    names = [field.name for field in fields(Recipe)]
    for name in settings:
        if name not in names:
            near = difflib.get_close_matches(name, names[1:], n=1)
            hint = f"Did you mean {near[0]}?" if near else ""
            wanted = f"the settings are {', '.join(names[1:])}"
            raise BadInput(f"{name}= is no setting", wanted, hint)
    study = prepare(source, Recipe(target, **settings))
    history = History()
    record = last(history.follow(study.stream()))
    return study.model(record, history), history


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model makes of rows whose target is known."""

    rows: int
    loss: float  # Σ ℓ / n, no penalty, in the network's own units
    scores: Mapping[str, float]  # accuracy; or R², RMSE and MAE in the unit of the target
    true: np.ndarray  # (n,) labels, or numbers in the unit of the target
    predicted: np.ndarray  # (n,) likewise


def evaluate(task: Task, theta: Array, target: Target, rows: Rows, engine: Engine) -> Evaluation:
    """Loss and scores on encoded rows."""
    X, y = (part.astype(theta.dtype) for part in rows)
    a = engine.predict(task.net, theta, X)
    total = engine.sums(replace(task, l1=0.0, l2=0.0), theta, (X, y, None))
    true, predicted = target.decode(y), target.decode(a)
    if isinstance(target, Classes):
        scores = {"accuracy": float((true == predicted).mean())}  # of the labels that are told
    else:
        pair = (predicted[:, None], true[:, None])
        scores = {"R²": r2(*pair), "RMSE": rmse(*pair), "MAE": mae(*pair)}
    return Evaluation(len(X), total.loss / total.weight, scores, true, predicted)


def _table(source: Source | Table, recipe: Recipe) -> Table:
    return source if isinstance(source, Table) else read_table(source, as_text=recipe.categories)


def trace_table(
    model: Model, table: Table, rows: Sequence[int] | None = None, *, state: State | None = None
) -> Trace:
    """The trace of a model on rows of a table, each input led back to its cell.

    Without the target's column only the way forward is walked.

    rows : positions from 0; None for all.
    state : the optimizer's slots and step; without it slots begin at 0.
    """
    if rows is not None:
        table = table.take(list(rows))
    X, _ = model.encode(table)
    y = None
    if model.target is not None and model.target.column in table:
        y = model.target.encode(table)
    found = trace(model, X, y, state=state)
    raw = tuple(
        tuple(
            None if gone else value
            for value, gone in zip(table[one.column].values, table[one.column].missing, strict=True)
        )
        for one in model.inputs
    )
    return replace(found, cells=model.inputs, raw=raw)
