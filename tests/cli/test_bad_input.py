"""Bad input: one line with got, wanted and try, a status, no traceback, no file touched."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from glassnet.cli import main
from glassnet.core.errors import GlassnetError
from glassnet.exchange.model import load_model

TRAIN = ["train", "points.csv", "--target", "side", "--epochs", "3", "--no-pictures"]


def refused(capsys: pytest.CaptureFixture[str], *words: str, status: int = 2) -> str:
    """The one line on the error stream, after seeing that no file was made or changed."""
    before = snapshot()
    capsys.readouterr()
    assert main(words) == status
    said = capsys.readouterr()
    assert snapshot() == before
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("glassnet: ")
    assert "Traceback" not in said.err + said.out
    return lines[0]


def snapshot() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a,y\n", "rows"),
        ("a,y\n1,0\n2,0\n3,0\n", "in every row"),
        ("a,y\n1,0\n,1\n", "left to learn from"),
        ("a,b,y\n,1,0\n,2,1\n", "no value in any"),
        ("a,y\n1,0\ninf,1\n3,0\n", "inf"),
        ("a,y\n" + "1,0\n2,1\n" * 12 + "ten,1\n", "'ten'"),
        ("a,a,y\n1,2,0\n2,1,1\n", "a"),
        ("a,y\n1\n2,3,4,5\n", ""),
    ],
    ids=[
        *["empty file", "no rows", "target with one value", "nothing to learn from"],
        *["all-missing column", "infinity", "text in a number column", "column twice", "ragged"],
    ],
)
def test_tables(capsys: pytest.CaptureFixture[str], text: str, words: str) -> None:
    Path("bad.csv").write_text(text, encoding="utf-8")
    line = refused(capsys, "train", "bad.csv", "--target", "y")
    assert words in line
    assert "bad.csv" in line or "column" in line or "target" in line


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nope.csv", "--target", "side"], "nope.csv does not exist"),
        (["points.csv", "--target", "sidee"], "Did you mean 'side'?"),
        (["points.csv"], "--target"),
        (["points.csv", "--target", "side", "--task", "shapes"], "shapes"),
        (["kinds.csv", "--target", "kind", "--task", "numbers"], "'"),
        (
            ["points.csv", "--target", "side", "--loss", "crossentropi"],
            "Did you mean crossentropy?",
        ),
        (["homes.csv", "--target", "price", "--loss", "bce"], "a loss for numbers"),
        (["kinds.csv", "--target", "kind", "--loss", "poisson"], "a loss for classes"),
        (
            ["points.csv", "--target", "side", "--activation", "tanh,relu,elu"],
            "3 activations for 2",
        ),
        (["points.csv", "--target", "side", "--hidden", "4,-1"], "--hidden 4,-1"),
        (["points.csv", "--target", "side", "--optimizer", "adam:rate=1"], "rate"),
        (["points.csv", "--target", "side", "--batch-size", "0"], "--batch-size 0"),
        (["points.csv", "--target", "side", "--epochs", "0"], "epochs=0"),
        (["points.csv", "--target", "side", "--validation", "1.5"], "validation=1.5"),
        (["points.csv", "--target", "side", "--validation", "nope.csv"], "nope.csv does not exist"),
        (["points.csv", "--target", "side", "--l2", "nan"], "l2=nan"),
        (["points.csv", "--target", "side", "--clip", "0"], "clip=0"),
        (["points.csv", "--target", "side", "--dropout", "1"], "--dropout 1, shares from 0"),
        (["points.csv", "--target", "side", "--dropout", "a"], "--dropout a, shares from 0"),
        (
            ["points.csv", "--target", "side", "--dropout", "0.1,0.2,0.3"],
            "3 rates of dropout for 2 hidden layers",
        ),
        (["points.csv", "--target", "side", "--ignore", "z"], "no column 'z'"),
        (["points.csv", "--target", "side", "--sql", "select nothing"], "nothing"),
        (["points.csv", "--target", "side", "-o", "no/such/model.safetensors"], "no folder"),
        (["points.csv", "--target", "side", "-o", "."], "is a folder"),
        (["points.csv", "--target", "side", "-o", "points.csv"], "is by its ending a table"),
        (["points.csv", "--target", "side", "--checkpoint", "points.csv"], "ending a table"),
        (
            ["points.csv", "--target", "side", "-o", "m", "--checkpoint", "m"],
            "m for the model and for the checkpoint",
        ),
        (["points.csv", "--target", "side", "--resume"], "--checkpoint"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_words(capsys: pytest.CaptureFixture[str], words: list[str], expected: str) -> None:
    assert expected in refused(capsys, "train", *words)


def test_unknown_commands_and_options_name_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert 'Did you mean "train"?' in refused(capsys, "trian")
    assert "--epochs" in refused(capsys, *TRAIN, "--epoch", "3")


def test_an_existing_model_survives_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(TRAIN) == 0

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("glassnet.exchange.files.os.fsync", full)
    assert "model.safetensors" in refused(capsys, *TRAIN, "--seed", "9")
    assert not [path for path in Path().iterdir() if "tmp" in path.name]


def test_a_folder_that_may_not_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    # /proc takes no new files, not even root's
    if not Path("/proc/self").exists():
        pytest.skip("no /proc here")
    assert "/proc/model.safetensors" in refused(capsys, *TRAIN, "-o", "/proc/model.safetensors")


def test_divergence_is_named_and_has_a_status_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["train", "homes.csv", "--target", "price", "--optimizer", "sgd:lr=1e200"]
    line = refused(capsys, *words, "--batch-size", "4", status=1)
    assert "diverged in epoch 1" in line
    assert "not finite" in line


def test_what_came_before_divergence_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "homes.csv", "--target", "price", "--optimizer", "sgd:lr=3"]
    words += ["--activation", "relu", "--batch-size", "all", "--reduction", "sum", "--no-pictures"]
    assert main(words) == 1
    said = capsys.readouterr()
    assert re.search(r"Diverged after epoch \d+\. Kept: epoch \d+", said.out)
    assert re.fullmatch(r"glassnet: training diverged in epoch .* is not finite, .*\n", said.err)
    model = load_model("model.safetensors")
    assert model.settings["epoch_kept"] <= model.history["epochs"]


@pytest.fixture
def model() -> Path:
    assert main(TRAIN) == 0
    return Path("model.safetensors")


@pytest.mark.parametrize("command", ["info", "predict", "evaluate", "check"])
@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda data: data[:-9], "cut short"),
        (lambda data: data[:20], "damaged"),
        (lambda data: data[:-4] + bytes(b ^ 255 for b in data[-4:]), "checksum"),
        (lambda data: b"a,b\n1,2\n", "no model file"),
        (lambda data: b"", "empty"),
    ],
    ids=["cut short", "cut very short", "flipped bytes", "no model", "empty"],
)
def test_damaged_models(
    capsys: pytest.CaptureFixture[str], model: Path, command: str, damage: object, word: str
) -> None:
    model.write_bytes(damage(model.read_bytes()))  # type: ignore[operator]
    table = [] if command == "info" else ["points.csv"]
    assert word in refused(capsys, command, str(model), *table)


def test_tables_that_do_not_fit_the_model(capsys: pytest.CaptureFixture[str], model: Path) -> None:
    assert "no column 'x1'" in refused(capsys, "predict", str(model), "homes.csv")
    Path("text.csv").write_text("x1,x2,side\n1,2,0\noops,3,1\n", encoding="utf-8")
    line = refused(capsys, "predict", str(model), "text.csv")
    assert "row 2" in line
    assert "'oops'" in line
    Path("label.csv").write_text("x1,x2,side\n1,2,0\n2,3,7\n", encoding="utf-8")
    line = refused(capsys, "evaluate", str(model), "label.csv")
    assert "'7' in row 2" in line
    before = Path("points.csv").read_bytes()
    assert "is the table itself" in refused(
        capsys, "predict", str(model), "points.csv", "-o", "./points.csv"
    )
    assert Path("points.csv").read_bytes() == before
    assert "-o out.xyz"[3:] in refused(capsys, "predict", str(model), "points.csv", "-o", "out.xyz")
    Path("numbers.csv").write_text("x1,x2\n1,2\n", encoding="utf-8")
    assert "no column 'side'" in refused(capsys, "evaluate", str(model), "numbers.csv")


def test_probabilities_of_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "homes.csv", "--target", "price", "--epochs", "2"]) == 0
    assert "--proba" in refused(capsys, "predict", "model.safetensors", "homes.csv", "--proba")


def test_debug_shows_where_an_error_arose() -> None:
    with pytest.raises(GlassnetError, match="does not exist"):
        main(["train", "nope.csv", "--target", "y", "--debug"])
