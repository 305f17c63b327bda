"""Sessions: everything one can do on the page, without the page."""

import asyncio
from dataclasses import replace
from threading import Timer

import numpy as np
import pytest

from glassnet import train
from glassnet.core.errors import BadInput
from glassnet.core.optimizers import SGD
from glassnet.lab import limits
from glassnet.lab.pick import Pick
from glassnet.lab.problem import first_state
from glassnet.lab.session import Session
from glassnet.lab.setting import PRESETS, Change, Setting


def played(act, session=None, speed=0):
    """The session after something that trains has come to its end."""
    session = session or Session()

    async def run():
        session.player.speed = speed
        act(session)
        async with asyncio.timeout(30):
            while session.playing:
                await asyncio.sleep(0.001)

    asyncio.run(run())
    return session


def there(session):
    position = session.position
    return position.epoch, position.batch, position.phase


# ---------------------------------------------------------------- steps


def test_it_begins_paused_at_step_0_with_a_neuron_open():
    session = Session()
    assert there(session) == (0, 0, "ready")
    assert not session.playing
    assert session.pick == Pick("neuron", 1, 0)
    assert str(session.problem.task.net) == "2-8-1"
    assert session.position.row == 0


def test_next_goes_through_one_update_and_on():
    session = Session()
    seen = []
    for _ in range(6):
        session.next()
        seen.append(there(session))
    phases = ["forward", "loss", "backward", "update"]
    assert seen == [*((0, 0, p) for p in phases), (1, 0, "forward"), (1, 0, "loss")]


def test_back_undoes_next_to_the_start():
    session = Session(Setting(batch=60))
    places = [there(session)]
    for _ in range(17):  # three batches an epoch
        session.next()
        places.append(there(session))
    for place in places[-2:0:-1]:
        session.back()
        assert there(session) == place
    session.back()
    assert there(session) == (0, 0, "ready")
    session.back()
    assert there(session) == (0, 0, "ready")


def test_the_update_shown_is_the_update_made():
    session = Session(Setting(optimizer="adam:lr=0.05", l2=0.01))
    expected = session.trace.values
    new = {name[4:]: value for name, value in expected.items() if name.startswith("new_")}
    session.step_epochs()
    made = session.problem.task.net.named(session.state.theta)
    for name, value in made.items():
        np.testing.assert_allclose(value, new[name], rtol=1e-12, atol=1e-15)


def test_batches_of_an_epoch_are_those_that_the_engine_takes():
    session = Session(Setting(batch=40, seed=3))
    assert session.batches == 4
    order, _ = session.timeline.at(0).chance.permutation(150)
    seen = []
    for _ in range(4):
        seen.append(session.rows)
        session.step_batch()
    np.testing.assert_array_equal(np.concatenate(seen), order)
    assert there(session) == (1, 0, "all")
    one = session.problem
    record = next(
        train(one.task, one.data.X, one.data.y, first_state(one), batch_size=40, epochs=1)
    )
    np.testing.assert_array_equal(session.state.theta, record.state.theta)


def test_walking_the_batches_leads_where_the_epoch_does():
    session = Session(Setting(batch=40))
    for _ in range(3):
        session.step_batch()
    last = session.trace.values  # of the last batch, short
    new = np.concatenate([last[f"new_{part}"].ravel() for part in ("W1", "b1", "W2", "b2")])
    session.step_batch()
    np.testing.assert_allclose(session.state.theta, new, rtol=1e-10, atol=1e-13)


def test_sample_by_sample_each_of_the_batch_once_then_the_update():
    session = Session(Setting(batch=5, n=16))
    rows = session.rows.tolist()
    seen = []
    for _ in rows:
        session.step_sample()
        assert session.position.phase == "backward"
        seen.append(session.position.row)
    assert seen == rows
    session.step_sample()
    assert there(session) == (0, 0, "update")
    session.step_sample()
    assert there(session) == (0, 1, "backward")
    assert session.position.row == session.rows[0]


def test_the_next_sample_goes_round():
    session = Session(PRESETS["xor"])
    seen = []
    for _ in range(5):
        session.next_sample()
        seen.append(session.position.row)
    assert seen == [1, 2, 3, 0, 1]
    session.next_sample(-1)
    assert session.position.row == 0


def test_what_is_not_computed_yet_is_not_reached():
    session = Session()
    assert session.reached == "forward"  # the maps are painted with it
    session.next()
    session.next()
    assert session.reached == "loss"
    session.step_epochs()
    assert session.reached == "all"


def test_a_sample_outside_the_batch_is_only_followed_forward():
    session = Session(Setting(batch=10))
    outside = next(row for row in range(150) if row not in session.rows)
    session.choose_sample(outside)
    trace, sample = session.shown()
    assert (trace.samples, sample) == (None, 0)
    np.testing.assert_array_equal(trace.X[0], session.data.X[outside])
    session.choose_sample(2, held=True)
    trace, _ = session.shown()
    np.testing.assert_array_equal(trace.X[0], session.data.held_X[2])
    inside = int(session.rows[3])
    session.choose_sample(inside)
    trace, sample = session.shown()
    assert sample == 3
    np.testing.assert_array_equal(trace.X[sample], session.data.X[inside])


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


# ---------------------------------------------------------------- changes


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
