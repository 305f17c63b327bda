"""The first screen: paused, nothing to dismiss, nothing empty, and every number the library's."""

from __future__ import annotations

from glassnet.lab.setting import Setting
from tests.lab.browser.lab import Lab, expect, unlike
from tests.lab.browser.run import Run, near


def test_it_stands_before_the_first_update_and_waits(lab: Lab) -> None:
    expect(lab.next).to_have_text("Next: forward")
    expect(lab.play).to_contain_text("Play")
    expect(lab.figure("epoch")).to_have_text("0")
    expect(lab.figure("next update")).to_have_text("1")
    expect(lab.page.locator(".gn-phase")).to_have_text("Ready: the next step is the forward pass")
    expect(lab.page.get_by_role("dialog")).to_have_count(0)
    expect(lab.message).to_be_hidden()
    before = lab.still()
    lab.page.wait_for_timeout(500)  # it does not begin by itself
    assert lab.everything() == before


def test_it_shows_moons_and_a_small_network(lab: Lab) -> None:
    expect(lab.field("Set")).to_have_value("moons")
    network = lab.page.locator(".gn-network > .gn-stage > svg[role=group]")
    expect(network).to_have_attribute("aria-label", "Network with 2-8-1 neurons. Arrow keys move "
        "over the neurons, B goes to a neuron's bias, W to its weights, Enter opens, Escape lets "
        "go.")  # fmt: skip
    expect(lab.page.locator(".gn-activation")).to_have_text(["tanh", "sigmoid"])
    n, held = Setting().n, Setting().held
    points = lab.page.locator(".gn-data svg[role=group]")
    said = f"{n - int(n * held)} training points and {int(n * held)} validation points over x1"
    assert (points.get_attribute("aria-label") or "").startswith(said)


def test_the_arithmetic_is_open_on_a_neuron_and_its_numbers_are_the_library_s(lab: Lab) -> None:
    t = Run().trace()
    expect(lab.title).to_have_text("Hidden neuron 1 · sample 1 · before update 1")
    panel = lab.panel()
    z, a = t["z1"].value[0, 0], t["a1"].value[0, 0]
    assert panel["works"] == {"z1[0,0]": z, "a1[0,0]": a}
    assert panel["pending"] == {"∂L∂z1[0,0]"}
    x, w, b = t["X"].value[0], t["W1"].value[:, 0], t["b1"].value[0]
    assert panel["tables"]["Links in"] == [
        ["x1", w[0], x[0], x[0] * w[0]],
        ["x2", w[1], x[1], x[1] * w[1]],
        ["bias", b, "", b],
        ["z", "", "", z],
    ]
    out = t["W2"].value[0, 0]
    assert panel["tables"]["Links out"] == [["output", out, "not yet", "not yet"]]
    assert not unlike(zip(panel["numbers"], panel["shown"], strict=True), 4)


def test_every_number_that_is_drawn_is_the_library_s(lab: Lab) -> None:
    assert not near(lab.drawn(), Run().drawn(), within=1e-15)
    assert not unlike(lab.written(), 2)
    assert not lab.page.locator(".gn-network").get_by_text("none", exact=True).count()
