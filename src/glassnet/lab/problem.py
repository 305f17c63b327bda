"""A problem: a setting and its data, ready to be trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from glassnet.core.activations import Activation, Exp, Identity, Sigmoid, Softmax
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, Loss, Poisson, SquaredError
from glassnet.core.network import Network
from glassnet.core.objective import Reduction
from glassnet.engines.base import State, Task
from glassnet.exchange import names
from glassnet.exchange.targets import Numbers
from glassnet.lab import limits
from glassnet.lab.data import Data, edited, unscaled
from glassnet.lab.limits import within
from glassnet.lab.setting import Point, Setting
from glassnet.training.metrics import accuracy, r2
from glassnet.training.stream import Metric, start

BURNT = {"notebook_moons": 30}
"""Numbers that the notebook has drawn from its stream before it comes to this set."""


BATCH = 256
"""Rows an update of a table whose rows are too many for one."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is learnt, from what, and how many rows make an update."""

    setting: Setting
    data: Data
    task: Task

    @property
    def validation(self) -> tuple[Any, ...] | None:
        """The rows that only measure."""
        data = self.data
        return None if data.held_X is None else (data.held_X, data.held_y)

    @property
    def batch(self) -> int | None:
        """Rows an update; None for all."""
        size = self.setting.batch
        return None if size is None or size >= len(self.data.X) else size

    @property
    def metric(self) -> tuple[str, Metric]:
        """The one score to watch."""
        return ("accuracy", accuracy) if self.data.labels else ("R²", r2)


def problem(setting: Setting, data: Data) -> Problem:
    """The task that a setting means for its data."""
    loss, output = answers(setting, data)
    hidden = [names.activation(text) for text in setting.activations]
    net = Network.mlp(
        data.X.shape[1],
        *setting.hidden,
        data.y.shape[1],
        activation=hidden,
        output=output,
        bias=setting.bias,
    )
    within("weights and biases", net.n_params, limits.PARAMETERS)
    rows = min(setting.batch or len(data.X), len(data.X))
    hint = f"Try batches, of {BATCH} rows."
    cells = rows * numbers_a_row(setting, data)
    within("rows times neurons of one update", cells, limits.CELLS, hint=hint)
    within("rows times weights", len(data.X) * net.n_params, limits.WORK)
    loss.check_targets(data.y)
    task = Task(
        net,
        loss,
        names.optimizer(setting.optimizer),
        cast("Reduction", setting.reduction),
        l1=setting.l1,
        l2=setting.l2,
        clip=setting.clip,
        dropout=left_out(setting, net),
    )
    return Problem(setting, data, task)


def rows_for(setting: Setting, rows: Data) -> Data:
    """A set's or a table's rows as the setting's loss asks for them, its points edited.

    Counts stay counts for the Poisson loss, as in `glassnet train`.
    """
    return edited(unscaled(rows) if of_counts(setting) else rows, setting.points)


def of_counts(setting: Setting) -> bool:
    """Whether the loss is that of counts."""
    return bool(setting.loss) and isinstance(names.loss(setting.loss), Poisson)


def in_its_unit(setting: Setting, before: Setting, rows: Data) -> Setting:
    """Points edited by hand stay where they are when a loss learns numbers in another unit."""
    target, n_in, counts = rows.target, rows.X.shape[1], of_counts(setting)
    if rows.raw is None or not isinstance(target, Numbers) or counts == of_counts(before):
        return setting
    points: list[Point] = []
    for kind, *given in setting.points:
        if kind == "add" or (kind == "move" and len(given) == n_in + 2):  # its last is a target
            y = given.pop()
            given.append(
                target.mean + target.scale * y if counts else (y - target.mean) / target.scale
            )
        points.append((kind, *given))
    return replace(setting, points=tuple(points))


def left_out(setting: Setting, net: Network) -> Dropout | None:
    """Dropout as a setting has it; its masks are drawn from the setting's seed."""
    dropout = Dropout(setting.dropout, setting.seed)
    return dropout if any(dropout.rates(net)) else None


def in_batches(setting: Setting, data: Data) -> Setting:
    """The same, in batches where an update of all rows would be more than this page can show."""
    cells = len(data.X) * numbers_a_row(setting, data)
    large = setting.batch is None and cells > limits.CELLS
    return replace(setting, batch=BATCH) if large else setting


def numbers_a_row(setting: Setting, data: Data) -> int:
    """Inputs and neurons; one that dropout may leave out counts twice, for its mask."""
    rates = setting.dropout
    each = rates if isinstance(rates, tuple) else (rates,) * len(setting.hidden)
    masked = sum(size for size, rate in zip(setting.hidden, each, strict=True) if rate)
    return int(data.X.shape[1] + sum(setting.hidden) + masked + data.y.shape[1])


def answers(setting: Setting, data: Data) -> tuple[Loss, Activation]:
    """Loss and output activation: as set, else as the data ask for."""
    many = len(data.labels) > 2
    if setting.loss:
        loss = names.loss(setting.loss)
    elif data.labels:
        loss = CrossEntropy() if many else BinaryCrossEntropy()
    else:
        loss = SquaredError()
    if setting.output:
        output = names.activation(setting.output)
    elif data.labels:
        output = Softmax() if many else Sigmoid()
    else:
        output = Exp() if isinstance(loss, Poisson) else Identity()
    if isinstance(loss, BinaryCrossEntropy | CrossEntropy):
        if not data.labels:
            got = f"{loss} for numbers"
            raise BadInput(got, "a loss for numbers is expected", "Try squarederror.")
        fits = (
            isinstance(output, Softmax)
            if isinstance(loss, CrossEntropy)
            else (isinstance(output, Sigmoid))
        )
        if not fits:
            wanted = "softmax" if isinstance(loss, CrossEntropy) else "sigmoid"
            raise BadInput(f"{loss} of {output} outputs", f"{wanted} outputs are expected")
    if isinstance(loss, Poisson) and data.labels:
        hint = f"Try {'crossentropy' if many else 'binarycrossentropy'}."
        raise BadInput(f"{loss} for classes", "a loss for classes is expected", hint)
    if isinstance(output, Softmax) and not many:
        raise BadInput("softmax with one output", "sigmoid is expected: it would always answer 1")
    if isinstance(loss, CrossEntropy) and not many:
        raise BadInput("cross-entropy with one output", "binarycrossentropy is expected")
    return loss, output


def first_state(one: Problem) -> State:
    """The state before the first epoch: the same setting, the same bits."""
    setting = one.setting
    rng: Any = np.random.default_rng(setting.seed)
    if setting.data.startswith("notebook"):  # the notebook's own, legacy stream
        rng = np.random.RandomState(setting.seed)
        rng.uniform(size=BURNT.get(setting.data, 0))
    initializer = names.initializer(setting.initializer) if setting.initializer else None
    for _ in range(setting.start):  # a new start is the stream's next draw
        one.task.net.init(rng, initializer)
    return start(one.task, rng, initializer=initializer)
