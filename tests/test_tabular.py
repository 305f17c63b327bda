"""From a table to a model: no leak from the rows that measure, the same bits again, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets as outside

from glassnet.core.activations import Exp, Identity, ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.dropout import Dropout
from glassnet.core.errors import BadInput
from glassnet.core.losses import (
    Absolute,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Poisson,
    SquaredError,
)
from glassnet.core.optimizers import LBFGS, SGD, Adam
from glassnet.engines.reference import Reference, mean_loss
from glassnet.exchange.encodings import Category, Number, input_names
from glassnet.exchange.model import Model, load_model, save_model
from glassnet.exchange.tables import read_table, table_of
from glassnet.exchange.targets import Classes, Numbers
from glassnet.tabular import Recipe, Study, evaluate, fit, prepare, split
from glassnet.training.history import History
from glassnet.training.stream import last

SMALL: dict[str, Any] = {"hidden": (4,), "epochs": 6}


def people(n: int = 80, seed: int = 0) -> dict[str, Any]:
    """Numbers, categories, booleans, and four columns that can be targets."""
    rng = np.random.default_rng(seed)
    age, city = rng.normal(40, 12, n), rng.choice(["Oslo", "Paris", "Rome"], n, p=[0.6, 0.3, 0.1])
    member = rng.uniform(size=n) < 0.3
    score = age / 10 + (city == "Rome") * 2 + member + rng.normal(0, 0.3, n)
    return {
        "age": age,
        "city": city,
        "member": member,
        "score": score,
        "rich": np.where(score > 4.5, "yes", "no"),
        "visits": rng.poisson(np.exp(score / 3)),
    }


def only(table: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: table[name] for name in names}


RICH = only(people(), "age", "city", "member", "rich")
SCORE = only(people(), "age", "city", "member", "score")
VISITS = only(people(), "age", "city", "member", "visits")


def run(study: Study) -> tuple[Model, History]:
    history = History()
    return study.model(last(history.follow(study.stream())), history), history


# ---- the rows that measure stay out of all that is fitted


@pytest.mark.parametrize("table", [RICH, SCORE], ids=["classes", "numbers"])
def test_encodings_come_from_the_training_rows_alone(table: dict[str, Any]) -> None:
    target = list(table)[-1]
    recipe = Recipe(target, validation=0.25, seed=3)
    study = prepare(table, recipe)
    assert study.validation is not None
    assert len(study.training[0]) + len(study.validation[0]) == 80
    age = study.inputs[0]
    assert isinstance(age, Number)
    # standardised over the training rows: mean 0, standard deviation 1 there, not over all rows
    assert study.training[0][:, 0].mean() == pytest.approx(0, abs=1e-12)
    assert study.training[0][:, 0].std() == pytest.approx(1)
    assert abs(study.validation[0][:, 0].mean()) > 1e-3
    assert age.mean != pytest.approx(table["age"].mean(), rel=1e-6)
    if isinstance(study.target, Numbers):
        assert study.training[1].mean() == pytest.approx(0, abs=1e-12)
        assert study.training[1].std() == pytest.approx(1)
        assert abs(study.validation[1].mean()) > 1e-3


def test_what_the_measuring_rows_say_changes_nothing_but_the_measurement() -> None:
    study = prepare(SCORE, Recipe("score", **SMALL))
    assert study.validation is not None
    # which rows measure can be told from the ages, which are all different
    ages = study.validation[0][:, 0] * study.inputs[0].scale + study.inputs[0].mean  # type: ignore[attr-defined]
    held = np.isin(np.round(SCORE["age"], 9), np.round(ages, 9))
    assert held.sum() == len(study.validation[0])
    other = {name: values.copy() for name, values in SCORE.items()}
    other["age"][held] += 500.0
    other["score"][held] *= -3.0
    again = prepare(other, Recipe("score", **SMALL))
    assert again.inputs == study.inputs
    assert again.target == study.target
    np.testing.assert_array_equal(again.training[0], study.training[0])
    np.testing.assert_array_equal(again.training[1], study.training[1])
    np.testing.assert_array_equal(again.state.theta, study.state.theta)
    model, _ = run(replace(study, recipe=replace(study.recipe, patience=None)))
    assert again.validation is not None
    assert (
        evaluate(study.task, model.theta, study.target, again.validation, Reference()).loss
        > evaluate(study.task, model.theta, study.target, study.validation, Reference()).loss
    )


def test_a_level_that_only_measuring_rows_have_is_told_and_encoded_as_none() -> None:
    table = dict(RICH)
    validation = only(people(20, seed=1), "age", "city", "member", "rich")
    validation["city"] = np.where(np.arange(20) == 4, "Bern", validation["city"])
    study = prepare(table, Recipe("rich"), validation=validation)
    assert study.validation is not None
    assert len(study.validation[0]) == 20
    assert len(study.training[0]) == 80
    city = next(one for one in study.inputs if isinstance(one, Category))
    assert "Bern" not in city.levels
    assert any("validation: city: 'Bern' (row 5) was not seen" in note for note in study.notes)
    names = input_names(study.inputs)
    of_city = [i for i, name in enumerate(names) if name.startswith("city=")]
    assert study.validation[0][4, of_city].sum() == 0


# ---- the split


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9, 0.99])
def test_the_split_keeps_the_shares_of_classes_and_a_row_of_each_to_learn(share: float) -> None:
    labels = np.array(["a"] * 50 + ["b"] * 10 + ["c"] * 2 + ["d"])
    order = np.random.default_rng(1).permutation(len(labels))
    table = table_of({"x": np.arange(63.0), "y": labels[order]})
    target = Classes("y", ("a", "b", "c", "d"))
    y = target.encode(table)
    learn, measure = split(y, share, np.random.default_rng(0), target)
    assert sorted([*learn, *measure]) == list(range(63))
    assert list(learn) == sorted(learn)
    assert list(measure) == sorted(measure)
    assert (y[learn].sum(axis=0) >= 1).all()
    for k, count in enumerate((50, 10, 2, 1)):
        assert y[measure][:, k].sum() == min(round(share * count), count - 1)


def test_the_split_is_drawn_by_the_seed() -> None:
    def held(seed: int) -> Any:
        study = prepare(SCORE, Recipe("score", seed=seed))
        assert study.validation is not None
        return study.validation[1]

    np.testing.assert_array_equal(held(1), held(1))
    assert not np.array_equal(held(1), held(2))


def test_two_classes_are_split_class_by_class_too() -> None:
    y = np.array([0.0] * 30 + [1.0] * 10)[:, None]
    _, measure = split(y, 0.2, np.random.default_rng(0), Classes("y", ("no", "yes")))
    assert y[measure].sum() == 2
    assert len(measure) == 8


def test_too_few_rows_to_keep_some_are_told() -> None:
    study = prepare({"x": [1.0, 2.0], "y": ["a", "b"]}, Recipe("y"))
    assert study.validation is None
    assert len(study.training[0]) == 2
    assert any("2 rows are too few to keep some for validation" in note for note in study.notes)
    model, history = run(study)
    assert history.val_loss == []
    assert model.settings["epoch_kept"] == history.epoch[-1]  # nothing to choose by


def test_no_validation_when_none_is_wanted() -> None:
    study = prepare(RICH, Recipe("rich", validation=0))
    assert study.validation is None
    assert len(study.training[0]) == 80
    assert not any("too few" in note for note in study.notes)


def test_rows_without_a_target_are_left_out_and_told() -> None:
    table = dict(SCORE, score=np.where(np.arange(80) % 10 == 0, np.nan, SCORE["score"]))
    study = prepare(table, Recipe("score", validation=0))
    assert len(study.training[0]) == 72
    assert "score: 8 rows have no target, left out" in study.notes


# ---- the task


@pytest.mark.parametrize(
    ("table", "settings", "loss", "output", "n_out"),
    [
        (RICH, {}, BinaryCrossEntropy(), Sigmoid(), 1),
        (dict(RICH, rich=people()["city"]), {"ignore": ("city",)}, CrossEntropy(), Softmax(), 3),
        (
            dict(RICH, rich=people()["city"]),
            {"ignore": ("city",), "loss": BinaryCrossEntropy()},
            BinaryCrossEntropy(),
            Sigmoid(),
            3,
        ),
        (RICH, {"loss": SquaredError()}, SquaredError(), Sigmoid(), 1),
        (SCORE, {}, SquaredError(), Identity(), 1),
        (SCORE, {"loss": Huber(0.5)}, Huber(0.5), Identity(), 1),
        (SCORE, {"loss": Absolute()}, Absolute(), Identity(), 1),
        (VISITS, {"loss": Poisson(), "task": "numbers"}, Poisson(), Exp(), 1),
    ],
    ids=["two", "three", "three-bce", "two-squares", "numbers", "huber", "absolute", "poisson"],
)
def test_loss_and_output_follow_the_target(
    table: dict[str, Any], settings: dict[str, Any], loss: Any, output: Any, n_out: int
) -> None:
    study = prepare(table, Recipe(list(table)[-1], **settings, **SMALL))
    assert study.task.loss == loss
    assert study.task.net.layers[-1].activation == output
    assert study.task.net.n_out == n_out == study.training[1].shape[1]
    model, history = run(study)
    assert np.isfinite(history.loss).all()
    assert model.target == study.target


def test_the_task_takes_everything_from_the_recipe() -> None:
    recipe = Recipe(
        "score",
        hidden=(5, 3),
        activation=(ReLU(), Tanh()),
        optimizer=SGD(0.2),
        reduction="sum",
        l1=0.1,
        l2=0.2,
        clip=0.3,
        dropout=(0.25, 0.5),
        bias=False,
        dtype="float32",
    )
    study = prepare(SCORE, recipe)
    task = study.task
    assert task.net.sizes == (5, 5, 3, 1)
    assert [layer.activation for layer in task.net.layers] == [ReLU(), Tanh(), Identity()]
    assert not any(layer.bias for layer in task.net.layers)
    assert (task.optimizer, task.reduction) == (SGD(0.2), "sum")
    assert (task.l1, task.l2, task.clip) == (0.1, 0.2, 0.3)
    assert task.dropout == Dropout((0.25, 0.5), seed=recipe.seed)
    assert study.state.theta.dtype == np.float32
    assert prepare(SCORE, Recipe("score", hidden=())).task.net.sizes == (5, 1)


@pytest.mark.parametrize(
    ("table", "settings", "says"),
    [
        (RICH, {"loss": CrossEntropy()}, "binary cross-entropy is expected"),
        (RICH, {"loss": Poisson()}, "the Poisson loss for the 2 classes of 'rich'"),
        (SCORE, {"loss": BinaryCrossEntropy()}, "a loss for numbers is expected"),
        (SCORE, {"loss": CrossEntropy()}, "a loss for numbers is expected"),
        (
            dict(SCORE, score=SCORE["score"] - 5),
            {"loss": Poisson()},
            "counts of 0 or more",
        ),
    ],
    ids=["ce-two", "poisson-classes", "bce-numbers", "ce-numbers", "poisson-negative"],
)
def test_losses_that_do_not_fit_are_refused_in_one_line(
    table: dict[str, Any], settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        prepare(table, Recipe(list(table)[-1], **settings))
    assert "\n" not in str(caught.value)


def test_counts_stay_counts_for_poisson() -> None:
    study = prepare(VISITS, Recipe("visits", loss=Poisson(), task="numbers", epochs=60))
    assert study.target == Numbers("visits")
    assert study.validation is not None
    told = np.concatenate([study.training[1], study.validation[1]])[:, 0]
    assert sorted(told) == sorted(VISITS["visits"])
    model, _ = run(study)
    values = model.predict_table(read_table(VISITS)).values
    assert (values > 0).all()
    assert values.mean() == pytest.approx(VISITS["visits"].mean(), rel=0.2)


# ---- columns


def test_ignored_columns_are_no_inputs_and_declared_ones_are_categories() -> None:
    table = dict(RICH, zip=np.arange(80) % 4, id=np.arange(80))
    table["rich"] = table.pop("rich")
    study = prepare(table, Recipe("rich", ignore=("id", "age"), categories=("zip",)))
    assert [one.column for one in study.inputs] == ["city", "member", "zip"]
    assert input_names(study.inputs)[-4:] == ["zip=0", "zip=1", "zip=2", "zip=3"]
    for settings in ({"ignore": ("ages",)}, {"categories": ("zap",)}):
        with pytest.raises(BadInput, match="has no column"):
            prepare(table, Recipe("rich", **settings))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="has no column 'poor'"):
        prepare(table, Recipe("poor"))


def test_a_table_of_its_own_to_measure_on(tmp_path: Path) -> None:
    path = tmp_path / "held.csv"
    path.write_text("age,city,member,rich\n40,Oslo,true,yes\n30,Paris,false,no\n")
    study = prepare(RICH, Recipe("rich", **SMALL), validation=path)
    assert study.validation is not None
    np.testing.assert_array_equal(study.validation[1], [[1.0], [0.0]])
    assert len(study.training[0]) == 80
    path.write_text("age,city,member,rich\n40,Oslo,true,perhaps\n")
    with pytest.raises(BadInput, match="'perhaps' in row 1"):
        prepare(RICH, Recipe("rich"), validation=path)


# ---- the run


def test_the_stream_keeps_the_best_and_stops_when_flat() -> None:
    study = prepare(RICH, Recipe("rich", patience=5, epochs=500))
    records = list(study.stream())
    best = records[-1].best
    assert best is not None
    assert len(records) < 500
    assert records[-1].epoch - best.epoch >= 5
    assert best.val_loss == min(r.val_loss for r in records if r.val_loss is not None)
    history = History.of(iter(records))
    model = study.model(records[-1], history)
    np.testing.assert_array_equal(model.theta, best.state.theta)
    assert model.settings["epoch_kept"] == best.epoch
    endless = prepare(RICH, Recipe("rich", patience=None, epochs=80))
    assert len(list(endless.stream())) == 80


def test_the_metric_fits_the_target() -> None:
    assert list(prepare(RICH, Recipe("rich")).metric) == ["accuracy"]
    assert list(prepare(SCORE, Recipe("score")).metric) == ["R²"]


@pytest.mark.parametrize("optimizer", [Adam(0.01), LBFGS()], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_same_seed_gives_the_same_model_file(
    tmp_path: Path, dtype: Any, optimizer: Any
) -> None:
    def written(name: str, seed: int) -> bytes:
        model, history = fit(RICH, "rich", seed=seed, dtype=dtype, optimizer=optimizer, **SMALL)
        save_model(replace(model, history=history.summary()), tmp_path / name)
        return (tmp_path / name).read_bytes()

    assert written("one", 5) == written("two", 5)
    assert written("one", 5) != written("three", 6)


def test_settings_are_recorded_in_the_model() -> None:
    model, history = fit(RICH, "rich", seed=4, batch_size=16, ignore=("age",), **SMALL)
    assert model.settings == {
        "hidden": [4],
        "epochs": 6,
        "batch_size": 16,
        "patience": Recipe("rich").patience,
        "validation": 0.2,
        "seed": 4,
        "dtype": "float64",
        "ignore": ["age"],
        "categories": [],
        "training_rows": 64,
        "validation_rows": 16,
        "epoch_kept": history.summary()["best_epoch"],
    }
    assert model.history == history.summary()


@pytest.mark.parametrize("table", [RICH, SCORE, VISITS], ids=["classes", "numbers", "counts"])
def test_a_loaded_model_says_what_it_said_before(tmp_path: Path, table: dict[str, Any]) -> None:
    target = list(table)[-1]
    counts = {"loss": Poisson(), "task": "numbers"} if target == "visits" else {}
    model, _ = fit(table, target, **counts, **SMALL)
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    others = table_of(only(people(30, seed=9), "age", "city", "member"))
    before, after = model.predict_table(others), loaded.predict_table(others)
    np.testing.assert_array_equal(after.values, before.values)
    if before.probabilities is not None:
        np.testing.assert_array_equal(after.probabilities, before.probabilities)
    assert loaded.settings == model.settings
    assert loaded.task == model.task


def test_a_run_that_was_interrupted_ends_in_the_same_bits(tmp_path: Path) -> None:
    study = prepare(RICH, Recipe("rich", epochs=300, patience=8, hidden=(6,)))
    whole = History()
    end = last(whole.follow(study.stream()))
    history = History()
    for record in history.follow(study.stream()):
        if record.epoch == 5:
            study.save(tmp_path / "run", record, history)
            break
    anew = prepare(RICH, Recipe("rich", epochs=300, patience=8, hidden=(6,)))
    past = anew.resume(tmp_path / "run")
    resumed = last(past.history.follow(anew.stream(past=past)))
    np.testing.assert_array_equal(resumed.state.theta, end.state.theta)
    assert resumed.epoch == end.epoch
    assert resumed.best is not None
    assert end.best is not None
    np.testing.assert_array_equal(resumed.best.state.theta, end.best.state.theta)
    assert past.history.loss == whole.loss
    # a run that has had all its epochs goes on to nothing
    assert list(prepare(RICH, Recipe("rich", epochs=5, hidden=(6,))).stream(past=past)) == []
    other = prepare(RICH, Recipe("rich", epochs=300, patience=8, hidden=(6,), seed=1))
    with pytest.raises(BadInput, match="the checkpoint of another run"):
        other.resume(tmp_path / "run")


# ---- evaluation


def test_evaluation_is_in_the_units_of_the_target() -> None:
    study = prepare(SCORE, Recipe("score", validation=0, **SMALL))
    model, _ = run(study)
    found = evaluate(study.task, model.theta, study.target, study.training, Reference())
    predicted = model.predict_table(read_table(SCORE)).values
    np.testing.assert_allclose(found.true, SCORE["score"])
    np.testing.assert_allclose(found.predicted, predicted)
    away = predicted - SCORE["score"]
    assert found.scores["RMSE"] == pytest.approx(np.sqrt((away**2).mean()))
    assert found.scores["MAE"] == pytest.approx(np.abs(away).mean())
    assert found.scores["R²"] == pytest.approx(1 - (away**2).sum() / np.var(SCORE["score"]) / 80)
    assert found.loss == pytest.approx(mean_loss(study.task, model.theta, (*study.training, None)))
    assert found.rows == 80


def test_accuracy_is_of_the_labels_that_are_predicted() -> None:
    study = prepare(RICH, Recipe("rich", validation=0, **SMALL))
    for theta in (run(study)[0].theta, np.zeros(study.task.net.n_params)):  # zeros: all at ½
        found = evaluate(study.task, theta, study.target, study.training, Reference())
        model = Model(study.task, theta, study.inputs, study.target)
        predicted = model.predict_table(read_table(RICH)).values
        assert list(found.true) == list(RICH["rich"])
        assert list(found.predicted) == list(predicted)
        assert found.scores["accuracy"] == (predicted == RICH["rich"]).mean()


# ---- refusals


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"validation": 1.0}, "validation=1.0"),
        ({"validation": -0.1}, "validation=-0.1"),
        ({"validation": float("nan")}, "validation=nan"),
        ({"epochs": 0}, "epochs=0"),
        ({"epochs": None}, "epochs=None"),
        ({"epochs": 2.5}, "epochs=2.5"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"patience": 0}, "patience=0"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": "x"}, "seed='x'"),
        ({"dtype": "float16"}, "dtype='float16'"),
        ({"hidden": (0,)}, "at least 1 neuron"),
        ({"activation": (Tanh(),)}, "1 activations for 2 hidden layers"),
        ({"l2": -1.0}, "l2"),
        ({"clip": 0.0}, "clip"),
        ({"dropout": 1.0}, "rate=1.0 of Dropout"),
        ({"dropout": (0.1,)}, "1 rates of dropout for 2 hidden layers"),
        ({"task": "colours"}, "colours"),
        ({"epoch": 4}, r"epoch= is no setting.*Did you mean epochs\?"),
    ],
    ids=str,
)
def test_settings_are_refused_in_one_line(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        fit(RICH, "rich", **settings)
    assert "\n" not in str(caught.value)


def test_a_run_that_can_learn_nothing_says_so() -> None:
    # L-BFGS begins where it would end
    with pytest.raises(BadInput, match="no epochs"):
        fit(
            {"x": [1.0, 2.0, 1.0, 2.0], "y": ["a", "a", "b", "b"]},
            "y",
            hidden=(),
            validation=0,
            optimizer=LBFGS(gtol=10.0),
        )


# ---- real data, nothing given but the target


def bunch(name: str) -> dict[str, Any]:
    data = getattr(outside, f"load_{name}")()
    columns = {
        str(name): column for name, column in zip(data.feature_names, data.data.T, strict=True)
    }
    return columns | {"target": data.target}


@pytest.mark.parametrize(
    ("name", "score", "least"),
    [
        ("iris", "accuracy", 0.9),
        ("wine", "accuracy", 0.93),
        ("breast_cancer", "accuracy", 0.94),
        ("diabetes", "R²", 0.4),
    ],
)
def test_defaults_learn_real_tables(name: str, score: str, least: float) -> None:
    table = bunch(name)
    rows = np.random.default_rng(0).permutation(len(table["target"]))
    away, learn = rows[: len(rows) // 4], rows[len(rows) // 4 :]
    found = []
    for seed in (0, 1):
        model, _ = fit({k: v[learn] for k, v in table.items()}, "target", seed=seed)
        held = table_of({k: v[away] for k, v in table.items()})
        X, _ = model.encode(held)
        assert model.target is not None
        rated = evaluate(
            model.task, model.theta, model.target, (X, model.target.encode(held)), Reference()
        )
        found.append(rated.scores[score])
    assert np.mean(found) >= least
