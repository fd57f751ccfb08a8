"""Connections whose other end is slow, silent or one of too many: what uvicorn does not bound.

A request's head has so many seconds; an answer must be taken in at some pace, or its memory would
be held for as long as a client likes; and there are so many connections, of which the one that
has kept us waiting longest goes when another comes. So a health check always gets in.
"""

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD = 15.0  # seconds for the head of a request
TAKE = 30.0  # seconds to take in an answer, and more for its size
PACE = 100_000  # bytes a second
MOST = 400  # open files of a process are often limited to 1024
LOOK = 1.0  # seconds between two looks


class Connection(H11Protocol):
    """One client."""

    head, take, most, look = HEAD, TAKE, MOST, LOOK

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let a client in, at the cost of another one if there are too many."""
        super().connection_made(transport)
        self.since, self.left, self.until = self.loop.time(), 0, 0.0
        self.looking = self.loop.call_later(self.look, self.check)
        if len(self.connections) > self.most:
            ours = [each for each in self.connections if isinstance(each, Connection)]
            min(ours, key=lambda each: (not each.keeps_us_waiting, each.since)).drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.looking.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.since = self.loop.time()
        super().on_response_complete()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered: there is none, or half a head of one."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def keeps_us_waiting(self) -> bool:
        """Whether it is the client's turn: no request, half a one, or an answer not taken in."""
        return self.idle or self.cycle.more_body

    def check(self) -> None:
        """Look now and then whether the client goes on."""
        now, left = self.loop.time(), self.transport.get_write_buffer_size()
        if left > self.left:
            self.until = now + self.take + left / PACE
        self.left = left
        if (left and now > self.until) or (not left and self.idle and now > self.since + self.head):
            self.drop()
        else:
            self.looking = self.loop.call_later(self.look, self.check)

    def drop(self) -> None:
        """End it at once, with what was to be sent."""
        self.connections.discard(self)
        self.transport.abort()


def server_of(app: ASGIApp, connection: type[Connection] = Connection) -> uvicorn.Server:
    """A server that logs no request, nor what was wrong with one."""
    settings: dict[str, Any] = {"proxy_headers": False, "server_header": False, "lifespan": "off"}
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=connection,
            ws="none",
            access_log=False,
            log_level="error",
            timeout_graceful_shutdown=5,
            **settings,
        )
    )
