"""What is there can be seen: nothing is cut off, wrapped away or covered at 1280 by 800."""

from __future__ import annotations

from tests.lab.browser.conftest import Visit
from tests.lab.browser.lab import Lab, expect
from tests.lab.browser.test_tables import send, use

HEIGHT = "(css) => document.querySelector(css).getBoundingClientRect().height"

COVERED = """() => {
  const line = 1.5; // half of it lies beyond
  const ring = document.querySelector(".gn-picked").getBoundingClientRect();
  return [...document.querySelectorAll(".gn-network .gn-value")].filter((e) => {
    const text = e.getBoundingClientRect();
    const w = Math.min(ring.right + line, text.right) - Math.max(ring.left, text.left);
    const h = Math.min(ring.bottom + line, text.bottom - 3) - Math.max(ring.top, text.top + 3);
    return e.textContent && w > 0 && h > 0;
  }).map((e) => e.textContent);
}"""  # a box of text is higher than its digits


def test_all_numbers_of_the_first_network_are_in_sight_and_look_as_if_one_could_type(
    lab: Lab,
) -> None:
    lab.button("All numbers as a table").click()
    table = lab.dialog.get_by_role("table").first
    expect(table.get_by_role("columnheader")).to_have_text(
        ["from", *(f"neuron {j}" for j in range(1, 9))]
    )
    expect(table.get_by_label("W1[0,7]")).to_be_in_viewport(ratio=1)
    wider = (
        "(e) => [...e.querySelectorAll('.lab-scroll')].filter((s) => s.scrollWidth > s.clientWidth)"
    )
    assert lab.dialog.evaluate(f"({wider})(document)") == []
    box = table.get_by_label("W1[0,1]")
    shown = box.input_value()
    assert shown.startswith("−0.35")
    assert box.evaluate("(e) => getComputedStyle(e).borderTopWidth") == "1px"
    box.press("Enter")  # as it is written it is understood
    expect(lab.message).to_be_hidden()
    expect(box).to_have_value(shown)


def test_a_pin_takes_no_line_of_the_page(lab: Lab) -> None:
    lab.play.click()
    lab.page.wait_for_function("Number(document.querySelector('.gn-slider').max) > 5")
    lab.play.click()
    before = lab.page.evaluate(HEIGHT, ".lab-time")
    lab.button("Pin this run").click()
    expect(lab.button("Unpin all runs")).to_be_in_viewport(ratio=1)
    assert lab.page.evaluate(HEIGHT, ".lab-time") == before


def test_the_frame_of_what_is_picked_leaves_its_number_free(visit: Visit) -> None:
    for query in ("", "data=iris", "hidden=4-4&activations=tanh|tanh", "hidden=2"):
        assert visit(query).page.evaluate(COVERED) == [], query


def test_names_of_the_axes_choices_are_whole_beside_short_names_of_columns(lab: Lab) -> None:
    rows = (",".join(map(str, (k % 7, k % 5, k % 3, k % 2))) for k in range(40))
    send(lab, "\n".join(["a,b,c,kind", *rows]).encode())
    use(lab)
    cut = """(e) => {
      const label = e.closest(".q-field").querySelector(".q-field__label");
      return label.scrollWidth - label.clientWidth;
    }"""
    for name in ("Across", "Up"):
        expect(lab.field(name)).to_be_visible()
        assert lab.field(name).evaluate(cut) <= 0
