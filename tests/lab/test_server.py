"""The server as it runs: a process of its own, asked as a browser would ask it, and as others."""

from __future__ import annotations

import asyncio
import contextlib
import html
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

pytest.importorskip("nicegui")

from glassnet.core.errors import BadInput
from glassnet.lab import server
from glassnet.lab.server import bound, without_token

PAGE = """
from nicegui import ui
from glassnet.core.errors import BadInput
from glassnet.lab import server
from glassnet.lab.link import link, opened

def build(session, query):
    # a small page in the place of the real one: what it is at, and a button
    ui.label(link(session))
    ui.label(session.message)
    where = ui.label("")
    session.subscribe(lambda news: where.set_text(f"{session.position.phase} {session.message}"))
    ui.button("next", on_click=session.next)
    ui.button("wrong", on_click=lambda: session.edit("W9[0]", "1"))
    ui.button("play", on_click=session.play)
    ui.upload(on_upload=lambda event: session.say(event.file.name))
"""


@dataclass
class Lab:
    process: subprocess.Popen[str]
    address: str
    folder: Path

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def get(
        self, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        asked.request(method, path, body=body, headers=given)
        answer = asked.getresponse()
        text = answer.read().decode("utf-8", "replace")
        asked.close()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text


def started(folder: Path, code: str) -> Lab:
    process = subprocess.Popen(
        [sys.executable, "-c", PAGE + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if "http" not in line:
        process.kill()
        pytest.fail(f"no server: {line}{process.communicate()}")
    return Lab(process, line.split()[-1], folder)


def ended(lab: Lab) -> tuple[str, str]:
    """What it had said, after it was told to end."""
    lab.process.send_signal(signal.SIGINT)
    try:
        return lab.process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        lab.process.kill()
        raise


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    one = started(tmp_path_factory.mktemp("lab"), "server.serve(port=0, build=build)")
    yield one
    _, errors = ended(one)
    assert errors == ""  # no stack trace of anything that the tests did


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    code = "server.serve(port=0, build=build, token='se-cret', link='data=xor')"
    one = started(tmp_path_factory.mktemp("keyed"), code)
    yield one
    assert ended(one)[1] == ""


# ---------------------------------------------------------------- a page as a browser has it


def elements_of(page: str) -> dict[str, Any]:
    found = re.search(r"parseElements\(String\.raw`(.*?)`\)", page, re.DOTALL)
    assert found
    return dict(json.loads(html.unescape(found[1])))


class Page:
    """A visitor: the page, and its websocket."""

    def __init__(self, port: int, text: str, cookie: str = "") -> None:
        self.port = port
        self.cookie = cookie
        self.elements = elements_of(text)
        found = re.search(
            r'"client_id": ?"([^"]+)"|client_id&#39;: &#39;([^&]+)|\'client_id\': \'([^\']+)\'',
            text,
        )
        assert found
        self.client = next(filter(None, found.groups()))
        self.told: list[Any] = []

    def texts(self) -> list[str]:
        return [one["text"] for one in self.elements.values() if one.get("text")]

    @contextlib.asynccontextmanager
    async def connected(self, **headers: str) -> AsyncIterator[Page]:
        import socketio

        talk = socketio.AsyncClient(reconnection=False)
        talk.on("update", self._update)
        query = urlencode(
            {
                "client_id": self.client,
                "tab_id": f"tab-{self.client}",
                "document_id": f"document-{self.client}",
                "next_message_id": 0,
                "implicit_handshake": "true",
            }
        )
        given = {"Origin": f"http://127.0.0.1:{self.port}", "Cookie": self.cookie, **headers}
        self.talk = talk
        try:
            await talk.connect(
                f"http://127.0.0.1:{self.port}?{query}",
                headers=given,
                transports=["websocket"],
                socketio_path="/_nicegui_ws/socket.io",
                wait_timeout=30,
            )
            yield self
            await talk.disconnect()
        finally:
            if talk.eio.http is not None:
                await talk.eio.http.close()

    def _update(self, message: dict[str, Any]) -> None:
        self.told.append(message)
        self.elements |= {
            key: value for key, value in message.items() if value is not None and key != "_id"
        }

    async def press(self, label: str) -> None:
        found = [
            (int(key), one)
            for key, one in self.elements.items()
            if label in (one.get("props", {}).get("label"), one.get("text"))
        ]
        key, one = found[0]
        event = {
            "id": key,
            "client_id": self.client,
            "listener_id": one["events"][0]["listener_id"],
            "args": ["null"],
        }
        await self.talk.emit("event", event)

    async def shows(self, text: str, seconds: float = 5.0) -> bool:
        for _ in range(int(seconds / 0.02)):
            if any(text in one for one in self.texts()):
                return True
            await asyncio.sleep(0.02)
        return False


# ---------------------------------------------------------------- who is let in


def test_it_binds_to_this_machine_alone(lab: Lab) -> None:
    assert lab.address == f"http://127.0.0.1:{lab.port}/"
    table = Path("/proc/net/tcp")
    if table.exists():
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
        bound_to = {
            row[1] for row in rows if row[1].endswith(f":{lab.port:04X}") and row[3] == "0A"
        }
        assert bound_to == {f"0100007F:{lab.port:04X}"}


def test_the_page_and_all_it_needs_come_from_here(lab: Lab) -> None:
    status, headers, page = lab.get()
    assert status == 200
    assert "<title>glassnet lab</title>" in page
    assert re.findall(r"""(?:src|href|url\()\s*=?\s*["']?(?:https?:)?//[^"')]+""", page) == []
    rule = headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", rule)
    assert nonce
    scripts = re.findall(r"<script[^>]*>", page)
    assert len(scripts) > 4
    assert all(f'nonce="{nonce[1]}"' in one for one in scripts)
    assert "tailwindcss.min.js" not in page
    sources = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert sources
    for source in sources:
        status, headers, _ = lab.get(source)
        assert status == 200, source
        assert headers["x-content-type-options"] == "nosniff"


def test_names_and_origins(lab: Lab) -> None:
    assert lab.get(Host=f"localhost:{lab.port}")[0] == 200
    assert lab.get(Host="evil.example")[0] == 403
    polling = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert lab.get(polling)[0] == 200
    status, headers, _ = lab.get(polling, Origin="http://evil.example")
    assert status == 403
    assert "access-control-allow-origin" not in headers
    status, headers, _ = lab.get(polling, Origin=f"http://127.0.0.1:{lab.port}")
    assert status == 200
    assert headers["access-control-allow-origin"] == f"http://127.0.0.1:{lab.port}"
    assert lab.get("/", "OPTIONS", Origin="http://evil.example")[0] == 403


def test_websockets_of_other_sites_are_refused(lab: Lab) -> None:
    import socketio.exceptions

    page = Page(lab.port, lab.get()[2])

    async def connect(origin: str) -> bool:
        async with page.connected(Origin=origin):
            return True

    for origin in ("http://evil.example", "null", f"http://localhost:{lab.port}"):
        with pytest.raises(socketio.exceptions.ConnectionError):
            asyncio.run(connect(origin))
    assert asyncio.run(connect(f"http://127.0.0.1:{lab.port}"))


def test_nicegui_itself_asks_for_its_own_origin(lab: Lab) -> None:
    # should the guard ever fall, the second wall stands
    code = """
        from glassnet.lab.server import application
        from nicegui import core
        guard = application(build=build)
        print(f"http {core.sio.eio.cors_allowed_origins}/{core.sio.eio.max_http_buffer_size}")
    """
    one = started(lab.folder, code)
    one.process.communicate(timeout=10)
    assert one.address == "None/1048576"


def test_a_token_opens_the_whole_lab(keyed: Lab) -> None:
    assert keyed.address == f"http://127.0.0.1:{keyed.port}/?data=xor&token=se-cret"
    for path in ("/", "/favicon.ico", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"):
        assert keyed.get(path)[0] == 403
    status, headers, text = keyed.get("/?data=xor&token=se-cret")
    assert status == 200
    assert "url=/?data=xor" in text
    cookie = headers["set-cookie"].partition(";")[0]
    assert cookie.startswith(f"glassnet_lab_{keyed.port}=")
    page = Page(keyed.port, keyed.get("/?data=xor", Cookie=cookie)[2], cookie)
    assert any("data=xor" in one for one in page.texts())
    assert "se-cret" not in " ".join(page.texts())

    async def click() -> bool:
        async with page.connected():
            await page.press("next")
            return await page.shows("forward")

    assert asyncio.run(click())


def test_a_websocket_without_the_cookie_is_refused(keyed: Lab) -> None:
    import socketio.exceptions

    cookie = keyed.get("/?token=se-cret")[1]["set-cookie"].partition(";")[0]
    page = Page(keyed.port, keyed.get("/", Cookie=cookie)[2])

    async def connect() -> None:
        async with page.connected():
            pass

    with pytest.raises(socketio.exceptions.ConnectionError):
        asyncio.run(connect())


def test_the_token_is_no_part_of_the_link() -> None:
    assert without_token("data=xor&token=abc&pick=") == "data=xor&pick="
    assert without_token("token=a&token=b") == ""


# ---------------------------------------------------------------- links, visitors


def test_a_link_brings_its_run(lab: Lab) -> None:
    page = Page(lab.port, lab.get("/?data=circles&hidden=3&activations=tanh&seed=5")[2])
    assert any("data=circles" in one and "seed=5" in one for one in page.texts())


BAD = [
    "data=nothing",
    "hidden=1000000",
    "n=99999999999",
    "hidden=\u00b2",
    "pick=weight.\u00b2.0.0",
    "pick=%00%ff",
    "optimizer=sgd:lr=cosine(lr=(((((",
    "points=add,nan,nan,nan",
    "seed=" + "9" * 6000,
    "held=1e999",
    "data=table",
    "activations=<script>alert(1)</script>",
    "x" * 30_000,
]


@pytest.mark.parametrize("query", BAD, ids=range(len(BAD)))
def test_a_bad_link_is_told_in_a_line_on_the_page(lab: Lab, query: str) -> None:
    name, _, value = query.partition("=")
    status, _, text = lab.get(f"/?{urlencode({name: value})}")
    assert status == 200
    page = Page(lab.port, text)
    told = [one for one in page.texts() if "This is the lab as it opens by itself." in one]
    assert len(told) == 1
    assert len(told[0]) < 300
    assert "Traceback" not in text
    assert "<script>alert" not in text
    assert any(one.startswith("pick=") for one in page.texts())  # the default lab behind it


def test_what_is_wrong_with_a_link_is_said(lab: Lab) -> None:
    page = Page(lab.port, lab.get("/?data=nothing")[2])
    assert any("data='nothing', one of moons" in one for one in page.texts())


def test_a_link_that_goes_wrong_on_its_way_says_so(lab: Lab) -> None:
    page = Page(lab.port, lab.get("/?change=2~W9[0]=1&at=4")[2])

    async def come() -> bool:
        async with page.connected():
            return await page.shows("W9[0]")

    assert asyncio.run(come())


def test_errors_of_a_click_are_told_on_the_page(lab: Lab) -> None:
    page = Page(lab.port, lab.get()[2])

    async def click() -> bool:
        async with page.connected():
            await page.press("wrong")
            return await page.shows("W9[0] to type over")

    assert asyncio.run(click())


def test_two_visitors_do_not_see_each_other(lab: Lab) -> None:
    one = Page(lab.port, lab.get("/?data=xor")[2])
    other = Page(lab.port, lab.get("/?data=sine")[2])
    assert one.client != other.client

    async def both() -> None:
        async with one.connected(), other.connected():
            assert await one.shows("ready")
            assert await other.shows("ready")
            other.told.clear()
            await one.press("next")
            assert await one.shows("forward")
            await one.press("next")
            assert await one.shows("loss")
            await asyncio.sleep(0.2)
            assert other.told == []
            await other.press("next")
            assert await other.shows("forward")
            assert not await one.shows("forward", 0.2)

    asyncio.run(both())
    assert not any("sine" in text for text in one.texts())
    assert not any("xor" in text for text in other.texts())


def test_a_dropped_connection_comes_back_to_its_session(lab: Lab) -> None:
    page = Page(lab.port, lab.get("/?data=xor")[2])

    async def twice() -> None:
        async with page.connected():
            await page.press("next")
            assert await page.shows("forward")
        async with page.connected():
            await page.press("next")
            assert await page.shows("loss")  # it goes on where it was

    asyncio.run(twice())


def test_nothing_is_written_to_disk(lab: Lab) -> None:
    lab.get()
    assert list(lab.folder.iterdir()) == []


def test_what_is_not_there(lab: Lab) -> None:
    status, _, text = lab.get("/admin")
    assert status == 404
    assert "There is nothing here" in text
    for path in ("/docs", "/redoc", "/openapi.json", "/_nicegui/auto/static/x"):
        assert lab.get(path)[0] == 404


def test_too_large_a_request(lab: Lab) -> None:
    own = f"http://127.0.0.1:{lab.port}"
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        assert lab.get(path, "POST", b"x" * 2**21, Origin=own)[0] == 413


def test_only_so_many_visitors_at_once(tmp_path: Path) -> None:
    code = """
        server.VISITORS, server.REST = 3, 0.5
        server.serve(port=0, build=build)
    """
    one = started(tmp_path, code)
    try:
        for _ in range(3):
            assert one.get()[0] == 200
        status, _, text = one.get()
        assert status == 503
        assert "3 visitors are in the lab" in text
        time.sleep(0.6)  # none of them ever connected: they make room
        page = Page(one.port, one.get()[2])

        async def stay() -> None:
            async with page.connected():
                for _ in range(2):
                    assert one.get()[0] == 200
                assert one.get()[0] == 503  # who came just now, or is connected, stays
                await page.press("next")
                assert await page.shows("forward")

        asyncio.run(stay())
    finally:
        assert ended(one)[1] == ""


@pytest.mark.parametrize("build", ["build", "None"], ids=["a small page", "the page"])
def test_a_visitor_who_is_gone_leaves_nothing(tmp_path: Path, build: str) -> None:
    code = f"""
        import gc, threading, time, weakref
        seen = []
        def opener(query):
            session = opened(query)
            seen.extend([weakref.ref(session), weakref.ref(session.timeline)])
            return session
        def watch():
            for _ in range(60):
                time.sleep(0.3)
                gc.collect()
                if seen and not any(one() for one in seen):
                    break
            print(len(seen), [one() for one in seen if one()], flush=True)
        server.RECONNECT, server.REST = 1.0, 60.0
        threading.Thread(target=watch, daemon=True).start()
        server.serve(port=0, build={build}, opener=opener)
    """
    one = started(tmp_path, code)
    try:
        page = Page(one.port, one.get("/?data=xor&at=50")[2])

        async def play() -> None:
            async with page.connected():
                await page.press("play" if build == "build" else "Play")
                await asyncio.sleep(0.5)

        asyncio.run(play())
        assert one.process.stdout is not None
        one.process.stdout.readline()  # Ctrl-C ends it.
        assert one.process.stdout.readline() == "2 []\n"
    finally:
        ended(one)


# ---------------------------------------------------------------- ports, the end


def test_a_taken_port_is_passed_over_unless_it_was_asked_for() -> None:
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=rf"port {port} cannot be had.*--port"):
            bound("127.0.0.1", port)


def test_the_next_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with bound("127.0.0.1", 0) as taken:
        monkeypatch.setattr(server, "PORT", taken.getsockname()[1])
        with bound("127.0.0.1", None) as other:
            assert 0 < other.getsockname()[1] - taken.getsockname()[1] < server.PORTS
        monkeypatch.setattr(server, "PORTS", 1)
        with pytest.raises(BadInput, match="--port 0"):
            bound("127.0.0.1", None)


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_no_such_port(port: int) -> None:
    with pytest.raises(BadInput, match="0 to 65535"):
        bound("127.0.0.1", port)


def test_no_such_host() -> None:
    with pytest.raises(BadInput, match="an address of this machine"):
        bound("no such host", 0)


def test_it_ends_at_once_with_visitors_in_the_midst_of_training(tmp_path: Path) -> None:
    one = started(tmp_path, "server.serve(port=0, build=build)")
    page = Page(one.port, one.get("/?speed=0&epochs=1000000")[2])

    async def play() -> tuple[float, tuple[str, str]]:
        async with page.connected():
            await page.press("play")
            await asyncio.sleep(0.3)
            began = time.perf_counter()
            said = await asyncio.to_thread(ended, one)
            return time.perf_counter() - began, said

    seconds, (_, errors) = asyncio.run(play())
    assert errors == ""
    assert one.process.returncode == 0
    assert seconds < 3


def test_a_socket_is_let_go_of(tmp_path: Path) -> None:
    one = started(tmp_path, "server.serve(port=0, build=build)")
    ended(one)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", one.port))
