"""`glassnet walk`: the notebook's numbers by their digits, what is shown of a model, bad input."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from glassnet.cli import main
from glassnet.cli.walk import notebook_trace
from glassnet.core.losses import SquaredError
from glassnet.core.network import Network
from glassnet.engines.base import Task
from glassnet.exchange.model import Model, load_model, save_model
from glassnet.exchange.tables import read_table
from glassnet.tabular import trace_table
from glassnet.walkthrough.numerals import MINUS
from tests.test_notebook import NUMBER, PRINTED, agree

ESCAPE = re.compile(r"\x1b\[[\d;]*m")
HEAD = re.compile(r"^\[\d+/\d+\] ", re.MULTILINE)

# cell → what it prints, in order: a step's numbers, or its shape where the name begins with a #
PRINTS = {
    13: ["z1", "a1"],
    15: ["a2"],
    16: ["losses"],
    18: ["dL_da2"],
    19: ["da2_dz2"],
    21: ["#dL_da2", "#da2_dz2", "#dz2_dW2"],
    22: ["#W2"],
    24: ["#dL_dW2"],
    26: ["dL_da2"],
    27: ["da2_dz2"],
    29: ["da1_dz1"],
    31: ["#dL_da2", "#da2_dz2", "#dz2_da1", "#da1_dz1", "#dz1_dW1"],
    32: ["#W1"],
    34: ["dL_dW1", "#dL_dW1"],
    36: ["W2"],
    37: ["W1"],
    39: ["new_W2"],
    40: ["new_W1"],
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of each kind, trained once."""
    home = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(11)
    city = rng.choice(["Oslo", "Paris"], 40)
    rooms = rng.integers(1, 9, 40)
    price = rooms + np.where(city == "Paris", 5, 0)
    kind = np.where(rooms > 5, "large", np.where(rooms > 2, "middle", "small"))
    for name, target in (("price", price), ("kind", kind)):
        rows = zip(city, rooms, target, strict=True)
        lines = [f"city,rooms,{name}", *(",".join(map(str, row)) for row in rows)]
        (home / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
        words = ["train", str(home / f"{name}.csv"), "--target", name, "--hidden", "4"]
        words += ["--epochs", "5", "--no-pictures", "-o", str(home / f"{name}.safetensors")]
        assert main(words) == 0
    return home


def output(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(["walk", *map(str, words)]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(["walk", *map(str, words)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    return said.err


def steps_in(text: str) -> dict[str, str]:
    """The batch's steps by their names, as printed."""
    batch = text[text.index("The batch: ") :]
    found: dict[str, str] = {}
    for block in HEAD.split(batch)[1:]:
        head = head_of(block)
        for name in re.split(r" +· +", head.strip()):
            found.setdefault(name.strip(), block)
    return found


def head_of(block: str) -> str:
    """A step's title in one line: what is indented further than its text belongs to it."""
    return " ".join(re.split(r"\n  (?! )", block)[0].split())


def matrix_in(block: str) -> Iterator[str]:
    """The numbers of a step's matrix, as printed."""
    for line in block.splitlines():
        if re.match(r"    (sample|neuron|input|output|from) .*\.\d|      [+−]?\d+\.", line):
            yield from re.findall(r"-?\d+\.\d+", line.replace(MINUS, "-"))
        elif re.match(r"  \S+\[\d", line):
            return


def shape_in(block: str) -> list[str]:
    said = re.search(r"shape (?:.*→ )?\((\d+),(\d*)\)[,;]", block)
    assert said
    return [part for part in said.groups() if part]


# ---------------------------------------------------------------- the notebook


@pytest.mark.parametrize("cell", PRINTS)
def test_every_digit_of_the_notebook(capsys: pytest.CaptureFixture[str], cell: int) -> None:
    steps = steps_in(output(capsys, "--seed"))
    tokens: list[str] = []
    for name in PRINTS[cell]:
        part = steps[name.removeprefix("#")]
        tokens += shape_in(part) if name.startswith("#") else matrix_in(part)
    expected = NUMBER.findall(PRINTED[cell])
    assert len(tokens) == len(expected)
    for shown, printed in zip(tokens, expected, strict=True):
        if "." in printed:
            assert len(shown.partition(".")[2]) == 8
            assert agree(printed, float(shown), 8), (shown, printed)
        else:
            assert shown == printed


def test_every_cell_from_13_to_40_is_walked_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(PRINTS) == {cell for cell in PRINTED if 13 <= cell <= 40}
    said = output(capsys, "--seed")
    heads = {name: head_of(block) for name, block in steps_in(said).items()}
    for cell, names in PRINTS.items():
        marked = [heads[name.removeprefix("#")].partition("· cell")[2] for name in names]
        assert str(cell) in re.findall(r"\d+", " ".join(marked))
    assert "error_wrt_weights_hidden_output" in said


def test_the_seed_in_mathematics_and_rows(capsys: pytest.CaptureFixture[str]) -> None:
    said = output(capsys, "--seed", "--names", "math", "--layout", "rows", "--digits", "3")
    assert "∂L/∂W₂ = (∂z₂/∂W₂)ᵀ @ ∂L/∂z₂" in said
    assert "= 0.593·(−0.0685) + 0.758·(−0.0542) + 0.787·0.146" in said
    assert "0.59255557" not in said


# ---------------------------------------------------------------- a model


@pytest.mark.parametrize("name", ["price", "kind"])
def test_one_neuron_then_its_layer_then_the_batch(
    capsys: pytest.CaptureFixture[str], models: Path, name: str
) -> None:
    said = output(capsys, models / f"{name}.safetensors", models / f"{name}.csv")
    order = ["Conventions", "One neuron: neuron 0 of layer 1", "Its inputs, each from a cell"]
    order += [
        "Its share on the way back",
        "One of its weights",
        "Its layer: layer 1",
        "The batch: ",
    ]
    places = [said.index(part) for part in order]
    assert places == sorted(places)
    assert "The batch is the first 8 of 40 rows" in said
    assert "full precision: the last one shown may differ" in " ".join(said.split())
    assert "✗" not in said
    model = load_model(models / f"{name}.safetensors")
    table = read_table(models / f"{name}.csv", as_text=model.as_text)
    whole = trace_table(model, table, range(8))
    assert [int(n) for n in re.findall(r"^\[(\d+)/", said, re.MULTILINE)] == [
        *range(1, len(whole) + 1)
    ]


def test_piped_is_the_same_text_as_in_colour(
    capsys: pytest.CaptureFixture[str], models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [models / "kind.safetensors", models / "kind.csv"]
    piped = output(capsys, *words)
    assert "\x1b" not in piped
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    shown = output(capsys, *words)
    assert "\x1b[" in shown
    assert ESCAPE.sub("", shown) == piped


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    capsys: pytest.CaptureFixture[str], models: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for words in (["--seed"], [models / "kind.safetensors", models / "kind.csv", "--exact"]):
        said = output(capsys, *words)
        assert max(map(cell_len, said.splitlines())) <= width


def test_what_is_asked_for_alone(capsys: pytest.CaptureFixture[str], models: Path) -> None:
    words = [models / "price.safetensors", models / "price.csv"]
    back = output(capsys, *words, "--backward-only")
    assert "One neuron" not in back
    assert "z₁ · z1" not in back
    assert "Its share on the way back" in back
    one = output(capsys, *words, "--neuron", "2", "--sample", "3")
    assert "neuron 2 of layer 1 (tanh), sample 3" in one
    assert "The batch:" not in one
    layer = output(capsys, *words, "--layer", "2")
    assert "One neuron: neuron 0 of layer 2" in layer
    assert "z₂ · z2" in layer
    assert "z₁ · z1" not in layer
    late = output(capsys, *words, "--sample", "20", "--neuron", "0")
    assert "The batch is the first 21 of 40 rows" in late
    assert "all 40 rows" in output(capsys, *words, "--rows", "400", "--number", "L")
    sql = output(capsys, *words, "--sql", "select * from data where rooms > 7", "--number", "N")
    assert "N = " in sql or "= +" in sql


def test_one_number(capsys: pytest.CaptureFixture[str], models: Path) -> None:
    words = [models / "price.safetensors", models / "price.csv"]
    model = load_model(words[0])
    table = read_table(words[1], as_text=model.as_text)
    whole = trace_table(model, table, range(8))
    for name in ("dL_dW2[1,0]", "∂L/∂W₂[1,0]", "error_wrt_weights_hidden_output[1,0]"):
        said = output(capsys, *words, "--number", name, "--exact")
        value = whole["dL_dW2"].value[1, 0]
        assert repr(abs(float(value))) in said.replace("e" + MINUS, "e-")
        assert "W₂′[1,0]" in said
        assert "✓" in said
    cell = output(capsys, *words, "--number", "X[2,2]")
    assert re.search(r"from the table: rooms: \(\d", cell)
    turned = output(capsys, *words, "--number", "a1[3,5]", "--layout", "columns", "--json")
    assert json.loads(turned)["value"] == whole["a1"].value[5, 3]


# ---------------------------------------------------------------- as data


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("name", ["price", "kind"])
def test_json_has_every_step_in_full(
    capsys: pytest.CaptureFixture[str], models: Path, name: str, layout: str
) -> None:
    words = [models / f"{name}.safetensors", models / f"{name}.csv"]
    model = load_model(words[0])
    whole = trace_table(model, read_table(words[1], as_text=model.as_text), range(8))
    data = json.loads(output(capsys, *words, "--json", "--layout", layout))
    assert [step["name"] for step in data["steps"]] == [step.name for step in whole]
    assert data["inputs"] == ["city=Oslo", "city=Paris", "rooms"]
    for step, shown in zip(whole, data["steps"], strict=True):
        value = step.shown(layout)  # type: ignore[arg-type]
        assert np.array_equal(np.asarray(shown["value"]), value)
        assert shown["shape"] == list(np.shape(value))
        assert shown["operands"] == list(step.operands)
        assert (shown["formula"] is None) == (step.formula is None)
        for key, kept in (
            ("symbol", step.symbol),
            ("latex", step.latex),
            ("seed_name", step.seed_name),
            ("when", step.when),
            ("dtype", str(step.dtype)),
        ):
            assert shown[key] == kept
        if step.formula is not None:
            assert shown["formula_latex"]
        assert shown["words"]


def test_json_of_one_number_adds_up(capsys: pytest.CaptureFixture[str], models: Path) -> None:
    words = [models / "kind.safetensors", models / "kind.csv", "--json", "--number"]
    data = json.loads(output(capsys, *words, "dL_dW1[2,1]"))
    first = data["workings"][0]
    assert first["value"] == data["value"]
    total = sum(term["value"] for term in first["terms"]) + first["rest"]
    assert total == pytest.approx(data["value"], rel=1e-9)
    assert data["workings"][-1]["place"] == "new_W1[2,1]"
    assert all(working["lines"] for working in data["workings"])


# ---------------------------------------------------------------- without targets, bad input


def test_without_the_target_only_forward(capsys: pytest.CaptureFixture[str], models: Path) -> None:
    Path("bare.csv").write_text("city,rooms\nOslo,3\nParis,4\n", "utf-8")
    said = output(capsys, models / "price.safetensors", "bare.csv")
    assert "The table has no column 'price'" in said
    assert "∂L/∂z₁   not computed yet" in said
    assert "[1/" in said
    line = refused(capsys, models / "price.safetensors", "bare.csv", "--number", "dL_dW1[0,0]")
    assert "not computed yet" in line
    line = refused(capsys, models / "price.safetensors", "bare.csv", "--number", "z9[0,0]")
    assert "Did you mean" in line
    alone = output(capsys, models / "price.safetensors")
    assert "No table: one sample whose 3 inputs are 0" in alone


def test_a_walk_with_l_bfgs_ends_with_the_gradient(
    capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    words = ["train", models / "price.csv", "--target", "price", "--hidden", "2", "--epochs", "2"]
    words += ["--optimizer", "lbfgs", "--no-pictures", "-o", "l.safetensors"]
    assert main([str(word) for word in words]) == 0
    said = output(capsys, "l.safetensors", models / "price.csv", "--layer", "1")
    assert "so the walk ends with the gradient" in said
    assert list(steps_in(said))[-1] == "objective_wrt_bias_hidden"


def test_a_model_that_knows_no_table_walks_forward_from_zeros(
    capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    net = Network.mlp(2, 3, 1)
    save_model(Model(Task(net, SquaredError()), net.init(0)), "plain.safetensors")
    assert "one sample whose 2 inputs are 0." in output(capsys, "plain.safetensors")
    line = refused(capsys, "plain.safetensors", models / "price.csv")
    assert "was not made from a table" in line


def test_rows_without_a_target_are_left_out(
    capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    Path("gaps.csv").write_text("city,rooms,price\nOslo,3,3\nOslo,4,\nParis,2,7\n", "utf-8")
    said = output(capsys, models / "price.safetensors", "gaps.csv", "--number", "y[1,0]", "--exact")
    assert "The batch is all 2 rows" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--number", "dL_dW9[0,0]"], "Did you mean dL_dW2"),
        (["--number", "dL_dW2[9,0]"], "dL_dW2 has shape (4, 1), counted from 0. Try dL_dW2[3,0]"),
        (["--number", "dL_dW2"], "has shape (4, 1)"),
        (["--number", "a1[0,7]", "--layout", "columns"], None),
        (["--number", "a1[7,0]", "--layout", "columns"], "a1 has shape (4, 8)"),
        (["--number", "["], "as the name of a number"),
        (["--sample", "40"], "samples are counted from 0 to 7"),
        (["--sample", "-1"], "samples are counted from 0 to 7"),
        (["--layer", "3"], "layers are counted from 1 to 2"),
        (["--neuron", "4"], "neurons of layer 1 are counted from 0 to 3"),
        (["--digits", "0"], "1 to 17 are expected"),
        (["--rows", "0"], "1 or more is expected"),
        (["--layout", "diagonal"], "rows"),
    ],
)
def test_bad_input_in_one_line(
    capsys: pytest.CaptureFixture[str], models: Path, words: list[str], said: str | None
) -> None:
    files = [models / "price.safetensors", models / "price.csv"]
    if said is None:
        assert output(capsys, *files, *words)
    else:
        assert said in refused(capsys, *files, *words)


def test_data_that_do_not_fit_say_which_column(
    capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    Path("other.csv").write_text("city,price\nOslo,3\n", "utf-8")
    assert "'rooms'" in refused(capsys, models / "price.safetensors", "other.csv")
    assert "no model" in refused(capsys)
    assert "one of the two" in refused(capsys, "--seed", models / "price.safetensors")


def test_the_notebooks_trace_is_one_update_of_its_network() -> None:
    found = notebook_trace()
    assert found.net.sizes == (4, 3, 1)
    assert found.task.reduction == "sum"


@pytest.mark.parametrize("beside", ["--number=L", "--layer=1", "--backward-only", "--json"])
def test_a_page_for_the_browser_leaves_no_wish_unheard(
    capsys: pytest.CaptureFixture[str], beside: str
) -> None:
    assert main(["walk", "--seed", "--html", "page.html", beside]) == 2
    assert f"--html and {beside.split('=', maxsplit=1)[0]}" in capsys.readouterr().err


def test_a_page_for_the_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["walk", "--seed", "--html", "page.html"]) == 0
    said = capsys.readouterr().out
    page = Path("page.html").read_text(encoding="utf-8")
    assert "page.html" in said
    assert page.count("<details") >= 20
    assert "error_wrt_weights_hidden_output" in page
    assert "http" not in page
    assert main(["walk", "--seed", "--html", "no/such/page.html"]) == 2
