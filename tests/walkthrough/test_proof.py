"""The proof beside a number: right, wrong, or at a kink, for every derivative of a trace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from glassnet.core.activations import Activation, Identity, ReLU, Sigmoid, Softmax, Tanh
from glassnet.core.errors import BadInput
from glassnet.core.losses import (
    Absolute,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Poisson,
    SquaredError,
)
from glassnet.core.network import Dense, Network
from glassnet.core.optimizers import SGD, Adam
from glassnet.engines.base import Task
from glassnet.walkthrough.proof import Proof, is_derivative
from glassnet.walkthrough.trace import Trace, trace
from tests.core.instances import ALL_ACTIVATIONS, ALL_LOSSES
from tests.walkthrough.instances import Bent, Mish, Snake, samples_of, state_of


def made_of(task: Task, seed: int = 0, *, n: int = 3, dtype: Any = np.float64) -> Trace:
    rng = np.random.default_rng(seed)
    X, y, w = samples_of(task, rng, n, weighted=seed % 2 == 1)
    return trace(task, X, y, weight=w, state=state_of(task, rng, 2, dtype))


def every(made: Trace) -> dict[str, list[Proof]]:
    return {step.name: made.proofs(step.name) for step in made if is_derivative(step.name)}


@pytest.mark.parametrize("activation", [*ALL_ACTIVATIONS, Mish(), Snake(), Bent(0.2)], ids=repr)
def test_every_derivative_with_every_activation(activation: Activation) -> None:
    loss = ALL_LOSSES[len(repr(activation)) % len(ALL_LOSSES)]
    layers = (Dense(2, 3, activation), Dense(3, 2, activation, bias=False),
              Dense(2, 2, loss.link or Identity()))  # fmt: skip
    task = Task(Network(layers), loss, Adam(), l1=0.01, l2=0.1)
    found = every(made_of(task, 1))
    assert {"dL_dX", "dL_dW1", "dJ_db3", "da2_dz2", "dz2_dW2", "dz1_dX", "dL_da3"} <= set(found)
    wrong = [proof for proofs in found.values() for proof in proofs if proof.verdict == "wrong"]
    assert not wrong
    assert all(
        proof.error <= 1e-6 for proofs in found.values() for proof in proofs if not proof.kink
    )


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("loss", ALL_LOSSES, ids=repr)
def test_every_derivative_with_every_loss(loss: Loss, reduction: Any) -> None:
    for output in {loss.link or Identity(), Sigmoid()}:
        net = Network.mlp(2, 3, 2, activation=Tanh(), output=output)
        made = made_of(Task(net, loss, SGD(0.1), reduction=reduction, clip=1.0), 1)
        for name, proofs in every(made).items():
            assert all(proof.verdict == "right" for proof in proofs), (name, proofs)
            assert len(proofs) == made[name].value.size
            assert all(p.computed == made[name].value[p.index] for p in proofs)


def test_float32_is_proved_in_float64() -> None:
    task = Task(Network.mlp(2, 4, 2, activation=Tanh(), output=Softmax()), CrossEntropy(), Adam())
    made = made_of(task, 3, dtype=np.float32)
    assert made["dL_dW1"].dtype == np.float32
    for proofs in every(made).values():
        assert all(proof.verdict == "right" and proof.error < 1e-6 for proof in proofs)
    proof = made.proof("dL_dW1", 1, 2)
    assert proof.computed != float(made["dL_dW1"].value[1, 2])
    assert proof.computed == pytest.approx(float(made["dL_dW1"].value[1, 2]), rel=1e-4)


def test_a_proof_is_made_once_and_each_number_has_its_own() -> None:
    made = made_of(Task(Network.mlp(2, 3, 1, activation=Tanh()), SquaredError(), SGD(0.1)))
    proof = made.proof("dL_dW1", 0, 2)
    assert made.proof("∂L/∂W₁[-2,2]") is proof
    assert made.proof("dL_dW1[1,2]").place == "dL_dW1[1,2]"
    assert made.proof("dJ_dW1[0,2]").computed == made["dJ_dW1"].value[0, 2]
    assert replace(made, theta=2.0 * made.theta).proof("dL_dW1", 0, 2) is not proof


# ---- a wrong derivative is found where it is, and where it leads


@dataclass(frozen=True)
class BadTanh(Activation):
    """a = tanh z, whose slope is wrong by a hundred thousandth."""

    @staticmethod
    def f(z: Any) -> Any:
        return np.tanh(z)

    @staticmethod
    def df(z: Any, a: Any) -> Any:
        return (1.0 - a * a) * (1.0 + 1e-5)


@dataclass(frozen=True)
class BadLoss(Loss):
    """ℓ = ½(a - y)², whose slope has the factor 2."""

    @staticmethod
    def f(a: Any, y: Any) -> Any:
        return 0.5 * (a - y) ** 2

    @staticmethod
    def df(a: Any, y: Any) -> Any:
        return 2.0 * (a - y)


def wrong_ones(made: Trace) -> set[str]:
    return {name for name, proofs in every(made).items() if any(not p.agrees for p in proofs)}


def test_a_wrong_slope_is_wrong_there_and_below() -> None:
    layers = (Dense(2, 3, Tanh()), Dense(3, 3, BadTanh()), Dense(3, 2))
    made = made_of(Task(Network(layers), SquaredError(), SGD(0.1)))
    assert wrong_ones(made) == {
        "da2_dz2", "dL_dz2", "dL_dW2", "dL_db2", "dL_da1", "dL_dz1", "dL_dW1", "dL_db1", "dL_dX",
        "dJ_dW1", "dJ_db1", "dJ_dW2", "dJ_db2",
    }  # fmt: skip
    proof = made.proof("da2_dz2", 0, 1)
    assert (proof.verdict, proof.place) == ("wrong", "da2_dz2[0,1]")
    assert proof.error == pytest.approx(1e-5, rel=0.01)
    assert proof.computed == pytest.approx(proof.measured * (1.0 + 1e-5), rel=1e-8)


def test_a_wrong_loss_is_wrong_everywhere_but_in_the_activations() -> None:
    made = made_of(Task(Network.mlp(2, 3, 1), BadLoss(), SGD(0.1)))
    local = {"da1_dz1", "da2_dz2", "dz1_dW1", "dz2_dW2", "dz1_dX", "dz2_da1"}
    assert wrong_ones(made) == {step.name for step in made if is_derivative(step.name)} - local
    assert made.proof("dL_da2", 0, 0).error == pytest.approx(0.5, rel=1e-6)


# ---- kinks


def test_relu_at_zero_is_at_a_kink() -> None:
    net = Network.mlp(1, 2, 1, activation=ReLU(), bias=False)
    theta = np.array([0.0, 1.0, 0.7, -0.4])  # the first neuron's sum is exactly 0
    made = trace(Task(net, SquaredError(), SGD(0.1)), [[1.0]], [[2.0]], theta=theta)
    for place in ("da1_dz1[0,0]", "dL_dz1[0,0]", "dL_dW1[0,0]", "dJ_dW1[0,0]"):
        proof = made.proof(place)
        assert proof.kink
        assert proof.agrees
        assert proof.verdict == "at a kink, not measurable"
    for place in ("da1_dz1[0,1]", "dL_dz1[0,1]", "dL_dW1[0,1]", "dL_dW2[0,0]"):
        assert made.proof(place).verdict == "right"


def test_absolute_at_its_target_is_at_a_kink() -> None:
    net = Network.mlp(1, 1, bias=False)
    made = trace(Task(net, Absolute(), SGD(0.1)), [[2.0], [1.0]], [[3.0], [0.0]], theta=[1.5])
    assert made.proof("dL_da1[0,0]").verdict == "at a kink, not measurable"
    assert made.proof("dL_dz1[0,0]").kink
    assert made.proof("dL_da1[1,0]").verdict == "right"
    assert made.proof("dL_dW1[0,0]").kink


def test_l1_at_a_weight_of_zero_is_at_a_kink() -> None:
    net = Network.mlp(1, 1, bias=False)
    made = trace(Task(net, SquaredError(), SGD(0.1), l1=0.1), [[2.0]], [[3.0]], theta=[0.0])
    assert made.proof("dJ_dW1[0,0]").kink
    assert made.proof("dL_dW1[0,0]").verdict == "right"


# ---- asking


def test_spellings_and_what_is_no_derivative() -> None:
    made = made_of(Task(Network.mlp(2, 3, 1), Huber(0.3), Adam()))
    assert made.proof("error_wrt_weights_hidden_output[1,0]") == made.proof("∂L/∂W₂", 1, 0)
    assert made.proof("dL_dW2[-1,0]").place == "dL_dW2[2,0]"
    for name in ("W1[0,0]", "m_W1[0,0]", "L"):
        with pytest.raises(BadInput, match="is no derivative"):
            made.proof(name)
    assert not is_derivative("new_W1")
    assert not is_derivative("dL_dW")


def test_a_large_array_is_proved_at_spread_places() -> None:
    made = made_of(Task(Network.mlp(5, 6, 1), Poisson(), Adam()))
    proofs = made.proofs("dL_dW1", most=7)
    places = [p.index for p in proofs]
    assert places == list(np.ndindex(5, 6))[::5]
    assert len(made.proofs("dL_dW1", most=30)) == 30


def test_saturated_answers_are_proved_too() -> None:
    net = Network.mlp(1, 1, output=Sigmoid(), bias=False)
    made = trace(
        Task(net, BinaryCrossEntropy(), SGD(0.1)), [[1.0], [-1.0]], [[0.0], [0.0]], theta=[50.0]
    )
    assert [p.verdict for p in made.proofs("dL_dz1")] == ["right", "right"]
