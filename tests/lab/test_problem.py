"""Problems: what a setting means for its data."""

from dataclasses import replace

import numpy as np
import pytest

from glassnet import BinaryCrossEntropy, CrossEntropy, Sigmoid, Softmax, SquaredError
from glassnet.core.errors import BadInput
from glassnet.lab.data import built_in
from glassnet.lab.problem import first_state, problem
from glassnet.lab.setting import PRESETS, Setting


def of(setting):
    return problem(setting, built_in(setting))


@pytest.mark.parametrize(
    ("data", "loss", "output"),
    [
        ("moons", BinaryCrossEntropy, Sigmoid),
        ("iris", CrossEntropy, Softmax),
        ("notebook", SquaredError, Sigmoid),
    ],
)
def test_loss_and_output_follow_the_data(data, loss, output):
    task = of(PRESETS[data]).task
    assert isinstance(task.loss, loss)
    assert isinstance(task.net.layers[-1].activation, output)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (Setting(loss="crossentropy"), "crossentropy"),
        (Setting(output="softmax"), "softmax"),
        (Setting(output="tanh"), "sigmoid outputs"),
        (replace(PRESETS["sine"], loss="binarycrossentropy"), "for numbers"),
        (replace(PRESETS["sine"], loss="poisson"), "0 or more"),
        (replace(PRESETS["digits"], hidden=(128,) * 8, activations=("tanh",) * 8), ""),
    ],
)
def test_what_does_not_fit_is_refused(setting, told):
    if not told:
        assert of(setting).task.net.n_params < 200_000
        return
    with pytest.raises(BadInput, match=told):
        of(setting)


def test_the_same_setting_the_same_bits():
    one = of(Setting(seed=9))
    np.testing.assert_array_equal(first_state(one).theta, first_state(of(Setting(seed=9))).theta)
    assert (first_state(of(Setting(seed=8))).theta != first_state(one).theta).any()


def test_new_starts_are_the_streams_next_draws():
    rng = np.random.default_rng(9)
    net = of(Setting(seed=9)).task.net
    drawn = [net.init(rng) for _ in range(3)]
    for k, theta in enumerate(drawn):
        np.testing.assert_array_equal(first_state(of(Setting(seed=9, start=k))).theta, theta)


def test_the_notebooks_own_numbers_are_drawn():
    stream = np.random.RandomState(42)
    first, second, moons = (stream.uniform(size=n) for n in (15, 15, 30))
    begin = first_state(of(replace(PRESETS["notebook"], start=0)))
    np.testing.assert_array_equal(begin.theta, first)
    np.testing.assert_array_equal(first_state(of(PRESETS["notebook"])).theta, second)
    np.testing.assert_array_equal(first_state(of(PRESETS["notebook_moons"])).theta, moons)
