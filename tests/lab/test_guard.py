"""The guard alone, before an application that says yes to everything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from glassnet.lab import guard
from glassnet.lab.guard import Guard, Key, Nonce, is_loopback

Headers = dict[str, str]
TOKEN = "a-token"


def ask(
    whole: Any,
    path: str = "/",
    *,
    method: str = "GET",
    kind: str = "http",
    body: tuple[bytes, ...] = (b"",),
    **headers: str,
) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an answer; 403 of a websocket that was closed unaccepted."""
    path, _, query = path.partition("?")
    given = {"host": "127.0.0.1:8080", **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in given.items()],
    }
    if kind == "websocket":
        messages: list[dict[str, Any]] = [{"type": "websocket.connect"}]
    else:
        messages = [{"type": "http.request", "body": part, "more_body": True} for part in body]
        messages[-1]["more_body"] = False
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(whole(scope, receive, send))
    if kind == "websocket":
        return (101 if told[0]["type"] == "websocket.accept" else 403), {}, b""
    found = {k.decode(): v.decode() for k, v in told[0]["headers"]}
    return told[0]["status"], found, b"".join(one.get("body", b"") for one in told[1:])


SEEN: list[dict[str, Any]] = []


async def yes(scope: Any, receive: Any, send: Any) -> None:
    SEEN.append(scope)
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"yes"})


@pytest.fixture
def alone() -> Guard:
    return Guard(yes, key=None)


@pytest.fixture
def shared() -> Guard:
    return Guard(yes, loopback=False, key=Key(TOKEN, "the-cookie", "lab_1"))


# ---------------------------------------------------------------- host


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:1", "[::1]:8080", "LOCALHOST"])
def test_names_of_this_machine_are_heard(alone: Guard, host: str) -> None:
    assert ask(alone, host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8080",
        "evil.example#localhost",
        "localhost@evil.example",
        "[::2]:8080",
        "",
        "127.0.0.1:80:80",
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_name_turned_to_this_machine_is_not_heard(alone: Guard, host: str, kind: str) -> None:
    assert ask(alone, host=host, kind=kind, origin=f"http://{host}")[0] == 403


def test_no_host_at_all_is_not_heard(alone: Guard) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(alone(scope, None, send))  # type: ignore[arg-type]
    assert told[0]["status"] == 403


# ---------------------------------------------------------------- origin

FOREIGN = [
    "http://evil.example",
    "http://127.0.0.1:9999",
    "http://localhost:8080",
    "null",
    "file://",
    "http://127.0.0.1:8080.evil.example",
    "http://127.0.0.1:8080/path",
    "ftp://127.0.0.1:8080",
    "chrome-extension://127.0.0.1:8080",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize(("kind", "method"), [("http", "GET"), ("http", "POST"), ("websocket", "")])
def test_other_sites_are_refused(alone: Guard, origin: str, kind: str, method: str) -> None:
    assert ask(alone, "/_nicegui_ws/", kind=kind, method=method, origin=origin)[0] == 403


@pytest.mark.parametrize(("kind", "method"), [("http", "POST"), ("websocket", "")])
def test_who_does_not_say_where_from_is_refused(alone: Guard, kind: str, method: str) -> None:
    assert ask(alone, kind=kind, method=method)[0] == 403


@pytest.mark.parametrize(
    ("kind", "status"), [("http", 200), ("websocket", 101)], ids=["http", "websocket"]
)
@pytest.mark.parametrize("origin", ["http://127.0.0.1:8080", "https://127.0.0.1:8080"])
def test_its_own_page_is_heard(alone: Guard, origin: str, kind: str, status: int) -> None:
    assert ask(alone, kind=kind, method="POST", origin=origin)[0] == status


@pytest.mark.parametrize(
    ("site", "dest", "status"),
    [
        ("cross-site", "image", 403),
        ("cross-site", "iframe", 403),
        ("same-site", "script", 403),
        ("cross-site", "document", 200),  # a link that was clicked
        ("none", "document", 200),
        ("same-origin", "script", 200),
    ],
)
def test_other_sites_cannot_embed_it(alone: Guard, site: str, dest: str, status: int) -> None:
    assert ask(alone, sec_fetch_site=site, sec_fetch_dest=dest)[0] == status


# ---------------------------------------------------------------- token


def test_other_machines_are_heard_only_with_a_key() -> None:
    with pytest.raises(ValueError, match="token"):
        Guard(yes, loopback=False, key=None)


@pytest.mark.parametrize("path", ["/", "/_nicegui/3.18.0/static/nicegui.js", "/favicon.ico"])
@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=a-toke", "?token=ä"])
def test_without_the_token_nothing_is_served(shared: Guard, path: str, query: str) -> None:
    SEEN.clear()
    status, headers, body = ask(shared, path + query)
    assert status == 403
    assert "set-cookie" not in headers
    assert b"yes" not in body
    assert not SEEN


def test_a_websocket_needs_the_cookie(shared: Guard) -> None:
    own = {"kind": "websocket", "origin": "http://127.0.0.1:8080"}
    assert ask(shared, **own)[0] == 403
    assert ask(shared, f"/?token={TOKEN}", **own)[0] == 403
    assert ask(shared, cookie="lab_1=wrong", **own)[0] == 403
    assert ask(shared, cookie="lab_1=the-cookie", **own)[0] == 101


def test_the_token_is_turned_into_a_cookie_once(shared: Guard) -> None:
    SEEN.clear()
    status, headers, body = ask(shared, f"/?data=xor&token={TOKEN}&pick=a%22b")
    assert status == 200
    assert not SEEN  # a page of its own, so that the token does not stay in the address
    cookie = headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert TOKEN.encode() not in body
    assert b'content="0;url=/?data=xor&amp;pick=a%22b"' in body
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert ask(shared, cookie=cookie.partition(";")[0])[2] == b"yes"


def test_a_cookie_that_cannot_be_read_is_no_cookie(shared: Guard) -> None:
    assert ask(shared, cookie="\x00=;;=\xff; lab_1")[0] == 403
    assert ask(shared, cookie="lab_1=\xe4")[0] == 403


def test_keys_are_drawn_and_not_shown() -> None:
    one, other = Key(), Key()
    assert len({one.token, other.token, one.cookie, other.cookie}) == 4
    assert min(map(len, (one.token, one.cookie))) >= 32
    assert one.token not in repr(one)
    assert one.cookie not in repr(one)


# ---------------------------------------------------------------- size, headers


@pytest.mark.parametrize(
    ("path", "most"), [("/", guard.BODY), ("/_nicegui/client/x/upload/3", guard.UPLOAD)]
)
def test_requests_are_bounded(alone: Guard, path: str, most: int) -> None:
    own = {"method": "POST", "origin": "http://127.0.0.1:8080"}
    assert ask(alone, path, content_length=str(most), **own)[0] == 200
    assert ask(alone, path, content_length=str(most + 1), **own)[0] == 413
    assert ask(alone, path, body=(b"x" * most,), **own)[0] == 200
    assert ask(alone, path, body=(b"x" * most, b"x"), **own)[0] == 413
    for wrong in ("-1", "1e3", "9" * 400, ""):
        assert ask(alone, path, content_length=wrong, **own)[0] == 400


def test_every_answer_has_the_headers_of_safety(alone: Guard) -> None:
    for headers in (ask(alone)[1], ask(alone, host="evil.example")[1]):
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_what_a_proxy_would_say_is_not_believed(alone: Guard) -> None:
    ask(alone, x_forwarded_prefix="//evil.example", x_forwarded_host="evil.example", forwarded="x")
    assert [name for name, _ in SEEN[-1]["headers"]] == [b"host"]


def test_scripts_of_the_page_run_and_no_others() -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"9")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<script>", "more_body": True})
        await send({"type": "http.response.body", "body": b"<p></p><script defer>"})

    nonces = set()
    for _ in range(2):
        _, headers, body = ask(Guard(Nonce(page), key=None))
        rule = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        nonce = next(one for one in rule["script-src"].split() if "nonce" in one)[7:-1]
        assert body == f'<script nonce="{nonce}"><p></p><script nonce="{nonce}" defer>'.encode()
        assert headers["content-length"] == str(len(body))
        assert "unsafe-inline" not in rule["script-src"]
        assert rule["connect-src"] == "'self'"
        assert "http" not in headers["content-security-policy"]
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", "", "127.0.0.1.x"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)
