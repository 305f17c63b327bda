"""Next, Play, Pause, the curve: each number that is shown on the way is the library's."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from glassnet.lab.setting import Setting
from tests.lab.browser.conftest import Visit
from tests.lab.browser.lab import Lab, expect, unlike
from tests.lab.browser.run import Run, near, replayed


def figure(value: float) -> str:
    return f"{value:.4g}"


def test_next_goes_through_an_update_and_every_number_is_the_library_s(lab: Lab) -> None:
    run = Run()
    t = run.trace()
    before = run.drawn()
    z, a, delta = (t[name].value[0, 0] for name in ("z1", "a1", "dL_dz1"))
    w, slope = t["W2"].value[0, 0], t["dL_dz2"].value[0, 0]

    lab.next.click()
    expect(lab.next).to_have_text("Next: loss")
    expect(lab.page.locator(".gn-phase")).to_contain_text("Forward")
    lab.next.click()
    expect(lab.next).to_have_text("Next: backward")
    assert lab.panel()["pending"] == {"∂L∂z1[0,0]"}
    lab.next.click()
    expect(lab.next).to_have_text("Next: update")
    lab.until(lambda: lab.panel()["pending"], set())
    assert not near(lab.drawn(), before, within=1e-15)
    panel = lab.panel()
    works = panel["works"]
    assert (works["z1[0,0]"], works["a1[0,0]"], works["∂L∂z1[0,0]"]) == (z, a, delta)
    assert panel["tables"]["Links out"] == [
        ["output", w, slope, pytest.approx(w * slope)],
        ["sum", "", "", t["dL_da1"].value[0, 0]],
    ]
    assert not unlike(zip(panel["numbers"], panel["shown"], strict=True), 4)

    lab.pick_row("Links in", "x2")  # the weight from x2, sample by sample
    expect(lab.title).to_contain_text("Weight")
    panel = lab.panel()
    assert panel["works"]["∂J∂W1[1,0]"] == t["dJ_dW1"].value[1, 0]
    x, deltas = t["X"].value[:, 1], t["dL_dz1"].value[:, 0]
    *rows, (_, _, _, rest), (_, _, _, total) = panel["tables"]["Sample by sample"]
    largest = np.argsort(-np.abs(x * deltas))
    assert {row[0] for row in rows} == {f"sample {s + 1}" for s in largest[: len(rows)]}
    for name, *numbers in rows:
        s = int(name.split()[1]) - 1
        assert numbers == [x[s], deltas[s], x[s] * deltas[s]]
    assert total == t["dL_dW1"].value[1, 0]
    assert math.isclose(rest + sum(row[3] for row in rows), total, rel_tol=1e-9)

    lab.next.click()
    expect(lab.next).to_have_text("Next: forward again")
    change = lab.page.locator(".sum-change data")
    expect(change).to_have_count(2)
    shown = [float(one.get_attribute("value") or "nan") for one in change.all()]
    assert shown == [t["W1"].value[1, 0], t["new_W1"].value[1, 0]]
    expect(lab.figure("epoch")).to_have_text("0")  # the update is shown, not yet behind

    lab.next.click()
    expect(lab.figure("epoch")).to_have_text("1")
    run.train(1)
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    assert not near({"w": run.state.theta[8]}, {"w": t["new_W1"].value[1, 0]}, within=1e-12)
    expect(lab.figure("loss")).to_have_text(figure(float(run.trace()["J"].value)))


def test_next_brings_what_it_made_into_sight_and_leaves_the_focus(visit: Visit) -> None:
    lab = visit(reduced_motion="reduce")
    seen = """(phase) => {
      const panel = document.querySelector(".lab-arithmetic").getBoundingClientRect();
      const part = document.querySelector(`.lab-arithmetic [data-phase=${phase}]`);
      const down = part ? part.getBoundingClientRect().top - panel.top : -1;
      return down >= -1 && down < panel.height / 3;
    }"""
    for phase in ("forward", "loss", "backward", "update", "forward"):
        lab.next.focus()
        lab.press("Enter")
        lab.page.wait_for_function(seen, arg=phase)
        assert lab.page.evaluate("document.activeElement.classList.contains('lab-next')")
        assert lab.page.evaluate("scrollY") == 0
    expect(lab.figure("update under way")).to_have_text("2")


def test_on_a_narrow_page_the_arithmetic_comes_up_when_something_is_picked(visit: Visit) -> None:
    lab = visit(viewport={"width": 768, "height": 1024}, reduced_motion="reduce")
    assert lab.page.evaluate("scrollY") == 0  # not by itself
    below = "(css) => document.querySelector(css).getBoundingClientRect().top"
    ends = "document.querySelector('.lab-network').getBoundingClientRect().bottom"
    assert 0 < lab.page.evaluate(below, ".lab-arithmetic") - lab.page.evaluate(ends) < 30
    lab.click_on("neuron", 1, 3)
    expect(lab.title).to_contain_text("Hidden neuron 4")
    lab.until(lambda: 0 <= lab.page.evaluate(below, ".lab-arithmetic") < 600, True)


def test_back_undoes_the_last_operation(lab: Lab) -> None:
    expect(lab.next).to_have_text("Next: forward")
    states = []
    for label in ("Next: loss", "Next: backward", "Next: update"):
        lab.next.click()
        expect(lab.next).to_have_text(label)
        states.append(lab.still())
    lab.button("Back").click()
    expect(lab.next).to_have_text("Next: backward")
    assert lab.still() == states[1]
    lab.button("Back").click()
    expect(lab.next).to_have_text("Next: loss")
    assert lab.still() == states[0]


def test_play_trains_and_pause_stands_still_where_the_library_would_be(lab: Lab) -> None:
    lab.play.click()
    expect(lab.play).to_contain_text("Pause")
    lab.page.wait_for_function("Number(document.querySelector('.gn-slider').max) > 40")
    lab.play.click()
    expect(lab.play).to_contain_text("Play")
    shown = lab.still()
    epoch = lab.epoch()
    assert epoch > 40
    run = Run().train(epoch)
    assert not near(lab.drawn(), run.drawn(), within=1e-15)
    expect(lab.figure("loss")).to_have_text(figure(float(run.trace()["J"].value)))
    expect(lab.figure("next update")).to_have_text(f"{epoch + 1}")
    z = lab.panel()["works"]["z1[0,0]"]
    assert z == run.trace()["z1"].value[0, 0]
    lab.page.wait_for_timeout(300)
    assert lab.everything() == shown


def test_a_jump_back_on_the_curve_brings_exactly_the_same_numbers(lab: Lab) -> None:
    lab.button("Step").click()
    lab.page.get_by_role("menuitem", name="10 epochs", exact=True).click()
    expect(lab.figure("epoch")).to_have_text("10")
    lab.press("Escape")
    expect(lab.page.get_by_role("menu")).to_have_count(0)
    at_ten = lab.still()
    lab.play.click()
    lab.page.wait_for_function("Number(document.querySelector('.gn-slider').max) > 60")
    lab.play.click()
    expect(lab.play).to_contain_text("Play")
    end = lab.still()
    lab.go_to_epoch(10)
    expect(lab.figure("epoch")).to_have_text("10")
    lab.until(lab.everything, at_ten)
    lab.press("ArrowRight")  # the slider has the focus: one epoch on
    expect(lab.figure("epoch")).to_have_text("11")
    lab.go_to_epoch(int(end[-1][0]))
    lab.until(lab.everything, end)


def test_rewind_means_the_same_start_and_new_start_another(lab: Lab) -> None:
    start = lab.still()
    lab.press("Shift+ArrowRight")
    expect(lab.figure("epoch")).to_have_text("1")
    once = lab.drawn()
    lab.button("Rewind").click()
    expect(lab.figure("epoch")).to_have_text("0")
    assert lab.still() == start
    lab.press("Shift+ArrowRight")
    lab.until(lab.drawn, once)
    lab.button("New start").click()
    run = Run(Setting(start=1))
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    expect(lab.figure("epoch")).to_have_text("0")


def test_the_learning_rate_can_be_changed_while_it_trains(lab: Lab) -> None:
    lab.play.click()
    lab.page.wait_for_function("Number(document.querySelector('.gn-slider').max) > 20")
    lab.type_in("Learning rate", "0,25")
    expect(lab.field("Learning rate")).to_have_value("0.25")
    changed = lab.epoch()
    lab.page.wait_for_function(
        "(n) => Number(document.querySelector('.gn-slider').max) > n", arg=changed + 20
    )
    expect(lab.play).to_contain_text("Pause")
    lab.play.click()
    expect(lab.play).to_contain_text("Play")
    lab.still()
    lab.page.wait_for_url(lambda url: "change=" in url and "at=" in url)
    session = replayed(lab.query())
    assert session.setting.optimizer == "sgd:lr=0.25"
    assert 20 < session.changes[0].epoch < session.position.epoch == lab.epoch()
    theta = {key: value for key, value in lab.drawn().items() if key[0] in ("weight", "bias")}
    net = session.problem.task.net
    wanted = {("weight", k, j, i): w for k, (W, _) in enumerate(net.views(session.state.theta), 1)
              for (i, j), w in np.ndenumerate(W)}  # fmt: skip
    wanted |= {("bias", k, j, 0): b for k, (_, bs) in enumerate(net.views(session.state.theta), 1)
               for j, b in enumerate(bs)}  # fmt: skip
    assert not near(theta, wanted, within=1e-15)


def test_clip_and_dropout_are_changed_while_it_trains(lab: Lab) -> None:
    lab.play.click()
    lab.page.wait_for_function("Number(document.querySelector('.gn-slider').max) > 5")
    lab.type_in("Clip", "1/8")
    expect(lab.field("Clip")).to_have_value("0.125")
    lab.type_in("Dropout", "0,5")
    expect(lab.field("Dropout")).to_have_value("0.5")
    told = lab.page.locator(".lab-learning .lab-formula")
    expect(told).to_contain_text("g ← g·min(1, 0.125/‖g‖)")
    expect(told).to_contain_text("h = m∘a")
    expect(lab.play).to_contain_text("Pause")
    lab.type_in("Dropout", "1")
    expect(lab.message).to_contain_text("dropout 1, a share from 0 to below 1 is expected")
    expect(lab.field("Dropout")).to_have_value("0.5")
    lab.play.click()
    expect(lab.play).to_contain_text("Play")
    lab.still()
    lab.page.wait_for_url(lambda url: "change=" in url and "at=" in url)
    session = replayed(lab.query())
    assert (session.setting.clip, session.setting.dropout) == (0.125, 0.5)
    for number in ("m1", "h1"):
        value = session.trace[number].value[session.position.row, 0]
        assert lab.panel()["works"][f"{number}[{session.position.row},0]"] == value
    assert session.trace["m1"].value[session.position.row, 0] in (0.0, 2.0)


def test_it_trains_until_the_loss_is_below(lab: Lab) -> None:
    lab.button("Step").click()
    lab.page.get_by_label("until loss <").fill("0,25")
    lab.page.get_by_label("until loss <").press("Enter")
    expect(lab.message).to_contain_text("The loss fell below 0.25 in epoch")
    epoch = lab.epoch()
    assert str(epoch) in lab.message.inner_text()
    session = replayed(lab.query())
    losses = session.timeline.curve("loss")
    assert losses[epoch - 1] < 0.25 <= losses[epoch - 2]


def test_a_run_that_diverges_stops_and_names_the_quantity(visit: Visit) -> None:
    lab = visit("data=sine&optimizer=sgd:lr=50")
    lab.play.click()
    expect(lab.message).to_contain_text("is not finite")
    said = lab.message.inner_text()
    assert " diverged in epoch " in said
    assert re.search(r": (z\d|a\d|d[LJ]_d\w+|[Wb]\d|loss|losses|L|J)( in layer \d)? is not", said)
    expect(lab.play).to_contain_text("Play")
    assert lab.epoch() == int(said.split("epoch ")[1].split(",")[0]) - 1
    lab.button("Rewind").click()  # one can go on from here
    expect(lab.figure("epoch")).to_have_text("0")
    lab.type_in("Learning rate", "0.1")
    lab.press("Shift+ArrowRight")
    lab.page.locator(".lab-name").click()
    lab.press("Shift+ArrowRight")
    expect(lab.figure("epoch")).to_have_text("1")


def test_a_pinned_run_lies_beside_the_next(lab: Lab) -> None:
    lab.press("Space")
    lab.page.wait_for_function("Number(document.querySelector('.gn-slider').max) > 30")
    lab.press("Space")
    expect(lab.play).to_contain_text("Play")
    lab.button("Pin this run").click()
    entry = lab.page.locator(".gn-legend").get_by_text("pinned: run 1")
    expect(entry).to_be_visible()
    pinned = lab.page.locator(".gn-curve-pin.gn-pin-0").last
    drawn = pinned.get_attribute("d")
    assert drawn
    lab.button("New start").click()
    expect(lab.figure("epoch")).to_have_text("0")
    expect(pinned).to_have_attribute("d", drawn)
    lab.button("Unpin all runs").click()
    expect(entry).to_have_count(0)
