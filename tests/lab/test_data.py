"""Data: drawn, split, scaled, edited by hand."""

from dataclasses import replace

import numpy as np
import pytest

from glassnet import datasets
from glassnet.core.errors import BadInput
from glassnet.lab.data import built_in, edited, split
from glassnet.lab.setting import PRESETS, SETS, Setting


@pytest.mark.parametrize("name", SETS)
def test_every_set_has_its_rows_and_names(name):
    data = built_in(PRESETS[name])
    assert data.X.shape[1] == len(data.inputs) == len(data.scaling)
    assert data.y.shape == (len(data.X), len(data.outputs))
    held = 0 if data.held_X is None else len(data.held_X)
    assert held == round(PRESETS[name].held * (held + len(data.X)))


def test_training_and_validation_points_are_the_set_each_once():
    setting = Setting(scaled=False)
    data = built_in(setting)
    both = np.vstack([data.X, data.held_X])
    whole = datasets.moons(200, noise=0.1, seed=0).X
    assert sorted(map(tuple, both)) == sorted(map(tuple, whole))


def test_scaling_is_that_of_the_training_points():
    data = built_in(Setting(held=0.4))
    np.testing.assert_allclose(data.X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.X.std(axis=0), 1)
    assert abs(data.held_X.mean()) > 1e-6
    raw = built_in(Setting(held=0.4, scaled=False))
    assert f"{raw.X[:, 0].mean():.4g}" in data.scaling[0]


def test_the_notebooks_sets_are_as_they_are():
    np.testing.assert_array_equal(built_in(PRESETS["notebook"]).X, datasets.notebook_samples().X)
    np.testing.assert_array_equal(
        built_in(PRESETS["notebook_moons"]).X, datasets.notebook_moons().X
    )


def test_split_keeps_one_row_to_learn_from():
    first, second = split(4, 0.9, 0)
    assert len(first) == 1
    assert sorted([*first, *second]) == [0, 1, 2, 3]


def test_points_are_added_moved_and_deleted_one_after_the_other():
    bare = built_in(PRESETS["xor"])
    found = edited(bare, (("add", 0.5, 0.25, 1.0), ("move", 0, -1.0, -2.0), ("delete", 1)))
    np.testing.assert_array_equal(found.X, [[-1, -2], [1, 0], [1, 1], [0.5, 0.25]])
    np.testing.assert_array_equal(found.y[:, 0], [0, 1, 0, 1])
    np.testing.assert_array_equal(bare.X[0], [0, 0])  # the set itself is as it was


def test_a_point_of_many_classes_is_one_hot():
    found = edited(built_in(PRESETS["iris"]), (("add", 0.0, 0.0, 0.0, 0.0, 2.0),))
    np.testing.assert_array_equal(found.y[-1], [0, 0, 1])


def test_a_point_of_a_curve_moves_both_ways():
    found = edited(built_in(PRESETS["sine"]), (("move", 4, 0.5, 0.75), ("add", 1.0, 2.0)))
    assert (found.X[4, 0], found.y[4, 0]) == (0.5, 0.75)
    assert (found.X[-1, 0], found.y[-1, 0]) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ((("add", 1.0, 2.0),), "3 are expected"),
        ((("add", 1.0, 2.0, 7.0),), "class 7"),
        ((("move", 99, 1.0, 2.0),), "point 99"),
        ((("move", 0, 1.0),), "numbers"),
        ((("delete", -1),), "point -1"),
        ((("delete", 0),) * 4, "no point would be left"),
    ],
)
def test_points_that_cannot_be_are_refused(points, told):
    with pytest.raises(BadInput, match=told):
        edited(built_in(PRESETS["xor"]), points)


def test_a_table_of_another_page_is_not_here():
    with pytest.raises(BadInput, match="table"):
        built_in(replace(Setting(), data="table"))


def test_the_first_axes_are_the_inputs_that_tell_most():
    iris = built_in(PRESETS["iris"])
    assert {iris.inputs[i] for i in iris.axes} == {"petal length (cm)", "petal width (cm)"}
    digits = built_in(PRESETS["digits"])
    assert all(digits.X[:, i].std() > 0 for i in digits.axes)
    assert built_in(Setting()).axes == (0, 1)
    assert built_in(PRESETS["sine"]).axes == (0, 0)
