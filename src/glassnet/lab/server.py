"""The server: one page, a session for each visitor, on this machine alone unless told otherwise.

glassnet lab → a free port → the guard → a visitor's query → a session → the page
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from glassnet.core.errors import BadInput, GlassnetError
from glassnet.lab import workers
from glassnet.lab.guard import NAMES, Guard, Key, Nonce, is_loopback, sentence
from glassnet.lab.lessons import resolved
from glassnet.lab.link import arrive, opened
from glassnet.lab.opening import Opener
from glassnet.lab.session import Session

if TYPE_CHECKING:
    from nicegui import Client

PORT, PORTS = 8080, 50
"""The first port that is tried, and how many after it."""
VISITORS = 64
"""Sessions at a time."""
RECONNECT = 60.0
"""Seconds that a session waits for a visitor whose connection dropped."""
REST = 10.0
"""Seconds without a connection after which nothing is trained on."""
PING = 10.0
"""Seconds between two questions whether the visitor is still there."""
HISTORY = 150
"""Messages kept for a visitor whose connection dropped: a page says every 3 seconds what it has,
and is sent 30 frames a second."""
MESSAGE = 2**20
"""Bytes of a message from a page."""
CONNECTIONS = 2000
"""Connections at a time; a visitor has a handful."""
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke-width="2">'
    '<path d="M7 9 25 16 7 23" stroke="#888"/><g fill="#fff">'
    '<circle cx="7" cy="9" r="4" stroke="#1f6fb4"/><circle cx="7" cy="23" r="4" stroke="#d9770a"/>'
    '<circle cx="25" cy="16" r="4" stroke="#1f6fb4"/></g></svg>'
)


Builder = Callable[[Session, str], Any]
"""Puts the panels of a session on the page; the query is that of the link."""


@dataclass(eq=False)
class Visitor:
    """A page that is open somewhere, and what belongs to it."""

    client: Client
    session: Session
    came: float = field(default_factory=time.monotonic)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def follow(self, work: Any) -> None:
        """Do something for the visitor for as long as the visitor is here."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def leave(self) -> None:
        """The visitor is gone: nothing runs on, nothing is kept."""
        for task in self.tasks:
            task.cancel()
        self.session.close()


class Visitors:
    """Who is here. No more than so many; who left makes room for who comes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._here: dict[str, Visitor] = {}
        self._coming = 0

    def __len__(self) -> int:
        return len(self._here) + self._coming

    @contextlib.contextmanager
    def place(self) -> Any:
        """A place, held while the session is made; True where there is one."""
        if len(self) >= self.most:
            self._make_room()
        free = len(self) < self.most
        self._coming += free
        try:
            yield free
        finally:
            self._coming -= free

    def enter(self, visitor: Visitor) -> None:
        """Somebody is here, until the page is gone and its connection does not come back."""
        client = visitor.client
        self._here[client.id] = visitor
        client.on_delete(partial(self._left, client.id))
        client.on_disconnect(lambda: visitor.follow(_rest(visitor)))

    def _left(self, name: str) -> None:
        visitor = self._here.pop(name, None)
        if visitor is not None:
            visitor.leave()
            _forget_routes()

    def _make_room(self) -> None:
        # pages that are closed or were loaded again wait in vain for their connection
        now = time.monotonic()
        gone = [
            one
            for one in self._here.values()
            if not one.client.has_socket_connection and now - one.came > REST
        ]
        for visitor in sorted(gone, key=lambda one: one.came)[:1]:
            visitor.client.delete()


def _forget_routes() -> None:
    # FastAPI remembers of thousands of functions what kind they are; a page's upload is among
    # them, and would keep the page, which keeps the session
    from fastapi.dependencies import models

    for one in vars(models).values():
        if hasattr(one, "cache_clear"):
            one.cache_clear()


async def _rest(visitor: Visitor) -> None:
    await asyncio.sleep(REST)
    if not visitor.client.has_socket_connection:
        visitor.session.pause()


# ---------------------------------------------------------------- the page


async def _visit(
    query: str, client: Client, visitors: Visitors, opener: Opener, build: Builder
) -> Any:
    """The page of one visitor, or a sentence why there is none."""
    from starlette.responses import HTMLResponse

    with visitors.place() as free:
        if not free:
            client.delete()
            said = (
                f"{visitors.most} visitors are in the lab, which is as many as it takes. "
                "Try again in a minute."
            )
            return HTMLResponse(sentence(said), status_code=503)
        state = resolved(query)
        session, found = await workers.drawing(partial(_session, state, opener))
        visitor = Visitor(client, session)
        visitors.enter(visitor)
    client.on_exception(partial(_say, session))
    build(session, query if found else "")
    if found:
        visitor.follow(_arrive(visitor, state))
    return None


def _session(query: str, opener: Opener) -> tuple[Session, bool]:
    """The session of a link, and whether the link could be read; else that of no link."""
    try:
        return opener(query), True
    except GlassnetError as error:
        said = str(error)
    except Exception:  # noqa: BLE001 - a link is anybody's text, and the page opens in any case
        said = "This link cannot be read."
    session = opener("")
    session.message = f"{said} This is the lab as it opens by itself."
    return session, False


async def _arrive(visitor: Visitor, query: str) -> None:
    # only once there is a page that looks at it: who merely asks for the address trains nothing
    await visitor.client.connected()
    try:
        await arrive(visitor.session, query)
    except Exception:  # noqa: BLE001 - as above
        visitor.session.say("This link cannot be followed to its end.")


def _say(session: Session, error: Exception) -> None:
    """What went wrong in a line on the page; where it is no fault of the input, also as it is."""
    if isinstance(error, GlassnetError):
        session.say(str(error))
    else:
        session.say(f"This did not work: {type(error).__name__}. The terminal tells more.")


def without_token(query: str) -> str:
    """The query of a link as the session reads it."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([one for one in pairs if one[0] != "token"])


# ---------------------------------------------------------------- what it is made of


def application(
    *,
    host: str = "127.0.0.1",
    key: Key | None = None,
    opener: Opener = opened,
    build: Builder | None = None,
    ready: Callable[[], None] | None = None,
) -> Guard:
    """The whole lab as an ASGI application. There is one in a process, as NiceGUI has it.

    ready : called once it runs. The others: see `serve`.
    """
    from fastapi import FastAPI
    from nicegui import Client, app, core, ui
    from starlette.requests import Request

    builder = build or _page()
    visitors = Visitors(VISITORS)

    async def page(request: Request, client: Client) -> Any:
        return await _visit(without_token(request.url.query), client, visitors, opener, builder)

    # names in strings would be looked for in this module
    page.__annotations__ = {"request": Request, "client": Client}
    ui.page("/", title="glassnet lab", response_timeout=30.0)(page)

    def settle() -> None:
        # NiceGUI asks seldom where it waits long; who is gone should be noticed soon
        core.sio.eio.ping_interval = core.sio.eio.ping_timeout = PING
        app.storage.max_tab_storage_age = 3600.0
        if ready is not None:
            ready()

    core.sio.eio.cors_allowed_origins = None  # its own origin alone, not "*"
    core.sio.eio.max_http_buffer_size = MESSAGE
    app.on_startup(settle)
    app.add_exception_handler(404, _nothing)  # NiceGUI's own would keep a page for a minute
    app.add_middleware(Nonce)
    for name in ("nicegui", "uvicorn.error"):
        logging.getLogger(name).addFilter(_worth_telling)
    whole = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    loopback = is_loopback(host)
    ui.run_with(
        whole,
        title="glassnet lab",
        favicon=ICON,
        dark=None,
        language="en-US",
        reconnect_timeout=RECONNECT,
        message_history_length=HISTORY,
        # on this machine packing costs more than it saves
        gzip_middleware_factory=None if loopback else _gzip,
        tailwind=False,
        show_welcome_message=False,
    )
    return Guard(whole, loopback=loopback, names=NAMES | {_in_address(host)}, key=key)


def _page() -> Builder:
    from glassnet.lab.page import build

    return build


async def _nothing(_request: Any, _error: Exception) -> Any:
    from starlette.responses import HTMLResponse

    return HTMLResponse(sentence('There is nothing here. <a href="/">The lab</a>'), 404)


def _gzip(app: Any) -> Any:
    from starlette.middleware.gzip import GZipMiddleware

    return GZipMiddleware(app, minimum_size=1000, compresslevel=5)


def _worth_telling(record: logging.LogRecord) -> bool:
    """Not what was said on the page, what pages write, or that connections were cut at the end."""
    error = record.exc_info[1] if record.exc_info else None
    told = isinstance(error, GlassnetError | asyncio.CancelledError)
    theirs = record.funcName == "handle_log_message"
    return not (told or theirs or "graceful shutdown exceeded" in record.getMessage())


# ---------------------------------------------------------------- serving


def serve(
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = True,
    opener: Opener = opened,
    token: str | None = None,
    link: str = "",
    build: Builder | None = None,
) -> None:
    """Serve the lab until Ctrl-C.

    host : an address of this machine; any but its own loopback asks visitors for a token.
    port : this one and no other; None takes 8080 or the next free one.
    open_browser : whether to show the page at once.
    opener : what a visitor finds in the lab; see `opening`.
    token : of one's own; None draws one where one is asked for.
    link : the query of the page that is opened.
    build : what puts the panels on the page, if not `page.build`.
    """
    needed()
    listening = bound(host, port)
    try:
        own = listening.getsockname()[1]
        key = None
        if token is not None or not is_loopback(host):
            named = f"glassnet_lab_{own}"
            key = Key(name=named) if token is None else Key(token, name=named)
        address = _address(host, own, key, link)
        ready = partial(_tell, host, address, open_browser=open_browser)
        _run(listening, application(host=host, key=key, opener=opener, build=build, ready=ready))
    finally:
        listening.close()


def needed() -> None:
    """Refuse, in a line, where what the page is made with is not installed."""
    if find_spec("nicegui") is None:
        raise BadInput(
            "the lab's page is made with NiceGUI",
            "it is expected beside glassnet",
            'Try pip install "glassnet[lab]".',
        )


def _run(listening: socket.socket, whole: Guard) -> None:
    import uvicorn

    config = uvicorn.Config(
        whole,
        log_level="error",
        access_log=False,
        ws="wsproto",
        ws_max_size=MESSAGE,
        ws_per_message_deflate=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    with contextlib.suppress(KeyboardInterrupt):  # which is how one leaves the lab
        uvicorn.Server(config).run(sockets=[listening])


def bound(host: str, port: int | None) -> socket.socket:
    """A socket that listens already, so that a browser that is early waits and is served."""
    tried = f"port {port}" if port is not None else f"ports {PORT} to {PORT + PORTS - 1}"
    hint = "Leave --port out for the next free one." if port is not None else "Try --port 0."
    if port is not None and not 0 <= port < 2**16:
        raise BadInput(tried, "0 to 65535 is expected", hint)
    why = ""
    for one in range(PORT, PORT + PORTS) if port is None else [port]:
        try:
            return _listen(host, one)
        except socket.gaierror as error:
            raise BadInput(
                f"--host {host}",
                "an address of this machine is expected",
                "Leave it out to be heard on this machine alone.",
            ) from error
        except OSError as error:
            why = (error.strerror or str(error)).lower()
    raise BadInput(f"{tried} cannot be had: {why}", "a free port is expected", hint)


def _listen(host: str, port: int) -> socket.socket:
    name = host.strip("[]")
    family, kind, protocol, _, where = socket.getaddrinfo(
        name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    one = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two servers have one port
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(where)
        one.listen(128)
    except BaseException:
        one.close()
        raise
    return one


def _in_address(host: str) -> str:
    return f"[{host.strip('[]')}]" if ":" in host else host.lower()


def _address(host: str, port: int, key: Key | None, link: str) -> str:
    name = _in_address(host)
    if host in ("0.0.0.0", "::", "[::]"):  # noqa: S104 - all addresses, of which one is shown
        name = socket.gethostname() or "127.0.0.1"
    pairs = parse_qsl(link.lstrip("?"), keep_blank_values=True)
    pairs += [("token", key.token)] if key else []
    return f"http://{name}:{port}/" + (f"?{urlencode(pairs)}" if pairs else "")


def _tell(host: str, address: str, *, open_browser: bool) -> None:
    print(f"The lab is at {address}")
    if not is_loopback(host):
        print(
            f"It is heard on {host}, so by other machines too. Whoever has this link, with its "
            "token, comes in. Nothing is encrypted on the way."
        )
    print("Ctrl-C ends it.", flush=True)
    if open_browser and _has_browser():
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _has_browser() -> bool:
    # without a screen it would be one that takes the terminal away
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return not sys.platform.startswith("linux") or any(os.environ.get(one) for one in screens)
