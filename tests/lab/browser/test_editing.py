"""Weights typed over, points added, moved and deleted, layers and neurons by + and −."""

from __future__ import annotations

import re

import numpy as np

from glassnet.lab.setting import Setting
from tests.lab.browser.lab import Lab, expect
from tests.lab.browser.run import Run, near, replayed


def test_a_weight_is_typed_over_and_the_page_follows(lab: Lab) -> None:
    lab.pick_row("Links in", "x1")
    for typed, value in (("-1/3", -1 / 3), ("0,5", 0.5), ("−1/7", -1 / 7)):
        lab.box.fill(typed)
        lab.box.press("Enter")
        run = Run().typed("W1", (0, 0), value)
        lab.until(lambda run=run: near(lab.drawn(), run.drawn(), within=1e-15), [])
        assert lab.drawn()["weight", 1, 0, 0] == value
        loss = run.trace()["J"].value
        expect(lab.figure("loss")).to_have_text(f"{float(loss):.4g}")
    lab.page.wait_for_url(re.compile("change="))
    lab.press("Escape")
    lab.click_on("neuron", 1)  # its sum is the one with the new weight
    expect(lab.title).to_contain_text("Hidden neuron 1")
    lab.until(lambda: lab.panel()["works"]["z1[0,0]"], run.trace()["z1"].value[0, 0])


def test_what_is_being_typed_stays_while_numbers_change(lab: Lab) -> None:
    lab.pick_row("Links in", "x1")
    lab.box.fill("0,5")
    lab.box.press("Enter")
    expect(lab.box).not_to_have_value("0,5")  # but as it was understood
    lab.box.fill("0,25")  # the focus was there all the time
    lab.play.evaluate("button => button.click()")  # and stays there
    expect(lab.figure("epoch")).not_to_have_text("0")
    lab.page.wait_for_timeout(300)
    expect(lab.box).to_have_value("0,25")


def test_what_is_no_number_is_refused_in_a_line(lab: Lab) -> None:
    lab.pick_row("Links in", "x1")
    expect(lab.box).to_be_visible()
    before = lab.drawn()
    shown = lab.box.input_value()
    for typed in ("nonsense", "1/0", "", "1e999", "0x10", "<b>1</b>"):
        lab.box.fill(typed)
        lab.box.press("Enter")
        expect(lab.page.locator(".sum-error")).to_contain_text("typed")
        assert lab.drawn() == before
        lab.press("Escape")
        expect(lab.page.locator(".sum-error")).to_have_text("")
        expect(lab.box).to_have_value(shown)
    assert "change=" not in lab.query()


def test_any_number_can_be_typed_over_in_the_table_of_all(lab: Lab) -> None:
    lab.button("All numbers as a table").click()
    cell = lab.page.get_by_label("b2[0]", exact=True)
    expect(cell).to_have_value("0")
    cell.fill("1/8")
    cell.press("Enter")
    expect(lab.page.get_by_label("b2[0]", exact=True)).to_have_value("0.125")
    lab.dialog.get_by_role("button", name="Close").click()
    expect(lab.dialog).to_have_count(0)
    run = Run().typed("b2", (0,), 0.125)
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])


def point(lab: Lab, row: int, *, held: bool = False) -> tuple[float, float]:
    """Where a training point is on the screen."""
    found = lab.page.evaluate(
        """([row, held]) => {
          const svg = document.querySelector(".gn-data svg[role=group]").getBoundingClientRect();
          const frame = document.querySelector(".gn-data .gn-frame").getBoundingClientRect();
          return [frame.left, frame.top, frame.width, frame.height];
        }""",
        [row, held],
    )
    data = Run().data
    assert data.held_X is not None
    X = np.vstack([data.X, data.held_X])
    low, high = X.min(0), X.max(0)
    margin = (high - low) / 12
    share = (data.X[row] - low + margin) / (high - low + 2 * margin)
    left, top, width, height = found
    return left + share[0] * width, top + (1 - share[1]) * height


def said(lab: Lab) -> str:
    points = lab.page.locator(".gn-data svg[role=group]")
    return (points.get_attribute("aria-label") or "").split(" and ")[0]


def test_points_are_added_moved_and_deleted_by_hand(lab: Lab) -> None:
    lab.page.locator(".gn-data").scroll_into_view_if_needed()
    assert said(lab) == "150 training points"

    x, y = point(lab, 0)
    lab.page.get_by_role("radio", name="Move").check()
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + 20, y - 30, steps=4)
    lab.page.mouse.up()
    lab.page.wait_for_url(re.compile("points=move"))
    moved = lab.still()[0]
    was = Run().data.X[0]
    assert moved["input", 0, 0, 0] > was[0]
    assert moved["input", 0, 1, 0] > was[1]

    lab.page.get_by_role("radio", name="Add").check()
    lab.page.mouse.click(x + 40, y - 60)
    lab.until(lambda: said(lab), "151 training points")
    lab.page.wait_for_url(re.compile("add%2C"))

    lab.page.get_by_role("radio", name="Delete").check()
    lab.page.mouse.click(x + 40, y - 60)
    lab.until(lambda: said(lab), "150 training points")
    lab.page.wait_for_url(re.compile("delete%2C150"))
    again = replayed(lab.query())  # the link has what the page shows
    assert len(again.data.X) == 150
    assert tuple(again.data.X[0]) == (moved["input", 0, 0, 0], moved["input", 0, 1, 0])


def test_a_click_on_a_point_makes_it_the_current_sample(lab: Lab) -> None:
    lab.page.mouse.click(*point(lab, 20))
    expect(lab.title).to_contain_text("sample ")
    lab.until(lambda: "sample=" in lab.query(), True)
    row = int(lab.query().split("sample=")[1].split("&")[0])
    lab.until(lambda: near(lab.drawn(), Run().drawn(row), within=1e-15), [])


def test_neurons_and_layers_come_and_go(lab: Lab) -> None:
    lab.button("More neurons in hidden layer 1").click()
    run = Run(Setting(hidden=(9,)))
    expect(lab.page.locator(".gn-more")).to_be_visible()  # eight are drawn, one is counted
    lab.button("Fewer neurons in hidden layer 1").click()
    lab.until(lambda: near(lab.drawn(), Run().drawn(), within=1e-15), [])
    lab.button("Add a hidden layer").click()
    expect(lab.button("More neurons in hidden layer 2")).to_be_visible()
    run = Run(Setting(hidden=(8, 8), activations=("tanh", "tanh")))
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    fewer = lab.button("Fewer neurons in hidden layer 2")
    fewer.focus()
    for _ in range(7):  # as fast as one can: none is lost, and the button keeps the focus
        lab.press("Enter")
    run = Run(Setting(hidden=(8, 1), activations=("tanh", "tanh")))
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    lab.press("Enter")  # a layer without neurons is none
    lab.until(lambda: near(lab.drawn(), Run().drawn(), within=1e-15), [])


def test_activation_loss_bias_and_set_are_chosen(lab: Lab) -> None:
    lab.choose("Activation of hidden layer 1", "relu")
    run = Run(Setting(activations=("relu",)))
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    lab.choose("Loss", "squarederror")
    run = Run(Setting(activations=("relu",), loss="squarederror"))
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    lab.page.get_by_role("switch", name="Bias").click()
    run = Run(Setting(activations=("relu",), loss="squarederror", bias=False))
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    lab.choose("Set", "iris")
    expect(lab.page.locator(".gn-data .gn-legend").get_by_text("versicolor")).to_be_visible()
    assert {key[2] for key in lab.still()[0] if key[:2] == ("input", 0)} == {0, 1, 2, 3}
    lab.choose("Set", "sine")
    expect(lab.page.locator(".gn-answer-line").first).to_have_attribute("d", re.compile("^M"))
    expect(lab.message).to_be_hidden()
