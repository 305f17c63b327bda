"""`glassnet quiz`, as a learner sits before it."""

from __future__ import annotations

import io

import pytest

from glassnet.cli import main
from glassnet.exchange.model import load_model
from glassnet.exchange.tables import read_table
from glassnet.tabular import trace_table

TRAIN = ["train", "kinds.csv", "--target", "kind", "--epochs", "3", "--hidden", "3"]


@pytest.fixture(autouse=True)
def model(folder: object) -> None:
    assert main([*TRAIN, "--no-pictures"]) == 0


def sit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: str, *words: str
) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    capsys.readouterr()
    assert main(["quiz", "model.safetensors", "kinds.csv", "--questions", "2", *words]) == 0
    return capsys.readouterr().out


def answers(*words: int) -> list[str]:
    model = load_model("model.safetensors")
    trace = trace_table(model, read_table("kinds.csv"), range(3))
    return [repr(question.answer) for question in trace.quiz(2)]


def test_right_answers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = sit(capsys, monkeypatch, "\n".join(answers()) + "\n")
    assert said.count("Right: ") == 2
    assert "2 of 2 right at the first try" in said


def test_second_tries_do_not_count_but_words_that_are_no_number_do_not_hurt(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = answers()
    said = sit(capsys, monkeypatch, f"12345678\n{first}\nhm\n{second}\n")
    assert "'hm' is no number" in said
    assert "1 of 2 right at the first try" in said


def test_giving_up_and_leaving(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "0 of 1 right" in sit(capsys, monkeypatch, "\nq\n")
    assert "0 of 0 right" in sit(capsys, monkeypatch, "")


def test_handout(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--handout", "--part", "backward", "--seed", "4"]
    assert main(["quiz", "model.safetensors", "kinds.csv", *words]) == 0
    first = capsys.readouterr().out
    assert main(["quiz", "model.safetensors", "kinds.csv", *words]) == 0
    assert capsys.readouterr().out == first
    assert "Answers" in first


def test_without_targets_only_the_way_forward_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--sql", "select x1, x2 from data"]
    assert "forward" not in sit(capsys, monkeypatch, "q\n", *words)
    assert main(["quiz", "model.safetensors", "kinds.csv", *words, "--part", "backward"]) == 2
    assert "no number in backward" in capsys.readouterr().err


def test_without_a_model_the_notebooks_network_is_asked_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["quiz", "--handout", "--questions", "30"]) == 0
    said = capsys.readouterr().out
    assert "The teaching notebook" in said
    assert "error_wrt_weights_hidden_output" in said
    assert main(["quiz", "model.safetensors"]) == 2
    assert "without a table" in capsys.readouterr().err
