from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from glassnet import datasets
from glassnet.core.errors import BadInput

ALL = {
    "notebook_samples": (datasets.notebook_samples, (3, 4, 1)),
    "notebook_moons": (datasets.notebook_moons, (1000, 2, 1)),
    "xor": (datasets.xor, (4, 2, 1)),
    "moons": (datasets.moons, (200, 2, 1)),
    "circles": (datasets.circles, (200, 2, 1)),
    "spiral": (datasets.spiral, (300, 2, 1)),
    "three arms": (lambda: datasets.spiral(arms=3), (300, 2, 3)),
    "sine": (datasets.sine, (100, 1, 1)),
    "iris": (datasets.iris, (150, 4, 3)),
    "digits": (datasets.digits, (1797, 64, 10)),
}
WITH_CHANCE = [datasets.moons, datasets.circles, datasets.spiral, datasets.sine]


@pytest.mark.parametrize(("make", "sizes"), ALL.values(), ids=ALL)
def test_rows_columns_and_names(make: Any, sizes: tuple[int, ...]) -> None:
    data = make()
    n, n_in, n_out = sizes
    assert data.X.shape == (n, n_in)
    assert data.y.shape == (n, n_out)
    assert data.X.dtype == data.y.dtype == np.float64
    assert np.isfinite(data.X).all()
    assert len(data.inputs) == len(set(data.inputs)) == n_in
    assert len(data.outputs) == len(set(data.outputs)) == n_out
    assert all(type(name) is str for name in data.inputs + data.outputs + data.labels)


@pytest.mark.parametrize(("make", "sizes"), ALL.values(), ids=ALL)
def test_arrays_are_read_only(make: Any, sizes: tuple[int, ...]) -> None:
    data = make()
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 7.0
    with pytest.raises(ValueError, match="read-only"):
        data.y[0, 0] = 7.0


@pytest.mark.parametrize(
    "make", [make for name, (make, _) in ALL.items() if name != "sine"],
    ids=[name for name in ALL if name != "sine"],
)  # fmt: skip
def test_classes_agree_with_y(make: Any) -> None:
    data = make()
    assert set(data.classes) == set(range(len(data.labels)))
    if len(data.labels) == 2:
        assert np.array_equal(data.y[:, 0], data.classes)
    else:
        assert np.array_equal(data.y, np.eye(len(data.labels))[data.classes])
        assert data.outputs == data.labels


@pytest.mark.parametrize("make", WITH_CHANCE)
def test_chance_is_an_argument(make: Any) -> None:
    a, same, other = make(50, seed=3), make(50, seed=3), make(50, seed=4)
    assert np.array_equal(a.X, same.X)
    assert np.array_equal(a.y, same.y)
    assert not np.array_equal(a.X, other.X)
    assert len(a.X) == 50


@pytest.mark.parametrize("make", WITH_CHANCE)
def test_global_stream_is_left_alone(make: Any) -> None:
    np.random.seed(1)
    before = np.random.get_state(legacy=False)["state"]["key"].copy()
    make(20)
    assert np.array_equal(before, np.random.get_state(legacy=False)["state"]["key"])


@pytest.mark.parametrize("make", WITH_CHANCE)
@pytest.mark.parametrize(
    "arguments", [{"n": 0}, {"n": -5}, {"n": 2.5}, {"noise": -0.1}, {"noise": float("nan")}]
)
def test_senseless_sizes_are_refused(make: Any, arguments: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="expected"):
        make(**arguments)


def test_notebook_samples() -> None:
    data = datasets.notebook_samples()
    assert data.X.tolist() == [[1, 0, 0, 0], [1, 0, 1, 1], [0, 1, 0, 1]]
    assert data.y.tolist() == [[1], [1], [0]]


def test_notebook_moons_are_scaled_as_in_the_notebook() -> None:
    from sklearn.datasets import make_moons

    X, y = make_moons(n_samples=1000, random_state=42, noise=0.1)
    X -= X.min()
    X /= X.max()
    data = datasets.notebook_moons()
    assert np.array_equal(data.X, X)
    assert np.array_equal(data.y[:, 0], y)
    assert (data.X.min(), data.X.max()) == (0.0, 1.0)


@pytest.mark.parametrize("noise", [0.0, 0.2])
@pytest.mark.parametrize("n", [2, 5, 200])
def test_moons_and_circles_are_those_of_scikit_learn(n: int, noise: float) -> None:
    from sklearn.datasets import make_circles, make_moons

    X, y = make_moons(n, noise=noise, random_state=7)
    data = datasets.moons(n, noise=noise, seed=7)
    assert np.array_equal(data.X, X)
    assert np.array_equal(data.classes, y)
    X, y = make_circles(n, noise=noise, random_state=7, factor=0.5)
    data = datasets.circles(n, noise=noise, seed=7)
    assert np.array_equal(data.X, X)
    assert np.array_equal(data.classes, y)


def test_moons_do_not_load_scikit_learn() -> None:
    # most of a second, which the lab's first screen does not have
    code = (
        "import sys; from glassnet.datasets import moons; moons(); print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_xor() -> None:
    data = datasets.xor()
    assert np.array_equal(data.y[:, 0], data.X[:, 0] != data.X[:, 1])


def test_without_noise_points_lie_on_their_curve() -> None:
    circles = datasets.circles(40, noise=0.0)
    radius = np.hypot(*circles.X.T)
    assert np.allclose(radius, np.where(circles.classes == 0, 1.0, 0.5))
    sine = datasets.sine(40, noise=0.0)
    assert np.allclose(sine.y, np.sin(sine.X))
    assert (np.diff(sine.X[:, 0]) > 0).all()


@pytest.mark.parametrize("arms", [2, 3, 5])
def test_arms_of_the_spiral_are_turned_copies(arms: int) -> None:
    data = datasets.spiral(600, arms=arms, turns=1.0, noise=0.0, seed=1)
    radius, angle = np.hypot(*data.X.T), np.arctan2(data.X[:, 1], data.X[:, 0])
    turned = angle - 2 * np.pi * data.classes / arms
    assert np.allclose(np.exp(1j * turned), np.exp(2j * np.pi * radius))
    assert radius.max() <= 1.0


def test_a_spiral_needs_two_arms() -> None:
    with pytest.raises(BadInput, match="arms=1"):
        datasets.spiral(arms=1)


def test_standardised() -> None:
    data = datasets.digits().standardised()
    constant = datasets.digits().X.std(axis=0) == 0
    assert constant.any()
    assert np.abs(data.X.mean(axis=0)).max() < 1e-12
    assert np.allclose(data.X.std(axis=0), np.where(constant, 0.0, 1.0))
    assert np.array_equal(data.y, datasets.digits().y)


def test_numbers_have_no_classes() -> None:
    with pytest.raises(BadInput, match="are numbers"):
        _ = datasets.sine().classes


@pytest.mark.parametrize(
    ("X", "y", "inputs"),
    [
        (np.zeros((3, 2)), np.zeros(3), ("a", "b")),
        (np.zeros(3), np.zeros((3, 1)), ("a",)),
        (np.zeros((3, 2)), np.zeros((2, 1)), ("a", "b")),
        (np.zeros((3, 2)), np.zeros((3, 1)), ("a",)),
    ],
)
def test_parts_that_do_not_fit_are_refused(X: Any, y: Any, inputs: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        datasets.Dataset("own", X, y, inputs=inputs, outputs=("y",))


def test_importing_loads_numpy_alone() -> None:
    code = "import sys, glassnet.datasets; print('sklearn' in sys.modules, 'scipy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]
