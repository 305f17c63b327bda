"""Six pictures of the lab for the documentation, taken in a real browser.

python -m tools.screenshots            the six, at 1280, into docs/_static/lab/
python -m tools.screenshots FOLDER     the six at 768, 1280 and 1920, light and dark, to look at
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tests.lab.browser.lab import Lab
from tests.lab.browser.serving import chromium, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DOCS = Path(__file__).parents[1] / "docs" / "_static" / "lab"
HEIGHT = 860
COLOURS = 256
"""Of a picture's palette: maps keep their shades, files stay below 200 KB."""


def penguins() -> bytes:
    """A table as somebody might have it: three kinds, two measures and a category, drawn here."""
    rng = np.random.default_rng(5)
    lines = ["species,bill_mm,flipper_mm,island"]
    for kind, bill, flipper, islands in (
        ("Adelie", 38.8, 190, ("Dream", "Biscoe")),
        ("Chinstrap", 48.8, 196, ("Dream",)),
        ("Gentoo", 47.5, 217, ("Biscoe",)),
    ):
        for _ in range(40):
            measures = f"{rng.normal(bill, 2.4):.1f},{rng.normal(flipper, 6):.0f}"
            lines.append(f"{kind},{measures},{rng.choice(islands)}")
    return "\n".join(lines).encode()


@dataclass(frozen=True)
class State:
    """A state of the page: its link, what is done there, and in which light."""

    name: str
    query: str = ""
    act: Callable[[Lab], None] = lambda _: None
    dark: bool = False


def own_table(lab: Lab) -> None:
    """Sent through the dialog, then trained."""
    lab.button("Own table").click()
    file = {"name": "penguins.csv", "mimeType": "text/csv", "buffer": penguins()}
    lab.dialog.locator(".own-drop input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    lab.dialog.get_by_role("combobox", name="Column to learn").focus()
    lab.press("Enter")
    lab.page.get_by_role("option", name="species", exact=True).click()
    lab.dialog.get_by_text("3 classes: Adelie").wait_for()
    lab.dialog.get_by_role("button", name="Use this table").click()
    lab.dialog.wait_for(state="hidden")
    lab.button("Step").click()
    lab.page.get_by_role("menuitem", name="100 epochs", exact=True).click()
    lab.page.keyboard.press("Escape")
    lab.page.get_by_text("Time", exact=True).click()


STATES = (
    State("first-screen"),
    State("training", "at=420&phase=backward&pick=neuron.1.2.0"),
    State("weight", "at=60&phase=update&pick=weight.1.0.1"),
    State("own-table", act=own_table),
    State("lesson", "lesson=xor"),
    State("spiral-dark", "data=spiral&at=700&log=1&pick=neuron.2.1.0", dark=True),
)


def picture(browser: Browser, address: str, state: State, width: int) -> bytes:
    """A state as a small PNG."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT if width < 1900 else 1080},
        color_scheme="dark" if state.dark else "light",
        reduced_motion="reduce",
        locale="en-US",
    )
    page = context.new_page()
    lab = Lab(page, address).open(state.query)
    state.act(lab)
    lab.still()
    page.mouse.move(2, 2)  # no hint lies over anything
    page.wait_for_function("!document.querySelector('.q-tooltip')")
    shot = page.screenshot(full_page=width < 1000)
    context.close()
    small = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    written = io.BytesIO()
    small.save(written, "PNG", optimize=True)
    return written.getvalue()


def main(folder: Path | None) -> None:
    """All of them."""
    from playwright.sync_api import sync_playwright

    where, widths = (DOCS, (1280,)) if folder is None else (folder, (768, 1280, 1920))
    where.mkdir(parents=True, exist_ok=True)
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        for state in STATES:
            for width in widths:
                name = state.name if folder is None else f"{state.name}-{width}"
                path = where / f"{name}.png"
                path.write_bytes(picture(browser, address, state, width))
                print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
