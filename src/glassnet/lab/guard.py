"""The guard: what may reach the page, and what the page may do. It stands before everything else.

    request → host → origin → token → size → the page → headers → answer

Whoever listens on this machine alone is still reached by every page that is open in the browser:
by a name that is turned to 127.0.0.1 (so Host is checked), and by requests of other sites (so
Origin is checked, of websockets too, which no browser checks itself).
"""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY = 2**20
"""Bytes of a request."""
UPLOAD = 21 * 10**6
"""Bytes of a request that brings a table: 20 MB and what is wrapped around it."""
NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What this machine calls itself."""

HEADERS = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),  # an address may hold a token
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
CLOSED = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
FORWARDED = (b"x-forwarded-", b"forwarded")
"""Headers of a proxy. There is none here, so whoever sends them makes them up."""


def page_policy(nonce: str) -> str:
    """What the page may load and run: its own, and scripts that carry this nonce.

    NiceGUI makes functions from text (Vue's templates, messages to the page), so eval stays; a
    script or a handler that slipped into the markup does not run.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",  # Vue and Quasar write style attributes
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


@dataclass(frozen=True)
class Key:
    """A token for the link, and the cookie that is given for it."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    name: str = "glassnet_lab"  # the port belongs to it: browsers share cookies between ports

    def fits_token(self, given: str) -> bool:
        """Compared in a time that tells nothing."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def fits_cookie(self, header: str) -> bool:
        """Whether the browser brought what it was given."""
        try:
            found = SimpleCookie(header).get(self.name)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value.encode(), self.cookie.encode())


class Guard:
    """Hands on what may pass, with the headers of safety on every answer.

    loopback : whether only this machine's own names are heard; else any name, but only with a key.
    names : further names of this machine.
    """

    def __init__(
        self, app: App, *, loopback: bool = True, names: frozenset[str] = NAMES, key: Key | None
    ) -> None:
        if not loopback and key is None:
            raise ValueError("whoever listens to other machines asks for a token")
        self.app = app
        self._names = names if loopback else None
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        told = _safely(send)
        answer = self._refusal(scope, headers) or self._welcome(scope, headers)
        if answer is not None:
            await (_closed(receive, send) if scope["type"] == "websocket" else answer(told))
            return
        most = UPLOAD if "/upload/" in scope["path"] else BODY
        if int(headers.get(b"content-length", b"0")) > most:
            await _too_large(told)
            return
        kept = [one for one in scope["headers"] if not one[0].lower().startswith(FORWARDED)]
        try:
            await self.app({**scope, "headers": kept}, _bounded(receive, most), told)
        except _TooMuchError:
            with contextlib.suppress(RuntimeError):  # an answer had begun; it is left as it is
                await _too_large(told)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> _Page | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if self._names is not None and _name(host) not in self._names:
            return _Page(403, "The lab answers under this machine's own names alone.")
        origin = headers.get(b"origin", b"").decode("latin-1")
        asks = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if origin:
            split = urlsplit(origin)
            own = split.scheme in ("http", "https") and split.netloc == host and not split.path
        else:
            own = asks  # browsers send an origin with every websocket and every POST
        if not own or _embedded(headers):
            return _Page(403, "The lab answers to its own page alone.")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 15:
            return _Page(400, "The length of the request is no number.")
        return None

    def _welcome(self, scope: Scope, headers: dict[bytes, bytes]) -> _Page | None:
        """Who has the cookie comes in; who has the token is given it."""
        key = self._key
        if key is None or key.fits_cookie(headers.get(b"cookie", b"").decode("latin-1")):
            return None
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(pairs).get("token", "")
        if not key.fits_token(given):
            return _Page(
                403,
                "The lab asks for a token. Open the whole link that the terminal shows, "
                "with ?token= and what follows.",
            )
        rest = urlencode([one for one in pairs if one[0] != "token"])
        # a page that goes on by itself, no redirect: a strict cookie is not sent on a redirect
        # that began on another site, where the link was clicked
        on = escape(f"/?{rest}" if rest else "/", quote=True)
        cookie = f"{key.name}={key.cookie}; Path=/; HttpOnly; SameSite=Strict"
        return _Page(
            200,
            f'The lab opens. <a href="{on}">Go on</a>',
            head=f'<meta http-equiv="refresh" content="0;url={on}">',
            headers=((b"set-cookie", cookie.encode()),),
        )


class Nonce:
    """Gives every script of a page the nonce that its policy asks for."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        parts: list[bytes] = []

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                kinds = [value for name, value in message["headers"] if name == b"content-type"]
                if kinds and kinds[0].startswith(b"text/html"):
                    start.update(message)
                    return
            if not start:
                await send(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            nonce = secrets.token_urlsafe(18)
            # text on the page is escaped, so what opens a script is NiceGUI's or ours
            body = b"".join(parts).replace(b"<script", b'<script nonce="%s"' % nonce.encode())
            headers = [one for one in start["headers"] if one[0] != b"content-length"]
            headers.append((b"content-length", str(len(body)).encode()))
            headers.append((b"content-security-policy", page_policy(nonce).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, marked)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


# ---------------------------------------------------------------- inside


def sentence(text: str, head: str = "") -> bytes:
    """A page of one sentence, without scripts."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>glassnet lab</title>{head}</head><body><p>{text}</p></body></html>"
    ).encode()


@dataclass(frozen=True)
class _Page:
    """An answer that the page has no part in."""

    status: int
    said: str
    head: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def __call__(self, send: Send) -> None:
        body = sentence(self.said, self.head)
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


_too_large = _Page(413, "This is more than the lab takes at once.")


class _TooMuchError(Exception):
    """More came than is allowed, without having been announced."""


def _bounded(receive: Receive, most: int) -> Receive:
    """The same body as long as it is within its limit."""
    got = 0

    async def bounded() -> Message:
        nonlocal got
        message = await receive()
        if message["type"] == "http.request":
            got += len(message.get("body", b""))
            if got > most:
                raise _TooMuchError
        return message

    return bounded


def _safely(send: Send) -> Send:
    """The same answer with the headers of safety."""
    begun = False

    async def safely(message: Message) -> None:
        nonlocal begun
        if message["type"] == "http.response.start":
            if begun:
                raise RuntimeError("there is an answer already")
            begun = True
            own = {name for name, _ in HEADERS}
            headers = [one for one in message["headers"] if one[0] not in own]
            headers += HEADERS
            if not any(name == b"content-security-policy" for name, _ in headers):
                headers.append((b"content-security-policy", CLOSED.encode()))
            message = {**message, "headers": headers}
        await send(message)

    return safely


async def _closed(receive: Receive, send: Send) -> None:
    # closing before it was accepted is answered with 403
    await receive()
    await send({"type": "websocket.close", "code": 1008})


def _embedded(headers: dict[bytes, bytes]) -> bool:
    """Whether another site asks for it as a picture, a script or a frame, which bring no origin."""
    if headers.get(b"sec-fetch-site", b"none") in (b"none", b"same-origin"):
        return False
    return headers.get(b"sec-fetch-dest") != b"document"


def _name(host: str) -> str:
    """The name in "name:port", in small letters."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()
