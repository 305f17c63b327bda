"""Runs: what is changed on the way, and what begins a new one."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from glassnet.core.errors import BadInput
from glassnet.core.optimizers import SGD
from glassnet.lab import limits
from glassnet.lab.session import Session
from glassnet.lab.setting import PRESETS, Change, Setting
from tests.lab.playing import played, there


def test_a_typed_weight_counts_from_here_on():
    session = Session()
    session.step_epochs()
    session.edit("W1[0,2]", "−1/3")
    session.edit("b2[0]", "0,5")
    named = session.problem.task.net.named(session.state.theta)
    assert named["W1"][0, 2] == -1 / 3
    assert named["b2"][0] == 0.5
    assert session.trace.values["W1"][0, 2] == -1 / 3
    session.go(0)
    assert session.problem.task.net.named(session.state.theta)["W1"][0, 2] != -1 / 3


@pytest.mark.parametrize("where", ["W1[9,9]", "W3[0,0]", "b1", "W1[0]", "z1[0,0]"])
def test_what_is_no_parameter_cannot_be_typed_over(where):
    session = Session()
    with pytest.raises(BadInput):
        session.edit(where, "1")
    assert session.changes == ()


def test_nonsense_that_was_typed_changes_nothing():
    session = Session()
    theta = session.state.theta
    for text in ("", "abc", "1/0", "nan", "1e999", "__import__('os')"):
        with pytest.raises(BadInput):
            session.edit("W1[0,0]", text)
    np.testing.assert_array_equal(session.state.theta, theta)


def test_the_learning_rate_changes_in_the_midst_of_a_run():
    session = played(lambda s: s.step_epochs(10))
    before = session.timeline.at(10).theta
    session.set(optimizer="sgd:lr=0.1")
    assert session.position.epoch == 10
    np.testing.assert_array_equal(session.state.theta, before)
    assert session.trace.environment()["lr"] == 0.1
    assert session.changes == (Change(10, (("optimizer", "sgd:lr=0.1"),)),)
    session.go(4)
    assert session.trace.environment()["lr"] == 1.0


def test_another_optimizer_begins_with_empty_slots():
    session = played(lambda s: s.step_epochs(10))
    session.set(optimizer="adam:lr=0.03")
    assert [slot.any() for slot in session.state.slots] == [False, False]
    assert session.state.step == 0
    session.step_epochs()
    session.set(optimizer="adam:lr=0.01")  # the same one goes on with what it remembers
    assert session.state.slots[0].any()


def test_another_network_begins_a_new_run():
    session = played(lambda s: s.step_epochs(10))
    session.set(hidden=(3, 2), activations=("relu", "tanh"))
    assert there(session) == (0, 0, "ready")
    assert str(session.problem.task.net) == "2-3-2-1"
    assert session.timeline.end == 0


def test_what_the_network_cannot_be_is_refused_and_the_run_stays():
    session = played(lambda s: s.step_epochs(10))
    for changed in ({"loss": "crossentropy"}, {"hidden": (3,) * 9}, {"output": "softmax"}):
        with pytest.raises(BadInput):
            session.set(**changed)
    assert session.position.epoch == session.timeline.end == 10
    assert session.setting == Setting()


def test_points_are_edited_and_learnt_from():
    session = Session(PRESETS["xor"])
    session.add_point((0.5, 0.5), 1)
    session.move_point(0, (-1.0, -1.0))
    assert len(session.data.X) == 5
    assert session.position.epoch == 0
    session.step_epochs()
    session.delete_point(4)
    assert session.position.epoch == 1
    assert len(session.trace.X) == 4
    session.go(0)
    assert len(session.trace.X) == 5


def test_a_point_deleted_under_the_eye_leaves_a_sample_to_look_at():
    session = Session(PRESETS["xor"])
    session.choose_sample(3)
    session.delete_point(3)
    assert session.position.row == 2
    session.shown()


def test_before_a_change_what_was_set_before_it_holds():
    session = Session()
    session.step_epochs()
    session.set(optimizer="sgd:lr=0.25")
    session.step_epochs()
    session.rewind()
    assert session.setting.optimizer == "sgd:lr=1.0"
    session.set(optimizer="sgd:lr=0.25")  # so this is news, and begins anew
    assert (session.timeline.end, session.changes) == (0, ())
    assert str(session.problem.task.optimizer) == str(SGD(lr=0.25))


def test_a_change_before_a_change_brings_nothing_of_what_was_cut():
    session = Session()
    session.step_epochs()
    session.step_epochs()
    session.set(optimizer="sgd:lr=0.25")
    session.go(1)
    session.set(batch=10)
    assert session.setting.optimizer == "sgd:lr=1.0"
    session.step_epochs()
    again = Session()
    again.step_epochs()
    again.set(batch=10)
    again.step_epochs()
    np.testing.assert_array_equal(session.state.theta, again.state.theta)


def test_going_past_a_deleted_point_shows_other_points_and_a_sample_that_exists():
    session = Session()
    session.step_epochs()
    session.delete_point(0)
    session.rewind()
    session.choose_sample(149)
    heard: list[str] = []
    session.subscribe(heard.append)
    session.go(1)
    assert "structure" in heard
    assert (len(session.data.X), session.position.row) == (149, 148)
    session.shown()


def test_a_change_while_it_plays_goes_on_from_where_it_was_made():
    session = Session(Setting(epochs=400))

    async def run():
        session.player.speed = 0
        session.play()
        for lr in (0.5, 0.25, 0.125):
            while session.position.epoch < 20 / lr:
                await asyncio.sleep(0)
            session.set(optimizer=f"sgd:lr={lr}")
            assert session.playing
            assert session.position.epoch == session.changes[-1].epoch == session.timeline.end
            reached = session.position.epoch
            while session.position.epoch == reached:
                await asyncio.sleep(0)
            assert session.position.epoch <= session.timeline.end
            alone = session.timeline.at(session.position.epoch)
            np.testing.assert_array_equal(session.state.theta, alone.theta)
        async with asyncio.timeout(30):
            while session.playing:
                await asyncio.sleep(0.001)

    asyncio.run(run())
    assert session.position.epoch == 400


def test_a_setting_too_large_for_this_page_is_refused_and_the_run_stays():
    session = Session()
    large = {"hidden": (128,) * 4, "activations": ("tanh",) * 4}
    with pytest.raises(BadInput, match="rows times"):
        session.set(n=limits.ROWS, **large)
    assert session.setting == Setting()
    session.set(data="digits", **large)


def test_an_update_too_large_to_show_wants_batches(monkeypatch):
    monkeypatch.setattr(limits, "CELLS", 1000)
    with pytest.raises(BadInput, match=r"one update.*batches"):
        Session()
    assert len(Session(Setting(batch=50)).trace.X) == 50
    with pytest.raises(BadInput, match="batches"):
        Session(Setting(batch=50)).set(batch=None)
    mine = replace(Session(Setting(n=2000, batch=50)).data, name="mine")
    monkeypatch.setattr(limits, "CELLS", 10_000)
    session = Session()
    session.use_table(mine)
    assert session.problem.batch == 256


def test_changes_are_bounded(monkeypatch):
    monkeypatch.setattr(limits, "CHANGES", 2)
    session = Session()
    session.edit("W1[0,0]", "1")
    session.edit("W1[0,0]", "2")
    with pytest.raises(BadInput, match="changes"):
        session.edit("W1[0,0]", "3")
    assert session.state.theta[0] == 2


def test_what_a_change_cuts_does_not_count(monkeypatch):
    monkeypatch.setattr(limits, "CHANGES", 2)
    session = Session()
    for text in ("1", "2"):
        session.step_epochs()
        session.edit("W1[0,0]", text)
    session.go(1)
    session.edit("W1[0,0]", "3")  # that at the second epoch is gone
    assert [one.epoch for one in session.changes] == [1, 1]
    assert session.state.theta[0] == 3


def test_a_table_that_is_refused_leaves_the_one_that_is_there(monkeypatch):
    session = Session()
    session.use_table(replace(session.data, name="mine"))
    query, mine = session.query(), session.table
    larger = replace(Session(Setting(n=2000)).data, name="larger")
    monkeypatch.setattr(limits, "WORK", 10_000)
    with pytest.raises(BadInput, match="rows times"):
        session.use_table(larger)
    assert session.table is mine
    assert session.query() == query


def test_another_learning_rate_keeps_no_rows_twice():
    session = Session(PRESETS["xor"])
    session.add_point((0.5, 0.5), 1)
    X = session.data.X
    session.step_epochs()
    session.set(optimizer="sgd:lr=0.25")
    assert session.data.X is X


def test_rows_of_a_table_are_used_as_they_come():
    moons = Session()
    session = Session()
    session.use_table(replace(moons.data, name="mine"))
    assert session.setting.data == "table"
    np.testing.assert_array_equal(session.data.X, moons.data.X)
    session.step_epochs()
    assert session.position.epoch == 1
