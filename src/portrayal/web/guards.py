"""Plain ASGI around the application: who may ask, and what is noted of it."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def refusal(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """One line, as JSON."""
    return JSONResponse({"error": " ".join(text.split())}, status, headers)


def whereabouts(error: BaseException) -> str:
    """Kind and place of a bug: all of it that may be logged, for its words may hold content."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_qualname}, line {place.tb_lineno}" if place else "?"
    return f"{type(error).__name__} in {where}"


class Calm:
    """Answers 500 in one line where we have a bug, and logs its place alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; of an answer that breaks off the server tells the client by closing."""
        begun = [False]

        async def watch(message: Message) -> None:
            begun[0] = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            log.error("an answer failed: %s", whereabouts(error))
            if not begun[0]:
                await refusal(500, "Something went wrong here.")(scope, receive, send)


class OnlyHere:
    """Refuses other people's pages: foreign host names (DNS rebinding) and cross-site posts.

    `hosts` are the names we go by; None = any, for servers on a network or behind a proxy.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass or not."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host = host_of(headers.get("host", "")) if self.hosts else None
            if self.hosts and host not in self.hosts:
                await refusal(421, "This server does not go by that name.")(scope, receive, send)
                return
            foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
            if foreign and scope["method"] not in ("GET", "HEAD"):
                await refusal(403, "Another site's page may not do this.")(scope, receive, send)
                return
        await self.app(scope, receive, send)


def host_of(given: str) -> str | None:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{given}").hostname
    except ValueError:  # brackets without an address
        return None


class Noted:
    """Tells `note` a line per request: method, route, status, milliseconds; no address, no name.

    `paths` are the routes to be named.
    """

    def __init__(
        self, app: ASGIApp, note: Callable[[str], None], paths: Collection[str] = ()
    ) -> None:
        self.app, self.note = app, note
        self.paths = [(compile_path(path)[0], path) for path in paths]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and note how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, began = [0], time.perf_counter()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            took = 1000 * (time.perf_counter() - began)
            self.note(
                f"{scope['method'][:10]} {self.path(scope)} {status[0] or 'left'} {took:.0f} ms"
            )

    def path(self, scope: Scope) -> str:
        """The route as we wrote it, also of a request that was refused before it came there."""
        if "route" in scope:
            return str(scope["route"].path)
        met = (path for pattern, path in self.paths if pattern.match(scope["path"]))
        return next(met, "(unknown)")
