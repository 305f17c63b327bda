"""Sessions: everything one can do on the page, without the page."""

import asyncio
from threading import Timer

import numpy as np
import pytest

from glassnet import train
from glassnet.core.errors import BadInput
from glassnet.lab import limits
from glassnet.lab.pick import Pick
from glassnet.lab.problem import first_state
from glassnet.lab.session import Session
from glassnet.lab.setting import PRESETS, Setting
from tests.lab.playing import played, there

# ---------------------------------------------------------------- epochs


def test_play_stops_at_the_last_epoch_and_says_so_when_asked_again():
    session = played(Session.play, Session(Setting(epochs=300)))
    assert there(session) == (300, 0, "all")
    played(Session.play, session)
    assert "300 epochs are behind" in session.message


@pytest.mark.parametrize("speed", [0, 1000])
def test_play_ends_in_the_bits_of_one_run(speed):
    session = played(Session.play, Session(Setting(epochs=120, batch=64)), speed)
    one = session.problem
    *_, record = train(
        one.task, one.data.X, one.data.y, first_state(one), batch_size=64, epochs=120
    )
    np.testing.assert_array_equal(session.state.theta, record.state.theta)


def test_until_the_loss_is_below_stops_in_the_first_such_epoch():
    session = played(lambda s: s.until(0.1))
    curve = session.timeline.curve()
    assert session.position.epoch == int(np.argmax(curve < 0.1)) + 1
    assert "below 0.1" in session.message


def test_pause_and_play_again_run_once():
    session = Session(Setting(epochs=5000))

    async def run():
        session.player.speed = 0
        for _ in range(5):
            session.play()
            await asyncio.sleep(0.002)
            session.pause()
        session.play()
        async with asyncio.timeout(30):
            while session.playing:
                await asyncio.sleep(0.001)

    asyncio.run(run())
    assert session.position.epoch == session.timeline.end == 5000


def test_a_past_epoch_is_gone_to_exactly_and_trained_on_from():
    session = played(lambda s: s.step_epochs(200))
    end = session.state.theta
    session.go(77)
    theta = session.state.theta
    played(lambda s: s.step_epochs(123), session)
    np.testing.assert_array_equal(session.state.theta, end)
    session.go(77)
    np.testing.assert_array_equal(session.state.theta, theta)
    session.rewind()
    assert there(session) == (0, 0, "ready")
    assert session.timeline.end == 200


def test_a_new_start_has_other_weights_and_rewind_the_same():
    session = Session()
    first = session.state.theta
    session.new_start()
    assert (session.state.theta != first).any()
    second = session.state.theta
    session.step_epochs()
    session.rewind()
    np.testing.assert_array_equal(session.state.theta, second)


def test_a_run_that_diverges_stops_by_itself_and_names_the_quantity():
    setting = Setting(data="sine", activations=("relu",), optimizer="sgd:lr=5", scaled=False)
    session = played(Session.play, Session(setting))
    assert "is not finite" in session.message
    assert "diverged in epoch" in session.message
    assert "go back to an epoch before" in session.message
    assert session.position.epoch == session.timeline.end
    assert np.isfinite(session.state.theta).all()
    session.go(0)
    session.set(optimizer="sgd:lr=0.1")
    played(lambda s: s.step_epochs(20), session)
    assert session.position.epoch == 20


# ---------------------------------------------------------------- what takes long


def waited(session, *acts, watch=lambda: None):
    """After acts that begin something long, one after the other, and its end."""

    async def run():
        for act in acts:
            act(session)
        async with asyncio.timeout(30):
            while session.playing:
                watch()
                await asyncio.sleep(0.001)

    asyncio.run(run())


def large(monkeypatch, epochs=40, **setting):
    """A run whose every epoch counts as long, its keyframes far apart."""
    session = Session(Setting(**setting))
    monkeypatch.setattr(limits, "QUICK", 0)
    session.timeline.advance(epochs)
    expected = [session.timeline.at(epoch).theta for epoch in range(epochs + 1)]
    session.timeline._epochs[1:-1], session.timeline._states[1:-1] = [], []
    return session, expected


def test_a_long_way_is_gone_by_the_workers_and_the_old_picture_stays(monkeypatch):
    session, expected = large(monkeypatch)
    frames = []
    old = session.state.theta
    waited(session, lambda s: s.go(17), watch=lambda: frames.append(there(session)))
    assert set(frames) == {(0, 0, "ready")}
    assert there(session) == (17, 0, "all")
    monkeypatch.setattr(session.timeline, "onward", None)  # its state is at hand for whoever asks
    np.testing.assert_array_equal(session.state.theta, expected[17])
    assert (old != session.state.theta).any()
    session.edit("W1[0,0]", "1")
    assert session.position.epoch == 17


def test_where_the_loss_fell_below_is_found_by_the_workers(monkeypatch):
    session, expected = large(monkeypatch)
    losses = session.timeline.curve()
    first = int(np.flatnonzero(losses < losses[25])[0]) + 1
    waited(session, lambda s: s.until(float(losses[25])))
    assert there(session) == (first, 0, "all")
    monkeypatch.setattr(session.timeline, "onward", None)  # its state is at hand for whoever asks
    np.testing.assert_array_equal(session.state.theta, expected[first])


def test_a_step_does_not_wait_for_a_piece_that_is_still_trained():
    session = Session()
    training = session.timeline._training

    async def run():
        training.acquire()  # as the last piece does for a while after pause
        Timer(0.3, training.release).start()
        session.step_epochs()
        assert session.playing
        assert there(session) == (0, 0, "ready")
        async with asyncio.timeout(30):
            while session.playing:
                await asyncio.sleep(0.001)

    asyncio.run(run())
    assert there(session) == (1, 0, "all")


def test_the_last_of_two_places_counts_and_pause_ends_both(monkeypatch):
    session, expected = large(monkeypatch)
    waited(session, lambda s: s.go(39), lambda s: s.go(11), lambda s: s.choose_sample(5))
    assert there(session) == (11, 0, "all")
    assert session.position.row == 5
    np.testing.assert_array_equal(session.state.theta, expected[11])
    waited(session, lambda s: s.go(30), Session.toggle)
    assert there(session) == (11, 0, "all")
    waited(session, lambda s: s.go(30), lambda s: s.edit("W1[0,0]", "1"))
    assert there(session)[:2] == (11, 0)
    assert session.timeline.end == 11


def test_a_long_epoch_is_trained_by_the_workers(monkeypatch):
    session, _ = large(monkeypatch, epochs=1, batch=50)
    quick = Session(Setting(batch=50))
    for act in (Session.step_epochs, *[Session.step_batch] * 4, *[Session.next] * 5, Session.back):
        waited(session, act)
        monkeypatch.setattr(limits, "QUICK", 10**9)
        act(quick)
        monkeypatch.setattr(limits, "QUICK", 0)
        assert session.position == quick.position
        np.testing.assert_array_equal(session.state.theta, quick.state.theta)
        np.testing.assert_array_equal(session.rows, quick.rows)
        straight = Session(Setting(batch=50))  # there in one go, not batch after batch
        straight.timeline.reach(quick.position.epoch)
        straight.move(quick.position)
        np.testing.assert_array_equal(session.state.theta, straight.state.theta)
    waited(session, lambda s: s.go(0))
    waited(session, *[Session.next] * 4)
    waited(session, Session.step_sample)
    assert there(session) == (0, 1, "backward")
    assert session.position.row == session.rows[0]


def test_a_long_epoch_that_diverges_says_so(monkeypatch):
    setting = Setting(data="sine", activations=("relu",), optimizer="sgd:lr=5", scaled=False)
    session = Session(setting)
    monkeypatch.setattr(limits, "QUICK", 0)
    for _ in range(100):
        waited(session, Session.step_epochs)
        if session.message:
            break
    assert "diverged" in session.message
    assert session.position.epoch == session.timeline.end


# ---------------------------------------------------------------- what is looked at, who is told


def test_a_second_click_lets_go():
    session = Session()
    session.choose(Pick("weight", 1, 2, 0))
    session.choose(Pick("weight", 1, 2, 0))
    assert session.pick.kind == "none"


def test_a_smaller_network_is_not_asked_for_a_neuron_it_lacks():
    session = Session()
    session.choose(Pick("neuron", 1, 7))
    session.set(hidden=(2,))
    assert session.pick == Pick("neuron", 1, 0)


def test_other_inputs_bring_axes_that_exist():
    session = Session(PRESETS["iris"])
    session.look(axes=(3, 2))
    session.use_set("moons")
    assert session.view.axes == (0, 1)
    session.use_set("sine")
    assert max(session.view.axes) == 0


def test_a_pinned_run_stays_beside_the_next():
    session = played(lambda s: s.step_epochs(30))
    curve = session.timeline.curve().copy()
    session.pin()
    session.new_start()
    played(lambda s: s.step_epochs(50), session)
    np.testing.assert_array_equal(session.pins[0].timeline.curve(), curve)
    for _ in range(limits.PINS - 1):
        session.pin()
    with pytest.raises(BadInput, match="beside each other"):
        session.pin()
    session.unpin()
    assert session.pins == []


def test_watchers_are_told_and_nothing_is_told_after_the_end():
    session = Session()
    heard = []
    session.subscribe(heard.append)
    session.next()
    assert "frame" in heard
    session.close()
    heard.clear()
    session.next()
    assert heard == []


def test_two_sessions_share_nothing():
    one, two = Session(), Session()
    one.edit("W1[0,0]", "5")
    one.add_point((0.0, 0.0), 1)
    assert two.state.theta[0] != 5
    assert len(two.data.X) == 150
    assert two.setting == Setting()
