"""Links: the same numbers to the last bit, or one line that says why not."""

import asyncio
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from glassnet.core.errors import BadInput
from glassnet.lab import limits, outputs, page, player
from glassnet.lab.link import arrive, link, opened, too_long
from glassnet.lab.pick import Pick
from glassnet.lab.player import Goal
from glassnet.lab.session import Session
from glassnet.lab.setting import PRESETS, Setting


def at(query):
    session = opened(query)
    asyncio.run(arrive(session, query))
    return session


def run(session, epochs):
    async def go():
        session.player.speed = 0
        session.step_epochs(epochs)
        while session.playing:
            await asyncio.sleep(0.001)

    asyncio.run(go())


def walked():
    session = Session(Setting(batch=50, seed=4))
    run(session, 20)
    session.edit("W1[0,2]", "-1/3")
    run(session, 5)
    session.set(optimizer="adam:lr=0.03", clip=0.1, dropout=0.2)
    session.add_point((0.25, -0.5), 1)
    run(session, 7)
    session.step_batch()
    session.next()
    session.next()
    session.choose(Pick("weight", 2, 0, 5))
    session.choose_sample(3)
    session.look(hard=True, log=True)
    session.player.speed = 1000
    return session


def test_a_link_brings_everything_back():
    session = walked()
    assert [one.epoch for one in session.changes] == [20, 25, 25]  # all in the midst of one run
    again = at(link(session))
    assert again.message == ""
    np.testing.assert_array_equal(again.state.theta, session.state.theta)
    for a, b in zip(again.state.slots, session.state.slots, strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.position == session.position
    assert again.pick == session.pick
    assert again.view == session.view
    assert again.player.speed == 1000
    assert again.changes == session.changes
    assert link(again) == link(session)
    np.testing.assert_array_equal(again.timeline.curve(), session.timeline.curve())


def test_the_plain_page_has_a_short_link():
    assert link(Session()) == "pick=neuron.1.0.0"


def test_the_notebooks_run_ends_as_the_notebook_prints_it():
    session = at("data=notebook&at=1000")
    assert round(session.timeline.curve()[-1], 4) == 0.0087


def test_axes_and_held_values_are_in_it():
    session = Session(PRESETS["iris"])
    session.look(axes=(3, 1), at=(0.1, 0.2, 0.3, 1e-17))
    assert at(link(session)).view == session.view


def test_a_run_beside_goes_on_beside():
    chaos = "data=notebook_moons&beside=data%3Dnotebook_moons%26change%3D0~W1%5B0%2C0%5D%3D0.5"
    session = at(chaos)
    run(session, 40)
    (pin,) = session.pins
    assert pin.timeline.end >= 40
    assert (pin.timeline.curve()[:40] != session.timeline.curve()[:40]).any()


def test_a_pinned_run_is_in_the_link():
    session = Session()
    run(session, 12)
    session.pin()
    session.new_start()
    run(session, 3)
    again = at(link(session))
    assert [pin.query for pin in again.pins] == [pin.query for pin in session.pins]
    np.testing.assert_array_equal(
        again.pins[0].timeline.curve(), session.pins[0].timeline.curve()[:3]
    )


def test_a_link_to_a_table_is_refused_by_another_table():
    one, other = (replace(Session(Setting(n=n)).data, name="mine.csv") for n in (40, 44))
    session = Session()
    session.use_table(one)
    run(session, 3)
    session.pin()
    again = opened(link(session), table=one)
    asyncio.run(arrive(again, link(session)))
    assert link(again) == link(session)
    assert len(again.pins) == 1
    with pytest.raises(BadInput, match="another table"):
        opened(link(session), table=other)


@pytest.mark.parametrize(
    "query",
    [
        "data=nothing",
        "axes=0,9",
        "axes=zero",
        "hold=1",
        "pick=weight.9.9.9",
        "pick=<script>",
        "hidden=" + "3-" * 30 + "3",
        "x=" + "y" * 30_000,
    ],
)
def test_a_link_that_cannot_be_opened_is_refused_in_one_line(query):
    with pytest.raises(BadInput) as refused:
        opened(query)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        "at=-1",
        "at=999999999999",
        "at=3&in=5",
        "phase=<b>",
        "sample=99999",
        "change=5~W9[0,0]=1",
        "change=5~W1[99,0]=1",
        "change=x",
        "beside=data%3Dnothing",
    ],
)
def test_a_place_that_is_not_there_is_said_and_the_page_stands(query):
    session = at(query)
    assert session.message
    assert "\n" not in session.message
    session.next()
    assert session.shown()


@pytest.mark.parametrize(
    "meanwhile",
    [Session.new_start, lambda s: s.use_set("xor"), lambda s: s.edit("W1[0,0]", "1")],
)
def test_a_link_gives_way_to_a_visitor_who_begins_something_else(meanwhile):
    query = "change=3000~W1[0,0]=0.5&at=6000&phase=loss&sample=3"
    session = opened(query)

    async def go():
        arriving = asyncio.ensure_future(arrive(session, query))
        await asyncio.sleep(0.002)
        assert not arriving.done()
        meanwhile(session)
        await arriving

    asyncio.run(go())
    assert len(session.changes) == (
        meanwhile is not Session.new_start and session.data.name == "moons"
    )
    assert all(one.epoch == 0 for one in session.changes)
    assert session.position.epoch == 0
    assert session.position.row == 0
    assert session.message == ""


def test_a_link_into_the_midst_of_an_epoch_is_followed_by_the_workers(monkeypatch):
    session = Session(Setting(batch=10))
    session.step_epochs()
    for _ in range(7):
        session.step_batch()
    threads = set()
    whole = player.batches

    def noted(*given):
        threads.add(threading.current_thread().name)
        return whole(*given)

    monkeypatch.setattr(player, "batches", noted)
    again = at(link(session))
    assert again.position == session.position
    np.testing.assert_array_equal(again.state.theta, session.state.theta)
    assert threads
    assert all(name.startswith("lab-training") for name in threads)


@pytest.mark.parametrize("query", ["at=²", "in=²", "sample=²", "at=" + "9" * 5000])
def test_a_superscript_is_no_number(query):
    assert "a whole number is expected" in at(query).message


def test_a_superscript_selects_nothing():
    with pytest.raises(BadInput, match="a form like"):
        opened("pick=weight.1.0.²")


@pytest.mark.parametrize("speed", ["²", "9" * 5000])
def test_a_speed_that_is_none_leaves_the_usual_one(speed):
    assert opened(f"speed={speed}").player.speed == 100


def test_a_large_table_comes_in_batches(monkeypatch):
    mine = replace(Session(Setting(n=2000)).data, name="mine.csv")
    monkeypatch.setattr(limits, "CELLS", 10_000)
    assert opened("data=table", table=mine).problem.batch == 256


def test_the_address_is_told_now_and_then_while_it_trains(monkeypatch):
    session, told, now = Session(), [], [100.0]
    screen = object.__new__(page.Screen)
    screen.session, screen._address, screen._told, screen._long = session, "", 0.0, False
    screen.client = SimpleNamespace(run_javascript=told.append)
    screen.lesson = SimpleNamespace(query=lambda: "")
    monkeypatch.setattr(page, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    session.player.goal = Goal(1000)  # as if it played
    for _ in range(24):
        session._arrived(session.position.epoch + 1, session.timeline.advance(1))
        screen._tell_address()
        now[0] += 0.125
    assert len(told) == 3
    assert "at=17&" in told[-1]
    session.pause()
    screen._tell_address()  # where it stands is told at once
    assert "at=24&" in told[-1]
    monkeypatch.setattr("glassnet.lab.link.LETTERS", 10)
    session.next()
    screen._tell_address()
    assert len(told) == 4
    assert "more than a link can hold" in session.message
    session.next()
    screen._tell_address()
    assert session.message == ""  # it is said once
    monkeypatch.setattr("glassnet.lab.link.LETTERS", 20_000)
    screen._tell_address()
    assert len(told) == 5


def test_points_edited_in_the_midst_of_a_run_are_in_the_link_once():
    session = Session(PRESETS["xor"])
    for epoch in range(30):
        session.step_epochs()
        for k in range(4):
            session.add_point((0.123457 * k, -0.98765 * epoch), k % 2)
        session.move_point(0, (epoch / 10, 0.5))
    session.edit("W1[0,0]", "1")
    session.delete_point(7)
    session.step_epochs()
    query = link(session)
    assert query.count("add") == 120
    assert len(query) < 30 * 250
    again = at(query)
    np.testing.assert_array_equal(again.data.X, session.data.X)
    np.testing.assert_array_equal(again.state.theta, session.state.theta)
    assert again.changes == session.changes
    again.go(3)
    assert len(again.data.X) == 4 + 12


def test_as_many_points_as_may_be_edited_fit_into_a_link():
    session = Session()
    session.step_epochs()
    for k in range(limits.POINTS):
        session.add_point((round(-1.234567 + k / 1000, 6), round(0.987654 - k / 1000, 6)), k % 2)
    assert len(session.changes) == 1
    assert too_long(link(session)) == ""
    assert len(at(link(session)).data.X) == 150 + limits.POINTS
    with pytest.raises(BadInput, match="points edited"):
        session.add_point((0.0, 0.0), 1)


def test_a_link_that_would_be_refused_is_not_handed_out(monkeypatch):
    session = Session()
    session.edit("W1[0,0]", "1")
    monkeypatch.setattr("glassnet.lab.link.LETTERS", 20)
    with pytest.raises(BadInput, match="letters"):
        opened(link(session))
    assert "more than a link can hold" in too_long(link(session))
    assert outputs.command_line(session).startswith("# This is more than a link can hold")


def test_changes_are_bounded():
    session = at("&".join("change=0~W1[0,0]=1" for _ in range(300)))
    assert "changes" in session.message
