"""`glassnet lab`: what it says before it serves, and that it serves."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from glassnet.cli import main
from glassnet.exchange.model import load_model
from glassnet.lab import server
from glassnet.lab.opening import of_paths


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What `serve` was called with, in its place; and the process is not left."""
    told: dict[str, object] = {}
    monkeypatch.setattr("glassnet.cli.lab.serve", lambda **given: told.update(given))
    monkeypatch.setattr("glassnet.cli.lab.os._exit", lambda status: told.update(status=status))
    return told


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["lab", "--no-open", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    return said.err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "--help"]) == 0
    said = capsys.readouterr().out
    for word in ("--port", "--host", "--no-open", "--link", "TABLE|MODEL", "the token"):
        assert word in said, word
    assert main(["--help"]) == 0
    assert re.search(r"lab +Open a page", capsys.readouterr().out)


def test_what_is_passed_on(served: dict[str, object]) -> None:
    main(["lab"])
    assert served["host"] == "127.0.0.1"
    assert served["port"] is None
    assert served["open_browser"] is True
    assert served["status"] == 0
    main(["lab", "--no-open", "--port", "9000", "--host", "::1"])
    assert (served["host"], served["port"], served["open_browser"]) == ("::1", 9000, False)


@pytest.mark.parametrize(
    "link", ["data=xor&seed=3", "?data=xor&seed=3", "http://127.0.0.1:8080/?data=xor&seed=3"]
)
def test_a_link_may_be_given_whole_or_in_part(served: dict[str, object], link: str) -> None:
    main(["lab", "--link", link])
    assert served["link"] == "data=xor&seed=3"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nope.csv"], "nope.csv does not exist"),
        (["--link", "data=nothing"], "data='nothing', one of moons"),
        (["--port", "70000"], "0 to 65535"),
        (["--port", "many"], "--port"),
        (["--host", "no such host"], "an address of this machine"),
        (["--colour", "red"], "--colour"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], words: list[str], expected: str) -> None:
    assert expected in refused(capsys, *words)


def test_a_broken_table(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.csv").write_text("", encoding="utf-8")
    assert "bad.csv" in refused(capsys, "bad.csv")


def test_a_taken_port(capsys: pytest.CaptureFixture[str]) -> None:
    with server.bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        said = refused(capsys, "--port", str(port))
    assert f"port {port} cannot be had" in said
    assert "a free port is expected" in said


def test_without_the_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "find_spec", lambda _: None)
    said = refused(capsys)
    assert 'pip install "glassnet[lab]"' in said


def test_a_table_is_what_one_finds(served: dict[str, object]) -> None:
    main(["lab", "homes.csv"])
    opener = served["opener"]
    assert callable(opener)
    session = opener("")
    assert session.setting.data == "table"
    assert session.data.name == "homes.csv"
    assert session.data.outputs == ("price",)
    assert opener("data=xor").data.name == "XOR"
    again = opener("data=table&hidden=3&held=0.0")
    assert again.data is not None
    assert again.problem.task.net.layers[0].n_out == 3


def test_a_model_is_what_one_finds(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--target", "kind", "--hidden", "4,3", "--activation", "tanh,relu", "--epochs", "3"]
    assert main(["train", "kinds.csv", *words, "--no-pictures", "--out", "kinds.safetensors"]) == 0
    capsys.readouterr()
    model = load_model("kinds.safetensors")
    session = of_paths(Path("kinds.safetensors"))("")
    assert session.state.theta.tobytes() == model.theta.tobytes()
    assert session.problem.task.net == model.net
    assert session.problem.task.loss == model.task.loss
    assert session.position.phase == "ready"
    assert session.data.labels == ("ant", "bee", "cow")
    assert session.timeline.end == 0


def test_a_model_and_a_table_in_any_order(
    capsys: pytest.CaptureFixture[str], served: dict[str, object]
) -> None:
    words = ["--target", "kind", "--hidden", "4", "--epochs", "3", "--batch-size", "16"]
    assert main(["train", "kinds.csv", *words, "--no-pictures", "--out", "m.safetensors"]) == 0
    for files in (["m.safetensors", "kinds.csv"], ["kinds.csv", "m.safetensors"]):
        capsys.readouterr()
        assert main(["lab", "--no-open", *files]) is not None
        told = capsys.readouterr().out.splitlines()[0]
        assert told == (
            "The model m.safetensors on the rows of the table kinds.csv: 97 to learn from, "
            "23 to measure on."
        )
        opener = served["opener"]
        assert callable(opener)
        session = opener("")
        assert session.state.theta.tobytes() == load_model("m.safetensors").theta.tobytes()
        assert session.data.name == "kinds.csv"
        assert session.setting.batch == 16
    assert "points.csv has no column 'kind'" in refused(capsys, "m.safetensors", "points.csv")
    assert "are 2 tables" in refused(capsys, "homes.csv", "points.csv")
    assert "nope.csv does not exist" in refused(capsys, "m.safetensors", "nope.csv")


@pytest.mark.slow
def test_it_serves(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    one = subprocess.Popen(
        [sys.executable, "-m", "glassnet", "lab", "--no-open", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=empty,
        env={**os.environ},
    )
    assert one.stdout is not None
    address = urlsplit(one.stdout.readline().split()[-1])
    asked = http.client.HTTPConnection("127.0.0.1", address.port or 0, timeout=30)
    asked.request("GET", "/")
    assert asked.getresponse().status == 200
    asked.close()
    one.send_signal(signal.SIGINT)
    said, errors = one.communicate(timeout=10)
    assert "The lab is closed." in said
    assert (one.returncode, errors) == (0, "")
    assert list(empty.iterdir()) == []  # nothing is left where it was called
