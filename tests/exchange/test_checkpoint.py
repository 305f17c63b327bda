from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import Sigmoid, Tanh
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadFile, BadInput
from glassnet.core.losses import BinaryCrossEntropy
from glassnet.core.network import Network
from glassnet.core.optimizers import LBFGS, SGD, Adam, Momentum
from glassnet.core.schedules import Cosine
from glassnet.engines.base import State, Task
from glassnet.engines.fused import Fused
from glassnet.engines.reference import Reference
from glassnet.exchange.checkpoint import load_checkpoint, save_checkpoint
from glassnet.exchange.model import Model, load_model, save_model
from glassnet.training.stream import start, train

NET = Network.mlp(2, 3, 1, activation=Tanh(), output=Sigmoid())
CURVES = {"loss": np.array([1.0, np.nan, np.inf]), "val_loss": np.array([])}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 2))
Y = (X[:, :1] * X[:, 1:] > 0).astype(float)


def same(a: State, b: State) -> bool:
    arrays = [(a.theta, b.theta), *zip(a.slots, b.slots, strict=True)]
    return (a.step, a.epoch, a.chance) == (b.step, b.epoch, b.chance) and all(
        one.dtype == other.dtype and one.tobytes() == other.tobytes() for one, other in arrays
    )


@pytest.mark.parametrize("optimizer", [SGD(0.1), Momentum(0.1), Adam(Cosine(0.1, 20)), LBFGS()])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rng", [7, np.random.RandomState(7)])
def test_a_resumed_run_ends_in_the_same_bits(
    tmp_path: Path, optimizer: Any, dtype: type, rng: Any
) -> None:
    task = Task(NET, BinaryCrossEntropy(), optimizer, l2=1e-3)
    first = start(task, rng, dtype=dtype)
    settings: dict[str, Any] = {} if isinstance(optimizer, LBFGS) else {"batch_size": 5}
    whole = list(train(task, X, Y, first, epochs=6, **settings))
    halfway = list(islice(train(task, X, Y, first, epochs=6, **settings), 3))[-1].state
    path = tmp_path / "run.safetensors"
    save_checkpoint(path, task, halfway, settings={"seed": 7}, curves=CURVES)
    found = load_checkpoint(path)
    assert found.task == task
    assert same(found.state, halfway)
    assert (found.settings, found.best) == ({"seed": 7}, None)
    assert found.curves.keys() == CURVES.keys()
    np.testing.assert_array_equal(found.curves["loss"], CURVES["loss"])
    resumed = list(train(found.task, X, Y, found.state, epochs=3, **settings))
    assert same(resumed[-1].state, whole[-1].state)
    assert [record.loss for record in resumed] == [record.loss for record in whole[3:]]


@pytest.mark.parametrize("engine", [Reference(), Fused()])
def test_a_resumed_run_with_dropout_ends_in_the_same_bits(tmp_path: Path, engine: Any) -> None:
    task = Task(NET, BinaryCrossEntropy(), Adam(), dropout=Dropout(0.4, seed=9))
    settings: dict[str, Any] = {"batch_size": 5, "engine": engine}
    whole = list(train(task, X, Y, start(task, 7), epochs=6, **settings))
    path = tmp_path / "run.safetensors"
    save_checkpoint(path, task, whole[2].state)
    found = load_checkpoint(path)
    assert found.task == task
    resumed = list(train(found.task, X, Y, found.state, epochs=3, **settings))
    assert same(resumed[-1].state, whole[-1].state)


def checkpoint(tmp_path: Path, **changes: Any) -> Path:
    task = Task(NET, BinaryCrossEntropy(), Adam())
    path = tmp_path / "run.safetensors"
    save_checkpoint(path, task, start(task, 1), **changes)
    return path


def test_the_best_comes_along(tmp_path: Path) -> None:
    best = np.arange(float(NET.n_params))
    found = load_checkpoint(checkpoint(tmp_path, best=best))
    assert found.best is not None
    assert np.array_equal(found.best, best)


def test_the_same_checkpoint_the_same_bytes(tmp_path: Path) -> None:
    first = checkpoint(tmp_path).read_bytes()
    assert checkpoint(tmp_path).read_bytes() == first


def test_a_model_is_no_checkpoint_and_the_other_way_round(tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    with pytest.raises(BadFile, match="is a 'checkpoint' file, a model was expected"):
        load_model(path)
    save_model(Model(Task(NET, BinaryCrossEntropy()), NET.init(0)), path)
    with pytest.raises(BadFile, match="is a 'model' file, a checkpoint was expected"):
        load_checkpoint(path)


def test_cut_and_flipped(tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    data = path.read_bytes()
    for length in range(0, len(data), 11):
        path.write_bytes(data[:length])
        with pytest.raises(BadFile):
            load_checkpoint(path)
    flipped = bytearray(data)
    flipped[-1] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(BadFile, match="checksum"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"step": -1}, "step -1"),
        ({"chance": {"legacy": False, "state": {"bit_generator": "os.system"}}}, "chance"),
        ({"chance": {}}, "chance"),
        ({"chance": {"legacy": False, "state": {"bit_generator": "PCG64"}}}, "chance"),
        ({"epoch": 1.5}, "epoch is float"),
        ({"more": 1}, "unknown key 'more'"),
    ],
)
def test_forged_descriptions(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    from glassnet.exchange import container

    path = checkpoint(tmp_path)
    content, tensors = container.read(path, "checkpoint")
    container.write(path, "checkpoint", {**content, **change}, tensors)
    with pytest.raises(BadFile, match=said) as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["theta", "slot.m"])
def test_tensors_that_lack(tmp_path: Path, missing: str) -> None:
    from glassnet.exchange import container

    path = checkpoint(tmp_path)
    content, tensors = container.read(path, "checkpoint")
    less = {name: array for name, array in tensors.items() if name != missing}
    container.write(path, "checkpoint", content, less)
    with pytest.raises(BadFile, match=f"lacks the tensor: {missing}"):
        load_checkpoint(path)
    container.write(path, "checkpoint", content, {**tensors, missing: np.zeros(3)})
    with pytest.raises(BadFile, match=r"has shape \(3,\)"):
        load_checkpoint(path)
    container.write(path, "checkpoint", content, {**tensors, "curve.loss": np.zeros((2, 2))})
    with pytest.raises(BadFile, match="a curve is no column"):
        load_checkpoint(path)


@pytest.mark.parametrize("name", ["theta", "slot.v", "best"])
def test_a_state_that_is_not_finite_is_not_read(tmp_path: Path, name: str) -> None:
    from glassnet.exchange import container

    path = checkpoint(tmp_path, best=np.zeros(NET.n_params))
    content, tensors = container.read(path, "checkpoint")
    broken = {**tensors, name: np.full(NET.n_params, np.inf)}
    container.write(path, "checkpoint", content, broken)
    with pytest.raises(BadFile, match=f"{name} holds nan or infinity"):
        load_checkpoint(path)


def test_a_state_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    before = path.read_bytes()
    with pytest.raises(BadInput, match="best holds nan"):
        checkpoint(tmp_path, best=np.full(NET.n_params, np.nan))
    assert path.read_bytes() == before
