"""Print each lower bound of pyproject.toml as a pin: `numpy>=2.0` becomes `numpy==2.0`.

The extra `lab` counts too: its page is tested with everything else.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest(requirements: list[str]) -> list[str]:
    """Each requirement with its lower bound as its only version."""
    pins = []
    for requirement in requirements:
        found = re.fullmatch(r"([A-Za-z0-9._-]+)(\[[^]]*\])?>=([0-9.]+)", requirement)
        if found is None:
            message = f"{requirement!r} has no plain lower bound, every dependency needs one. "
            raise SystemExit(message + "Try: name>=version")
        pins.append(f"{found[1]}=={found[3]}")
    return pins


if __name__ == "__main__":
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    lab = project["optional-dependencies"]["lab"]
    print("\n".join(lowest(project["dependencies"] + lab)))
