"""What all our pages share: security headers, templates, static files, serving.

Nothing is loaded from anywhere else, and the headers forbid it. The middleware is plain ASGI, so
that it also holds for errors and costs no copies.
"""

import socket
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portrayal.core.errors import BadOption
from portrayal.web.connections import server_of

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
        raise HTTPException(404, "There is no such file.")
    return Response(found[0], media_type=found[1], headers={"cache-control": "no-cache"})


def listening_on(host: str, port: int) -> socket.socket:
    """A socket for `server_of(app).run`; one line where the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle off for sockets that say they are TCP: 40 ms for every answer
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # before the address is told: who comes at once waits and is not refused
    except OSError as error:
        listening.close()
        raise BadOption(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another --port; 0 "
            "takes a free one."
        ) from None
    return listening


def serve(
    app: ASGIApp, host: str, port: int, ready: Callable[[str], None] = lambda url: None
) -> None:
    """Serve until a signal asks to stop. No request is logged; `ready` gets the address."""
    with listening_on(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listening.getsockname()[1]}/")
        server_of(app).run(sockets=[listening])
