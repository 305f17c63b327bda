"""The pictures of a study or of a model, by its target."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glassnet import plots
from glassnet.core.backprop import forward
from glassnet.core.formula import Array
from glassnet.exchange.encodings import Encoding, Moment, Number, input_names
from glassnet.exchange.files import cannot_write
from glassnet.exchange.targets import Classes
from glassnet.tabular import Evaluation, Study
from glassnet.training.history import History


def of_study(
    study: Study, history: History, theta: Array, found: Evaluation, folder: Path
) -> list[Path]:
    """Loss curves; confusion or predicted against true; the boundary where there are two inputs."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    target = study.target
    drawn = {"loss.png": plots.loss_curve(history)}
    if isinstance(target, Classes):
        drawn["confusion.png"] = plots.confusion(found.true, found.predicted, target.labels)
    else:
        drawn["predicted.png"] = plots.predicted_vs_true(
            found.true, found.predicted, name=target.column
        )
    if study.task.net.n_in == 2 and isinstance(target, Classes):
        X, y = study.training
        mean, scale = _scales(study.inputs)

        def predict(cells: Array) -> Array:
            # the axes show the table's own units; the network is asked in its own
            standardised = ((cells - mean) / scale).astype(theta.dtype)
            return forward(study.task.net, theta, standardised)[-1].a

        drawn["boundary.png"] = plots.decision_boundary(
            predict, X * scale + mean, y, labels=target.labels, inputs=input_names(study.inputs)
        )
    for name, ax in drawn.items():
        plots.save(ax, folder / name)
    return [folder / name for name in drawn]


def _scales(inputs: tuple[Encoding, ...]) -> tuple[np.ndarray, np.ndarray]:
    # what leads back from each input to its cell; categories and booleans stay 0 and 1
    mean = [one.mean if isinstance(one, Number | Moment) else 0.0 for one in inputs]
    scale = [one.scale if isinstance(one, Number | Moment) else 1.0 for one in inputs]
    width = [len(one.names) for one in inputs]
    return np.repeat(mean, width), np.repeat(scale, width)
