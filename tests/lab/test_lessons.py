from __future__ import annotations

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest

from glassnet.core.backprop import forward
from glassnet.lab import lessons
from glassnet.lab.frame import measured
from glassnet.lab.lessons import LESSONS, Lesson
from glassnet.lab.lessons.bias import BIAS
from glassnet.lab.lessons.chaos import CHAOS, FIRST, NUDGED
from glassnet.lab.lessons.notebook import NOTEBOOK
from glassnet.lab.lessons.overfitting import OVERFITTING
from glassnet.lab.lessons.saturation import SATURATION
from glassnet.lab.lessons.sums import SUM
from glassnet.lab.lessons.xor import XOR
from glassnet.lab.link import arrive, link, opened
from glassnet.lab.session import Session

STEPS = [(lesson, k) for lesson in LESSONS.values() for k in range(1, len(lesson.steps) + 1)]


def at(query: str) -> Session:
    """The page of a link, once it has arrived."""
    session = opened(query)
    asyncio.run(arrive(session, query))
    assert not session.message
    return session


def step(lesson: Lesson, number: int) -> Session:
    return at(lessons.resolved(lessons.address(lesson, number)))


def train(session: Session, epochs: int) -> None:
    """What Play does, living pins along with it."""
    goal = session.position.epoch + epochs
    for timeline in (session.timeline, *(pin.timeline for pin in session.pins)):
        if timeline.end < goal:
            timeline.advance(goal - timeline.end)
    session.go(goal)


def until(session: Session, loss: float, most: int = 2000) -> int:
    """The epoch whose loss is the first below, gone to."""
    train(session, most)
    found = np.flatnonzero(session.timeline.curve() < loss)
    assert len(found)
    session.go(int(found[0]) + 1)
    return int(found[0]) + 1


def curve(session: Session) -> np.ndarray:
    return session.timeline.curve()


def done(lesson: Lesson, number: int, session: Session) -> bool:
    check = lesson.steps[number - 1].done
    assert check is not None
    return check(session)


def score(session: Session) -> float:
    return measured(session, session.problem, validation=False)[1]


# ---------------------------------------------------------------- all of them


def test_there_are_six_lessons_and_the_edge_of_chaos() -> None:
    assert list(LESSONS) == [
        "notebook", "bias", "xor", "sum", "saturation", "overfitting", "chaos",
    ]  # fmt: skip
    assert all(3 <= len(lesson.steps) <= 6 for lesson in LESSONS.values())


@pytest.mark.parametrize(("lesson", "number"), STEPS, ids=lambda x: getattr(x, "name", x))
def test_every_step_opens_with_something_to_do(lesson: Lesson, number: int) -> None:
    one = lesson.steps[number - 1]
    assert one.title
    assert one.text
    assert one.task
    assert set(one.hide) <= set(lessons.CONTROLS)
    session = step(lesson, number)
    assert not done(lesson, number, session)
    assert session.data  # it stands
    # a link of the page as it stands opens the same
    again = opened(session.query())
    assert (again.setting, again.pick.kind) == (session.origin, "neuron")


def test_the_seven_texts_are_plain() -> None:
    for lesson in LESSONS.values():
        for one in lesson.steps:
            assert not set("<>–—") & set(one.text + one.task), one.title
            assert len(one.text) < 420, one.title


# ---------------------------------------------------------------- the notebook


def test_notebook_forward_by_hand() -> None:
    session = step(NOTEBOOK, 1)
    values = session.trace.values
    assert values["X"][0].tolist() == [1, 0, 0, 0]
    assert values["z1"][0, 0] == values["W1"][0, 0]
    assert f"{values['z1'][0, 0]:.4g}" == "0.3745"
    assert f"{values['a2'][0, 0]:.4f}" == "0.6833"
    session.next()
    assert done(NOTEBOOK, 1, session)


def test_notebook_one_weight_back() -> None:
    session = step(NOTEBOOK, 2)
    values = session.trace.values
    a, delta = values["a1"][:, 0], values["dL_dz2"][:, 0]
    text = NOTEBOOK.steps[1].text
    for x, d in zip(a, delta, strict=True):
        sign = f"(−{-d:.4f})" if d < 0 else f"{d:.4f}"
        assert f"{x:.4f}·{sign}" in text
    assert f"{values['dL_dW2'][0, 0]:.4f}" == "0.0332"
    assert session.position.phase == "backward"
    session.next()
    assert done(NOTEBOOK, 2, session)
    assert f"{values['W2'][0, 0]:.4f} {values['new_W2'][0, 0]:.4f}" == "0.8324 0.8321"


def test_notebook_a_thousand_epochs_and_the_side_of_an_update() -> None:
    session = step(NOTEBOOK, 3)
    train(session, 1000)
    assert f"{curve(session)[0]:.4f} {curve(session)[999]:.5f}" == "0.1155 0.00875"
    assert until(session, 0.009, 1) == 991
    assert done(NOTEBOOK, 3, session)
    session.go(990)
    assert not done(NOTEBOOK, 3, session)
    session = step(NOTEBOOK, 4)
    assert (session.position.epoch, session.position.phase) == (999, "forward")
    assert f"{session.trace.values['a2'][0, 0]:.5f}" == "0.91558"
    for _ in range(4):
        session.next()
    assert f"{session.trace.values['a2'][0, 0]:.5f}" == "0.91570"
    assert done(NOTEBOOK, 4, session)


# ---------------------------------------------------------------- a bias


@pytest.mark.parametrize("number", [1, 2])
def test_bias_without_one_opposite_answers_add_up_to_one(number: int) -> None:
    session = step(BIAS, number)
    train(session, 500)
    net, theta = session.problem.task.net, session.state.theta
    X = np.random.default_rng(0).normal(size=(40, 2))
    there, opposite = (forward(net, theta, x)[-1].a for x in (X, -X))
    np.testing.assert_allclose(there + opposite, 1.0, rtol=1e-14)
    assert forward(net, theta, np.zeros((1, 2)))[-1].a == 0.5
    assert 0.67 < curve(session)[-1] < np.log(2)
    assert done(BIAS, number, session)
    if number == 2:
        assert net.n_params == 96


def test_bias_with_one_it_learns() -> None:
    session = step(BIAS, 3)
    bare = step(BIAS, 1).problem.task.net.n_params
    assert session.problem.task.net.n_params == bare + 5
    assert until(session, 0.05) == 485
    assert done(BIAS, 3, session)
    session = step(BIAS, 4)
    session.edit("b2[0]", "0")
    assert done(BIAS, 4, session)


# ---------------------------------------------------------------- XOR


def test_xor_no_line_parts_the_points() -> None:
    session = step(XOR, 1)
    assert len(session.problem.task.net.layers) == 1
    train(session, 500)
    assert f"{curve(session)[-1]:.4f}" == f"{np.log(2):.4f}" == "0.6931"
    np.testing.assert_allclose(session.trace.values["a1"], 0.5, atol=1e-3)
    assert done(XOR, 1, session)


def test_xor_two_neurons_need_luck() -> None:
    session = step(XOR, 2)
    train(session, 2000)
    assert curve(session)[-1] == pytest.approx(np.log(2) / 2, abs=1e-3)
    answers = np.sort(session.trace.values["a2"].ravel())
    np.testing.assert_allclose(answers, [0, 0.5, 0.5, 1], atol=2e-3)
    tries = 0
    while not done(XOR, 2, session):
        session.new_start()
        train(session, 2000)
        tries += 1
    assert tries == 3


@pytest.mark.parametrize(("hidden", "learnt"), [(2, 12), (3, 19)])
def test_xor_how_many_of_twenty_seeds_learn(hidden: int, learnt: int) -> None:
    found = 0
    for seed in range(20):
        session = opened(f"data=xor&hidden={hidden}&seed={seed}")
        session.timeline.advance(2000)
        found += curve(session)[-1] < 0.05
    assert found == learnt
    assert f"{learnt} learn it" in XOR.steps[hidden - 1].text


def test_xor_three_neurons() -> None:
    session = step(XOR, 3)
    assert until(session, 0.05) == 103
    assert done(XOR, 3, session)
    session = step(XOR, 4)
    assert score(session) == 1.0
    session.edit("W1[0,0]", "0")
    assert not done(XOR, 4, session)
    session.edit("W2[1,0]", "0")
    assert done(XOR, 4, session)
    assert score(session) < 1.0


# ---------------------------------------------------------------- sum and mean


def test_sum_and_mean() -> None:
    mean = step(SUM, 1)
    assert len(mean.data.X) == 200
    train(mean, 300)
    losses = curve(mean)
    assert f"{losses[0]:.4f} {losses[-1]:.4f}" == "0.7094 0.2627"
    assert (np.diff(losses) < 0).all()
    assert done(SUM, 1, mean)

    leaping = step(SUM, 2)
    train(leaping, 3)
    assert f"{curve(leaping)[2]:.1f}" == "14.2"
    assert done(SUM, 2, leaping)
    (pin,) = leaping.pins
    np.testing.assert_array_equal(pin.timeline.curve(), losses[:3])
    W1 = {name: s.timeline.at(0) for name, s in (("mean", mean), ("sum", leaping))}
    np.testing.assert_array_equal(W1["mean"].theta, W1["sum"].theta)
    train(leaping, 297)
    assert curve(leaping)[-1] < 0.01

    divided = step(SUM, 3)
    train(divided, 300)
    np.testing.assert_allclose(curve(divided), losses, atol=1e-12, rtol=0)
    assert done(SUM, 3, divided)

    wild = step(SUM, 4)
    train(wild, 300)
    # 138 and 116 were seen on one machine: how an engine sums decides, so far does each step leap
    assert (np.diff(curve(wild)) > 0).sum() > 90
    assert not done(SUM, 4, wild)
    wild.rewind()
    wild.set(optimizer="sgd:lr=3")
    assert until(wild, 0.1)
    assert done(SUM, 4, wild)


def test_the_gradient_of_the_sum_is_the_rows_times_that_of_the_mean() -> None:
    mean, total = (step(SUM, k).trace.values["dJ_dW1"] for k in (1, 2))
    np.testing.assert_allclose(total, 200 * mean, rtol=1e-12)


# ---------------------------------------------------------------- saturation


def test_saturation_of_sigmoids() -> None:
    session = step(SATURATION, 1)
    values = session.trace.values
    assert min(values["z1"].min(), values["z2"].min()) > 11
    assert values["da1_dz1"].max() < 1e-5
    train(session, 100)
    assert [f"{one:.4f}" for one in curve(session)[[0, 99]]] == ["0.1667"] * 2
    wrong = (session.trace.values["a2"] > 0.5) != (session.data.y > 0.5)
    assert wrong.ravel().tolist() == [False, False, True]
    assert done(SATURATION, 1, session)

    small = step(SATURATION, 2)
    slopes = small.trace.values["da1_dz1"]
    assert 0.1 < slopes.min() < slopes.max() < 0.25
    until(small, 0.01, 1000)
    assert done(SATURATION, 2, small)


def test_cross_entropy_does_not_fade() -> None:
    session = step(SATURATION, 3)
    values = session.trace.values
    np.testing.assert_allclose(values["dL_dz2"], values["a2"] - values["y"], atol=1e-12)
    assert values["dL_dz2"][2, 0] == pytest.approx(1)
    before = session.problem.task.net.named(session.state.theta)
    train(session, 100)
    after = session.problem.task.net.named(session.state.theta)
    assert f"{curve(session)[0]:.2f}" == "13.84"
    assert 3 < curve(session)[-1] < 4
    assert np.abs(after["W1"] - before["W1"]).max() < 1e-2
    assert np.abs(after["W2"] - before["W2"]).min() > 1
    assert done(SATURATION, 3, session)


def dead(session: Session) -> int:
    """Hidden neurons whose z is below 0 for every training point."""
    return int((session.trace.values["z1"].max(axis=0) <= 0).sum())


def test_dead_relus() -> None:
    session = step(SATURATION, 4)
    counts = [dead(session)]
    for _ in range(3):
        session.step_epochs()
        counts.append(dead(session))
    assert counts == [0, 0, 0, 3]
    assert done(SATURATION, 4, session)
    theta = session.state.theta
    gradient = session.trace.values["dJ_dW1"]
    assert (gradient == 0).all(axis=0).sum() == 3
    train(session, 297)
    assert dead(session) == 3
    assert f"{score(session):.0%}" == "67%"
    W1 = session.problem.task.net.named(session.state.theta)["W1"]
    assert (session.problem.task.net.named(theta)["W1"] == W1).all(axis=0).sum() == 3


def test_a_leak_and_smaller_steps() -> None:
    leaky = step(SATURATION, 5)
    np.testing.assert_array_equal(
        leaky.timeline.at(0).theta, step(SATURATION, 4).timeline.at(0).theta
    )
    train(leaky, 300)
    assert f"{score(leaky):.0%}" == "98%"
    assert done(SATURATION, 5, leaky)
    small = step(SATURATION, 6)
    until(small, 0.03)
    assert dead(small) == 0
    assert done(SATURATION, 6, small)


# ---------------------------------------------------------------- overfitting


def test_overfitting() -> None:
    session = step(OVERFITTING, 1)
    assert (len(session.data.X), len(session.data.held_X)) == (30, 30)  # type: ignore[arg-type]
    train(session, 3000)
    held = session.timeline.curve("validation")
    assert f"{curve(session)[-1]:.3f}" == "0.002"
    assert score(session) == 1.0
    assert (int(held.argmin()) + 1, f"{held.min():.2f}") == (2, "0.54")
    assert f"{held[-1]:.1f}" == "3.1"
    assert done(OVERFITTING, 1, session)

    priced = step(OVERFITTING, 2)
    train(priced, 3000)
    assert f"{priced.timeline.curve('validation')[-1]:.2f}" == "0.55"
    assert f"{curve(priced)[-1]:.2f}" == "0.36"
    assert len(priced.pins) == 1

    left_out = step(OVERFITTING, 3)
    train(left_out, 3000)
    assert f"{left_out.timeline.curve('validation')[-1]:.2f}" == "0.87"
    jumps = curve(left_out)[-500:]
    assert (f"{jumps.min():.2f}", f"{jumps.max():.2f}") == ("0.12", "0.47")
    assert set(left_out.trace["m1"].value.ravel()) == {0.0, 2.0}
    assert len(left_out.pins) == 1
    left_out.set(dropout=0.0)
    train(left_out, 3000)
    assert curve(left_out)[-1] < 0.02

    more = step(OVERFITTING, 4)
    train(more, 3000)
    assert len(more.data.X) == 200
    assert f"{more.timeline.curve('validation')[-1]:.2f}" == "0.31"
    assert f"{curve(more)[-1]:.2f}" == "0.22"


# ---------------------------------------------------------------- chaos


def test_the_edge_of_chaos() -> None:
    session = step(CHAOS, 1)
    first = session.problem.task.net.named(session.state.theta)["W1"]
    assert first[0, 0] == FIRST
    assert NUDGED == FIRST * (1 + 1e-15) != FIRST
    train(session, 5000)
    (pin,) = session.pins
    one, two = curve(session), pin.timeline.curve()
    assert [f"{x:.5f}" for x in one] == [f"{x:.5f}" for x in two]
    np.testing.assert_allclose(one[999:3000], 0.25, atol=1e-4)
    assert done(CHAOS, 1, session)

    session = step(CHAOS, 2)
    assert session.position.epoch == 5900
    train(session, 3100)
    (pin,) = session.pins
    # where exactly is a matter of the machine
    apart = np.abs(curve(session) / pin.timeline.curve() - 1)
    assert apart[:5000].max() < 1e-4
    assert apart[6000:].max() > 0.01
    assert done(CHAOS, 2, session)


def test_smaller_steps_are_calm() -> None:
    session = step(CHAOS, 3)
    train(session, 3000)
    (pin,) = session.pins
    np.testing.assert_allclose(curve(session), pin.timeline.curve(), rtol=1e-14)
    assert done(CHAOS, 3, session)


# ---------------------------------------------------------------- links


def test_a_link_names_a_step_and_may_bring_its_own_state() -> None:
    assert lessons.resolved("lesson=xor&step=2") == XOR.steps[1].query
    assert lessons.resolved("?lesson=xor&step=2&token=abc&ticked=1") == XOR.steps[1].query
    own = "data=xor&at=5&lesson=xor&step=2"
    assert lessons.resolved(own) == own
    assert lessons.beside(own).step == XOR.steps[1]
    assert lessons.resolved("data=iris") == "data=iris"
    assert lessons.resolved("lesson=xor&hidden=") == "lesson=xor&hidden="


def test_steps_beyond_and_lessons_unknown() -> None:
    assert lessons.beside("lesson=xor&step=99").number == 4
    assert lessons.beside("lesson=xor&step=-3").number == 1
    assert lessons.beside("lesson=xor&step=²").number == 1
    assert lessons.beside("lesson=nothing&step=1").lesson is None
    assert lessons.resolved("lesson=nothing") == "lesson=nothing"
    assert lessons.beside("lesson=xor&ticked=1-3-77-x").ticked == {1, 3}


def test_what_was_ticked_goes_along() -> None:
    here = lessons.beside(lessons.address(XOR, 2, [1]))
    there = lessons.beside(here.address(3))
    assert (there.number, there.ticked) == (3, {1})
    assert lessons.beside(here.query()) == here


def test_a_teachers_own_link() -> None:
    session = at("data=iris&at=3")
    task = 'Say <b>why</b> & "how" ~ 100 %'
    query = lessons.own_link(session, ["layers", "rm -rf", "bias"], task)
    found = lessons.beside(query)
    assert (found.lesson, found.hide, found.task) == (None, ("layers", "bias"), task)
    assert lessons.resolved(query) == query
    assert at(query).position.epoch == 3
    assert len(lessons.beside("task=" + "x" * 5000).task) == lessons.LETTERS
    assert lessons.own_link(session) == link(session)


def test_what_can_be_hidden_is_on_the_page() -> None:
    # a control that got another name would stay where it is
    panels = Path(lessons.__file__).parent.parent
    written = "".join(path.read_text() for path in (panels / "panels").glob("*.py"))
    for name in ("page.py", "drawings/data.js", "drawings/lab.css", "page.css"):
        written += (panels / name).read_text()
    for words, places in lessons.CONTROLS.values():
        assert words
        for label in re.findall(r'aria-label="([^"]+)"', places):
            assert f'"{label}"' in written or label in ("L1", "L2"), label
        for name in re.findall(r"\.((?:lab|gn)-[a-z]+)", places):
            assert re.search(rf"\b{name}\b", written), name


def test_only_what_is_known_can_be_hidden() -> None:
    found = lessons.beside("hide=bias,%7D%20body%7Bdisplay:none,play")
    assert found.hide == ("bias", "play")
    rule = lessons.style(found.hide)
    assert rule.count("{") == 1
    assert ".lab-play" in rule
    assert lessons.style(()) == ""
