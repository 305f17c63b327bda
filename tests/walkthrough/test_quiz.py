"""The quiz: what is asked can be worked out from what is given, and slips are named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from glassnet import (
    SGD,
    Adam,
    BadInput,
    CrossEntropy,
    Network,
    ReLU,
    Sigmoid,
    Softmax,
    SquaredError,
    Tanh,
    Task,
    last,
    start,
    train,
)
from glassnet.walkthrough.quiz import ASKED, read
from glassnet.walkthrough.trace import Trace, trace

RNG = np.random.default_rng(3)
X = RNG.normal(size=(4, 3))


def squared(**settings: object) -> Trace:
    net = Network.mlp(3, 3, 3, 1, activation=Tanh(), output=Sigmoid())
    task = Task(net, SquaredError(), SGD(0.1), **settings)  # type: ignore[arg-type]
    return trace(task, X, [[1.0], [0.0], [1.0], [0.0]], theta=net.init(1) + 0.1)


def classes() -> Trace:
    net = Network.mlp(3, 4, 2, activation=ReLU(), output=Softmax())
    task = Task(net, CrossEntropy(), Adam(0.01), l2=0.1, clip=1.0)
    y = np.eye(2)[[0, 1, 1, 0]]
    return trace(task, X, y, state=last(train(task, X, y, start(task, 0), epochs=3)).state)


TRACES = pytest.mark.parametrize("made", [squared(), squared(reduction="sum"), classes()])


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("0.5", 0.5),
        ("0,5", 0.5),
        (" -1/3 ", -1 / 3),
        ("−2e-3", -0.002),
        ("½", 0.5),
        ("-½", -0.5),
        ("1½", None),  # 11/2 it is not
        ("1,5/2,5", 0.6),
        ("1,234,567", None),
        (".25", 0.25),
        ("1/0", None),
        ("x", None),
        ("", None),
        ("1,000.5", None),
        ("__import__('os')", None),
        ("1e999", None),
    ],
)
def test_numbers_are_read_as_people_type_them(typed: str, value: float | None) -> None:
    assert read(typed) == value


@TRACES
def test_the_answer_is_right_and_can_be_worked_out_from_what_is_shown(made: Trace) -> None:
    for question in made.quiz(60, seed=1):
        assert question.judge(repr(question.answer)).right
        shown = question.solution()
        assert question.judge(shown.rsplit("=", 1)[1]).right, shown
        # the numbers given, with the digits that are shown, are enough
        work = question.working
        given = {key: float(f"{v:.{question.digits}g}") for key, v in work.values.items()}
        if "Σ" not in given:
            found = work.formula.evaluate(given)
        else:
            rounded = [
                math.prod(float(f"{f.value:.{question.digits}g}") for f in term.factors)
                for term in work.terms
            ]
            products = [math.prod(f.value for f in term.factors) for term in work.terms]
            if not np.allclose(products, [term.value for term in work.terms]):
                continue  # a loss, summed over the outputs: its factors are no product
            found = sum(rounded) + work.rest
        assert question.judge(repr(float(found))).right, shown


@TRACES
def test_no_answer_stands_among_the_numbers_given(made: Trace) -> None:
    for question in made.quiz(60, seed=1):
        assert f"{question.symbol} =" not in question.ask().split("?", 1)[1].split("\n    ", 1)[1]
        assert "Σ losses" not in question.ask()


@TRACES
def test_wrong_answers_are_wrong_and_likely_slips_are_named(made: Trace) -> None:
    for question in made.quiz(60, seed=2):
        far = question.answer + 37.0 * (1.0 + abs(question.answer))
        assert question.judge(repr(far)).right is False
        for slip in question.slips:
            verdict = question.judge(repr(slip.value))
            assert verdict.right is False
            assert verdict.slip is not None


def slip_of(made: Trace, place: str, value: float) -> str:
    """What the quiz says of a wrong number for a place."""
    from glassnet.walkthrough.explain import place as parsed
    from glassnet.walkthrough.quiz import _question

    name, index = parsed(place)
    return _question(made, made[name], index, made.environment()).judge(repr(float(value))).said


def test_the_slips_that_learners_make() -> None:
    made = squared()
    v = made.values
    assert "σ′ is missing" in slip_of(made, "dL_dz2[1,0]", v["dL_da2"][1, 0])
    assert "σ′ is missing" in slip_of(made, "dL_dW2[0,1]", v["a1"][:, 0] @ v["dL_da2"][:, 1])
    assert "factor 2" in slip_of(made, "dL_da3[0,0]", 2 * v["dL_da3"][0, 0])
    assert "asked is the mean" in slip_of(made, "dJ_dW1[0,1]", v["dL_dW1"][0, 1])
    assert "asked is the sum" in slip_of(made, "dL_dW1[0,1]", v["dL_dW1"][0, 1] / 4)
    assert "row and column" in slip_of(made, "dL_dW2[0,1]", v["dL_dW2"][1, 0])
    assert "W is transposed" in slip_of(made, "z2[0,1]", v["a1"][0] @ v["W2"][1] + v["b2"][1])
    back = v["dL_dz2"][0] @ v["W2"][:, 1]
    assert "W is transposed" in slip_of(made, "dL_da1[0,1]", back)
    assert "after the update" in slip_of(squared_fast(), "dL_da1[2,1]", fast_after())
    assert "before the update" in slip_of(made, "new_W1[0,0]", v["W1"][0, 0])
    assert "wrong way" in slip_of(made, "new_W1[0,0]", 2 * v["W1"][0, 0] - v["new_W1"][0, 0])
    assert "learning rate" in slip_of(made, "new_W1[0,0]", v["W1"][0, 0] - v["dJ_dW1"][0, 0])
    assert "bias is missing" in slip_of(made, "z1[1,2]", v["z1"][1, 2] - v["b1"][2])
    assert "before the activation" in slip_of(made, "a1[1,2]", v["z1"][1, 2])
    assert "sign" in slip_of(made, "dL_da3[0,0]", -v["dL_da3"][0, 0])


def squared_fast() -> Trace:
    net = Network.mlp(3, 3, 3, 1, activation=Tanh(), output=Sigmoid())
    task = Task(net, SquaredError(), SGD(5.0), reduction="sum")
    return trace(task, X, [[1.0], [0.0], [1.0], [0.0]], theta=net.init(1) + 0.1)


def fast_after() -> float:
    values = squared_fast().values
    return float(values["dL_dz2"][2] @ values["new_W2"][1])


@TRACES
def test_the_same_seed_asks_the_same_in_the_order_of_computation(made: Trace) -> None:
    first, again = made.quiz(8, seed=5), made.quiz(8, seed=5)
    assert [q.symbol for q in first] == [q.symbol for q in again]
    assert first.handout() == again.handout()
    assert [q.symbol for q in first] != [q.symbol for q in made.quiz(8, seed=6)]
    places = [made.steps.index(made[q.working.step.name]) for q in first]
    assert places == sorted(places)


@pytest.mark.parametrize("part", ASKED)
def test_one_part(part: str) -> None:
    assert {q.working.step.part for q in classes().quiz(5, parts=(part,))} == {part}  # type: ignore[arg-type]


def test_more_questions_than_steps() -> None:
    assert len(squared().quiz(200)) == 200


def test_bad_input() -> None:
    with pytest.raises(BadInput, match="0 questions"):
        squared().quiz(0)
    with pytest.raises(BadInput, match="'sideways' as a part"):
        squared().quiz(3, parts=("sideways",))  # type: ignore[arg-type]
    net = Network.mlp(3, 2, 1)
    with pytest.raises(BadInput, match="no number in backward"):
        trace(net, X, theta=net.init(0)).quiz(3, parts=("backward",))


def test_a_handout_holds_all_questions_and_answers() -> None:
    made = classes().quiz(6)
    sheet = made.handout()
    for i, question in enumerate(made, 1):
        assert sheet.count(f"{i}. {question.symbol} = ") == 2
    assert "Right is: within 1 %" in sheet
