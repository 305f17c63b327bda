"""What a visitor finds: a model, a table, or the model on the rows of the table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import Exp, Sigmoid, Tanh
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.core.losses import BinaryCrossEntropy, Huber, Poisson
from glassnet.core.network import Dense, Network
from glassnet.core.optimizers import LBFGS, SGD
from glassnet.engines.base import Task
from glassnet.exchange.model import Model, load_model, save_model
from glassnet.exchange.tables import read_table
from glassnet.lab import limits, outputs
from glassnet.lab.link import link
from glassnet.lab.opening import AUTO, of_paths, told
from glassnet.lab.problem import BATCH
from glassnet.lab.session import Session
from glassnet.lab.setting import PRESETS, Setting
from glassnet.tabular import Recipe, fit, prepare

RNG = np.random.default_rng(2)
ROWS = [
    (f"{x:.3f}", RNG.choice(["clay", "sand", "loam"]), "yes" if x + noise > 0 else "no")
    for x, noise in RNG.normal(scale=(1.0, 0.3), size=(60, 2))
]


def csv(name: str, columns: str = "light,soil,bloomed", rows: Any = ROWS) -> Path:
    path = Path(name)
    path.write_text("\n".join([columns, *(",".join(row) for row in rows)]))
    return path


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    csv("plants.csv")


def made(name: str = "plants.safetensors", **recipe: Any) -> Path:
    """What `glassnet train` writes."""
    settings = {"hidden": (3,), "epochs": 4, "seed": 5} | recipe
    model, _ = fit("plants.csv", "bloomed", **settings)
    save_model(model, name)
    return Path(name)


def theta_of(path: Path) -> bytes:
    return load_model(path).theta.tobytes()


@pytest.mark.parametrize("turned", [False, True], ids=["model first", "table first"])
def test_a_model_opens_on_the_rows_of_a_table(turned: bool) -> None:
    model, table = made(), Path("plants.csv")
    session = of_paths(*((table, model) if turned else (model, table)))("")
    assert session.state.theta.tobytes() == theta_of(model)
    assert session.problem.task == load_model(model).task
    assert session.position.phase == "ready"
    assert session.data.name == "plants.csv"
    assert session.data.labels == ("no", "yes")
    assert session.data.inputs[0] == "light"


def test_the_rows_held_are_those_of_training() -> None:
    model = made(validation=0.3, seed=8)
    data = of_paths(model, Path("plants.csv"))("").data
    study = prepare("plants.csv", Recipe("bloomed", validation=0.3, seed=8))
    assert study.validation is not None
    np.testing.assert_array_equal(data.X, study.training[0])
    np.testing.assert_array_equal(data.held_X, study.validation[0])
    np.testing.assert_array_equal(data.held_y, study.validation[1])
    assert "drawn as they were" in data.notes[0]
    csv("more.csv", rows=ROWS + ROWS)
    other = of_paths(model, Path("more.csv"))("").data
    assert len(other.X) == 84
    assert "drawn as they were" not in " ".join(other.notes)
    assert of_paths(made(validation=0.0), Path("plants.csv"))("").data.held_X is None


def test_what_train_wrote_opens_with_its_settings() -> None:
    recipe = {
        "batch_size": 8, "epochs": 3, "seed": 11, "l1": 0.001, "l2": 0.25, "clip": 0.5,
        "dropout": (0.5, 0.25), "hidden": (4, 3), "optimizer": SGD(lr=0.25), "reduction": "sum",
    }  # fmt: skip
    model = made(**recipe)
    for paths in ((model,), (model, Path("plants.csv"))):
        setting = of_paths(*paths)("").setting
        assert (setting.batch, setting.epochs, setting.seed) == (8, 3, 11)
        assert (setting.l1, setting.l2, setting.clip) == (0.001, 0.25, 0.5)
        assert setting.dropout == (0.5, 0.25)
        assert (setting.hidden, setting.optimizer) == ((4, 3), "sgd:lr=0.25")
        assert setting.reduction == "sum"
        assert of_paths(*paths)("").problem.task == load_model(model).task
    assert of_paths(made(batch_size=None))("").setting.batch is None


def test_output_and_loss_that_the_data_would_take_follow_them() -> None:
    rows = [(row[0], row[1], str(k % 7)) for k, row in enumerate(ROWS)]
    csv("plants.csv", rows=rows)
    counts = {"task": "numbers", "hidden": (2,)}
    session = of_paths(made(**counts), Path("plants.csv"))("")
    assert (session.setting.output, session.setting.loss) == ("", "")
    session.set(loss="poisson")
    assert isinstance(session.problem.task.net.layers[-1].activation, Exp)
    poisson = of_paths(made(loss=Poisson(), **counts), Path("plants.csv"))("")
    assert (poisson.setting.output, poisson.setting.loss) == ("", "poisson")
    assert sorted({*poisson.data.y[:, 0]}) == [0, 1, 2, 3, 4, 5, 6]
    own = of_paths(made(loss=Huber(delta=0.5), **counts), Path("plants.csv"))("")
    assert (own.setting.output, own.setting.loss) == ("", "huber:delta=0.5")


def test_a_model_of_lbfgs_opens_with_all_rows_and_steps() -> None:
    setting = of_paths(made(optimizer=LBFGS(), batch_size=32), Path("plants.csv"))("").setting
    assert setting.batch is None
    assert setting.optimizer == Setting().optimizer


def test_a_large_table_is_taken_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    model = made(batch_size=None, validation=0.0)
    monkeypatch.setattr(limits, "CELLS", 200)
    with pytest.raises(BadInput, match="rows times neurons"):  # what is more than can be shown
        of_paths(made("b.safetensors", batch_size=59, validation=0.0), Path("plants.csv"))("")
    monkeypatch.setattr("glassnet.lab.problem.BATCH", 10)
    assert of_paths(model, Path("plants.csv"))("").setting.batch == 10
    assert BATCH == 256


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (None, 2000, 0, 0.25)),
        ({"batch_size": 32, "epochs": 9, "seed": 3, "validation": 0.5}, (32, 9, 3, 0.5)),
        ({"batch_size": None, "validation": 0}, (None, 2000, 0, 0.0)),
        (
            {"params": {"batch_size": "auto", "max_iter": 70, "random_state": 4}},
            (AUTO, 70, 4, 0.25),
        ),
        ({"params": {"batch_size": 16, "random_state": None}}, (16, 2000, 0, 0.25)),
        ({"lab": "data=xor&batch=2&seed=6&epochs=50", "epoch": 9}, (2, 50, 6, 0.25)),
        ({"lab": "batch=2&change=5~batch=3&change=8~batch=all", "epoch": 5}, (3, 2000, 0, 0.25)),
        ({"lab": "data=nothing&batch=2", "epoch": 9}, (None, 2000, 0, 0.25)),
        # by hand: nothing that is said is trusted
        ({"batch_size": "x", "epochs": True, "seed": -1, "validation": "y"}, (None, 2000, 0, 0.25)),
        ({"batch_size": 10**9, "epochs": 10**9, "validation": 7.0}, (None, 2000, 0, 0.25)),
        ({"params": [1], "lab": 7, "epochs": 0}, (None, 2000, 0, 0.25)),
    ],
)
def test_what_a_file_says_of_its_run(said: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = told(said)
    assert (found.batch, found.epochs, found.seed, found.held) == expected


def test_an_estimators_model_opens_with_its_automatic_batch() -> None:
    estimators = pytest.importorskip("glassnet.estimators")
    X = RNG.normal(size=(30, 2))
    est = estimators.MLPClassifier((4,), max_iter=3, random_state=1, dropout=0.5, solver="adam")
    with pytest.warns(UserWarning, match="iterations"):
        est.fit(X, X[:, 0] > 0)
    est.save("est.safetensors")
    session = of_paths(Path("est.safetensors"))("")
    assert session.setting.batch == AUTO == 200
    assert session.setting.epochs == 3
    assert session.problem.task == load_model("est.safetensors").task
    assert isinstance(session.problem.task.dropout, Dropout)
    assert session.state.theta.tobytes() == theta_of(Path("est.safetensors"))


def test_what_the_lab_wrote_opens_on_its_own_set() -> None:
    session = Session(replace(PRESETS["circles"], batch=16, dropout=0.25, data_seed=4, n=80))
    session.timeline.advance(6)
    session.go(6)
    session.set(batch=8)
    session.timeline.advance(3)
    session.go(9)
    Path("m.safetensors").write_bytes(outputs.model_file(session).content)
    opener = of_paths(Path("m.safetensors"))
    again = opener("")
    assert again.state.theta.tobytes() == session.state.theta.tobytes()
    np.testing.assert_array_equal(again.data.X, session.data.X)
    assert again.setting == session.setting
    assert (again.position.epoch, again.timeline.end) == (0, 0)
    # a link to it, and links elsewhere
    assert opener(link(again)).setting == again.setting
    assert opener("data=xor").data.name == "XOR"


def test_what_the_lab_wrote_of_a_table_opens_beside_it() -> None:
    session = of_paths(Path("plants.csv"))("")
    session.set(batch=7, seed=3, clip=0.5)
    session.timeline.advance(4)
    session.go(4)
    Path("m.safetensors").write_bytes(outputs.model_file(session).content)
    opener = of_paths(Path("plants.csv"), Path("m.safetensors"))
    again = opener("")
    assert again.state.theta.tobytes() == session.state.theta.tobytes()
    assert (again.setting.batch, again.setting.seed, again.setting.clip) == (7, 3, 0.5)
    again.set(l2=0.5)
    same = opener(link(again))
    assert same.setting == again.setting
    with pytest.raises(BadInput, match="another table"):
        of_paths(Path("m.safetensors"))(link(again))  # these rows it has not


TWO = [("1.5", "yes"), ("2.5", "no")]


@pytest.mark.parametrize(
    ("name", "columns", "rows", "expected"),
    [
        ("t.csv", "light,bloomed", TWO, "t.csv has no column 'soil', the columns of plants"),
        ("t.csv", "soil,bloom", TWO, "t.csv has no column 'light', 'bloomed', the columns"),
        (
            "t.csv", "light,soil,bloomed", [("1", "clay", "maybe"), ("2", "clay", "no")],
            "'bloomed' is 'maybe' in row 1, the labels of training were expected: 'no', 'yes'",
        ),
        (
            "t.csv", "light,soil,bloomed", [("dim", "clay", "yes"), ("2", "clay", "no")],
            "'dim'",
        ),
    ],
    ids=["a column less", "two columns less", "a label never seen", "text for a number"],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_refused_in_a_line(
    name: str, columns: str, rows: Any, expected: str
) -> None:
    model = made()
    with pytest.raises(BadInput) as refused:
        of_paths(csv(name, columns, rows), model)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_of_a_kind_are_refused() -> None:
    model, table = made(), Path("plants.csv")
    for paths, expected in (
        ((model, made("b.safetensors")), "plants.safetensors and b.safetensors are 2 models"),
        ((table, csv("b.csv")), "plants.csv and b.csv are 2 tables"),
        ((table, table), "are 2 tables"),
        ((table, model, table), "are 2 tables"),
    ):
        with pytest.raises(BadInput, match="a table, a model, or one of each") as refused:
            of_paths(*paths)
        assert expected in str(refused.value)


def test_a_model_made_without_a_table_is_refused_beside_one() -> None:
    net = Network.mlp(2, 3, 1, activation=Tanh(), output=Sigmoid())
    task = Task(net, BinaryCrossEntropy(), SGD(lr=0.1))
    save_model(Model(task, net.init(np.random.default_rng(1))), "m.safetensors")
    with pytest.raises(BadInput, match="was not made from a table") as refused:
        of_paths(Path("m.safetensors"), Path("plants.csv"))
    assert "Open it without the table" in str(refused.value)


def test_a_network_that_the_page_cannot_build_is_refused() -> None:
    layers = (Dense(2, 3, Tanh(), bias=False), Dense(3, 1, Sigmoid(), bias=True))
    net = Network(layers)
    task = Task(net, BinaryCrossEntropy(), SGD(lr=0.1))
    save_model(Model(task, net.init(np.random.default_rng(1))), "m.safetensors")
    with pytest.raises(BadInput, match="biases everywhere or nowhere"):
        of_paths(Path("m.safetensors"))("")


def test_the_model_knows_which_columns_are_text() -> None:
    rows = [(row[0], f"0{i % 3}", row[2]) for i, row in enumerate(ROWS)]
    csv("plants.csv", rows=rows)  # soils are called 00, 01 and 02, which look like numbers
    model = made(categories=("soil",))
    data = of_paths(model, Path("plants.csv"))("").data
    assert data.inputs == ("light", "soil=00", "soil=01", "soil=02")
    assert data.X[:, 1:].sum(axis=1).tolist() == [1.0] * len(data.X)
    whole = read_table("plants.csv", as_text=("soil",))
    assert len(data.X) + len(data.held_X if data.held_X is not None else ()) == whole.rows
