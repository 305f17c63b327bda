"""Problems: what a setting means for its data."""

from dataclasses import replace

import numpy as np
import pytest

from glassnet import BinaryCrossEntropy, CrossEntropy, Dropout, Sigmoid, Softmax, SquaredError
from glassnet.core.errors import BadInput
from glassnet.lab import limits
from glassnet.lab.data import built_in
from glassnet.lab.problem import BATCH, first_state, in_batches, numbers_a_row, problem
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
        (
            replace(PRESETS["sine"], loss="binarycrossentropy"),
            r"for numbers, a loss for numbers is expected\. Try squarederror\.",
        ),
        (Setting(loss="poisson"), r"loss for classes is expected\. Try binarycrossentropy\."),
        (replace(PRESETS["iris"], loss="poisson"), r"is expected\. Try crossentropy\."),
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


def test_clip_and_dropout_are_the_tasks():
    layers = {"hidden": (4, 3), "activations": ("tanh",) * 2}
    task = of(Setting(clip=0.5, dropout=(0.5, 0.25), seed=7, **layers)).task
    assert task.clip == 0.5
    assert task.dropout == Dropout((0.5, 0.25), seed=7)
    assert of(Setting(dropout=0.2, **layers)).task.dropout == Dropout(0.2)
    for none in (0.0, (0.0, 0.0)):
        assert of(Setting(dropout=none, **layers)).task.dropout is None
    assert of(Setting(dropout=0.5, hidden=(), activations=())).task.dropout is None


def test_a_mask_counts_where_an_update_would_be_too_large(monkeypatch):
    plain = Setting(hidden=(20, 10), activations=("tanh",) * 2, held=0.0)  # 200 rows of 33 numbers
    assert numbers_a_row(plain, built_in(plain)) == 33
    masked = replace(plain, dropout=(0.5, 0.0))
    assert numbers_a_row(masked, built_in(masked)) == 53
    monkeypatch.setattr(limits, "CELLS", 200 * 52)
    assert of(plain)
    with pytest.raises(BadInput, match="10600 rows times neurons") as refused:
        of(masked)
    assert "Try batches" in str(refused.value)
    assert in_batches(plain, built_in(plain)) == plain
    assert in_batches(masked, built_in(masked)).batch == BATCH


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
