from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import glassnet.cli.demo as command
from glassnet.cli import main
from glassnet.cli.demo import digits, replay, show
from glassnet.core.errors import BadFile

PRINTED = digits.notebook()["quantities"]
CHAOTIC = [(57, f"Error at epoch {epoch}") for epoch in (7000, 8000, 9000)] + [
    (59, "output[:, :5], before update 10000")
]
# every cell of the notebook that prints more than a version or the address of a picture
CELLS = [5, 6, 7, 8, 10, 13, 15, 16, 18, 19, 21, 22, 24, 26, 27, 29, 31, 32, 34, 36, 37, 39, 40,
         42, 43, 44, 46, 47, 50, 52, 53, 54, 56, 57, 59, 60]  # fmt: skip


class Replayed(NamedTuple):
    one: replay.PartOne
    two: replay.PartTwo
    nudged: list[replay.Run]
    quantities: list[replay.Quantity]
    rows: list[digits.Row]


@pytest.fixture(scope="module")
def replayed() -> Replayed:
    rng = np.random.RandomState(42)
    one = replay.part_one(rng)
    two = replay.part_two(rng)
    nudged = replay.nudged(two.run, times=2)
    quantities = list(replay.quantities(one, two))
    rows = digits.compare(PRINTED, quantities, [two.run, *nudged])
    return Replayed(one, two, nudged, quantities, rows)


@pytest.fixture
def quick(replayed: Replayed, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The long runs are taken from the fixture; everything else of the command is run."""

    def part_two(rng: np.random.RandomState, watch: replay.Stage) -> replay.PartTwo:
        return replayed.two

    monkeypatch.setattr(command, "part_two", part_two)
    monkeypatch.setattr(command, "nudged", lambda run, watch: replayed.nudged)
    monkeypatch.setenv("COLUMNS", "80")
    return monkeypatch


def tamper(monkeypatch: pytest.MonkeyPatch, cell: int, old: str, new: str) -> None:
    told = copy.deepcopy(digits.notebook())
    entry = next(e for e in told["quantities"] if e["cell"] == cell and old in e["printed"])
    entry["printed"] = entry["printed"].replace(old, new, 1)
    monkeypatch.setattr(command, "notebook", lambda: told)


# ---------------------------------------------------------------- the numbers


def test_every_printing_cell_is_there() -> None:
    assert list(dict.fromkeys(entry["cell"] for entry in PRINTED)) == CELLS
    assert len(PRINTED) == 60


@pytest.mark.parametrize("place", range(len(PRINTED)), ids=lambda i: str(PRINTED[i]["cell"]))
def test_every_digit_of_the_notebook(replayed: Replayed, place: int) -> None:
    row = replayed.rows[place]
    if (row.cell, row.quantity) in CHAOTIC:
        assert row.verdict == "chaotic here"
    else:
        assert row.glassnet == row.notebook
        assert row.verdict == "agree"


@pytest.mark.parametrize(
    "place", [i for i, entry in enumerate(PRINTED) if not entry.get("chaotic")]
)
def test_one_wrong_digit_is_seen_in_any_number(replayed: Replayed, place: int) -> None:
    entry, quantity = PRINTED[place], replayed.quantities[place]
    printed = entry["printed"]
    for number in digits.NUMBER.finditer(printed):
        at = number.end() - 1
        wrong = printed[:at] + str((int(printed[at]) + 1) % 10) + printed[at + 1 :]
        assert digits.row({**entry, "printed": wrong}, quantity, []).verdict == "differs"


def test_a_wrong_shape_is_seen(replayed: Replayed) -> None:
    place = next(i for i, entry in enumerate(PRINTED) if entry["cell"] == 16)
    flat = PRINTED[place]["printed"][1:-1]
    row = digits.row({**PRINTED[place], "printed": flat}, replayed.quantities[place], [])
    assert row.verdict == "differs"


def test_another_seed_is_seen(replayed: Replayed) -> None:
    one = replay.part_one(np.random.RandomState(43))
    rows = digits.compare(PRINTED, replay.quantities(one, replayed.two), [replayed.two.run])
    assert {row.cell for row in rows if row.verdict == "differs"} >= {13, 15, 16, 29, 34, 42, 43}


def test_quantities_out_of_step_are_an_error(replayed: Replayed) -> None:
    with pytest.raises(LookupError, match=r"X\.shape"):
        digits.compare(PRINTED, [*replayed.quantities[1:], replayed.quantities[0]], [])
    with pytest.raises(ValueError, match="shorter"):
        digits.compare(PRINTED, replayed.quantities[:-1], [replayed.two.run])


def test_the_slip_of_the_copy_follows_from_its_own_digits() -> None:
    printed = {e["quantity"]: e for e in PRINTED if e["cell"] in (13, 29)}
    a, slope = (
        np.array([float(x) for x in digits.NUMBER.findall(printed[name]["printed"])])
        for name in (
            "hiddenLayer_activations",
            "hiddenLayer_activations_wrt_hiddenLayer_linearTransform",
        )
    )
    assert np.abs(a * (1 - a) - slope).max() < 1.1e-8
    assert abs(a[5] * (1 - a[5]) - 0.24806008) > 7e-7
    noted = [entry["cell"] for entry in PRINTED if "note" in entry]
    assert noted == [29]


def test_the_last_update_has_two_sides(replayed: Replayed) -> None:
    for run, updates in ((replayed.one.run, 1000), (replayed.two.run, 10_000)):
        assert (run.begin.step, run.before.step, run.after.step) == (0, updates - 1, updates)
        assert len(run.history) == updates
        assert run.history.epoch == list(range(1, updates + 1))
        assert not np.array_equal(run.output(run.before), run.output(run.after))
    first = replayed.one.run
    assert first.output(first.before)[0, 0] == pytest.approx(0.91558, abs=5e-6)
    assert first.output(first.after)[0, 0] == pytest.approx(0.91570, abs=5e-6)


def test_nudged_runs_part_after_epoch_6000(replayed: Replayed) -> None:
    run, nudged = replayed.two.run, replayed.nudged
    assert len(nudged) == 2
    for other in nudged:
        apart = np.abs(other.begin.theta / run.begin.theta - 1)
        assert 0 < apart.max() < 1.3e-15
        for epoch in range(0, 7000, 1000):
            assert f"{other.loss(epoch):.5f}" == f"{run.loss(epoch):.5f}"
        assert np.abs(np.subtract(other.history.loss, run.history.loss)).max() > 0.01


def test_spread_is_lowest_and_highest(replayed: Replayed) -> None:
    row = next(row for row in replayed.rows if row.quantity == "Error at epoch 8000")
    losses = sorted(run.loss(8000) for run in (replayed.two.run, *replayed.nudged))
    assert row.spread == ((f"{losses[0]:.5f}", f"{losses[-1]:.5f}"),)
    outputs = replayed.rows[-2]
    assert len(outputs.spread) == 5
    for (low, high), value in zip(outputs.spread, np.ravel(outputs.value), strict=True):  # type: ignore[arg-type]
        assert float(low) * (1 - 1e-8) <= value <= float(high) * (1 + 1e-8)


# ---------------------------------------------------------------- text and digits


@pytest.mark.parametrize(
    ("value", "style", "expected"),
    [
        (0.219290004, ".8f", "0.21929000"),
        (-1e-12, ".5f", "0.00000"),
        (-0.0, ".2e", "0.00e+00"),
        (3.0, "d", "3"),
        (3.5, "d", "3.5"),
        (1.91814527e-07, ".8e", "1.91814527e-07"),
    ],
)
def test_numbers_in_the_printed_style(value: float, style: str, expected: str) -> None:
    assert digits.written(value, style) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[1 0]\n [0 1]]", "[[1, 0], [0, 1]]"),
        ("((1000, 2), (1000,))", "((1000, 2), (1000,))"),
        ("[[1, 2], ..., [3, 4]]", "[[1, 2], [3, 4]]"),
        ("[1.0 -2.0]", "[1, -2]"),
    ],
)
def test_layouts_are_made_one(text: str, expected: str) -> None:
    assert digits.canonical(text, "d") == expected


def test_long_rows_show_the_number_that_differs(replayed: Replayed) -> None:
    place = next(i for i, entry in enumerate(PRINTED) if entry["cell"] == 37)
    wrong = {**PRINTED[place], "printed": PRINTED[place]["printed"].replace("0.96990985", "0.9")}
    row = digits.row(wrong, replayed.quantities[place], [])
    assert show.abbreviated(row, 24) == ("… 0.90000000", "… 0.96990985")
    assert show.abbreviated(replayed.rows[place], 24) == ("0.37454012, 0.95071431 …",) * 2


@pytest.mark.parametrize("width", [10, 24, 56])
def test_long_names_are_broken_at_underscores(width: int) -> None:
    name = "hiddenLayer_activations_wrt_hiddenLayer_linearTransform, initial"
    lines = show.broken(name, width).split("\n")
    assert re.sub(r"[\s]", "", "".join(lines)) == name.replace(" ", "")
    assert all(line[-1] in "_,lm" for line in lines)


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize("width", [60, 80, 140])
def test_piped_text_fits_the_terminal(
    quick: pytest.MonkeyPatch, width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    quick.setenv("COLUMNS", str(width))
    assert command.demo(pictures=False) == 0
    shown, errors = capsys.readouterr()
    assert not errors
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= width
    assert len(re.findall(r"\bagree\b", shown)) == 56 + 1  # and in the sentence at the end
    assert shown.count("chaotic here") == 4 + 1
    flat = re.sub(r"\s+", "", shown)
    assert "56of60quantitiesagreeineveryprinteddigit,4arechaotichere,nonediffer." in flat
    assert "0.00692" in shown
    name = "hiddenLayer_activations_wrt_hiddenLayer_linearTransform"
    assert bool(re.search(rf"^29  {name}$", shown, re.MULTILINE)) == (width == 60)
    for name in ("error_wrt_output", "dL/da2 = -(y - a2)", "before update 1000", "after update"):
        assert name in shown


def test_a_tampered_digit_gives_status_1(
    quick: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(quick, 34, "0.00768731", "0.00768732")
    assert main(["demo", "--no-pictures"]) == 1
    shown = capsys.readouterr().out
    assert "1 differs" in shown
    assert "differs" in next(line for line in shown.splitlines() if "0.00768732" in line)


def test_a_tampered_shape_gives_status_1_as_data_too(
    quick: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(quick, 56, "(2, 1000)", "(2, 1001)")
    assert main(["demo", "--no-pictures", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["agrees"] is False
    assert [q["cell"] for q in data["quantities"] if q["verdict"] == "differs"] == [56]


def test_a_chaotic_digit_gives_status_0(
    quick: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(quick, 57, "0.00692", "0.00999")
    assert main(["demo", "--no-pictures"]) == 0
    assert "0.00999" in capsys.readouterr().out


def test_json_is_the_same_as_data(
    quick: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["demo", "--json", "--out", str(tmp_path / "pictures")]) == 0
    shown, errors = capsys.readouterr()
    assert not errors
    data: dict[str, Any] = json.loads(shown)
    assert data["agrees"] is True
    assert len(data["quantities"]) == 60
    by_verdict = [(q["cell"], q["quantity"]) for q in data["quantities"] if q["verdict"] != "agree"]
    assert by_verdict == CHAOTIC
    assert all("spread" in q for q in data["quantities"] if q["verdict"] == "chaotic here")
    error = next(q for q in data["quantities"] if q["quantity"] == "error")
    assert error["value"][0][0] == pytest.approx(0.05013458, abs=5e-9)
    assert data["versions"]["notebook"] == {"numpy": "1.19.2", "matplotlib": "3.3.2"}
    assert data["versions"]["here"]["numpy"] == np.__version__
    assert data["pictures"]
    for path in data["pictures"]:
        assert Path(path).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert {Path(path) for path in data["pictures"]} == set((tmp_path / "pictures").iterdir())


def test_without_pictures_nothing_is_written(
    quick: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    quick.chdir(empty)
    assert main(["demo", "--no-pictures"]) == 0
    assert not list(empty.iterdir())
    assert "Pictures" not in capsys.readouterr().out


def test_a_folder_that_cannot_be_is_said_before_the_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "part_one", lambda rng: pytest.fail("worked first"))
    there = tmp_path / "taken"
    there.write_text("mine")
    with pytest.raises(BadFile, match="cannot be written"):
        command.demo(out=there)
    assert main(["demo", "--out", str(there / "below")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert there.read_text() == "mine"
