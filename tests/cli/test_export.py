"""`glassnet export notebook`: the notebook's own network to every digit, and models of tables."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from glassnet.cli import main
from tests.test_notebook import CHAOTIC_FROM_EPOCH, PRINTED, agree

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")

# cell of the notebook -> what it prints, by the name in the export; several one after the other
BY_HAND = {
    13: ("hiddenLayer_linearTransform", "hiddenLayer_activations"),
    15: ("output",),
    16: ("error",),
    18: ("error_wrt_output",),
    19: ("output_wrt_outputLayer_linearTransform",),
    26: ("error_wrt_output",),
    27: ("output_wrt_outputLayer_linearTransform",),
    29: ("hiddenLayer_activations_wrt_hiddenLayer_linearTransform",),
    36: ("weights_hidden_output",),
    37: ("weights_input_hidden",),
    39: ("new_weights_hidden_output",),
    40: ("new_weights_input_hidden",),
}


def run(path: Path) -> str:
    """What a .py form prints as a program of its own, where glassnet cannot be imported."""
    guard = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.split('.')[0] in {'glassnet', 'matplotlib', 'sklearn', 'scipy'}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import runpy\n"
        f"runpy.run_path({path.name!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", guard],
        cwd=path.parent, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(said: str, name: str) -> str:
    """The numbers printed under a name, up to the next line that is none."""
    begin = said.index(f"\n{name}.shape = (")
    lines = said[begin + 1 :].splitlines()[1:]
    numbers = []
    for line in lines:
        if not re.fullmatch(r"[\s\[\]\d.e+-]+", line):
            break
        numbers.append(line)
    return "\n".join(numbers)


@pytest.fixture(scope="module")
def seed_said(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("seed")
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["export", "notebook", "--seed", "-o", str(folder / "seed.py")]) == 0
    return run(folder / "seed.py")


@pytest.mark.parametrize("cell", BY_HAND)
def test_the_notebooks_numbers_by_hand(seed_said: str, cell: int) -> None:
    printed = [
        token for token in NUMBER.findall(PRINTED[cell].replace("array(", "")) if "." in token
    ]
    found = [float(x) for name in BY_HAND[cell] for x in NUMBER.findall(shown(seed_said, name))]
    assert len(found) == len(printed) > 0
    for token, value in zip(printed, found, strict=True):
        assert agree(token, value, 8)


def test_the_notebooks_gradient_and_its_shapes(seed_said: str) -> None:
    name = "error_wrt_weights_input_hidden"
    *printed, _, _ = NUMBER.findall(PRINTED[34])
    found = [float(x) for x in NUMBER.findall(shown(seed_said, name))]
    assert all(agree(t, v, 8) for t, v in zip(printed, found, strict=True))
    assert f"\n{name}.shape = (4, 3)\n" in seed_said
    assert "\nerror_wrt_weights_hidden_output.shape = (3, 1)\n" in seed_said
    assert "\nerror_wrt_output.shape = (1, 3)\n" in seed_said


def test_the_notebooks_training(seed_said: str) -> None:
    first, second = seed_said.split("Error at epoch 0 is 0.23478")
    printed = re.findall(r"Error at epoch (\d+) is (\d\.\d+)", PRINTED[42])
    assert len(printed) == 10
    assert re.findall(r"Error at epoch (\d+) is (\d\.\d+)", first) == printed
    after = first[first.index("✓ Error at epoch 999") :]
    final = [float(x) for x in NUMBER.findall(after) if "." in x]
    for cell, part in ((43, final[:12]), (44, final[12:15]), (46, final[15:18])):
        tokens = [t for t in NUMBER.findall(PRINTED[cell]) if "." in t]
        assert all(agree(t, v, 8) for t, v in zip(tokens, part, strict=True)), cell
    moons = [(e, x) for e, x in re.findall(r"epoch (\d+) is (\d\.\d+)", PRINTED[57])
             if 0 < int(e) < CHAOTIC_FROM_EPOCH]  # fmt: skip
    assert re.findall(r"Error at epoch (\d+) is (\d\.\d+)", second)[: len(moons)] == moons
    assert "✓ Error at epoch 6000" in second
    assert "✓ Error at epoch 7000" not in second  # chaotic there, and said so


# ---------------------------------------------------------------- models of tables


def learn(table: str, target: str, *options: str) -> None:
    settings = ["--hidden", "3", "--epochs", "12", "--out", "m.safetensors", "--no-pictures"]
    assert main(["train", table, "--target", target, *settings, *options]) == 0


def test_a_model_with_its_table_is_the_run_that_made_it(capsys: pytest.CaptureFixture[str]) -> None:
    learn("points.csv", "side", "--engine", "reference")  # which recorded it, too: the same bits
    history = main(["info", "m.safetensors", "--json"])
    assert history == 0
    text = capsys.readouterr().out
    end = json.loads(text[text.index("{\n") :])["history"]
    status = main(["export", "notebook", "m.safetensors", "points.csv", "-o", "a.py",
                   "--epochs", "12"])  # fmt: skip
    assert status == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "the run of the model on its 96 rows" in said
    assert "Written: a.py, a.npz" in said
    code = Path("a.py").read_text("utf-8")
    found = re.search(r'check\("loss at epoch 12", history\[11\], ([\d.e-]+)', code)
    assert found is not None
    assert float(found[1]) == end["loss"]
    assert "✓ loss at epoch 12" in run(Path("a.py"))


@pytest.mark.parametrize(
    ("table", "target", "options"),
    [
        ("homes.csv", "price", ["--optimizer", "sgd:lr=0.01"]),
        ("kinds.csv", "kind", []),
        ("points.csv", "side", ["--batch-size", "8"]),
        ("points.csv", "side", ["--dropout", "0.3"]),
    ],
)
def test_any_table(table: str, target: str, options: list[str]) -> None:
    learn(table, target, *options)
    for layout in ("rows", "columns"):
        out = ["-o", "a.py", "--layout", layout, "--epochs", "3", "--names", "seed"]
        assert main(["export", "notebook", "m.safetensors", table, *out]) == 0
        assert "✓ Error at epoch 2" in run(Path("a.py"))


def test_another_table_and_trained_weights(capsys: pytest.CaptureFixture[str]) -> None:
    learn("points.csv", "side")
    lines = Path("points.csv").read_text("utf-8").splitlines()
    Path("few.csv").write_text("\n".join(lines[:9]) + "\n", "utf-8")
    out = ["-o", "a.ipynb", "--weights", "trained"]
    assert main(["export", "notebook", "m.safetensors", "few.csv", *out]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "not the table that the model was trained on" in said
    assert "beginning with the weights of the model" in said
    cells = json.loads(Path("a.ipynb").read_text("utf-8"))["cells"]
    assert len(cells) > 40
    from glassnet.exchange.model import load_model

    W1 = load_model("m.safetensors").net.named(load_model("m.safetensors").theta)["W1"]
    assert repr(float(np.asarray(W1)[0, 0])) in "".join("".join(c["source"]) for c in cells)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "a.py"], "no model and table"),
        (["m.safetensors", "-o", "a.py"], "no model and table"),
        (["m.safetensors", "points.csv", "-o", "a.doc"], "'.ipynb' or '.py' is expected"),
        (["m.safetensors", "points.csv", "-o", "a.py", "--epochs", "0"], "epochs=0"),
        (["m.safetensors", "points.csv", "-o", "no/a.py"], "cannot be written"),
        (["m.safetensors", "points.csv", "--seed", "-o", "a.py"], "--seed alone"),
        (["m.safetensors", "points.csv", "-o", "a.py", "--optimizer", "lbfgs"], "L-BFGS is SciPy"),
        (["m.safetensors", "points.csv", "-o", "a.py", "--layout", "up"], "layout"),
        (["m.safetensors", "homes.csv", "-o", "a.py"], "side"),
    ],
)  # fmt: skip
def test_bad_input(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    learn("points.csv", "side")
    capsys.readouterr()
    assert main(["export", "notebook", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
