"""Visitors: each has a page of one's own; a connection that drops comes back to the same run."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from glassnet.lab.setting import Setting
from tests.lab.browser.conftest import Visit
from tests.lab.browser.lab import Lab, expect
from tests.lab.browser.run import Run, near, replayed
from tests.lab.browser.test_tables import send, use


def test_two_visitors_do_not_see_each_other(visit: Visit) -> None:
    one, other = visit(), visit(locale="en-GB")  # another browser's worth: nothing is shared
    send(
        one, b"secret_a,secret_b,y\n" + b"".join(b"%d,%d,%d\n" % (k, -k, k % 2) for k in range(30))
    )
    use(one)
    expect(one.page.locator(".gn-network").get_by_text("secret_a").first).to_be_visible()
    one.press("Shift+ArrowRight")
    expect(one.figure("epoch")).to_have_text("1")
    assert not near(other.drawn(), Run().drawn(), within=1e-15)
    assert "secret" not in other.page.content()
    other.button("New start").click()
    run = Run(Setting(start=1))
    other.until(lambda: near(other.drawn(), run.drawn(), within=1e-15), [])
    expect(one.figure("epoch")).to_have_text("1")
    # the other's link to a table finds no table
    third = visit("data=table")
    expect(third.message).to_contain_text("table")
    assert "secret" not in third.page.content()


class Cable:
    """Between the browser and the server: bytes go through until it is cut."""

    def __init__(self, to: str) -> None:
        self.to = urlsplit(to)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}/"
        self.ends: list[socket.socket] = []
        self.plugged = True
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.plugged = False
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.plugged = True

    def close(self) -> None:
        self.cut()
        self.listening.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listening.accept()
            except OSError:
                return
            if not self.plugged:
                near.close()
                continue
            far = socket.create_connection((self.to.hostname or "", self.to.port or 80))
            self.ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pass, args=(source, sink), daemon=True).start()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while read := source.recv(65536):
            sink.sendall(read)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def cable(server: str) -> Iterator[Cable]:
    made = Cable(server)
    yield made
    made.close()


def test_after_the_connection_dropped_the_same_run_goes_on(visit: Visit, cable: Cable) -> None:
    lab = visit(address=cable.address)
    lab.press("Shift+ArrowRight", "d")
    expect(lab.title).to_contain_text("sample 2 · before update 2")
    lab.pick_row("Links in", "x1")
    lab.box.fill("-1/3")
    lab.box.press("Enter")
    lab.until(lambda: lab.drawn()["weight", 1, 0, 0], -1 / 3)
    before = lab.still()
    cable.cut()
    lab.page.wait_for_function("!window.socket.connected")
    expect(lab.page.get_by_text("Connection lost")).to_be_visible()
    cable.mend()
    lab.page.wait_for_function("window.socket.connected", timeout=30_000)
    expect(lab.page.get_by_text("Connection lost")).to_be_hidden()
    assert lab.still() == before
    lab.button("Next: forward").click()
    expect(lab.next).to_have_text("Next: loss")
    assert lab.panel()["numbers"]


def test_a_link_brings_the_same_page_to_somebody_else(visit: Visit) -> None:
    one = visit("data=circles&at=12&pick=weight.1.2.1")
    expect(one.figure("epoch")).to_have_text("12")
    one.box.fill("0,5")
    one.box.press("Enter")
    one.until(lambda: "change=12" in one.query(), True)
    one.press("Escape")
    one.page.locator(".lab-name").click()
    one.press("Shift+ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight")
    expect(one.next).to_have_text("Next: update")
    one.until(lambda: "phase=backward" in one.query(), True)
    shown = one.still()
    other = visit(one.query(), locale="en-GB")
    other.until(other.everything, shown)
    session = replayed(one.query())
    assert session.position.epoch == 13
    one.page.reload()
    one.ready()
    one.until(one.everything, shown)


@pytest.mark.slow
def test_a_link_that_cannot_be_read_says_so_and_the_page_opens(visit: Visit) -> None:
    for query in (
        "data=<script>",
        "hidden=99999",
        "at=-1",
        "change=1~x",
        "%ff%fe=%00",
        "lesson=no",
    ):
        lab: Lab = visit(query)
        if not query.startswith(("%ff", "lesson")):
            expect(lab.message).to_be_visible()
        assert not near(lab.drawn(), Run().drawn(), within=1e-15)
        lab.page.close()
