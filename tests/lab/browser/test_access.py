"""For everybody: axe finds nothing serious, targets are large, nothing runs off the page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.browser.conftest import Visit
from tests.lab.browser.lab import Lab, expect

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

OPENED = ".q-dialog, .q-menu"
TARGETS = "button, a[href], [role=button], [role=switch], [role=menuitem], [role=slider], label"


def faults(lab: Lab, part: str = "body") -> list[str]:
    """Serious and critical faults, each with the first places."""
    found = axe.Axe().run(lab.page, context=part).response["violations"]
    return [
        f"{one['impact']} {one['id']}: {one['help']}; "
        + " | ".join(f"{node['target'][0]} {node['html'][:150]}" for node in one["nodes"][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_first_screen(visit: Visit, scheme: str) -> None:
    lab = visit(color_scheme=scheme)
    lab.still()
    assert not faults(lab)


@pytest.mark.slow
def test_axe_finds_nothing_serious_while_it_plays_and_after_an_error(lab: Lab) -> None:
    lab.type_in("L2", "much")
    expect(lab.message).to_be_visible()
    lab.play.click()
    expect(lab.play).to_contain_text("Pause")
    assert not faults(lab)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["Own table", "All numbers as a table", "Keys", "Take it with you", "Step", "Lessons"]
)
def test_axe_finds_nothing_serious_in_what_opens(lab: Lab, name: str) -> None:
    lab.button(name).click()
    expect(lab.page.locator(OPENED)).to_have_count(1)
    # colours are measured: the fade has to be over
    lab.page.wait_for_function("document.getAnimations().every((a) => a.playState != 'running')")
    assert not faults(lab, OPENED)  # what is behind is seen through a veil


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", ["pick=weight.1.0.1&phase=update", "data=iris&pick=loss.0.0.0&at=3"]
)
def test_axe_finds_nothing_serious_in_the_arithmetic(visit: Visit, query: str) -> None:
    lab = visit(query)
    expect(lab.title).not_to_contain_text("Hidden neuron")
    lab.still()
    assert not faults(lab)


SMALL = """(css) => [...document.querySelectorAll(css)].flatMap((e) => {
  const box = e.getBoundingClientRect();
  const around = e.closest(".q-field, .q-toggle, .q-checkbox, .q-item, .gn-modes");
  const whole = around ? around.getBoundingClientRect() : box;
  if (!box.width || !box.height || e.closest(".gn-svg, .q-uploader, .own-hidden, .sum")) return [];
  // half a pixel is lost where a screen has fractions
  if (whole.width >= 43.5 && whole.height >= 43.5) return [];
  const name = e.getAttribute("aria-label") ?? e.textContent;
  return [`${name.slice(0, 40)} ${whole.width} × ${whole.height}`];
})"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [768, 1280, 1920])
def test_nothing_runs_off_the_page_and_targets_are_large(visit: Visit, width: int) -> None:
    lab = visit("data=iris&log=1", viewport={"width": width, "height": 900})
    lab.still()
    wide = lab.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide[0] <= wide[1]
    out = lab.page.evaluate(
        """() => [...document.querySelectorAll(".lab *")].filter((e) => {
          const box = e.getBoundingClientRect();
          return box.width && box.right > innerWidth + 1 && !e.closest(".sum-scroll, .lab-scroll");
        }).map((e) => e.outerHTML.slice(0, 120)).slice(0, 5)"""
    )
    assert not out
    assert not lab.page.evaluate(SMALL, TARGETS)


def test_nothing_moves_by_itself_where_motion_is_not_wanted(visit: Visit) -> None:
    lab = visit(reduced_motion="reduce")
    lab.press("ArrowRight")  # forward: all layers are lit at once, not one after the other
    expect(lab.next).to_have_text("Next: loss")
    expect(lab.page.locator(".gn-band[data-lit]")).to_have_count(3)
    moving: list[Any] = lab.page.evaluate(
        """() => document.getAnimations().map((a) => a.effect.target)
          .filter((e) => e?.closest(".lab")).map((e) => e.outerHTML.slice(0, 100))"""
    )
    assert moving == []


@pytest.mark.slow
def test_light_and_dark_follow_the_system_and_the_switch(visit: Visit) -> None:
    ground = "getComputedStyle(document.querySelector('.lab-network')).backgroundColor"

    def lightness(lab: Lab) -> float:
        shown = lab.page.evaluate(ground)
        return sum(float(part) for part in shown.split("(")[1].rstrip(")").split(",")[:3]) / 3

    dark, light = visit(color_scheme="dark"), visit()
    assert lightness(dark) < 80
    assert lightness(light) > 200
    light.button("Light or dark").click()
    light.until(lambda: lightness(light) < 80, True)
    light.button("Light or dark").click()
    light.until(lambda: lightness(light) > 200, True)
    dark.button("Light or dark").click()
    dark.until(lambda: lightness(dark) > 200, True)
