"""`glassnet info`: what a model file holds, in words and tables."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from glassnet.cli.terminal import (
    as_json,
    console,
    objective_in_words,
    pairs,
    plural,
    steps_in_words,
    table,
    title,
)
from glassnet.exchange import names
from glassnet.exchange.encodings import Category, Encoding, Flag, Moment, Number
from glassnet.exchange.model import Model, load_model
from glassnet.exchange.stored import inputs_as_json, target_as_json, task_as_json
from glassnet.exchange.targets import Classes


def info(model: Path, /, *, json: bool = False) -> int:
    """Show what is in a model file.

    Parameters
    ----------
    model
        A model file, as `glassnet train` writes it.
    json
        The same as data.
    """
    loaded = load_model(model)
    screen = console()
    if json:
        as_json(
            screen,
            {
                "task": task_as_json(loaded.task),
                "parameters": loaded.net.n_params,
                "inputs": inputs_as_json(loaded.inputs),
                "target": target_as_json(loaded.target),
                "settings": dict(loaded.settings),
                "history": dict(loaded.history),
                "versions": dict(loaded.versions),
                "conventions": conventions(loaded),
            },
        )
        return 0
    title(screen, f"{model}: network {loaded.net}, {plural(loaded.net.n_params, 'parameter')}")
    _layers(screen, loaded)
    title(screen, "Inputs")
    _inputs(screen, loaded)
    title(screen, "Training")
    pairs(screen, _training(loaded))
    title(screen, "Conventions")
    pairs(screen, conventions(loaded))
    return 0


def conventions(model: Model) -> dict[str, str]:
    """What must be known to compute the same numbers elsewhere."""
    task = model.task
    reduced = {
        "mean": "mean over the samples, by their weights",
        "sum": "sum over the samples: its gradient grows with their number",
        "batch": "mean over each batch, by weights; the penalty is divided by the batch's weight",
    }
    biases = {layer.bias for layer in task.net.layers}
    said = {
        "samples": "rows: X is (n, n_in)",
        "W": "(n_in, n_out): z = x @ W + b" if True in biases else "(n_in, n_out): z = x @ W",
        "bias": {True: "one for each neuron", False: "none"}[biases.pop()]
        if len(biases) == 1
        else "in some layers",
        "loss": task.loss.formula,
        "reduction": reduced[task.reduction],
        "penalty": "on weights, not on biases, not divided by the number of samples"
        if task.l1 or task.l2
        else "none",
        "dtype": str(model.theta.dtype),
        "recorded loss": "before each update, without penalty; validation loss after the epoch",
    }
    if model.settings.get("seed") is not None:
        said["chance"] = (
            f"seed {model.settings['seed']}, NumPy's PCG64: the split first, then the initial "
            "weights (He's where the activation rectifies, else Glorot's; biases 0), then the "
            "order of the rows, anew each epoch"
        )
    return said


def _layers(screen: Console, model: Model) -> None:
    grid = table(
        ["layer", "in", "out", "activation", "formula", "W", "b", "parameters"],
        right=["in", "out", "W", "b", "parameters"],
    )
    for number, layer in enumerate(model.net.layers, 1):
        weights = layer.n_in * layer.n_out
        grid.add_row(
            str(number),
            str(layer.n_in),
            str(layer.n_out),
            names.as_text(layer.activation),
            layer.activation.formula.rstrip("."),
            str(weights),
            str(layer.n_out if layer.bias else 0),
            str(layer.n_params),
        )
    screen.print(grid)


def _inputs(screen: Console, model: Model) -> None:
    if not model.inputs:
        screen.print("none recorded: the model was not made from a table")
        return
    grid = table(["column", "kind", "inputs", "encoded as", "missing is filled with"])
    for one in model.inputs:
        grid.add_row(one.column, one.kind, str(len(one.names)), *_encoded(one))
    screen.print(grid)
    target = model.target
    if isinstance(target, Classes):
        labels = ", ".join(target.labels)
        if target.n_out == 1:
            said = f"classes {labels}: the output is the probability of {target.labels[1]!r}"
        else:
            said = f"classes {labels}: an output for the probability of each"
        screen.print(f"Target {target.column}: {said}")
    elif target is not None:
        said = f"y = (v - {target.mean:.6g}) / {target.scale:.6g}"
        screen.print(f"Target {target.column}: numbers, {said}")


def _encoded(one: Encoding) -> tuple[str, str]:
    match one:
        case Number():
            return f"(v - {one.mean:.6g}) / {one.scale:.6g}", f"{one.fill:.6g}"
        case Moment():
            said = f"(days since 1970-01-01 - {one.mean:.6g}) / {one.scale:.6g}"
            return said, f"day {one.fill:.6g}"
        case Flag():
            return "1 for true, 0 for false", "true" if one.fill else "false"
        case Category():
            shown = ", ".join(one.levels[:6])
            more = f" and {len(one.levels) - 6} more" if len(one.levels) > 6 else ""
            return f"1 for its level, else 0: {shown}{more}", one.fill
    return "", ""


def _training(model: Model) -> dict[str, str]:
    settings, history = model.settings, model.history
    said = {
        "objective": objective_in_words(model.task),
        "optimizer": steps_in_words(model.task, settings.get("batch_size")),
    }
    if "training_rows" in settings:
        rows, held = settings["training_rows"], settings.get("validation_rows", 0)
        said["rows"] = f"{rows} to learn from, {held} to measure on"
    if history:
        kept = settings.get("epoch_kept", history.get("epochs"))
        said["run"] = f"{plural(history.get('epochs', 0), 'epoch')}, kept epoch {kept}"
    if "best_loss" in history:
        said["best loss"] = f"{history['best_loss']:.6g}, in epoch {history.get('best_epoch')}"
    known = ("epochs", "best_epoch", "best_loss")
    last = [f"{k.replace('_', ' ')} {v:.6g}" for k, v in history.items() if k not in known]
    if last:
        said["last epoch"] = ", ".join(last)
    said["made with"] = ", ".join(f"{name} {number}" for name, number in model.versions.items())
    return said
