"""Without a mouse: everything can be reached and done by keys alone."""

from __future__ import annotations

import re

from tests.lab.browser.lab import Lab, expect
from tests.lab.browser.run import Run, near


def focused(lab: Lab) -> str:
    return str(lab.page.evaluate("document.activeElement?.getAttribute('aria-label') ?? ''"))


def test_the_run_is_led_by_keys(lab: Lab) -> None:
    for label in ("loss", "backward", "update", "forward again"):
        lab.press("ArrowRight")
        expect(lab.next).to_have_text(f"Next: {label}")
    lab.press("ArrowLeft")
    expect(lab.next).to_have_text("Next: update")
    lab.press("Shift+ArrowRight")
    expect(lab.figure("epoch")).to_have_text("1")
    lab.press("Space")
    expect(lab.play).to_contain_text("Pause")
    lab.page.wait_for_function("Number(document.querySelector('.gn-slider').max) > 10")
    lab.press("Space")
    expect(lab.play).to_contain_text("Play")
    lab.press("r")
    expect(lab.figure("epoch")).to_have_text("0")
    expect(lab.title).to_contain_text("sample 1 ")
    lab.press("d")
    expect(lab.title).to_contain_text("sample 2 ")
    lab.until(lambda: near(lab.drawn(), Run().drawn(row=1), within=1e-15), [])
    lab.press("Shift+KeyD")
    expect(lab.title).to_contain_text("sample 1 ")


def test_arrows_go_over_the_neurons_and_a_weight_is_typed_over(lab: Lab) -> None:
    lab.tab_to(".gn-network svg")
    lab.press("Home")
    assert focused(lab).startswith("input x1")
    lab.press("ArrowRight", "Home", "ArrowDown")
    assert focused(lab).startswith("input x2")
    lab.press("ArrowRight")
    assert focused(lab).startswith("hidden neuron ")
    lab.press("w")
    assert focused(lab).startswith("weight from input x1 to hidden neuron ")
    to = int(focused(lab).split("neuron ")[1].split(",")[0]) - 1
    lab.press("Enter")
    expect(lab.title).to_contain_text(f"Weight W₁[0,{to}]")
    lab.press("e")
    expect(lab.box).to_be_focused()
    lab.page.keyboard.type("-1/3")  # what is there is selected, so typed over
    lab.press("Enter")
    run = Run().typed("W1", (0, to), -1 / 3)
    lab.until(lambda: near(lab.drawn(), run.drawn(), within=1e-15), [])
    lab.press("Escape")  # leaves the box
    expect(lab.box).not_to_be_focused()
    lab.press("Escape")  # lets go of the weight
    expect(lab.title).not_to_contain_text("Weight")


def test_the_bias_and_the_loss_are_reached_too(lab: Lab) -> None:
    lab.tab_to(".gn-network svg")
    lab.press("Home", "ArrowRight", "b")
    assert focused(lab).startswith("bias of hidden neuron ")
    lab.press("Enter")
    expect(lab.title).to_contain_text("Bias b₁[")
    lab.press("End")
    assert focused(lab).startswith("mean loss")
    lab.press("Enter")
    expect(lab.title).to_contain_text("Loss")


def test_the_question_mark_shows_the_keys_and_escape_only_closes_them(lab: Lab) -> None:
    title = lab.title.inner_text()
    lab.press("?")
    expect(lab.dialog).to_contain_text("rewind: the same start, the same batches")
    lab.press("Escape")
    expect(lab.dialog).to_have_count(0)
    expect(lab.title).to_have_text(title)
    lab.press("ArrowRight")  # the keys are heard again
    expect(lab.next).to_have_text("Next: loss")


def test_keys_typed_into_a_box_stay_there(lab: Lab) -> None:
    lab.tab_to("[aria-label='Learning rate']")
    lab.press("Control+a")
    lab.page.keyboard.type("0.5 dr?")
    expect(lab.field("Learning rate")).to_have_value("0.5 dr?")
    expect(lab.dialog).to_have_count(0)
    lab.press("Enter")
    expect(lab.message).to_contain_text("was typed")
    expect(lab.field("Learning rate")).to_have_value("1.0")
    expect(lab.figure("epoch")).to_have_text("0")


def test_points_are_reached_and_added_by_keys(lab: Lab) -> None:
    lab.tab_to(".gn-data .gn-point")
    assert focused(lab).startswith("training sample 1,")
    lab.press("ArrowRight", "Enter")
    expect(lab.title).to_contain_text("sample 2 ")
    lab.tab_to("input[type=radio][value=look]", most=200)
    lab.press("ArrowRight")
    expect(lab.page.get_by_role("radio", name="Add")).to_be_checked()


def test_the_curve_is_a_slider(lab: Lab) -> None:
    for epoch in ("1", "2", "3"):
        lab.press("Shift+ArrowRight")
        expect(lab.figure("epoch")).to_have_text(epoch)
    lab.tab_to(".gn-slider")
    lab.press("ArrowLeft")
    expect(lab.figure("epoch")).to_have_text("2")
    slider = lab.page.locator(".gn-slider")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^epoch 2, loss 0\.\d+"))
    lab.press("Home")
    expect(lab.figure("epoch")).to_have_text("0")
    lab.press("End")
    expect(lab.figure("epoch")).to_have_text("3")
