"""Frames: every number in them is the library's."""

import base64
import json
import math

import numpy as np
import pytest

from glassnet import forward
from glassnet.exchange.tables import table_of
from glassnet.lab.frame import GRID, frame, grid_rows, structure
from glassnet.lab.session import Session
from glassnet.lab.setting import PRESETS, SETS, Setting
from glassnet.lab.tables import choose
from glassnet.training.metrics import accuracy


@pytest.mark.parametrize("data", SETS)
def test_every_set_has_a_frame_of_plain_json(data):
    session = Session(PRESETS[data])
    session.step_epochs()
    json.dumps([structure(session), frame(session)], allow_nan=False)


def test_weights_losses_and_answers_are_those_of_the_trace():
    session = Session()
    session.step_epochs()
    session.choose_sample(7)
    found, trace = frame(session), session.trace
    values = trace.values
    np.testing.assert_array_equal(found["W"][0], values["W1"].ravel())
    np.testing.assert_array_equal(found["W"][1], values["W2"].ravel())
    np.testing.assert_array_equal(found["b"][0], values["b1"])
    np.testing.assert_allclose(found["a"][1], values["a1"][7], rtol=1e-14)
    np.testing.assert_allclose(found["a"][2], values["a2"][7], rtol=1e-14)
    np.testing.assert_array_equal(found["a"][0], session.data.X[7])
    assert math.isclose(found["loss"], float(values["L"] / values["N"]), rel_tol=1e-14)
    assert found["score"] == accuracy(values["a2"], session.data.y)
    assert found["update"] == 2
    assert found["val"] is not None


def test_the_map_is_the_networks_answer_cell_by_cell():
    session = Session()
    for _ in range(20):
        session.step_epochs()
    rows = grid_rows(session)
    assert rows.shape == (GRID * GRID, 2)
    assert rows[0, 1] > rows[-1, 1]  # the top row first
    assert rows[0, 0] < rows[1, 0]
    answers = forward(session.problem.task.net, session.state.theta, rows)[-1].a[:, 0]
    found = np.frombuffer(base64.b64decode(frame(session)["map"]), dtype=np.uint8)
    np.testing.assert_array_equal(found, np.rint(answers * 255))
    assert found.max() > 200
    assert found.min() < 50


@pytest.mark.parametrize("data", ["iris", "digits"])
def test_an_input_that_is_held_has_the_colour_of_its_value(data):
    session = Session(PRESETS[data])
    found, shape = frame(session), structure(session)
    cells = shape["cells"] ** 2
    maps = np.frombuffer(base64.b64decode(found["maps"][0]), dtype=np.uint8).reshape(-1, cells)
    for k, i in enumerate(shape["shown"][0]):
        most = max(np.abs(X[:, i]).max() for X in (session.data.X, session.data.held_X))
        assert found["scale"][0][k] == ([-most, most] if most else [-1, 1])
        held = i not in session.view.axes
        assert np.isin(maps[k], (127, 128)).all() == held  # a held one is 0, the mean


def test_a_neurons_map_is_its_answer_over_the_same_grid():
    session = Session()
    net, theta = session.problem.task.net, session.state.theta
    a1 = forward(net, theta, grid_rows(session))[0].a
    found = frame(session)
    maps = np.frombuffer(base64.b64decode(found["maps"][1]), dtype=np.uint8).reshape(8, 20, 20)
    expected = a1[:, 3].reshape(GRID, GRID)[::2, ::2]
    np.testing.assert_array_equal(maps[3], np.rint((expected + 1) / 2 * 255))
    assert found["scale"][1] == [[-1.0, 1.0]] * 8


def test_a_hard_class_is_a_switch():
    session = Session()
    assert frame(session)["classes"] is None
    session.look(hard=True)
    found = frame(session)
    classes = np.frombuffer(base64.b64decode(found["classes"]), dtype=np.uint8)
    sure = np.frombuffer(base64.b64decode(found["map"]), dtype=np.uint8)
    np.testing.assert_array_equal(classes[sure > 128], 1)
    np.testing.assert_array_equal(classes[sure < 127], 0)


def test_three_classes_have_a_class_and_how_sure_it_is():
    session = Session(PRESETS["iris"])
    for _ in range(30):
        session.step_epochs()
    found = frame(session)
    classes = np.frombuffer(base64.b64decode(found["classes"]), dtype=np.uint8)
    assert set(classes) <= {0, 1, 2}
    assert len(set(classes)) > 1
    assert found["map_range"] == [1 / 3, 1.0]


def test_other_inputs_are_held_where_one_says():
    session = Session(PRESETS["iris"])
    session.look(axes=(2, 0), at=(0.0, 7.5, 0.0, -7.5))
    rows = grid_rows(session)
    assert set(rows[:, 1]) == {7.5}
    assert set(rows[:, 3]) == {-7.5}
    assert len(set(rows[:, 2])) == len(set(rows[:, 0])) == GRID
    told = {one["name"]: one["value"] for one in structure(session)["held_at"]}
    assert list(told.values()) == [7.5, -7.5]


def test_one_input_is_a_line():
    session = Session(PRESETS["sine"])
    found = frame(session)
    assert len(found["line"]) == GRID
    assert found["map"] is None
    assert structure(session)["line"]


def test_many_inputs_and_neurons_are_counted():
    session = Session(PRESETS["digits"])
    shape = structure(session)
    assert len(shape["shown"][0]) == 4
    assert {*session.view.axes} <= {*shape["shown"][0]}
    assert shape["elided"] == [60, 24, 2]


def test_points_are_those_of_the_data_and_validation_points_are_told_apart():
    session = Session()
    points, data = structure(session)["points"], session.data
    held = np.array(points["held"], dtype=bool)
    np.testing.assert_array_equal(np.array(points["x"])[~held], data.X[:, 0])
    np.testing.assert_array_equal(np.array(points["y"])[held], data.held_X[:, 1])
    np.testing.assert_array_equal(np.array(points["c"])[~held], data.y[:, 0])
    (low, high), (bottom, top) = structure(session)["range"]
    assert low < min(points["x"]) < max(points["x"]) < high
    assert bottom < min(points["y"]) < max(points["y"]) < top


def test_long_curves_are_thinned_and_end_at_the_last_epoch():
    session = Session()
    session.timeline.advance(5000)
    session.go(5000)
    curve = frame(session)["curve"]
    assert len(curve["x"]) <= 300
    assert curve["x"][-1] == 5000
    for x, loss in zip(curve["x"], curve["loss"], strict=True):
        assert loss == session.timeline.curve()[x - 1]


def test_what_is_not_finite_is_null():
    session = Session(Setting(data="sine", activations=("relu",), scaled=False))
    session.edit("W2[0,0]", "1e300")
    session.edit("W1[0,0]", "1e300")
    found = frame(session)
    assert found["loss"] is None
    json.dumps(found, allow_nan=False)


def test_an_answer_is_said_in_the_datas_own_words():
    session = Session(PRESETS["iris"])
    for _ in range(100):
        session.step_epochs()
    session.choose_sample(0)
    found = frame(session)
    assert (found["answer"], found["wanted"]) == ("setosa", "setosa")
    session = Session(PRESETS["sine"])
    assert frame(session)["wanted"] == f"−{-session.data.y[0, 0]:.4g}"


def test_large_numbers_are_written_out():
    prices = table_of({"size": np.arange(40.0), "price": 100_800 - 13 * np.arange(40.0)})
    session = Session()
    session.use_table(choose(prices, "price", held=0.0))
    session.choose_sample(1)
    assert frame(session)["wanted"] == "100 787"


def test_an_own_tables_answers_are_in_its_unit():
    prices = table_of({"size": np.arange(40.0), "price": 9 + np.arange(40.0) / 13})
    session = Session()
    session.use_table(choose(prices, "price", held=0.0))
    session.choose_sample(13)
    found = frame(session)
    assert found["wanted"] == "10"
    assert structure(session)["standardised"]  # what is drawn is not in its unit
    assert not structure(Session(PRESETS["sine"]))["standardised"]
    assert not structure(Session())["standardised"]
    target, answer = session.data.target, session.trace.values["a2"][13]
    assert found["answer"] == f"{answer[0] * target.scale + target.mean:.4g}"
