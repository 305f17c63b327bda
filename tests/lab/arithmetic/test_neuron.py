"""A neuron's arithmetic: its sum, its answer, its δ, its links."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassnet import (
    Network,
    SquaredError,
    Tanh,
    Task,
)
from glassnet.core.activations import Identity
from glassnet.lab.pick import Pick
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.trace import trace
from tests.lab.arithmetic.reading import TRACES, show


def test_a_neuron_says_its_sum_its_answer_and_its_delta():
    found = TRACES["2-8-1"]
    v = found.values
    read = show(found, Pick("neuron", 1, 2), sample=4)
    expected = {
        "The sum z": [*v["X"][4], *v["W1"][:, 2], v["b1"][2], v["z1"][4, 2]],
        "The answer a": [v["z1"][4, 2], v["a1"][4, 2]],
        "δ = ∂L/∂z": [v["dL_dz2"][4, 0], v["W2"][2, 0], v["da1_dz1"][4, 2], v["dL_dz1"][4, 2]],
        "Links in": [*v["X"][4], *v["W1"][:, 2], *(v["X"][4] * v["W1"][:, 2])],
        "Links out": [v["W2"][2, 0], v["dL_dz2"][4, 0], v["dL_da1"][4, 2]],
    }
    for heading, numbers in expected.items():
        for x in numbers:
            assert Numerals().of(abs(float(x))) in read.sections[heading], (heading, x)


def test_a_long_sum_ends_with_what_is_left_over():
    found = TRACES["4-20-16-3"]
    terms = found.values["a1"][0] * found.values["W2"][:, 3]
    smaller = terms[np.argsort(-np.abs(terms), kind="stable")[6:]]
    said = show(found, Pick("neuron", 2, 3)).sections["The sum z"]
    rest = float(smaller.sum())
    assert f" {'−' if rest < 0 else '+'} {Numerals().of(abs(rest))} (the 14 more)" in said


def test_links_lead_to_their_weights():
    found = TRACES["2-8-1"]
    read = show(found, Pick("neuron", 1, 2))
    assert [Pick.of(pick) for pick in read.picks] == [
        Pick("loss"), Pick("weight", 1, 2, 0), Pick("weight", 1, 2, 1), Pick("bias", 1, 2),
        Pick("weight", 2, 0, 2),
    ]  # fmt: skip
    labels = [row[0] for row in read.rows]
    assert labels == ["from", "input 1", "input 2", "bias", "z", "to", "output", "sum"]


def test_the_update_leaves_its_weights_beside_those_before():
    found = TRACES["4-20-16-3"]
    v, number = found.values, Numerals().of
    read = show(found, Pick("neuron", 2, 3), reached="update")
    table = read.rows[: read.rows.index(["to", "w", "after"])]
    assert table[0] == ["from", "w", "after"]
    assert [row[0] for row in table[-2:]] == ["bias", "8 more"]
    assert len(table) == 1 + 12 + 2  # the largest
    for label, *shown in table[1:-2]:
        i = int(label.removeprefix("neuron ")) - 1
        assert shown == [number(v["W2"][i, 3]), number(v["new_W2"][i, 3])]
    for k, (label, *shown) in enumerate(read.rows[len(table) + 1 :]):
        assert label == f"output {k + 1}"
        assert shown == [number(v["W3"][3, k]), number(v["new_W3"][3, k])]
    bias = show(TRACES["2-8-1"], Pick("neuron", 1, 2), reached="update").rows[3]
    v = TRACES["2-8-1"].values
    assert bias == ["bias", number(v["b1"][2]), number(v["new_b1"][2])]


@pytest.mark.parametrize("reached", ["backward", "all"])
def test_weights_after_an_update_stand_there_only_when_it_has_just_been_made(reached):
    assert "after" not in str(show(TRACES["2-8-1"], Pick("neuron", 1), reached=reached).rows)


def test_the_loss_of_the_sample_is_told_once_it_is_computed():
    found = TRACES["2-8-1"]
    told = Numerals().of(float(found.values["losses"][4]))
    said = show(found, Pick("neuron", 1), sample=4, reached="loss").sections
    assert told in said["The loss of this sample"]
    before = show(found, Pick("neuron", 1), sample=4, reached="forward").sections
    assert "The loss of this sample" not in before


@pytest.mark.parametrize(
    ("reached", "waiting"),
    [("ready", ["forward", "backward"]), ("forward", ["backward"]), ("loss", ["backward"])],
)
def test_it_says_what_to_press(reached, waiting):
    read = show(TRACES["2-8-1"], Pick("neuron", 1), reached=reached)
    for phase in waiting:
        assert f"not computed yet: press Next until {phase}" in read.text
    assert "Proof" not in read.text


class Wrong(Tanh):
    """a = tanh z, with a slope that is not its own."""

    @staticmethod
    def df(z: Any, a: Any) -> Any:
        return 1.0 - a


def test_a_wrong_derivative_is_called_wrong():
    net = Network.mlp(2, 3, 1, activation=Wrong(), output=Identity())
    X = np.random.default_rng(0).normal(size=(5, 2))
    found = trace(Task(net, SquaredError()), X, X[:, :1], theta=net.init(np.random.default_rng(1)))
    for pick, place in (
        (Pick("neuron", 1), "dL_dz1[0,0]"),
        (Pick("weight", 1), "dL_dW1[0,0]"),
        (Pick("bias", 1), "dL_db1[0]"),
    ):
        said = show(found, pick).text
        assert "wrong\xa0✗" in said
        measured = Numerals(6).of(found.proof(place).measured, signed=True)
        assert f"measured as {measured}, relative" in said


def test_a_kink_is_called_a_kink():
    from glassnet import ReLU

    net = Network.mlp(1, 1, 1, activation=ReLU(), output=Identity())
    found = trace(Task(net, SquaredError()), [[0.0]], [[1.0]], theta=[1.0, 0.0, 1.0, 0.0])
    assert "at a kink" in show(found, Pick("neuron", 1)).text
