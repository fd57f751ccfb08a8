"""A request's body, read before the request is passed on: its bytes, its seconds, and all together.

Plain ASGI, so that it holds whatever the headers claim and whoever asks.
"""

from asyncio import timeout
from collections.abc import Callable, Mapping

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = Mapping[str, str]
LEFT = 0  # instead of a status: the client has gone


def in_words(status: int, text: str, headers: Headers | None = None) -> Response:
    """A refusal as plain text."""
    return PlainTextResponse(f"{text}\n", status, headers)


class LimitBody:
    """Answers 413 to bodies of more than `most` bytes, and 408 to those slower than `seconds`.

    503 if all bodies in memory, each until its request is answered, are more than `together`.
    `refuse` makes the answer of a status, a line and headers.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        seconds: float = 60,
        refuse: Callable[[int, str, Headers | None], Response] = in_words,
        together: int | None = None,
    ) -> None:
        self.app, self.most, self.seconds, self.refuse = app, most, seconds, refuse
        self.together, self.held = together or 32 * most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body, which is small, before the request is passed on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = bytearray()
        try:
            status = await self.read(receive, body)
            if status == 200:
                whole: list[Message] = [{"type": "http.request", "body": bytes(body)}]
                await self.app(scope, lambda: first(whole, receive), send)
            elif status != LEFT:
                await self.refusal(status)(scope, receive, send)
        finally:
            self.held -= len(body)

    async def read(self, receive: Receive, body: bytearray) -> int:
        """Fill `body`; the status of the answer: 200 if all is well so far.

        Somewhat too much is taken in and dropped, or browsers would not show the refusal.
        """
        size, more = 0, True
        try:
            async with timeout(self.seconds):
                while more and size <= 4 * self.most:
                    message = await receive()
                    if message["type"] != "http.request":
                        return LEFT
                    part, more = message.get("body", b""), message.get("more_body", False)
                    size += len(part)
                    if size <= self.most:
                        body += part
                        self.held += len(part)
                    if self.held > self.together:
                        return 503
        except TimeoutError:
            return 408
        return 200 if size <= self.most else 413

    def refusal(self, status: int) -> Response:
        """The answer to a body that is not passed on."""
        texts = {
            408: f"The request took longer than {self.seconds:g} s to arrive.",
            413: f"The request is larger than {self.most:,} bytes.",
            503: "Too much is being sent here at once; try again in 5 s.",
        }
        headers = {"retry-after": "5"} if status == 503 else None
        return self.refuse(status, texts[status], headers)


async def first(whole: list[Message], receive: Receive) -> Message:
    """The body, once; then what else the client does."""
    return whole.pop() if whole else await receive()
