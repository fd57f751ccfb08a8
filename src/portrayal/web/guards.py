"""Plain ASGI around the application: who may ask, and what is noted of it."""

import time
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def refusal(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    """One line, as JSON."""
    return JSONResponse({"error": " ".join(text.split())}, status, headers)


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
            host = urlsplit(f"//{headers.get('host', '')}").hostname if self.hosts else None
            if self.hosts and host not in self.hosts:
                await refusal(421, "This server does not go by that name.")(scope, receive, send)
                return
            foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
            if foreign and scope["method"] not in ("GET", "HEAD"):
                await refusal(403, "Another site's page may not do this.")(scope, receive, send)
                return
        await self.app(scope, receive, send)


class Noted:
    """Tells `note` a line per request: method, route, status, milliseconds; no address, no name."""

    def __init__(self, app: ASGIApp, note: Callable[[str], None]) -> None:
        self.app, self.note = app, note

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
            route = getattr(scope.get("route"), "path", "(unknown)")
            took = 1000 * (time.perf_counter() - began)
            self.note(f"{scope['method'][:10]} {route} {status[0] or 'left'} {took:.0f} ms")
