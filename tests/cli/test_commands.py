"""The commands, from a table to a model and back: what they say, write and return."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from glassnet.cli import main
from glassnet.core.dropout import Dropout
from glassnet.exchange.model import load_model
from glassnet.exchange.tables import read_table
from glassnet.exchange.targets import Classes, Numbers

QUICK = ["--epochs", "20", "--hidden", "6"]


def run(*words: str) -> None:
    assert main(words) == 0


def output(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    run(*words)
    return capsys.readouterr().out


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("table", "target", "pictures", "score"),
    [
        ("points.csv", "side", {"loss.png", "confusion.png", "boundary.png"}, "accuracy"),
        ("kinds.csv", "kind", {"loss.png", "confusion.png", "boundary.png"}, "accuracy"),
        ("homes.csv", "price", {"loss.png", "predicted.png"}, "R²"),
    ],
)
def test_nothing_but_the_target_is_needed(
    capsys: pytest.CaptureFixture[str], table: str, target: str, pictures: set[str], score: str
) -> None:
    said = output(capsys, "train", table, "--target", target)
    assert load_model("model.safetensors").target is not None
    assert {path.name for path in Path("model-pictures").iterdir()} == pictures
    found = re.search(rf"{score}\s+([\d.]+)", said)
    assert found
    assert float(found[1]) > 0.7
    assert "to learn from" in said
    assert "epochs" in said
    assert max(map(len, said.splitlines())) <= 100


def test_what_the_encodings_did_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    said = output(capsys, "train", "homes.csv", "--target", "price", *QUICK)
    assert re.search(r"rooms: \d+ missing values, filled with the mean", said)
    model = load_model("model.safetensors")
    assert [one.kind for one in model.inputs] == ["category", "number", "boolean", "date"]
    assert isinstance(model.target, Numbers)


def test_every_setting_arrives_in_the_model() -> None:
    run(
        *["train", "points.csv", "--target", "side", "--hidden", "5,4"],
        *["--activation", "leakyrelu:alpha=0.2,gelu", "--loss", "squared"],
        *["--optimizer", "momentum:lr=cosine(lr=0.1,steps=50),momentum=0.8", "--epochs", "7"],
        *["--batch-size", "all", "--l1", "0.001", "--l2", "0.01", "--clip", "2", "--patience", "0"],
        *["--validation", "0.25", "--seed", "5", "--dtype", "float32", "--no-bias"],
        *[
            "--dropout",
            "0.25,0.5",
            "--reduction",
            "sum",
            "--ignore",
            "x1",
            "-o",
            "all.safetensors",
            "--no-pictures",
        ],
    )
    model = load_model("all.safetensors")
    task = model.task
    assert task.net.sizes == (1, 5, 4, 1)
    shown = [str(layer.activation) for layer in task.net.layers]
    assert shown == ["leakyrelu(alpha=0.2)", "gelu()".removesuffix("()"), "sigmoid"]
    assert not any(layer.bias for layer in task.net.layers)
    assert str(task.loss) == "squarederror"
    assert task.optimizer.lr(0) == pytest.approx(0.1)  # type: ignore[union-attr, operator]
    assert (task.reduction, task.l1, task.l2, task.clip) == ("sum", 0.001, 0.01, 2.0)
    assert task.dropout == Dropout((0.25, 0.5), seed=5)
    assert model.theta.dtype == np.float32
    wanted = {"epochs": 7, "batch_size": None, "patience": None, "seed": 5, "ignore": ["x1"]}
    assert wanted.items() <= dict(model.settings).items()
    assert (model.settings["training_rows"], model.settings["validation_rows"]) == (90, 30)
    assert not Path("all-pictures").exists()


def test_dropout_is_said_and_the_notebook_knows_it(capsys: pytest.CaptureFixture[str]) -> None:
    said = output(capsys, "train", "points.csv", "--target", "side", "--dropout", "0.25", *QUICK)
    assert ", dropout 0.25" in said
    run("export", "notebook", "model.safetensors", "points.csv", "--epochs", "2", "-o", "l.py")
    text = Path("l.py").read_text("utf-8")
    assert "def mask(" in text


def test_the_same_seed_gives_the_same_file() -> None:
    def written(seed: str) -> bytes:
        run("train", "kinds.csv", "--target", "kind", "--seed", seed, "--no-pictures", *QUICK)
        return Path("model.safetensors").read_bytes()

    assert written("1") == written("1")
    assert written("1") != written("2")


def test_a_query_a_glob_and_a_validation_table(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path("points.csv").read_text(encoding="utf-8").splitlines()
    for name, part in (("part1", lines[1:51]), ("part2", lines[51:101]), ("later", lines[101:])):
        Path(f"{name}.csv").write_text("\n".join([lines[0], *part]) + "\n", encoding="utf-8")
    query = "select x1 - 2 * x2 as steep, side from data where x1 < 2"
    said = output(
        capsys, "train", "part*.csv", "--target", "side", "--validation", "later.csv", *QUICK
    )
    assert "100 to learn from, 20 to measure on" in said
    said = output(capsys, "train", "points.csv", "--target", "side", "--sql", query, *QUICK)
    assert "side from 1 column, 1 input" in said
    assert load_model("model.safetensors").inputs[0].column == "steep"


def test_no_validation_rows(capsys: pytest.CaptureFixture[str]) -> None:
    said = output(capsys, "train", "points.csv", "--target", "side", "--validation", "0", *QUICK)
    assert "120 to learn from, 0 to measure on" in said
    assert "On the 120 training rows" in said


def test_lbfgs(capsys: pytest.CaptureFixture[str]) -> None:
    said = output(
        capsys,
        "train",
        "homes.csv",
        "--target",
        "price",
        "--optimizer",
        "lbfgs",
        "--hidden",
        "none",
    )
    assert "L-BFGS has arrived" in said
    assert load_model("model.safetensors").net.sizes == (6, 1)


def test_predict_writes_what_the_model_says(capsys: pytest.CaptureFixture[str]) -> None:
    run("train", "kinds.csv", "--target", "kind", *QUICK)
    run("predict", "model.safetensors", "kinds.csv", "-o", "out.csv", "--proba")
    model, table = load_model("model.safetensors"), read_table("kinds.csv")
    expected = model.predict_table(table)
    rows = rows_of("out.csv")
    assert [row["kind"] for row in rows] == expected.values.tolist()
    assert expected.probabilities is not None
    written = [[float(row[f"P(kind={k})"]) for k in ("ant", "bee", "cow")] for row in rows]
    assert np.array_equal(written, expected.probabilities)
    run("predict", "model.safetensors", "kinds.csv", "-o", "out.parquet")
    assert read_table("out.parquet").rows == 120
    piped = output(capsys, "predict", "model.safetensors", "kinds.csv")
    assert piped.splitlines()[:2] == ["kind", expected.values[0]]


def test_predict_needs_no_target_and_names_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    run("train", "homes.csv", "--target", "price", *QUICK)
    text = "city,rooms,balcony,sold\nLima,3,true,2024-05-01\nOslo,,false,2024-06-01\n"
    Path("new.csv").write_text(text, encoding="utf-8")
    capsys.readouterr()
    run("predict", "model.safetensors", "new.csv")
    written = capsys.readouterr()
    assert len(written.out.splitlines()) == 3
    assert "'Lima' (row 1) was not seen in training, encoded as none" in written.err
    assert "rooms: 1 missing value" in written.err


def test_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    run("train", "kinds.csv", "--target", "kind", *QUICK)
    data = json.loads(output(capsys, "evaluate", "model.safetensors", "kinds.csv", "--json"))
    model, table = load_model("model.safetensors"), read_table("kinds.csv")
    answer = model.predict_table(table).values
    truth = table["kind"].values
    assert isinstance(model.target, Classes)
    assert data["rows"] == 120
    assert data["accuracy"] == pytest.approx((answer == truth).mean())
    for i, true in enumerate(data["labels"]):
        for j, guess in enumerate(data["labels"]):
            count = ((truth == true) & (answer == guess)).sum()
            assert data["confusion"][i][j] == count
    said = output(capsys, "evaluate", "model.safetensors", "kinds.csv")
    assert f"{data['accuracy']:.4g}" in said
    assert "true kind" in said


def test_evaluate_numbers_in_their_own_unit(capsys: pytest.CaptureFixture[str]) -> None:
    run("train", "homes.csv", "--target", "price", *QUICK)
    data = json.loads(output(capsys, "evaluate", "model.safetensors", "homes.csv", "--json"))
    table = read_table("homes.csv")
    answer = load_model("model.safetensors").predict_table(table).values
    off = answer - table["price"].values
    assert data["RMSE"] == pytest.approx(np.sqrt((off**2).mean()))
    assert data["MAE"] == pytest.approx(np.abs(off).mean())


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    run("train", "homes.csv", "--target", "price", "--activation", "relu", *QUICK)
    said = output(capsys, "info", "model.safetensors")
    assert re.search(r"best loss +\S+, in epoch \d", said)
    assert re.search(r"last epoch +R² \S+, loss \S+, val loss ", said)
    for wanted in ("6-6-1", "49 parameters", "relu", "Oslo, Paris, Rome", "mean over the samples"):
        assert wanted in said
    data = json.loads(output(capsys, "info", "model.safetensors", "--json"))
    assert data["parameters"] == 49
    assert [one["column"] for one in data["inputs"]] == ["city", "rooms", "balcony", "sold"]


def test_check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run("train", "homes.csv", "--target", "price", *QUICK)
    said = output(capsys, "check", "model.safetensors", "homes.csv")
    assert said.count(" right") == 4
    assert "W1" in said
    data = json.loads(output(capsys, "check", "model.safetensors", "homes.csv", "--json"))
    assert data["agrees"]
    assert max(part["largest_relative_error"] for part in data["parts"]) < 1e-6
    monkeypatch.setattr("glassnet.core.activations.Tanh.df", staticmethod(lambda z, a: 1 - a))
    assert main(["check", "model.safetensors", "homes.csv"]) == 1
    assert "wrong" in capsys.readouterr().out


def test_no_number_is_broken_in_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("train", "homes.csv", "--target", "price", "--epochs", "9", "--hidden", "32,16")
    monkeypatch.setenv("COLUMNS", "80")
    said = output(capsys, "check", "model.safetensors", "homes.csv")
    rows = [line.split() for line in said.splitlines() if re.match(r" [Wb]\d ", line)]
    assert [row[0] for row in rows] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    number = r"[+-]\d\.\d{7}e[+-]\d\d"
    for row in rows:
        assert re.fullmatch(
            rf"\S+ \S+ \d\.\de-\d\d \[[\d,]+\] {number} {number} right", " ".join(row)
        )


@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_narrow_and_wide_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    run("train", "homes.csv", "--target", "price", *QUICK)
    monkeypatch.setenv("COLUMNS", str(width))
    for words in (["info", "model.safetensors"], ["check", "model.safetensors", "homes.csv"]):
        said = output(capsys, *words)
        assert max(map(len, said.splitlines())) <= width
        assert "\x1b" not in said


def wait_for_progress(process: subprocess.Popen[str], words: Sequence[str]) -> None:
    # a file that the run writes tells that it has begun
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if Path(words[0]).exists():
            return
        time.sleep(0.05)
    raise AssertionError("the run did not begin")


@pytest.fixture
def hearing_ctrl_c() -> Iterator[None]:
    # `make test &` in a script: the shell hands down that Ctrl-C is ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hearing_ctrl_c")
def test_ctrl_c_keeps_the_best_model_so_far() -> None:
    words = ["train", "points.csv", "--target", "side", "--epochs", "10000000", "--patience", "0"]
    words += ["--checkpoint", "run.safetensors", "--save-every", "0.1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "glassnet", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    try:
        wait_for_progress(process, ["run.safetensors"])
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Stopped by Ctrl-C after epoch" in out
    assert "Traceback" not in err
    assert load_model("model.safetensors").settings["epoch_kept"] >= 1


def test_a_run_goes_on_from_its_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    common = ["train", "points.csv", "--target", "side", "--hidden", "6", "--no-pictures"]
    run(*common, "--epochs", "30", "--patience", "9", "-o", "whole.safetensors")
    run(*common, "--epochs", "12", "--patience", "9", "--checkpoint", "run.safetensors")
    rest = [*common, "--epochs", "30", "--patience", "9", "--checkpoint", "run.safetensors"]
    said = output(capsys, *rest, "--resume", "-o", "parts.safetensors")
    assert "Goes on after epoch 12" in said
    whole, parts = load_model("whole.safetensors"), load_model("parts.safetensors")
    assert whole.theta.tobytes() == parts.theta.tobytes()
    assert whole.history == parts.history
    assert whole.settings == parts.settings
