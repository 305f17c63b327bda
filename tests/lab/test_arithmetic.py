"""The arithmetic panel's content: every number is the trace's, and nothing is shown too early."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet import (
    SGD,
    Adam,
    BinaryCrossEntropy,
    CrossEntropy,
    Network,
    Sigmoid,
    Softmax,
    SquaredError,
    Tanh,
    Task,
)
from glassnet.core.activations import Activation, Identity
from glassnet.core.errors import BadInput
from glassnet.engines.base import State
from glassnet.engines.chance import Chance
from glassnet.exchange.encodings import Number
from glassnet.lab.arithmetic import Asked, arithmetic
from glassnet.lab.arithmetic.reading import NEEDS, PHASES
from glassnet.lab.arithmetic.rows import TERMS
from glassnet.lab.number import number
from glassnet.lab.pick import Pick
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.trace import Trace, trace
from tests.walkthrough.instances import EVERY_OPTIMIZER, samples_of, state_of, tasks

MATHML = {"math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msub", "msup", "msqrt", "mtable",
          "mtr", "mtd"}  # fmt: skip
ALLOWED = {
    "div": {"class"}, "p": {"class"}, "section": {"class"}, "h3": set(), "span": {"class", "style"},
    "code": {"class"}, "wbr": set(), "b": set(), "sub": set(), "sup": set(), "i": set(),
    "data": {"class", "value", "title"}, "dl": {"class"}, "dt": set(), "dd": set(),
    "table": {"class"}, "caption": set(), "thead": set(), "tbody": set(), "tfoot": set(),
    "tr": {"class", "data-pick", "aria-current"}, "th": {"scope"}, "td": set(),
    "button": {"type", "class", "data-pick"},
    **{tag: {"lspace", "rspace", "style"} for tag in MATHML},
}  # fmt: skip
BLOCKS = {"p", "tr", "dd"}


class Read(HTMLParser):
    """What a content holds: its numbers, each with the line it stands in; what can be chosen."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.numbers: list[tuple[float, str, str]] = []  # value, as shown, the line around it
        self.picks: list[dict[str, Any]] = []
        self.rows: list[list[str]] = []
        self.sections: dict[str, str] = {}
        self.text = ""
        self.line: list[str] = []
        self.value: str | None = None
        self._waiting: list[tuple[float, str]] = []
        self._heading = ""
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= ALLOWED[tag], (tag, attrs)
        assert not (tag == "button" and "button" in self.open)
        if tag == "wbr":
            return
        if tag in BLOCKS:
            self.line = []
        self.open.append(tag)
        given = dict(attrs)
        if tag == "data":
            self.value, self._shown = given["value"], ""
            assert given["title"] == given["value"].replace("e-0", "e-").replace("-", "−")
        if given.get("data-pick"):
            self.picks.append(json.loads(given["data-pick"] or ""))
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "data":
            self._waiting.append((float(self.value or "nan"), self._shown))
            self.value = None
        if tag in BLOCKS:
            line = " ".join(self.rows[-1]) if tag == "tr" else "".join(self.line)
            self.numbers += [(*one, line) for one in self._waiting]
            self._waiting = []
        if tag in {"td", "th"}:
            self.rows[-1].append("".join(self.line))
            self.line = []

    def handle_data(self, text: str) -> None:
        self.text += text
        self.line.append(text)
        if self.value is not None:
            self._shown += text
        if self.open and self.open[-1] == "h3":
            self._heading = text
        self.sections[self._heading] = self.sections.get(self._heading, "") + text


def network(*sizes: int, output: Activation | None = None, **made: Any) -> Network:
    output = output or Sigmoid()
    return Network.mlp(*sizes, activation=Tanh(), output=output, **made)


def example(
    *sizes: int, n: int = 30, loss: Any = None, optimizer: Any = None, output: Any = None,
    step: int = 120, **task: Any,
) -> Trace:  # fmt: skip
    rng = np.random.default_rng(5)
    net = network(*(sizes or (2, 8, 1)), output=output)
    made = Task(net, loss or BinaryCrossEntropy(), optimizer or SGD(0.5), **task)
    X = rng.normal(size=(n, net.n_in))
    y = (X[:, :1] > 0).astype(float)
    if net.n_out > 1:
        y = np.eye(net.n_out)[rng.integers(0, net.n_out, n)]
    return trace(made, X, y, state=state_of(made, rng, step))


DEEP = {"loss": CrossEntropy(), "output": Softmax(), "optimizer": Adam(0.01), "l2": 0.01}
TRACES = {
    "2-8-1": example(),
    "sum": example(2, 3, 1, reduction="sum", loss=SquaredError()),
    "4-20-16-3": example(4, 20, 16, 3, n=40, **DEEP),
    "clipped": example(3, 4, 2, loss=SquaredError(), output=Identity(), clip=0.01, l1=0.1),
    "1-1": example(1, 1, n=1),
}


def picks_of(found: Trace) -> list[Pick]:
    net, depth = found.net, len(found.net.layers)
    last = net.n_out - 1
    return [
        Pick("neuron", 1, net.sizes[1] - 1), Pick("neuron", depth, last), Pick("neuron", depth),
        Pick("weight", 1, 0, net.n_in - 1), Pick("weight", depth, last, net.sizes[-2] - 1),
        Pick("bias", 1), Pick("bias", depth, last), Pick("input", 0, net.n_in - 1), Pick("sample"),
        Pick("layer", 0), Pick("layer", 1), Pick("layer", depth), Pick("loss"),
        Pick("epoch", 0, 7), Pick("none"),
    ]  # fmt: skip


EVERY = [
    pytest.param(found, pick, id=f"{label} {pick.json}")
    for label, found in TRACES.items()
    for pick in picks_of(found)
]


def show(found: Trace, pick: Pick, **asked: Any) -> Read:
    return Read(arithmetic(Asked(found, pick, **asked)).html)


def known(found: Trace) -> set[float]:
    """All numbers of a trace, and the terms of its sums."""
    v = {key: np.asarray(value, dtype=np.float64) for key, value in found.environment().items()
         if value is not None}  # fmt: skip
    arrays = [*v.values()]
    for k in range(1, len(found.net.layers) + 1):
        below = "X" if k == 1 else f"a{k - 1}"
        arrays.append(v[below][:, :, None] * v[f"W{k}"])
        if found.samples is not None:
            dL_dz = v[f"dL_dz{k}"]
            arrays += [v[below][:, :, None] * dL_dz[:, None], dL_dz[:, None] * v[f"W{k}"]]
    if found.samples is not None:
        arrays.append(v.get("lr", np.zeros(())) * v["N"])
        if "w" in v:
            arrays.append(v["w"] * v["losses"])
    return {abs(float(x)) for array in arrays for x in array.ravel()} | {float(found.net.n_params)}


def inner(found: Trace) -> np.ndarray:
    """Sums that stand inside a formula: of squares, of e^z, the loss of one output."""
    v = found.values
    last = len(found.net.layers)
    if found.samples is None:
        return np.zeros(0)
    sums = [np.sum(v[name] ** 2) for name in v if name.startswith(("W", "dJ_d"))]
    sums += [np.sum(np.abs(v[name])) for name in v if name.startswith("W")]
    z, a, y = v[f"z{last}"], v[f"a{last}"], v["y"]
    spread = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    arrays = [np.array(sums), 0.5 * (a - y) ** 2, y * spread, np.log(np.exp(z).sum(axis=1))]
    return np.concatenate([np.abs(array).ravel() for array in arrays])


OWN = re.compile(r"measured as|more")
"""Lines with numbers of their own, which other tests look at: measurements, what is left over."""


def check_numbers(found: Trace, read: Read, numerals: Numerals) -> None:
    numbers, sums = known(found), inner(found)
    assert read.numbers or "not computed" in read.text or "recorded" in read.text
    for value, shown, line in read.numbers:
        bare = shown.removeprefix("+").removeprefix("−")
        if "measured as" in line:
            numerals = replace(numerals, digits=max(numerals.digits, 6))
        assert bare == numerals.of(abs(value)), line
        if shown.startswith("+"):
            assert value > 0
        if shown.startswith("−"):
            assert value < 0
        assert (
            abs(value) in numbers
            or OWN.search(line)
            or np.isclose(abs(value), sums, rtol=1e-12, atol=0).any()
        ), (value, line)


# ---------------------------------------------------------------- every number is the trace's


@pytest.mark.parametrize(("found", "pick"), EVERY)
@pytest.mark.parametrize("digits", [4, None])
def test_every_number_is_one_of_the_trace(found, pick, digits):
    numerals = Numerals(exact=True) if digits is None else Numerals(digits)
    check_numbers(found, show(found, pick, digits=digits, proofs=False), numerals)


@pytest.mark.parametrize("names", ["math", "seed"])
@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("label", TRACES)
def test_names_and_layout_change_no_number(label, names, layout):
    found = TRACES[label]
    for pick in picks_of(found):
        plain = show(found, pick)
        turned = show(found, pick, names=names, layout=layout)
        assert [one[:2] for one in plain.numbers] == [one[:2] for one in turned.numbers]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_network_can_be_read(data):
    task = data.draw(tasks()).task
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    X, y, weight = samples_of(task, rng, data.draw(st.integers(1, 20)),
                              weighted=data.draw(st.booleans()))  # fmt: skip
    if not hasattr(task.optimizer, "slots"):
        task = replace(task, optimizer=data.draw(st.sampled_from(EVERY_OPTIMIZER[:6])))
    found = trace(task, X, y, weight=weight, state=state_of(task, rng, 3))
    sample = data.draw(st.integers(0, len(X) - 1))
    for pick in picks_of(found):
        if pick.kind == "bias" and not task.net.layers[pick.layer - 1].bias:
            continue
        content = arithmetic(Asked(found, pick, sample, proofs=False))
        read = Read(content.html)
        for math_ in re.findall(r"<math>.*?</math>", content.html):
            ET.fromstring(math_)
        for value, shown, line in read.numbers:
            bare = shown.removeprefix("+").removeprefix("−")
            assert bare == Numerals().of(abs(value)), line


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


@pytest.mark.parametrize("label", TRACES)
def test_no_sign_stands_beside_a_sign(label):
    found = TRACES[label]
    for pick in picks_of(found):
        assert not re.search(r"[·+−] ?−[\d.]", show(found, pick).text)


def test_links_lead_to_their_weights():
    found = TRACES["2-8-1"]
    read = show(found, Pick("neuron", 1, 2))
    assert [Pick.of(pick) for pick in read.picks] == [
        Pick("weight", 1, 2, 0), Pick("weight", 1, 2, 1), Pick("bias", 1, 2),
        Pick("weight", 2, 0, 2),
    ]  # fmt: skip
    labels = [row[0] for row in read.rows]
    assert labels == ["from", "input 1", "input 2", "bias", "z", "to", "output", "sum"]


@pytest.mark.parametrize(("found", "pick"), EVERY)
def test_all_that_can_be_chosen_is_there(found, pick):
    for given_ in show(found, pick).picks:
        chosen = Pick.of(given_).check(found.net, len(found.X))
        arithmetic(Asked(found, chosen))


@pytest.mark.parametrize(
    ("part", "pick"), [("W2", Pick("weight", 2, 3, 7)), ("b2", Pick("bias", 2, 3))]
)
def test_the_terms_of_a_gradient_add_up_to_it(part, pick):
    found = TRACES["4-20-16-3"]
    read = show(found, pick)
    rows = [row for row in read.rows if row and row[0].startswith("sample ")]
    assert len(rows) == TERMS
    index = (7, 3) if part == "W2" else (3,)
    terms = found.values["dL_dz2"][:, 3] * (found.values["a1"][:, 7] if part == "W2" else 1.0)
    largest = np.sort(np.argsort(-np.abs(terms), kind="stable")[:TERMS])
    assert [row[0] for row in rows] == [f"sample {s + 1}" for s in largest]
    assert [row[-1] for row in rows] == [Numerals().of(t, signed=True) for t in terms[largest]]
    rest = next(row for row in read.rows if row[0] == f"{40 - TERMS} more")
    left = float(np.delete(terms, largest).sum())
    assert rest[-1] == Numerals().of(left, signed=True)
    whole = float(found.values[f"dL_d{part}"][index])
    assert next(row for row in read.rows if row[0] == "sum")[-1] == Numerals().of(
        whole, signed=True
    )


def test_the_update_goes_through_the_optimizers_arithmetic_to_the_new_weight():
    found = TRACES["4-20-16-3"]
    said = show(found, Pick("weight", 2, 3, 7)).sections["The update"]
    for key in ("m_new_W2", "v_new_W2", "m_hat_W2", "v_hat_W2", "new_W2"):
        assert Numerals().of(float(found[key].value[7, 3])) in said
    before, after = (Numerals().of(float(found[key].value[7, 3])) for key in ("W2", "new_W2"))
    assert f"before {before} → after update 121: {after}" in said


def test_a_clipped_gradient_is_shown_before_and_after():
    found = TRACES["clipped"]
    said = show(found, Pick("weight", 1, 0, 0)).sections["The gradient"]
    for key in ("dJ_dW1", "g_W1"):
        assert Numerals().of(abs(float(found[key].value[0, 0]))) in said
    assert Numerals().of(float(found["norm"].value)) in said


def test_the_losses_add_up_to_the_objective():
    found = TRACES["4-20-16-3"]
    read = show(found, Pick("loss"))
    losses = found.values["losses"]
    largest = np.sort(np.argsort(-np.abs(losses), kind="stable")[:TERMS])
    rows = [row for row in read.rows if row[0].startswith("sample ")]
    assert [row[0] for row in rows] == [f"sample {s + 1}" for s in largest]
    assert [row[1] for row in rows] == [Numerals().of(x) for x in losses[largest]]
    assert next(row for row in read.rows if row[0] == "L")[1] == Numerals().of(
        float(found.values["L"])
    )
    assert Numerals().of(float(found.values["penalty"])) in read.sections["The penalty"]
    assert Numerals().of(float(found.values["J"])) in read.sections["The objective J"]


def test_a_layer_shows_its_shapes_and_every_weight_can_be_chosen():
    found = TRACES["2-8-1"]
    read = show(found, Pick("layer", 1))
    assert "(30,2) @ (2,8) + (8,) → (30,8)" in read.text
    weights = {Pick.of(pick) for pick in read.picks if pick["kind"] == "weight"}
    assert weights == {Pick("weight", 1, j, i) for i in range(2) for j in range(8)}
    turned = show(found, Pick("layer", 1), layout="columns")
    assert "(8,30)" in turned.text


def test_a_sample_goes_the_whole_way():
    found = TRACES["4-20-16-3"]
    read = show(found, Pick("sample"), sample=9)
    for heading, key in (("Hidden layer 1", "z1"), ("Hidden layer 2", "a2"), ("Output layer", "y")):
        row = found.values[key][9]
        shown = np.argsort(-np.abs(found.values[f"a{key[1:]}" if key != "y" else "a3"][9]))[:TERMS]
        for x in row[shown]:
            assert Numerals().of(float(x)) in read.sections[heading]
    assert Numerals().of(float(found.values["losses"][9])) in read.sections["Loss of this sample"]


# ---------------------------------------------------------------- phases


@pytest.mark.parametrize("label", ["2-8-1", "4-20-16-3", "clipped"])
@pytest.mark.parametrize("reached", PHASES)
def test_what_the_phase_has_not_reached_is_not_shown(label, reached):
    found = TRACES[label]
    late, early = set(), set()
    for step in found.steps:
        numbers = {abs(float(x)) for x in np.asarray(step.value, dtype=np.float64).ravel()}
        later = PHASES.index(NEEDS[step.part]) > PHASES.index(reached)
        (late if later and step.name not in {"N", "t", "lr"} else early).update(numbers)
    late -= early | set(map(float, range(200)))
    for pick in picks_of(found):
        content = arithmetic(Asked(found, pick, reached=reached))
        read = Read(content.html)
        shown = {abs(value) for value, _, _ in read.numbers}
        assert not shown & late, pick
        assert reached in {"ready", "forward"} or "Next until forward" not in read.text
        if reached in {"update", "all"}:
            assert "not computed" not in read.text
            assert "not yet" not in read.text


@pytest.mark.parametrize(
    ("reached", "waiting"),
    [("ready", ["forward", "backward"]), ("forward", ["backward"]), ("loss", ["backward"])],
)
def test_it_says_what_to_press(reached, waiting):
    read = show(TRACES["2-8-1"], Pick("neuron", 1), reached=reached)
    for phase in waiting:
        assert f"not computed yet: press Next until {phase}" in read.text
    assert "Proof" not in read.text


def test_what_comes_after_the_update_waits_for_it():
    found = TRACES["2-8-1"]
    before = show(found, Pick("bias", 1, 3), reached="backward").sections["The update"]
    assert "not computed yet: press Next until update" in before
    assert "→" not in before


# ---------------------------------------------------------------- words


def test_titles_say_what_where_and_when():
    found = TRACES["2-8-1"]
    deep = TRACES["4-20-16-3"]
    named = {"inputs": ("petal length",) * 4, "outputs": ("setosa", "versicolor", "virginica")}
    for title, pick, trace_, asked in [
        ("Hidden neuron 3 · sample 1 · before update 121", Pick("neuron", 1, 2), found, {}),
        ("Output neuron · sample 5 · before update 121", Pick("neuron", 2), found, {"sample": 4}),
        ("Neuron 2 of hidden layer 2 · sample 1 · before update 121", Pick("neuron", 2, 1), deep,
         {}),
        ("Output neuron 2 (versicolor) · sample 1 · before update 121", Pick("neuron", 3, 1), deep,
         named),
        ("Weight W₁[1,2] · before update 121", Pick("weight", 1, 2, 1), found, {}),
        ("Bias b₂[0] · before update 121", Pick("bias", 2), found, {}),
        ("Input petal length · sample 1 · before update 121", Pick("input", 0, 1), deep, named),
        ("Sample 8 · before update 121", Pick("sample"), found, {"rows": [*range(7, 37)]}),
        ("Network 2-8-1 · before update 40", Pick("none"), found, {"update": 40}),
    ]:  # fmt: skip
        content = arithmetic(Asked(trace_, pick, **asked))
        assert content.title == title
        assert content.said.startswith(f"{title}: ")


def test_what_is_said_aloud_is_the_number_or_that_there_is_none():
    found = TRACES["2-8-1"]
    shown = Numerals().of(float(found.values["a1"][0, 2]))
    assert arithmetic(Asked(found, Pick("neuron", 1, 2))).said.endswith(f": a₁[0,2] = {shown}")
    waiting = arithmetic(Asked(found, Pick("neuron", 1, 2), reached="ready")).said
    assert waiting.endswith(": a₁[0,2] not computed yet")


def test_weights_and_biases_can_be_typed_over_and_nothing_else():
    found = TRACES["2-8-1"]
    for pick in picks_of(found):
        content = arithmetic(Asked(found, pick))
        assert bool(content.place) == bool(content.typed) == (pick.kind in {"weight", "bias"})
        if content.place:
            value = found[f"{content.place[0]}{pick.layer}"].value
            index = (pick.source, pick.unit) if pick.kind == "weight" else (pick.unit,)
            assert float(content.typed) == value[index]


def test_a_sum_says_what_it_does_to_the_step():
    said = show(TRACES["sum"], Pick("weight", 1)).sections["The update"]
    assert "The sum over 30 samples: the gradient is 30 times that of the mean" in said
    assert "this step is 30 times that of the mean" in said
    assert "the learning rate 0.5·30 = 15." in said
    assert "times that of" not in show(TRACES["2-8-1"], Pick("weight", 1)).text


def test_a_sum_under_adam_says_no_more_than_is_true():
    found = example(reduction="sum", optimizer=Adam(0.1))
    said = show(found, Pick("weight", 1)).sections["The update"]
    assert "the gradient is 30 times" in said
    assert "this step" not in said


def test_proofs_stand_beside_derivatives_and_can_be_left_out():
    found = TRACES["2-8-1"]
    pick = Pick("weight", 1, 2, 0)
    proof = found.proof("dL_dW1", 0, 2)
    said = show(found, pick).text
    assert f"measured as {Numerals(6).of(proof.measured, signed=True)}" in said
    assert "right\xa0✓" in said
    assert "Proof" not in show(found, pick, proofs=False).text


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


def test_an_input_says_where_it_comes_from():
    found = TRACES["2-8-1"]
    pick = Pick("input", 0, 1)
    scaling = ("x1: as it is", "x2: minus its mean <2>, divided by 3")
    assert scaling[1] in show(found, pick, scaling=scaling).text
    cells = replace(found, cells=(Number("a", 1.0, 2.0, 1.0), Number("b", 3.0, 4.0, 3.0)),
                    raw=([1.0] * 30, [5.0] * 30))  # fmt: skip
    for layout in ("rows", "columns"):
        said = show(cells, pick, scaling=scaling, layout=layout).text
        assert "b: (5 - 3) / 4 = 0.5" in said
        assert scaling[1] not in said


def test_a_point_of_the_curve_shows_what_was_recorded():
    recorded = (("training loss", 0.125), ("rows", "1 to <64>"))
    read = show(TRACES["2-8-1"], Pick("epoch", 0, 7), recorded=recorded)
    assert ["training loss", "0.1250"] in read.rows
    assert ["rows", "1 to <64>"] in read.rows


@pytest.mark.parametrize("pick", picks_of(TRACES["2-8-1"]), ids=str)
def test_it_is_said_once_that_digits_are_cut(pick):
    text = show(TRACES["2-8-1"], pick).text
    assert text.count("Computed from full precision; the last digit may differ.") == 1


# ---------------------------------------------------------------- batches, samples outside them


def test_a_batch_keeps_the_rows_of_the_training_data():
    found = TRACES["2-8-1"]
    rows = [*range(100, 130)]
    read = show(found, Pick("weight", 1), sample=2, rows=rows)
    chosen = {pick["unit"] for pick in read.picks if pick["kind"] == "sample"}
    assert len(chosen) == TERMS
    assert chosen <= set(rows)
    assert f"On sample {102 + 1} it carries" in read.text


def test_a_weight_is_explained_without_a_current_sample():
    read = show(TRACES["2-8-1"], Pick("weight", 1), sample=None)
    assert "it carries" not in read.text
    for sample, marked in ((0, True), (None, False)):
        html = arithmetic(Asked(TRACES["1-1"], Pick("weight", 1), sample)).html
        assert ("aria-current" in html) == marked


@pytest.mark.parametrize(
    "pick", [Pick("neuron", 1), Pick("neuron", 2), Pick("input"), Pick("sample")]
)
def test_a_sample_that_is_not_learnt_from_is_only_followed_forward(pick):
    whole = TRACES["2-8-1"]
    found = trace(whole.task, whole.X[:1], theta=whole.theta)
    content = arithmetic(Asked(found, pick, called="validation sample 3", update=121))
    read = Read(content.html)
    assert "alidation sample 3" in content.title or pick.kind == "input"
    assert content.title.endswith("before update 121")
    assert "only followed forward" in read.text or pick.kind == "input"
    check_numbers(found, read, Numerals())


# ---------------------------------------------------------------- what visitors write stays text


HOSTILE = "<img src=x onerror=alert(1)>\"' & <b>"


@pytest.mark.parametrize("names", ["math", "seed"])
def test_text_of_a_table_is_never_markup(names):
    found = TRACES["4-20-16-3"]
    texts = {
        "inputs": (HOSTILE,) * 4, "outputs": (HOSTILE,) * 3, "scaling": (HOSTILE,) * 4,
        "called": HOSTILE, "recorded": ((HOSTILE, HOSTILE),),
    }  # fmt: skip
    seen = 0
    for pick in picks_of(found):
        for reached in PHASES:
            asked = Asked(found, pick, names=names, reached=reached, **texts)
            seen += HOSTILE in Read(arithmetic(asked).html).text  # it allows no other tags
    assert seen > 20
    cells = replace(found, cells=(Number(HOSTILE, 1.0, 2.0, 1.0),) * 4, raw=([1.0] * 40,) * 4)
    assert HOSTILE in show(cells, Pick("input", 0, 1)).text


# ---------------------------------------------------------------- a run that diverged


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_what_is_not_finite_is_shown_as_it_is(value):
    whole = TRACES["4-20-16-3"]
    theta = np.full_like(whole.theta, value)
    state = State(theta, (np.zeros_like(theta),) * 2, 3, 3, Chance.of(0))
    with np.errstate(all="ignore"):
        found = trace(whole.task, whole.X, whole.samples[1], state=state)
    for pick in picks_of(found):
        read = show(found, pick, proofs=False)
        assert any(not math.isfinite(v) for v, _, _ in read.numbers) or value == 1e200 or (
            pick.kind in {"input", "layer"} or pick.layer == 0)  # fmt: skip


# ---------------------------------------------------------------- picks, numbers typed


@pytest.mark.parametrize(
    "pick",
    [Pick("neuron", 3), Pick("neuron", 0), Pick("neuron", 1, 8), Pick("weight", 1, 0, 2),
     Pick("weight", 0), Pick("weight", 2, 1, 0), Pick("bias", 3), Pick("input", 0, 2),
     Pick("layer", 3)],
)  # fmt: skip
def test_a_pick_that_the_network_does_not_have_is_refused(pick):
    with pytest.raises(BadInput, match="the network has"):
        arithmetic(Asked(TRACES["2-8-1"], pick))


def test_a_bias_that_there_is_not_is_refused():
    with pytest.raises(BadInput, match="it has none"):
        Pick("bias", 1).check(network(2, 3, 1, bias=False))


@pytest.mark.parametrize(
    "given_",
    [{"kind": "script"}, {"kind": "neuron", "layer": "1"}, {"kind": "neuron", "layer": 1.0},
     {"kind": "neuron", "layer": True}, {"kind": "weight", "source": -1}, {"layer": 2**40}, [],
     "none", {"kind": None}, {"kind": ["neuron"]}],
)  # fmt: skip
def test_what_the_page_sends_is_checked(given_):
    with pytest.raises(BadInput):
        Pick.of(given_)


@given(st.builds(Pick, st.sampled_from(["neuron", "weight", "bias", "sample"]),
                 *[st.integers(0, 2**31 - 1)] * 3))  # fmt: skip
def test_a_pick_comes_back_from_the_page(pick):
    assert Pick.of(json.loads(pick.json)) == pick


@pytest.mark.parametrize(
    ("text", "value"),
    [("-1/3", -1 / 3), ("0,5", 0.5), ("1e-3", 1e-3), ("−0.2", -0.2), ("  3 ", 3.0), ("+.5", 0.5),
     ("2.", 2.0), ("1 / 4", 0.25), ("1/−4", -0.25), ("1E+2", 100.0), ("0", 0.0)],
)  # fmt: skip
def test_numbers_as_people_type_them(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "1/0", "0/0", "1/3/2", "--1", "1e", "1.2.3", "1,2,3", "nan", "inf", "1e999",
     "1/1e-320", "0x10", "1_000", "__import__('os')", "2**3", "1+1", "٣", "1" * 61, "1\n2", "½",
     "."],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(text):
    with pytest.raises(BadInput, match=r"typed, .+\. Try ") as refused:
        number(text)
    assert "\n" not in str(refused.value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_as_it_is_written(value):
    assert number(repr(value)) == value
    assert number(Numerals(exact=True).of(value)) == value
