"""What README and CONTRIBUTING show is run, block after block, as a reader would."""

from __future__ import annotations

import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

from glassnet.cli import main

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[+−]? ?\d+(\.\d+)?(e−?\d+)?")
LINK = re.compile(r"\]\(([^)#]+)\)|<img [^>]*src=\"([^\"]+)\"")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_python_block_runs_and_prints_what_is_shown(
    page: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (ROOT / page).read_text("utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks, f"{page} shows no Python"
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)  # what a block writes is written there
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    for block in blocks:
        if block[1] == "text":
            # after training, machines may differ in the last digits: the numbers are not compared
            assert NUMBER.sub("#", block[2]) in NUMBER.sub("#", printed)
            continue
        line = text[: block.start(2)].count("\n")
        code = compile("\n" * line + block[2], page, "exec")  # so that an error names its line
        exec(code, names)
        printed += capsys.readouterr().out
    assert_ignored(tmp_path)


def assert_ignored(folder: Path) -> None:
    """In a clone, what a reader makes by trying is nothing that git would ask about."""
    ignored = set((ROOT / ".gitignore").read_text("utf-8").splitlines())
    for path in folder.iterdir():
        if path.name != "examples":
            assert f"/{path.name}{'/' * path.is_dir()}" in ignored, path.name


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    for markdown, html in LINK.findall((ROOT / page).read_text("utf-8")):
        target = markdown or html
        assert "://" in target or (ROOT / target).exists(), target


def test_every_glassnet_command_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = re.findall(
        r"^(glassnet .*?)(?:\s+#.*)?$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(shell) >= 5
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("q\n"))
    for command in shell:
        assert main(shlex.split(command)[1:]) == 0, command
    assert_ignored(tmp_path)


def test_the_commands_of_the_readme_are_targets_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    commands = re.findall(r"^make ([a-z-]+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {"demo", "test"} <= set(commands) <= targets
