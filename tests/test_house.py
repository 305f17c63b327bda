"""What the house promises about itself: imports, weight, versions, no addresses."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CORE = sorted((ROOT / "src" / "glassnet" / "core").glob("*.py"))


def imported(path: Path) -> set[str]:
    """The first names of all that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_core_needs_numpy_alone(path: Path) -> None:
    assert imported(path) - sys.stdlib_module_names <= {"numpy", "glassnet"}


def test_importing_glassnet_loads_nothing_beyond_numpy() -> None:
    program = (
        "import sys, numpy.random; before = set(sys.modules); import glassnet; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert set(printed.split()) - sys.stdlib_module_names - {"numpy"} == {"glassnet"}


@pytest.mark.slow
def test_every_process_finds_the_same_tests_in_the_same_order() -> None:
    """Workers that do not agree run nothing. Two orders of hashes, two seconds of the clock."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    found = []
    for seed in ("0", "1"):
        printed = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        found.append([line for line in printed.splitlines() if "::" in line])
    assert len(found[0]) > 1000
    assert found[0] == found[1]


def test_every_dependency_has_a_lower_bound_and_is_pinned() -> None:
    pinned = {
        line.partition("==")[0].lower()
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    }
    groups = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    for requirement in (entry for group in groups for entry in group if isinstance(entry, str)):
        name, bound, _ = requirement.partition(">=")
        assert bound, f"{requirement} has no lower bound"
        assert name.lower() in pinned, f"{name} is not in constraints.txt. Try: make pin"


def test_constraints_hold_versions_and_no_addresses() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"#.*|[\w.-]+==[\w.!+]+", line) for line in lines)


def test_the_changelog_tells_of_this_version_or_of_what_is_coming() -> None:
    headings = re.findall(
        r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert headings[0] in {"Unreleased", PROJECT["project"]["version"]}
