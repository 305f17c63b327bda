"""A server and a browser for the tests of the page; a visitor for each test.

The server is the real one, in a process of its own. A test fails where its page asks anything of
anybody else, writes an error into the browser's console, or throws one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.lab.browser.serving import chromium, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.lab.browser.lab import Lab

LOOK: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 800},
    "locale": "en-US",
    "color_scheme": "light",
}
QUIET = ("WebSocket connection to", "Failed to load resource: net::ERR_")
"""What a browser writes where the connection is cut, which one test does."""


def missing(what: str) -> None:
    """Skip, and say why; where the tests of the page must run, fail."""
    if os.environ.get("BROWSER_TESTS") == "needed":
        pytest.fail(f"no {what}, and the tests of the page are needed here")
    pytest.skip(f"no {what}: the tests of the page need it (make test installs it where it may)")


@pytest.fixture(scope="package")
def server() -> Iterator[str]:
    """The address of the lab."""
    if find_spec("nicegui") is None:
        missing("NiceGUI")
    with served() as address:
        yield address


# Of the package and no wider: while Playwright is there, its thread has a running event loop, and
# tests of other packages have loops of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium that finds this machine alone."""
    where = chromium()
    if where is None:
        missing("Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=where,
            args=["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
        )
        yield found
        found.close()


@pytest.fixture(scope="package")
def context(browser: Browser) -> BrowserContext:
    """What most visitors share: it keeps the scripts that it has loaded. Sessions are a page's."""
    return browser.new_context(**LOOK)


Visit = Callable[..., "Lab"]


@pytest.fixture
def visit(browser: Browser, context: BrowserContext, server: str) -> Iterator[Visit]:
    """A visitor more: visit(query), visit(color_scheme="dark"), as `new_context` has it."""
    from tests.lab.browser.lab import Lab

    gone: list[BrowserContext | Page] = []
    wrong: list[str] = []

    def watch(page: Page, own: str) -> None:
        def asked(url: str) -> None:
            split = urlsplit(url)
            if split.scheme not in ("data", "blob") and split.netloc != own:
                wrong.append(f"asks {url}")

        page.on("request", lambda request: asked(request.url))
        page.on("websocket", lambda socket: asked(socket.url))
        page.on("pageerror", lambda error: wrong.append(f"throws {error}"))
        page.on(
            "console",
            lambda said: (
                wrong.append(f"writes {said.text} ({said.location.get('url')})")
                if said.type in ("error", "warning") and not any(q in said.text for q in QUIET)
                else None
            ),
        )

    def visit(query: str = "", *, address: str = server, **options: Any) -> Lab:
        own = browser.new_context(**LOOK | options) if options else context
        page = own.new_page()
        gone.append(own if options else page)
        page.set_default_timeout(15_000)
        watch(page, urlsplit(address).netloc)
        return Lab(page, address).open(query)

    yield visit
    for one in gone:
        one.close()
    assert not wrong


@pytest.fixture
def lab(visit: Visit) -> Lab:
    """The first screen."""
    return visit()
