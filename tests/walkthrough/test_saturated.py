"""Proofs where an output is all but sure of itself, and slopes change within a step."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import glassnet as gn
from glassnet.walkthrough.trace import Trace, trace

DERIVATIVES = ("dL_da1", "da1_dz1", "dL_dz1", "dL_dW1", "dL_db1")


def sure(z: float, y: float) -> Trace:
    task = gn.Task(gn.Network.mlp(1, 1, output=gn.Sigmoid()), gn.BinaryCrossEntropy(), gn.SGD())
    return trace(task, [[1.0]], [[y]], theta=np.array([z, 0.0]))


@pytest.mark.parametrize("z", [2.0, 8.0, 10.0, 12.0, 20.0, 40.0, 800.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_right_slopes_of_sure_outputs_are_not_called_wrong(z: float, y: float, side: float) -> None:
    # ln a at a = 0.00005 bends within the usual step, and at a = 0 has an edge
    found = sure(side * z, y)
    for name in DERIVATIVES:
        assert [proof.verdict for proof in found.proofs(name) if not proof.agrees] == []


def test_bent_slopes_are_measured_and_not_excused() -> None:
    proof = sure(-10.0, 1.0).proof("dL_da1", 0, 0)
    assert not proof.kink
    assert proof.verdict == "right"
    assert proof.measured == pytest.approx(-1.0 - np.exp(10.0), rel=1e-6)


@dataclass(frozen=True)
class OffByLittle(gn.BinaryCrossEntropy):
    """Its derivative is wrong by a thousandth."""

    @staticmethod
    def df(a, y):
        return 1.001 * gn.BinaryCrossEntropy.df(a, y)

    @staticmethod
    def dfz(a, y):
        return 1.001 * (a - y)


@pytest.mark.parametrize("z", [-12.0, -5.0, 0.0, 5.0, 10.0])
def test_wrong_slopes_stay_wrong_at_every_step(z: float) -> None:
    right = sure(z, 1.0)
    wrong = trace(replace(right.task, loss=OffByLittle()), right.X, [[1.0]], theta=right.theta)
    for name in ("dL_da1", "dL_dz1", "dL_dW1"):
        proof = wrong.proofs(name)[0]
        assert not proof.kink
        assert proof.verdict == "wrong"
