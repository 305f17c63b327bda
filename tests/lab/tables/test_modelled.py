"""A model file, and data to look at it with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import Identity, Sigmoid, Softmax, Tanh
from glassnet.core.errors import BadInput
from glassnet.core.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from glassnet.core.network import Network
from glassnet.core.optimizers import SGD
from glassnet.engines.base import Task
from glassnet.exchange.model import Model, save_model
from glassnet.lab.tables import (
    choose,
    is_model,
    of_model,
)
from glassnet.tabular import fit
from tests.lab.tables.made import mixed


def test_a_model_comes_with_the_rows_of_a_table(tmp_path: Path) -> None:
    model, _ = fit(mixed(), "species", hidden=(3,), epochs=2)
    save_model(model, tmp_path / "m.glassnet")
    assert is_model(tmp_path / "m.glassnet")
    found, data = of_model(tmp_path / "m.glassnet", mixed(), held=0.0)
    assert np.array_equal(found.theta, model.theta)
    assert np.array_equal(data.X, model.encode(mixed())[0])
    assert data.labels == ("setosa", "versicolor", "virginica")
    assert data.inputs == tuple(choose(mixed(), "species").inputs)
    _, parted = of_model(tmp_path / "m.glassnet", mixed(), held=0.2)
    assert parted.held_X is not None
    assert len(parted.X) + len(parted.held_X) == 150


def test_a_model_without_a_table_gets_points_with_its_own_answers(tmp_path: Path) -> None:
    model, _ = fit(mixed(), "species", hidden=(3,), epochs=2)
    save_model(model, tmp_path / "m")
    _, data = of_model(tmp_path / "m")
    _, again = of_model(tmp_path / "m")
    assert np.array_equal(data.X, again.X)
    # one city each, true or false
    cities = [i for i, name in enumerate(data.inputs) if name.startswith("city=")]
    assert np.array_equal(data.X[:, cities].sum(axis=1), np.ones(len(data.X)))
    assert set(data.X[:, data.inputs.index("ok")]) == {0.0, 1.0}
    assert np.array_equal(data.y.argmax(axis=1), model.predict(data.X).argmax(axis=1))
    assert "the model's own answers" in data.notes[0]


@pytest.mark.parametrize(
    ("sizes", "output", "loss", "labels"),
    [
        ((2, 3, 1), Sigmoid(), BinaryCrossEntropy(), ("class 0", "class 1")),
        ((2, 3, 3), Softmax(), CrossEntropy(), ("class 0", "class 1", "class 2")),
        ((2, 3, 2), Identity(), SquaredError(), ()),
    ],
)
def test_a_model_made_without_a_table(
    tmp_path: Path, sizes: tuple[int, ...], output: Any, loss: Any, labels: tuple[str, ...]
) -> None:
    net = Network.mlp(*sizes, activation=Tanh(), output=output)
    theta = net.init(np.random.default_rng(1))
    save_model(Model(Task(net, loss, SGD(lr=0.1)), theta), tmp_path / "m")
    model, data = of_model(tmp_path / "m")
    assert data.labels == labels
    assert data.inputs == ("x1", "x2")
    assert len(data.outputs) == net.n_out
    answers = model.predict(data.X)
    if labels:
        assert set(np.unique(data.y)) <= {0.0, 1.0}
        assert np.array_equal(data.classes_of(data.y), data.classes_of(answers))
    else:
        assert np.array_equal(data.y, answers)
    with pytest.raises(BadInput, match="was not made from a table"):
        of_model(tmp_path / "m", mixed())
