"""The gradient check: right for what is right, exact about what is wrong, honest about kinks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.core.activations import (
    Activation,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from glassnet.core.errors import BadInput
from glassnet.core.losses import Absolute, BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from glassnet.core.network import Network
from glassnet.engines.base import Task
from glassnet.engines.reference import Reference
from glassnet.walkthrough.check import Checked, check_gradients
from tests.core.instances import ALL_ACTIVATIONS, ALL_LOSSES, ELEMENTWISE, sensible
from tests.engines.instances import TASKS, begin, data


def shown(rows: list[Checked]) -> str:
    return "; ".join(f"{row.name} {row.error:.1e} {row.verdict}" for row in rows)


def output_of(loss: Loss) -> Activation:
    return loss.link or Identity()


def samples(loss: Loss, n_in: int, n_out: int, seed: int, n: int = 7) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_in))
    _, _, y = sensible(loss, rng, n, n_out)
    return X, y


# ---- right


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
@pytest.mark.parametrize("activation", ALL_ACTIVATIONS, ids=str)
def test_every_activation_and_loss_is_right(activation: Activation, loss: Loss) -> None:
    net = Network.mlp(2, 3, 3, 2, activation=activation, output=output_of(loss))
    X, y = samples(loss, 2, 2, seed=1)
    theta = 0.5 * np.random.default_rng(1).normal(size=net.n_params)
    rows = check_gradients(Task(net, loss), theta, X, y)
    assert [row.name for row in rows] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert [row.layer for row in rows] == [1, 1, 2, 2, 3, 3]
    assert all(row.agrees for row in rows), shown(rows)
    assert all(row.kinks == 0 for row in rows), shown(rows)
    assert any(np.abs(row.computed).max() > 1e-3 for row in rows[:2])  # it was no idle check


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_weights_reductions_and_penalties_are_right(
    task: Task, weighted: bool, reduction: Any
) -> None:
    task = replace(task, reduction=reduction, l1=0.01, l2=0.1)
    X, y, weight = data(task)
    rows = check_gradients(task, begin(task).theta, X, y, weight if weighted else None)
    assert all(row.agrees for row in rows), shown(rows)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    activations=st.lists(st.sampled_from(ELEMENTWISE[:-1]), min_size=3, max_size=3),
    bias=st.booleans(),
    seed=st.integers(0, 2**16),
    scale=st.sampled_from([0.1, 1.0, 2.0]),
)
def test_random_networks_are_right(
    sizes: list[int], activations: list[Activation], bias: bool, seed: int, scale: float
) -> None:
    net = Network.mlp(*sizes, activation=activations[: len(sizes) - 2], bias=bias)
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(5, sizes[0]))
    y = rng.normal(size=(5, sizes[-1]))
    theta = scale * rng.normal(size=net.n_params)
    rows = check_gradients(Task(net, SquaredError(), l2=0.01), theta, X, y)
    assert all(row.agrees for row in rows), shown(rows)


def test_clipping_has_no_part_in_the_gradient_that_is_checked() -> None:
    task = replace(TASKS[0], clip=1e-6)
    X, y, _ = data(task)
    assert all(row.agrees for row in check_gradients(task, begin(task).theta, X, y))


def test_float32_is_checked_in_float64() -> None:
    task = TASKS[1]
    X, y, weight = data(task, dtype=np.float32)
    theta = begin(task, dtype=np.float32).theta
    rows = check_gradients(task, theta, X, y, weight)
    assert all(row.agrees and row.error < 1e-6 for row in rows), shown(rows)
    assert {row.measured.dtype for row in rows} == {np.dtype(np.float64)}
    assert theta.dtype == np.float32


def test_saturated_and_nearly_solved_networks_raise_no_false_alarm() -> None:
    task = Task(Network.mlp(2, 3, 1, output=Sigmoid()), BinaryCrossEntropy())
    X, y, _ = data(task)
    for scale in (1e-8, 30.0, 300.0):
        rows = check_gradients(task, scale * begin(task).theta, X, y.round())
        assert all(row.agrees for row in rows), (scale, shown(rows))
    line = Task(Network.mlp(2, 1), SquaredError())
    theta = np.array([1.0, 2.0, 3.0])
    exact = X @ theta[:2, None] + 3.0  # every residual is 0, and so is the gradient
    rows = check_gradients(line, theta, X, exact)
    assert all(row.agrees for row in rows), shown(rows)


def test_rows_hold_what_was_compared() -> None:
    task = TASKS[1]
    X, y, weight = data(task)
    theta = begin(task).theta
    rows = check_gradients(task, theta, X, y, weight)
    _, grad = Reference().loss_and_grad(task, theta, (X, y, weight))
    for row, (name, part) in zip(rows, task.net.named(grad).items(), strict=True):
        assert (row.name, row.shape) == (name, part.shape)
        np.testing.assert_array_equal(row.computed, part)
        np.testing.assert_allclose(row.measured, part, rtol=1e-6, atol=1e-9)
        assert row.error == row.relative.max() == row.relative[row.worst]
        assert row.verdict == "right"


# ---- wrong


@dataclass(frozen=True)
class Slanted(Activation):
    """a = tanh z, with a slope that is too steep by a little."""

    @staticmethod
    def f(z: Any) -> Any:
        return np.tanh(z)

    @staticmethod
    def df(z: Any, a: Any) -> Any:
        return 1.00001 * (1.0 - a * a)


@pytest.mark.parametrize("wrong", [1, 2, 3])
def test_a_wrong_derivative_is_found_where_it_is_and_below(wrong: int) -> None:
    activations: list[Activation] = [Tanh(), Tanh(), Tanh()]
    activations[wrong - 1] = Slanted()
    net = Network.mlp(2, 4, 3, 2, activation=activations[:2], output=activations[2])
    X, y = samples(SquaredError(), 2, 2, seed=3)
    rows = check_gradients(Task(net, SquaredError()), net.init(2), X, y)
    for row in rows:
        assert row.agrees == (row.layer > wrong), shown(rows)
        assert row.verdict == ("right" if row.layer > wrong else "wrong")


@dataclass(frozen=True)
class HalfForgotten(Loss):
    """ℓ = (a - y)², with the slope of half of it."""

    @staticmethod
    def f(a: Any, y: Any) -> Any:
        return (a - y) ** 2

    @staticmethod
    def df(a: Any, y: Any) -> Any:
        return a - y


def test_a_wrong_loss_is_found_everywhere() -> None:
    net = Network.mlp(2, 4, 1)
    X, y = samples(SquaredError(), 2, 1, seed=3)
    rows = check_gradients(Task(net, HalfForgotten()), net.init(2), X, y)
    assert [row.verdict for row in rows] == ["wrong"] * 4
    assert all(row.error == pytest.approx(0.5, rel=1e-3) for row in rows)


class OneOff(Reference):
    """The gradient's entry `at` is changed by `how`; the objective is right."""

    def __init__(self, at: int, how: Any) -> None:
        object.__setattr__(self, "at", at)
        object.__setattr__(self, "how", how)

    def loss_and_grad(self, task: Any, theta: Any, samples: Any) -> Any:
        J, grad = super().loss_and_grad(task, theta, samples)
        grad = grad.copy()
        grad[self.at] = self.how(grad[self.at])  # type: ignore[attr-defined]
        return J, grad


CHANGES: dict[str, Any] = {
    "by a hundred-thousandth": lambda g: g * 1.00001,
    "sign": lambda g: -g,
    "nought": lambda g: 0.0,
    "nan": lambda g: np.nan,
    "infinite": lambda g: np.inf,
}


@pytest.mark.parametrize("activation", [Tanh(), ReLU()], ids=str)
@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize(
    ("at", "name", "place"),
    [(4, "W1", (1, 1)), (7, "b1", (1,)), (13, "W2", (2, 0)), (16, "b2", (1,))],
)
def test_one_wrong_entry_is_named_with_its_place(
    at: int, name: str, place: tuple[int, ...], how: str, activation: Activation
) -> None:
    task = Task(Network.mlp(2, 3, 2, activation=activation), SquaredError(), l2=0.1)
    X, y = samples(SquaredError(), 2, 2, seed=5, n=9)
    theta = begin(task, seed=3).theta
    rows = check_gradients(task, theta, X, y, engine=OneOff(at, CHANGES[how]))
    assert [row.name for row in rows if not row.agrees] == [name], shown(rows)
    (row,) = (row for row in rows if row.name == name)
    assert row.worst == place
    assert row.verdict == "wrong"
    assert row.kinks == 0


def test_penalties_and_weights_that_the_gradient_forgets_are_found() -> None:
    class Forgetting(Reference):
        def loss_and_grad(self, task: Any, theta: Any, samples: Any) -> Any:
            J, _ = super().loss_and_grad(task, theta, samples)
            return J, super().loss_and_grad(replace(task, l2=0.0), theta, samples)[1]

    task = Task(Network.mlp(2, 3, 1), SquaredError(), l2=0.1)
    X, y, _ = data(task)
    rows = check_gradients(task, begin(task).theta, X, y, engine=Forgetting())
    assert [row.verdict for row in rows] == ["wrong", "right", "wrong", "right"]


# ---- kinks


def test_relu_at_nought_is_a_kink_and_no_error() -> None:
    net = Network.mlp(1, 2, 1, activation=ReLU(), bias=False)
    theta = np.array([0.0, 1.0, 1.0, 1.0])  # z of the first neuron is 0 for every sample
    X, y = np.array([[1.0], [2.0]]), np.array([[5.0], [7.0]])
    first, second = check_gradients(Task(net, SquaredError()), theta, X, y)
    assert first.verdict == "right, 1 at a kink not measured"
    assert first.kinks == 1
    assert np.isnan(first.relative[0, 0])
    assert first.error < 1e-6
    assert first.worst == (0, 1)  # of those that were measured
    assert second.verdict == "right"


def test_l1_at_weights_of_nought_is_a_kink() -> None:
    net = Network.mlp(2, 2)
    theta = np.array([0.0, 1.0, -2.0, 0.0, 0.0, 0.0])
    X, y = samples(SquaredError(), 2, 2, seed=1)
    W, b = check_gradients(Task(net, SquaredError(), l1=0.1), theta, X, y)
    assert W.kinks == 2
    assert W.agrees
    assert (b.kinks, b.verdict) == (0, "right")  # biases are not penalised


def test_leaky_relu_and_absolute_error_through_two_layers() -> None:
    net = Network.mlp(2, 4, 4, 2, activation=LeakyReLU(alpha=0.1))
    task = Task(net, Absolute())
    for seed in range(8):
        X, y = samples(Absolute(), 2, 2, seed=seed, n=20)
        theta = begin(task, seed=seed).theta.copy()
        if seed % 2:
            net.views(theta)[0][0][:, 0] = 0.0  # a neuron whose z is 0 everywhere
            y[0] = Reference().predict(net, theta, X)[0]  # exactly at the kink of |a - y|
        rows = check_gradients(task, theta, X, y)
        assert all(row.agrees for row in rows), (seed, shown(rows))
        if seed % 2:
            assert all("at a kink not measured" in row.verdict for row in rows), shown(rows)
        else:
            assert not any(row.kinks for row in rows), shown(rows)


def test_kinks_at_any_distance_raise_no_alarm_and_hide_no_fault() -> None:
    # one neuron whose kink lies just beside the weight, from far inside the step to outside it
    net = Network.mlp(1, 1, 1, activation=ReLU(), bias=False)
    X, y = np.array([[1.0], [2.0]]), np.array([[5.0], [7.0]])
    task = Task(net, SquaredError())
    for distance in np.geomspace(1e-8, 1e-4, 60):
        for w in (distance, -distance):
            theta = np.array([w, 1.0])
            first, second = check_gradients(task, theta, X, y)
            assert first.agrees, (w, shown([first]))
            assert second.agrees, (w, shown([second]))
            if w > 2e-6:  # farther than the short step: it can be measured, and is
                first, _ = check_gradients(task, theta, X, y, engine=OneOff(0, lambda g: 1.001 * g))
                assert first.verdict == "wrong", w


def test_many_rows_with_kinks_raise_no_alarm() -> None:
    net = Network.mlp(3, 8, 8, 1, activation=ReLU())
    rng = np.random.default_rng(0)
    X, theta = rng.normal(size=(1500, 3)), rng.normal(size=net.n_params)
    y = rng.normal(size=(1500, 1))
    rows = check_gradients(Task(net, Absolute()), theta, X, y)
    assert all(row.agrees for row in rows), shown(rows)
    assert sum(row.kinks for row in rows) < 0.1 * net.n_params


def test_a_wrong_gradient_is_found_beside_kinks() -> None:
    net = Network.mlp(1, 2, 1, activation=ReLU(), bias=False)
    theta = np.array([0.0, 1.0, 1.0, 1.0])
    X, y = np.array([[1.0], [2.0]]), np.array([[5.0], [7.0]])
    task = Task(net, SquaredError())
    first, _ = check_gradients(task, theta, X, y, engine=OneOff(1, lambda g: 1.001 * g))
    assert first.verdict == "wrong"
    assert first.worst == (0, 1)


# ---- input


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"theta": np.zeros(3)}, r"theta has shape \(3,\)"),
        ({"theta": np.full(9, np.nan)}, "theta"),
        ({"X": np.zeros((2, 7))}, r"X\.T"),
        ({"y": np.zeros(7)}, "reshape"),
        ({"weight": -np.ones(7)}, "weights"),
    ],
    ids=["theta", "nan", "X.T", "y", "weight"],
)
def test_bad_input_is_refused_in_one_line(change: dict[str, Any], says: str) -> None:
    task = Task(Network.mlp(2, 2, 1), SquaredError())
    good: dict[str, Any] = {"theta": np.zeros(9), "X": np.zeros((7, 2)), "y": np.zeros((7, 1))}
    with pytest.raises(BadInput, match=says) as caught:
        check_gradients(task, **(good | change))
    assert "\n" not in str(caught.value)


def test_softmax_with_a_loss_that_is_not_its_own() -> None:
    net = Network.mlp(2, 3, 3, output=Softmax())
    X, y = samples(CrossEntropy(), 2, 3, seed=2)
    rows = check_gradients(Task(net, SquaredError()), net.init(2), X, y)
    assert all(row.agrees for row in rows), shown(rows)
