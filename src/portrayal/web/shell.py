"""What all our pages share: security headers, a limit on bodies, templates, static files, serving.

Nothing is loaded from anywhere else, and the headers forbid it. The middlewares are plain ASGI, so
that they also hold for errors and cost no copies.
"""

import socket
from asyncio import timeout
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portrayal.core.errors import BadOption

POLICY = (
    "default-src 'none'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",  # links hold tokens
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
FOREVER = {"cache-control": "private, max-age=31536000, immutable"}
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class SecurityHeaders:
    """Adds `headers` to every answer that has none of that name; nothing is cached by default."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] = HEADERS) -> None:
        self.app = app
        self.headers = {"cache-control": "no-store", **headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and complete its answer."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message.get("headers", [])}
                missing = [
                    (name.encode(), value.encode())
                    for name, value in self.headers.items()
                    if name.encode() not in there
                ]
                message = {**message, "headers": [*message.get("headers", []), *missing]}
            await send(message)

        await self.app(scope, receive, complete if scope["type"] == "http" else send)


def in_words(status: int, text: str) -> Response:
    """A refusal as plain text."""
    return PlainTextResponse(f"{text}\n", status)


class LimitBody:
    """Answers 413 to bodies of more than `most` bytes, whatever their header claims.

    408 if a body takes longer than `seconds`. `refuse` makes the answer of a status and a line.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        seconds: float | None = None,
        refuse: Callable[[int, str], Response] = in_words,
    ) -> None:
        self.app, self.most, self.seconds, self.refuse = app, most, seconds, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body, which is small, before the request is passed on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            async with timeout(self.seconds):
                body = await self.read(receive)
        except TimeoutError:
            answer = self.refuse(408, f"The request took longer than {self.seconds:g} s to arrive.")
            await answer(scope, receive, send)
            return
        if body is None:
            return  # the client has left
        if len(body) > self.most:
            answer = self.refuse(413, f"The request is larger than {self.most:,} bytes.")
            await answer(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body}]

        async def once() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, once, send)

    async def read(self, receive: Receive) -> bytes | None:
        """The body; of one that is too large a little more than the limit. None: nobody waits.

        Somewhat too much is taken in and dropped, or browsers would not show the refusal.
        """
        parts, size, more = [], 0, True
        while more and size <= 4 * self.most:
            message = await receive()
            if message["type"] != "http.request":
                return None
            if size <= self.most:
                parts.append(message.get("body", b""))
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(parts)


@cache
def templates() -> jinja2.Environment:
    """The templates of all pages; what they are given is escaped."""
    folder = files("portrayal.web") / "templates"
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(name: str, *, status: int = 200, **content: Any) -> HTMLResponse:
    """A page made of a template."""
    return HTMLResponse(templates().get_template(name).render(**content), status)


@cache
def static_file(name: str) -> tuple[bytes, str] | None:
    """Content and type of one of our files; None if it is not one of them."""
    every = {each.name: each for each in (files("portrayal.web") / "static").iterdir()}
    suffix = name[name.rfind(".") :]
    if name not in every or suffix not in KINDS:
        return None
    return every[name].read_bytes(), KINDS[suffix]


def static(name: str) -> Response:
    """The answer to /static/NAME."""
    found = static_file(name)
    if found is None:
        return PlainTextResponse("No such file.\n", 404)
    return Response(found[0], media_type=found[1], headers={"cache-control": "no-cache"})


def serve(
    app: ASGIApp, host: str, port: int, ready: Callable[[str], None] = lambda url: None
) -> None:
    """Serve until a signal asks to stop. No request is logged; `ready` gets the address."""
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle off for sockets that say they are TCP: 40 ms for every answer
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise BadOption(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another --port; 0 "
            "takes a free one."
        ) from None
    shown = f"[{host}]" if ":" in host else host
    ready(f"http://{shown}:{listening.getsockname()[1]}/")
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        lifespan="off",
    )
    with listening:
        uvicorn.Server(config).run(sockets=[listening])
