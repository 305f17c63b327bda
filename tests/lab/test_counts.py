"""Counts: the Poisson loss takes them as they are, as `glassnet train` does."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.cli import main
from glassnet.core.activations import Exp, Identity
from glassnet.core.errors import BadInput
from glassnet.exchange.model import load_model
from glassnet.exchange.targets import Numbers
from glassnet.lab import outputs, tables
from glassnet.lab.frame import structure
from glassnet.lab.link import arrive, link, opened
from glassnet.lab.session import Session
from glassnet.lab.setting import Setting

RNG = np.random.default_rng(4)
RAIN = RNG.normal(size=40).round(3)
COUNTS = RNG.poisson(np.exp(1.2 + 0.8 * RAIN))


@pytest.fixture(autouse=True)
def _a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [f"{rain},{count}" for rain, count in zip(RAIN, COUNTS, strict=True)]
    Path("snails.csv").write_text("\n".join(["rain,snails", *lines]))


def snails(*, held: float = 0.0, target: str = "snails", **settings: Any) -> Session:
    table = tables.open_table("snails.csv")
    session = Session(Setting(hidden=(3,), optimizer="adam:lr=0.02"))
    session.use_table(tables.choose(table, target, sort="numbers", held=held))
    if settings:
        session.set(**settings)
    return session


def test_counts_stay_counts_for_the_poisson_loss_alone() -> None:
    session = snails()
    assert isinstance(session.problem.task.net.layers[-1].activation, Identity)
    assert abs(session.data.y.mean()) < 1e-12
    assert "minus its mean" in session.data.notes[0]
    session.set(loss="poisson")
    assert isinstance(session.problem.task.net.layers[-1].activation, Exp)
    np.testing.assert_array_equal(session.data.y[:, 0], COUNTS)
    assert session.data.target == Numbers("snails")
    assert session.data.said(np.array([3.0])) == "3"
    assert "minus its mean" not in " ".join(session.data.notes)
    assert "as it is" in session.data.notes[0]
    session.set(loss="huber")
    assert abs(session.data.y.mean()) < 1e-12
    assert "minus its mean" in session.data.notes[0]


def test_rows_held_for_validation_are_counts_too() -> None:
    data = snails(held=0.25, loss="poisson").data
    assert data.held_y is not None
    assert len(data.held_y) == 10
    found = np.concatenate([data.y, data.held_y])[:, 0]
    assert sorted(found) == sorted(COUNTS)


def test_what_cannot_be_counts_is_refused_in_a_line() -> None:
    with pytest.raises(BadInput, match="0 or more") as refused:
        snails(target="rain", loss="poisson")
    assert "\n" not in str(refused.value)
    with pytest.raises(BadInput, match="poisson for classes, a loss for classes"):
        Session(Setting(loss="poisson"))


def test_points_edited_by_hand_stay_where_they_are() -> None:
    session = snails(loss="poisson")
    session.add_point((0.5,), 7.0)
    session.move_point(3, (0.25, 2.0))
    session.move_point(4, (-0.5,))
    session.delete_point(0)
    counts = session.data.y[:, 0].copy()
    assert counts[-1] == 7
    session.set(loss="")
    assert isinstance(session.data.target, Numbers)
    np.testing.assert_allclose(session.data.target.decode(session.data.y), counts, rtol=1e-12)
    axis = structure(session)["range"][1]
    assert axis[1] < 5  # standardised numbers, and no count among them
    session.set(loss="poisson")
    np.testing.assert_allclose(session.data.y[:, 0], counts, rtol=1e-12)


def trained(session: Session, epochs: int = 20) -> Session:
    session.timeline.advance(epochs)
    session.go(epochs)
    return session


def test_a_link_and_python_have_the_same_counts() -> None:
    session = trained(snails(held=0.25, loss="poisson", clip=5.0))
    again = opened(link(session), table=session.table)
    asyncio.run(arrive(again, link(session)))
    assert again.message == ""
    np.testing.assert_array_equal(again.state.theta, session.state.theta)
    ran: dict[str, Any] = {}
    exec(outputs.python(session), ran)
    np.testing.assert_array_equal(ran["state"].theta, session.state.theta)


def test_the_command_line_and_the_page_end_in_the_same_weights() -> None:
    session = trained(snails(loss="poisson", batch=8, seed=2))
    words = shlex.split(outputs.command_line(session).splitlines()[0])
    assert "--loss=poisson" in words
    assert main([*words[1:], "--no-pictures", "--out", "m.safetensors"]) == 0
    model = load_model("m.safetensors")
    np.testing.assert_array_equal(model.theta, session.state.theta)
    Path("lab.safetensors").write_bytes(outputs.model_file(session).content)
    taken = load_model("lab.safetensors")
    assert taken.target == model.target == Numbers("snails")
    table = tables.open_table("snails.csv")
    said = [one.predict_table(table).values for one in (taken, model)]
    np.testing.assert_array_equal(*said)
    assert (said[0] > 0).all()
