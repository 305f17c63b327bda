"""`glassnet train`: from a table to a model file, a few pictures, and what came of it in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from glassnet.cli import pictures
from glassnet.cli.terminal import (
    console,
    objective_in_words,
    pairs,
    plural,
    steps_in_words,
    tell,
    title,
)
from glassnet.core.activations import Activation
from glassnet.core.errors import BadFile, BadInput
from glassnet.core.optimizers import LBFGS
from glassnet.engines.choice import EngineName
from glassnet.engines.divergence import Divergence
from glassnet.engines.reference import Reference
from glassnet.exchange import names
from glassnet.exchange.model import save_model
from glassnet.exchange.tables import read_table
from glassnet.tabular import Past, Recipe, Study, evaluate, prepare
from glassnet.training.history import History
from glassnet.training.progress import progress
from glassnet.training.stages import saving

if TYPE_CHECKING:
    from glassnet.training.stream import Epoch

DEFAULT = Recipe(target="")


def train(
    table: str,
    /,
    *,
    target: str,
    sql: str | None = None,
    task: Literal["classes", "numbers"] | None = None,
    hidden: str = ",".join(map(str, DEFAULT.hidden)),
    activation: str = "tanh",
    loss: str | None = None,
    optimizer: str = "adam:lr=0.01",
    epochs: int = DEFAULT.epochs,
    batch_size: str = str(DEFAULT.batch_size),
    l1: float = DEFAULT.l1,
    l2: float = DEFAULT.l2,
    clip: float | None = None,
    dropout: str = "0",
    patience: int = DEFAULT.patience or 0,
    validation: str = str(DEFAULT.validation),
    seed: int = DEFAULT.seed,
    dtype: Literal["float64", "float32"] = DEFAULT.dtype,
    bias: Annotated[bool, Parameter(negative="--no-bias")] = True,
    reduction: Literal["mean", "sum"] = "mean",
    engine: EngineName = "auto",
    ignore: str = "",
    categories: str = "",
    out: Annotated[Path, Parameter(alias="-o")] = Path("model.safetensors"),
    pictures_to: Annotated[Path | None, Parameter(name="--pictures")] = None,
    checkpoint: Path | None = None,
    save_every: float = 30.0,
    resume: Annotated[bool, Parameter(negative=())] = False,
    no_pictures: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Learn a column of a table from the others.

    Numbers are standardised, categories become one input a level, dates become days; what is
    missing is filled in and told. Ctrl-C stops and keeps the best model so far.

    Parameters
    ----------
    table
        A CSV, TSV, Parquet, JSON or JSON Lines file, or a glob of them in quotes.
    target
        The column to be learnt.
    sql
        A query over the table first, in which it is called data: "select * from data where …".
    task
        What the target is: classes or numbers. Without it the column decides.
    hidden
        Neurons of each hidden layer, such as 32,16; or none.
    activation
        Of the hidden layers, one for all or one for each: tanh,relu or leakyrelu:alpha=0.1.
    loss
        Such as huber:delta=0.5. Without it: cross-entropy for classes, squared error for numbers.
    optimizer
        Such as adam:lr=0.01, sgd:lr=cosine(lr=0.1,steps=2000), or lbfgs.
    epochs
        At most so many.
    batch_size
        Rows an update, or all.
    l1
        Adds l1·Σ|W| to the objective.
    l2
        Adds ½·l2·ΣW² to the objective.
    clip
        Shorten gradients to this norm where they are longer.
    dropout
        The share of hidden neurons left out of each update, one for all layers or one for each:
        0.2 or 0.5,0.2.
    patience
        Stop after so many epochs that did not lower the validation loss; 0 never stops.
    validation
        The share of rows to measure on, such as 0.2, or a table of its own; 0 for none.
    seed
        Of all chance: the split, the initial weights, the order of the rows.
    dtype
        The numbers to compute with.
    bias
        Whether neurons have a bias.
    reduction
        Whether the objective is the mean or the sum over the samples.
    engine
        Who computes: fused is compiled and fast, reference is NumPy; auto takes the faster one.
    ignore
        Columns to leave out: id,name.
    categories
        Columns to take as categories though they look like numbers: zip,month.
    out
        The model file.
    pictures_to
        The folder for pictures. Without it: a folder beside the model file, named after it.
    checkpoint
        Keep the whole state of the run in this file, every so often and at the end.
    save_every
        How often, in seconds.
    resume
        Go on from the checkpoint: the run ends in the same bits as one never interrupted.
    no_pictures
        Draw none.
    """
    screen = console()
    share, held_out = _validation(validation)
    recipe = Recipe(
        target=target,
        task=task,
        hidden=_sizes(hidden),
        activation=_activations(activation),
        loss=None if loss is None else names.loss(loss),
        optimizer=names.optimizer(optimizer),
        reduction=reduction,
        l1=l1,
        l2=l2,
        clip=clip,
        dropout=_rates(dropout),
        epochs=epochs,
        batch_size=_rows(batch_size),
        patience=patience or None,
        validation=share,
        seed=seed,
        dtype=dtype,
        bias=bias,
        ignore=_listed(ignore),
        categories=_listed(categories),
    )
    refuse_unwritable(out)
    if checkpoint is not None:
        refuse_unwritable(checkpoint)
        if checkpoint.absolute() == out.absolute():
            got = f"{out} for the model and for the checkpoint"
            raise BadInput(got, "two names are expected", "Try --checkpoint run.safetensors.")
    elif resume:
        raise BadInput("--resume without --checkpoint", "the file to go on from is expected")
    folder = pictures_to or out.with_name(f"{out.stem}-pictures")
    rows = read_table(table, sql, as_text=recipe.categories)
    other = None if held_out is None else read_table(held_out, as_text=recipe.categories)
    study = prepare(rows, recipe, validation=other)
    show_plan(screen, f"{rows.source}: {plural(rows.rows, 'row')}", study)
    past = None if checkpoint is None or not resume else study.resume(checkpoint)
    if past is not None:
        screen.print(f"Goes on after epoch {past.record.epoch} of {checkpoint}.")
    history = History() if past is None else past.history
    stream = history.follow(study.stream(engine, past))
    if checkpoint is not None:
        kept: Path = checkpoint
        stream = saving(stream, lambda now: study.save(kept, now, history), seconds=save_every)
    record, diverged = run(screen, study, stream, past)
    model = study.model(record, history)
    save_model(model, out)
    measured_on, measured = "validation", study.validation
    if measured is None:
        measured_on, measured = "training", study.training
    found = evaluate(study.task, model.theta, study.target, measured, Reference())
    title(screen, f"On the {plural(found.rows, f'{measured_on} row')}")
    pairs(screen, {"loss": f"{found.loss:.4g}", **_shown(found.scores)})
    written = {"Model": str(out)}
    if not no_pictures:
        drawn = pictures.of_study(study, history, model.theta, found, folder)
        written["Pictures"] = ", ".join(map(str, drawn))
    screen.print()
    pairs(screen, written)
    if diverged is not None:
        raise diverged  # what came before it is kept; the error stream and the status say the rest
    screen.print(f"\nNext: glassnet info {out} · glassnet predict {out} TABLE")
    return 0


def show_plan(screen: Console, source: str, study: Study) -> None:
    """What was found in the table, and what will be done with it."""
    recipe, task = study.recipe, study.task
    title(screen, source)
    tell(screen, study.notes)
    held = 0 if study.validation is None else len(study.validation[0])
    layers = ", ".join(str(layer.activation) for layer in task.net.layers)
    screen.print()
    pairs(
        screen,
        {
            "Learn": f"{study.target.column} from {plural(len(study.inputs), 'column')}, "
            f"{plural(task.net.n_in, 'input')}",
            "Network": f"{task.net} ({layers}), {plural(task.net.n_params, 'parameter')}",
            "Loss": objective_in_words(task),
            "Optimizer": steps_in_words(task, recipe.batch_size),
            "Rows": f"{len(study.training[0])} to learn from, {held} to measure on, "
            f"seed {recipe.seed}",
        },
    )
    screen.print()


def run(
    screen: Console, study: Study, stream: Iterator[Epoch], past: Past | None
) -> tuple[Epoch, Divergence | None]:
    """Train with a progress bar until the end, Ctrl-C or divergence; say why it ended.

    The last record, and the divergence if that was it.
    """
    diverged = None
    record = None if past is None else past.record
    done = 0 if record is None else record.epoch
    interrupted = False
    try:
        left = study.recipe.epochs - done
        for record in progress(stream, left, console=screen, past=done):  # noqa: B007
            pass
    except KeyboardInterrupt:
        interrupted = True
    except Divergence as error:
        diverged = error
    if record is None:
        raise diverged or KeyboardInterrupt  # before the first epoch there is nothing to keep
    if diverged is not None:
        why = f"Diverged after epoch {record.epoch}"
    elif interrupted:
        why = f"Stopped by Ctrl-C after epoch {record.epoch}"
    elif record.epoch >= study.recipe.epochs:
        why = f"All {record.epoch} epochs done"
    elif isinstance(study.task.optimizer, LBFGS):
        why = f"L-BFGS has arrived after {plural(record.epoch, 'iteration')}"
    else:
        which = "training" if study.validation is None else "validation"
        patience = plural(study.recipe.patience or 0, "epoch")
        why = f"The {which} loss has not fallen for {patience}: stopped after epoch {record.epoch}"
    kept = ""
    if study.validation is not None and record.best is not None:
        kept = f" Kept: epoch {record.best.epoch}, where the validation loss was lowest."
    screen.print(f"{why}.{kept}")
    return record, diverged


def refuse_unwritable(out: Path) -> None:
    """Before an hour of training, not after it: no table, and in a folder that is there."""
    from glassnet.exchange.duck import ENDINGS  # DuckDB is loaded only where a file is read

    if out.is_dir():
        raise BadFile(f"{out} is a folder", "the name of a file is expected", "Try -o NAME.")
    if not out.absolute().parent.is_dir():
        raise BadFile(f"there is no folder {out.parent}", "one that exists is expected")
    if out.name.lower().removesuffix(".gz").endswith(tuple(ENDINGS)):
        got = f"{out} is by its ending a table"
        raise BadFile(got, "a name for what is written is expected", "Try -o model.safetensors.")


def _sizes(text: str) -> tuple[int, ...]:
    if text.strip().lower() in {"none", "0", ""}:
        return ()
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise BadInput(f"--hidden {text}", "whole numbers with commas are expected", "Try 32,16.")
    return sizes


def _activations(text: str) -> Activation | tuple[Activation, ...]:
    parts = tuple(names.activation(part) for part in _listed(text))
    if not parts:
        raise BadInput("--activation is empty", "a name is expected", "Try tanh or relu.")
    return parts[0] if len(parts) == 1 else parts


def _rates(text: str) -> float | tuple[float, ...]:
    try:
        rates = tuple(float(rate) for rate in text.split(","))
    except ValueError:
        rates = (-1.0,)
    if not all(0 <= rate < 1 for rate in rates):
        raise BadInput(
            f"--dropout {text}", "shares from 0 to below 1 are expected", "Try 0.2 or 0.5,0.2."
        )
    return rates[0] if len(rates) == 1 else rates


def _rows(text: str) -> int | None:
    if text.lower() == "all":
        return None
    if not text.isdigit() or int(text) < 1:
        raise BadInput(f"--batch-size {text}", "1 or more, or all, is expected", "Try 32.")
    return int(text)


def _validation(text: str) -> tuple[float, str | None]:
    # a share of the rows, or the name of a table
    try:
        return float(text), None
    except ValueError:
        return 0.0, text


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _shown(scores: object) -> dict[str, str]:
    assert isinstance(scores, dict)
    return {name: f"{value:.4g}" for name, value in scores.items()}
