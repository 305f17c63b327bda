"""Tables for the command line: small, real enough, and always the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for each test, 100 columns wide, with the tables in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    rng = np.random.default_rng(7)
    points = rng.normal(size=(120, 2))
    side = (points @ [1.0, -2.0] > 0).astype(int)
    write("points.csv", ["x1", "x2", "side"], zip(*points.T.round(4), side, strict=True))
    city = rng.choice(["Oslo", "Paris", "Rome"], size=90)
    rooms = rng.integers(1, 9, size=90)
    shown = [f"{n}" if i % 11 else "" for i, n in enumerate(rooms)]
    price = 20 * rooms + np.where(city == "Paris", 60, 0) + rng.normal(size=90).round(2)
    columns = ["city", "rooms", "balcony", "sold", "price"]
    balcony = np.where(rng.random(90) < 0.5, "true", "false")
    sold = [f"2024-{m:02}-{d:02}" for m, d in rng.integers(1, [13, 29], (90, 2))]
    write("homes.csv", columns, zip(city, shown, balcony, sold, price.round(2), strict=True))
    kind = np.array(["ant", "bee", "cow"])[np.digitize(points[:, 0], [-0.5, 0.5])]
    write("kinds.csv", ["x1", "x2", "kind"], zip(*points.T.round(4), kind, strict=True))
    return tmp_path


def write(name: str, columns: list[str], rows: object) -> None:
    lines = [",".join(columns)] + [",".join(map(str, row)) for row in rows]  # type: ignore[attr-defined]
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
