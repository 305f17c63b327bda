"""The timeline: every past epoch exactly as it was, in bounded memory."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from glassnet import train
from glassnet.core.errors import BadInput
from glassnet.engines.divergence import Divergence
from glassnet.lab import limits
from glassnet.lab.data import built_in
from glassnet.lab.player import further
from glassnet.lab.problem import first_state, problem
from glassnet.lab.setting import PRESETS, Setting
from glassnet.lab.timeline import MOST, Timeline


def of(setting):
    return problem(setting, built_in(setting))


def states(one, epochs):
    """The run in one go, a state for each epoch."""
    data = one.data
    stream = train(
        one.task,
        data.X,
        data.y,
        first_state(one),
        epochs=epochs,
        batch_size=one.batch,
        validation=one.validation,
    )
    return list(stream)


RUNS = {
    "full batch": Setting(),
    "batches": Setting(batch=32, optimizer="adam:lr=0.03"),
    "the notebook": PRESETS["notebook"],
    "three classes": PRESETS["iris"],
}


@pytest.mark.parametrize("setting", RUNS.values(), ids=RUNS)
def test_any_epoch_is_as_it_was_in_an_uninterrupted_run(setting):
    one = of(setting)
    records = states(one, 60)
    timeline = Timeline(one)
    for piece in (1, 7, 20, 2, 30):
        timeline.advance(piece)
    assert timeline.end == 60
    for epoch in (60, 1, 59, 13, 30, 28):
        there = timeline.at(epoch)
        assert there.epoch == epoch
        np.testing.assert_array_equal(there.theta, records[epoch - 1].state.theta)
        for a, b in zip(there.slots, records[epoch - 1].state.slots, strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(timeline.at(0).theta, first_state(one).theta)
    np.testing.assert_array_equal(timeline.curve(), [r.loss for r in records])
    if one.validation is not None:
        np.testing.assert_array_equal(timeline.curve("validation"), [r.val_loss for r in records])


def test_keyframes_are_bounded_and_epochs_between_them_are_still_exact(monkeypatch):
    one = of(Setting())
    size = first_state(one).theta.nbytes
    monkeypatch.setattr(limits, "KEYFRAMES", 20 * size)
    timeline = Timeline(one)
    for _ in range(400):
        timeline.advance(1)
    assert timeline.keyframes <= 21
    records = states(one, 400)
    for epoch in (3, 111, 256, 399):
        np.testing.assert_array_equal(timeline.at(epoch).theta, records[epoch - 1].state.theta)


def test_no_epoch_of_a_long_run_is_far_from_a_keyframe():
    timeline = Timeline(of(PRESETS["xor"]))
    pieces = 4 * MOST
    for _ in range(pieces):
        timeline.advance(1)
    epochs = [*timeline._epochs, timeline.end]
    assert max(np.diff(epochs)) <= 4 * pieces / MOST


def test_a_change_forgets_what_followed_and_both_parts_stay_exact():
    one = of(Setting())
    slower = replace(one, task=of(Setting(optimizer="sgd:lr=0.1")).task)
    timeline = Timeline(one)
    timeline.advance(50)
    timeline.change(30, slower, timeline.at(30))
    assert timeline.end == 30
    timeline.advance(20)
    assert timeline.problem_at(29) is one
    assert timeline.problem_at(30) is slower
    before = states(one, 30)
    data = one.data
    after = list(train(slower.task, data.X, data.y, before[-1].state, epochs=20))
    np.testing.assert_array_equal(timeline.at(12).theta, before[11].state.theta)
    np.testing.assert_array_equal(timeline.at(41).theta, after[10].state.theta)
    np.testing.assert_array_equal(timeline.curve()[30:], [r.loss for r in after])


def test_a_change_at_the_start_replaces_the_first_state():
    one = of(Setting())
    timeline = Timeline(one)
    timeline.advance(3)
    begin = timeline.at(0)
    timeline.change(0, one, replace(begin, theta=begin.theta * 2))
    assert timeline.end == 0
    np.testing.assert_array_equal(timeline.at(0).theta, begin.theta * 2)


def test_a_run_that_diverges_keeps_its_last_good_epoch():
    setting = Setting(data="sine", optimizer="sgd:lr=5", hidden=(8,), activations=("relu",))
    one = of(setting)
    timeline = Timeline(one)
    with pytest.raises(Divergence) as told:
        timeline.advance(5000)
    assert 0 < timeline.end == told.value.state.epoch
    assert np.isfinite(timeline.at(timeline.end).theta).all()
    assert len(timeline.curve()) == timeline.end


def test_epochs_that_were_not_and_those_beyond_the_limit_are_refused(monkeypatch):
    timeline = Timeline(of(Setting()))
    timeline.advance(5)
    with pytest.raises(BadInput, match="epoch 6"):
        timeline.at(6)
    monkeypatch.setattr(limits, "EPOCHS", 5)
    with pytest.raises(BadInput, match="5 epochs are behind"):
        timeline.advance(1)


def test_what_changes_keep_is_bounded_and_the_run_stays(monkeypatch):
    one = of(Setting())
    size = first_state(one).theta.nbytes
    monkeypatch.setattr(limits, "CHANGED", 3 * size)
    timeline = Timeline(one)
    timeline.advance(10)
    for epoch in (2, 4, 6):
        timeline.change(epoch, one, timeline.at(epoch))
        timeline.advance(2)
    with pytest.raises(BadInput, match="changes"):
        timeline.change(8, one, timeline.at(8))
    assert timeline.end == 8
    timeline.change(6, one, timeline.at(6))  # in place of one that was there
    more = replace(one, data=replace(one.data, X=one.data.X.copy()))
    timeline.change(2, one, timeline.at(2))
    timeline.advance(1)
    with pytest.raises(BadInput, match="rows"):  # rows of its own are counted too
        timeline.change(3, more, timeline.at(3))


def test_a_look_back_does_not_wait_for_who_trains_on():
    timeline = Timeline(of(Setting()))
    timeline.advance(10)
    with ThreadPoolExecutor(1) as pool, timeline._training:
        assert pool.submit(timeline.at, 5).result(timeout=10).epoch == 5


def test_a_change_does_not_wait_for_who_trains_on_and_that_comes_to_nothing():
    one = of(Setting(held=0.25))
    timeline, other = Timeline(one), of(Setting(held=0.25, l2=0.1))
    timeline.advance(10)
    sixth, trained = timeline.at(6), timeline._train

    def meanwhile(*given):
        record = trained(*given)
        if timeline.end == 10:  # somebody changes something in epoch 6, on another thread
            with ThreadPoolExecutor(1) as pool:
                pool.submit(timeline.change, 6, other, sixth).result(timeout=10)
        return record

    timeline._train = meanwhile
    timeline.advance(30)
    assert timeline.end == 6
    assert len(timeline.curve()) == 6
    timeline.advance(4)
    straight = Timeline(one)
    straight.advance(6)
    straight.change(6, other, straight.at(6))
    straight.advance(4)
    np.testing.assert_array_equal(timeline.at(10).theta, straight.at(10).theta)
    np.testing.assert_array_equal(timeline.curve("objective"), straight.curve("objective"))


def test_two_who_ask_at_once_get_each_the_epoch_that_was_asked_for():
    run = Timeline(of(PRESETS["xor"]))

    def asked(_: int) -> list[int]:
        return [further(run, epoch, []).epoch for epoch in range(1, 400)]

    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(asked, range(2)):
            assert found == list(range(1, 400))


def test_what_is_played_again_goes_on_from_where_it_came_to():
    one = of(PRESETS["xor"])
    timeline, trained = Timeline(one), []
    timeline.advance(1000)  # no keyframe in between
    whole = timeline.onward

    def counted(one, state, epochs):
        trained.append(epochs)
        return whole(one, state, epochs)

    timeline.onward = counted
    state = None
    for epoch in (100, 110, 135):
        state = further(timeline, epoch, [], state)
        assert state.epoch == epoch
        np.testing.assert_array_equal(state.theta, timeline.at(epoch).theta)
    assert trained[::2] == [100, 10, 25]


def test_what_is_played_again_takes_up_a_change_on_its_way():
    one = of(PRESETS["xor"])
    timeline = Timeline(one)
    timeline.advance(100)
    before = timeline.at(90)
    there = timeline.at(95)
    timeline.change(95, one, replace(there, theta=there.theta + 1))
    timeline.advance(10)
    np.testing.assert_array_equal(further(timeline, 100, [], before).theta, timeline.at(100).theta)
