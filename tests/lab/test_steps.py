"""Steps: within an update, from sample to sample, from batch to batch."""

import numpy as np

from glassnet import train
from glassnet.lab.pick import Pick
from glassnet.lab.problem import first_state
from glassnet.lab.session import Session
from glassnet.lab.setting import PRESETS, Setting
from tests.lab.playing import there


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
