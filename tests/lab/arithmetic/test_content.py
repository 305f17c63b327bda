"""The arithmetic panel's content: every number is the trace's, and nothing is shown too early."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.core.errors import BadInput
from glassnet.engines.base import State
from glassnet.engines.chance import Chance
from glassnet.exchange.encodings import Number
from glassnet.lab.arithmetic import Asked, arithmetic
from glassnet.lab.arithmetic.reading import NEEDS, PHASES
from glassnet.lab.pick import Pick
from glassnet.walkthrough.numerals import Numerals
from glassnet.walkthrough.trace import trace
from tests.lab.arithmetic.reading import EVERY, TRACES, Read, check_numbers, picks_of, show
from tests.walkthrough.instances import EVERY_OPTIMIZER, samples_of, state_of, tasks


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


@pytest.mark.parametrize("label", TRACES)
def test_no_sign_stands_beside_a_sign(label):
    found = TRACES[label]
    for pick in picks_of(found):
        assert not re.search(r"[·+−] ?−[\d.]", show(found, pick).text)


@pytest.mark.parametrize(("found", "pick"), EVERY)
def test_all_that_can_be_chosen_is_there(found, pick):
    for given_ in show(found, pick).picks:
        chosen = Pick.of(given_).check(found.net, len(found.X))
        arithmetic(Asked(found, chosen))


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


@pytest.mark.parametrize("pick", picks_of(TRACES["2-8-1"]), ids=str)
def test_it_is_said_once_that_digits_are_cut(pick):
    text = show(TRACES["2-8-1"], pick).text
    assert text.count("Computed from full precision; the last digit may differ.") == 1


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


@pytest.mark.parametrize(
    "pick",
    [Pick("neuron", 3), Pick("neuron", 0), Pick("neuron", 1, 8), Pick("weight", 1, 0, 2),
     Pick("weight", 0), Pick("weight", 2, 1, 0), Pick("bias", 3), Pick("input", 0, 2),
     Pick("layer", 3)],
)  # fmt: skip
def test_a_pick_that_the_network_does_not_have_is_refused(pick):
    with pytest.raises(BadInput, match="the network has"):
        arithmetic(Asked(TRACES["2-8-1"], pick))
