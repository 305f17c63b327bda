"""The page as a test sees it: what is drawn and written on it, and the hands that use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import Error, Locator, Page, expect

PATIENCE = 10.0
"""Seconds until the page must show what is expected; two busy cores are slow at times."""
expect.set_options(timeout=PATIENCE * 1000)

DRAWN = """() => [...document.querySelectorAll(".gn-network .gn-item")]
  .map((e) => e.item).filter((i) => i.value !== undefined)
  .map((i) => [i.kind, i.layer, i.unit, i.source, i.value, i.text?.textContent ?? ""])"""

PANEL = """() => {
  const numbers = (e) => [...e.querySelectorAll("data")].map((d) => Number(d.value));
  const all = (css, of) => [...document.querySelectorAll(`.lab-arithmetic ${css}`)].map(of);
  return {
    title: document.querySelector(".sum-title").textContent,
    works: all(".sum-work", (w) => [
      w.querySelector(".sum-of").textContent,
      numbers(w.querySelector(".sum-result") ?? document.createElement("p")),
      w.querySelector(".sum-pending")?.textContent ?? "",
    ]),
    tables: all(".sum-table", (t) => [
      t.closest(".sum-part").querySelector("h3").textContent,
      [...t.querySelectorAll("tbody tr, tfoot tr")].map((r) =>
        [...r.cells].map((c) => numbers(c)[0] ?? c.textContent)),
    ]),
    numbers: all("data", (d) => Number(d.value)),
    shown: all("data", (d) => d.textContent),
  };
}"""

Key = tuple[str, int, int, int]
"""Kind, layer, unit, source: as drawings and picks name a part of the network."""


class Lab:
    """One visitor's page."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    def open(self, query: str = "") -> Lab:
        """The page of a link, drawn and connected."""
        self.page.goto(f"{self.address}?{query}" if query else self.address)
        self.ready()
        return self

    def ready(self) -> None:
        self.page.wait_for_selector(".gn-phase strong:not(:empty)")
        self.page.wait_for_function("window.socket?.connected")

    # ------------------------------------------------------------ parts of the page

    @property
    def next(self) -> Locator:
        return self.page.locator(".lab-next")

    @property
    def play(self) -> Locator:
        return self.page.locator(".lab-play")

    @property
    def message(self) -> Locator:
        return self.page.locator(".lab-message")

    @property
    def title(self) -> Locator:
        return self.page.locator(".sum-title")

    @property
    def box(self) -> Locator:
        """Where a weight is typed over."""
        return self.page.locator(".sum-editor input")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, name: str) -> Locator:
        """A box or a choice, by its name."""
        lab = self.page.locator(".lab")
        box = lab.get_by_role("textbox", name=name, exact=True)
        return box.or_(lab.get_by_role("combobox", name=name, exact=True))

    def figure(self, name: str) -> Locator:
        """A figure of the status, by what stands above it."""
        caption = self.page.locator(".lab-caption").get_by_text(name, exact=True)
        return self.page.locator(".lab-figure").filter(has=caption).locator(".lab-number")

    def item(self, kind: str, layer: int = 0, unit: int = 0, source: int = 0) -> Locator:
        """A part of the network as it is drawn."""
        place = f'[data-kind={kind}][data-layer="{layer}"][data-unit="{unit}"]'
        return self.page.locator(f'.gn-network {place}[data-source="{source}"]')

    def click_on(self, kind: str, layer: int, unit: int = 0) -> None:
        """A neuron, an input or a bias: on its map, as links lie over the text beside it."""
        self.item(kind, layer, unit).locator("rect.gn-box, .gn-bias-box").click()

    # ------------------------------------------------------------ what it shows

    def epoch(self) -> int:
        return int(self.figure("epoch").inner_text().split()[0])

    def drawn(self) -> dict[Key, float]:
        """The numbers behind everything that is drawn of the network."""
        return {(k, layer, j, i): v for k, layer, j, i, v, _ in self.page.evaluate(DRAWN)}

    def written(self) -> list[tuple[float, str]]:
        """Each number of the network beside the text that shows it."""
        found = self.page.evaluate(DRAWN)
        return [(value, text) for kind, *_, value, text in found if kind in ("input", "neuron")]

    def panel(self) -> dict[str, Any]:
        """The arithmetic: results by name, tables by heading, every number and how it is shown."""
        found = self.page.evaluate(PANEL)
        found["pending"] = {name for name, _, pending in found["works"] if pending}
        found["works"] = {name: values[-1] for name, values, _ in found["works"] if values}
        found["tables"] = dict(found["tables"])
        return found

    def everything(self) -> tuple[Any, ...]:
        """All numbers that stand on the page."""
        panel = self.panel()
        return self.drawn(), panel["title"], panel["numbers"], self.status()

    def status(self) -> tuple[str, ...]:
        """The figures of the run, but for the speed."""
        *found, _ = self.page.locator(".lab-status .lab-number").all_inner_texts()
        return tuple(found)

    def query(self) -> str:
        """The state of the page, as its address has it."""
        return urlsplit(self.page.url).query

    # ------------------------------------------------------------ what is done with it

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, css: str, most: int = 80) -> None:
        """There by the Tab key alone."""
        for _ in range(most):
            if self.page.evaluate("(css) => Boolean(document.activeElement?.closest(css))", css):
                return
            self.press("Tab")
        raise AssertionError(f"{css} is not reached by {most} presses of Tab")

    def type_in(self, name: str, text: str) -> None:
        """Into a box, and Enter."""
        self.field(name).fill(text)
        self.field(name).press("Enter")

    def choose(self, name: str, option: str) -> None:
        """One of several."""
        wanted = self.page.get_by_role("option", name=option, exact=True)
        for _ in range(3):  # a page that takes in the change before may close what has opened
            self.field(name).focus()
            self.press("Enter")
            try:
                return wanted.click(timeout=PATIENCE * 1000 / 2)
            except Error:
                self.press("Escape")
        raise AssertionError(f"{name} offers no {option}")

    def pick_row(self, heading: str, row: str) -> None:
        """A row of a table of the arithmetic."""
        part = self.page.locator(".sum-part").filter(
            has=self.page.get_by_role("heading", name=heading, exact=True)
        )
        part.get_by_role("button", name=row, exact=True).click()

    def go_to_epoch(self, epoch: int) -> None:
        """By a click on the curve."""
        where = self.page.evaluate(
            """(epoch) => {
              const of = (css) =>
                document.querySelector(`.gn-curve-view ${css}`).getBoundingClientRect();
              const [plot, line] = [of(".gn-plot"), of(".gn-base")];
              const end = Number(document.querySelector(".gn-slider").max);
              return [line.left + (line.width * epoch) / end, plot.top + plot.height / 2];
            }""",
            epoch,
        )
        self.page.mouse.click(*where)

    def until(self, told: Callable[[], Any], wanted: Any) -> None:
        """Wait until the page shows this; where it does not, the difference is the failure."""
        for _ in range(int(PATIENCE / 0.05)):
            if told() == wanted:
                return
            self.page.wait_for_timeout(50)
        assert told() == wanted

    def still(self) -> tuple[Any, ...]:
        """All numbers, once they no longer change."""
        before = self.everything()
        for _ in range(int(PATIENCE / 0.15)):
            self.page.wait_for_timeout(150)
            now = self.everything()
            if now == before:
                return now
            before = now
        raise AssertionError("the numbers do not come to rest")


POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def read(shown: str) -> float:
    """A number as it is written for people: −0.4589, 1 234, 3.1·10⁻⁵, 3.1e−5."""
    plain = shown.translate(POWERS)
    for space in " \u2009\u202f\u00a0":
        plain = plain.replace(space, "")
    return float(re.sub(r"[·×]10\^?(-?\d+)", r"e\1", plain))


def unlike(pairs: Iterable[tuple[float, str]], digits: int) -> list[tuple[float, str]]:
    """Numbers whose text does not say them to so many digits; a sign may stand apart."""
    return [
        (value, shown)
        for value, shown in pairs
        if abs(abs(read(shown)) - abs(value)) > abs(value) * 0.5000001 * 10.0 ** (1 - digits)
    ]
