"""POST a picture, get its translation: at once, as a job that can be watched, or many as a zip."""

import asyncio
import hashlib
import io
import time
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from portrayal.core.errors import UnknownName
from portrayal.core.images import Pixels, read_pixels
from portrayal.inference.drawing import shown
from portrayal.inference.files import Files, encoded, mark_of
from portrayal.inference.pictures import scaled
from portrayal.web import uploads
from portrayal.web.endpoints import BODY, MANY
from portrayal.web.limits import Limits, PerMinute, address_of
from portrayal.web.models import Model
from portrayal.web.waiting import Full, Line, Made, Work

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}


class Wish:
    """What a client asks for beside the picture."""

    def __init__(
        self,
        model: Annotated[str, Query(description="its name; the first one if not given")] = "",
        reverse: Annotated[bool, Query(description="the model's other direction")] = False,
        show_input: Annotated[bool, Query(description="input and answer side by side")] = False,
        resize: Annotated[bool, Query(description="work at the size of training")] = False,
        drawing: Annotated[bool, Query(description="clean a photographed drawing first")] = False,
        snapshots: Annotated[bool, Query(description="of a job that searches, as it goes")] = False,
        format: Annotated[Literal["png", "jpeg", "webp"], Query()] = "png",
    ) -> None:
        self.model, self.reverse, self.show_input = model, reverse, show_input
        self.resize, self.suffix, self.media_type = resize, SUFFIXES[format], f"image/{format}"
        self.snapshots, self.drawing = snapshots, drawing


Wished = Annotated[Wish, Depends()]


@dataclass(frozen=True)
class Order:
    """A picture to be translated, and how."""

    model: Model
    content: bytes
    wish: Wish
    megapixels: float

    def __call__(self, work: Work) -> Made:
        """Read, translate, write: in a thread of the line."""
        times = [time.perf_counter()]
        pixels = read_pixels(self.content, limit=self.megapixels, name="The picture")
        times.append(time.perf_counter())
        work.go_on()
        wish = self.wish
        how = replace(self.model.how(wish.reverse, wish.resize), drawing=wish.drawing)
        source, files = hashlib.sha256(self.content).hexdigest(), Files()
        mark = mark_of(self.model.way(wish.reverse), source, wish.suffix, how, files)

        def show(snapshot: Pixels) -> None:
            content = encoded(snapshot, wish.suffix, mark, files)
            work.show(Made(content, wish.media_type, {}))

        answer = self.model.translate(pixels, how, work, show if wish.snapshots else None)
        times.append(time.perf_counter())
        if wish.show_input:
            seen = shown(self.model.way(wish.reverse), pixels, how)
            answer = np.concatenate([scaled(seen, pixels.shape[1::-1]), answer], axis=1)
        content = encoded(answer, wish.suffix, mark, files)
        times.append(time.perf_counter())
        parts = zip(("read", "model", "write"), np.diff(times).tolist(), strict=True)
        return Made(content, wish.media_type, dict(parts))


@dataclass(frozen=True)
class Desk:
    """Where requests are checked and put into the line."""

    models: dict[str, Model]
    limits: Limits
    line: Line
    counts: PerMinute
    behind_proxy: bool = False

    def model(self, name: str) -> Model:
        """The model of that name, the first one for no name."""
        if not self.models:
            raise HTTPException(503, "No model is loaded yet.")
        if name and name not in self.models:
            raise HTTPException(404, str(UnknownName("model", name, self.models)))
        return self.models[name or next(iter(self.models))]

    async def order(self, content: bytes, wish: Wish) -> Order:
        """A checked order."""
        model = self.model(wish.model)
        model.way(wish.reverse)
        most, wide = self.limits.megapixels, 2 if wish.show_input else 1
        await run_in_threadpool(uploads.check, content, most, wish.suffix, wide)
        return Order(model, content, wish, most)

    def count(self, request: Request, pictures: int = 1) -> None:
        """Take note of who asks; raises `Often`."""
        self.counts.count(address_of(request, self.behind_proxy), pictures)


def translating(desk: Desk) -> APIRouter:
    """The endpoints that answer when all is done."""
    router, limits = APIRouter(tags=["translate"]), desk.limits

    @router.post("/api/translate", openapi_extra=BODY, response_class=Response)
    async def translate(request: Request, wish: Wished) -> Response:
        """One picture in, one picture of the same size out."""
        desk.count(request)
        order = await desk.order(await uploads.picture_of(request), wish)
        work = desk.line.join(order, limits.seconds, limits.seconds)
        await until(work, request, desk.line)
        return picture(work, order.model.name)

    @router.post("/api/batch", openapi_extra=MANY, response_class=Response)
    async def batch(request: Request, wish: Wished) -> Response:
        """Several pictures in, a zip out, streamed; errors.txt in it names those that failed."""
        desk.model(wish.model).way(wish.reverse)
        files = await uploads.form_files(request, "pictures", limits.batch)
        desk.count(request, len(files))
        if len(desk.line.queue) >= desk.line.most:
            raise Full(desk.line.wait())
        headers = {"content-disposition": 'attachment; filename="pictures.zip"'}
        zipped = zip_of(desk, files, wish)
        return StreamingResponse(zipped, media_type="application/zip", headers=headers)

    return router


async def until(work: Work, request: Request, line: Line) -> None:
    """Wait for the end of the work; if the client leaves, it is dropped."""
    waiters = [asyncio.ensure_future(each) for each in (work.finished.wait(), left(request))]
    try:
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
        if not work.finished.is_set():
            line.leave(work)


async def left(request: Request) -> None:
    """Returns when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def picture(work: Work, model: str = "") -> Response:
    """The answer to finished work; its refusal if it failed."""
    if work.made is None:
        later = {"retry-after": str(work.after)} if work.after else None
        raise HTTPException(work.status, work.error, later)
    parts = {"queue": work.waited, **work.made.parts}
    headers = {
        "x-portrayal-seconds": f"{sum(work.made.parts.values()):.4f}",
        "x-portrayal-queue-seconds": f"{work.waited:.4f}",
        "server-timing": ", ".join(f"{name};dur={1000 * s:.2f}" for name, s in parts.items()),
    }
    if model:
        headers["x-portrayal-model"] = model
    return Response(work.made.content, media_type=work.made.media_type, headers=headers)


class Outlet(io.RawIOBase):
    """Takes what a zip writer writes, to be sent at once."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        """It is, and cannot go back."""
        return True

    def write(self, data: Any) -> int:
        """Keep until `take`."""
        self.parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        content, self.parts = b"".join(self.parts), []
        return content


async def zip_of(desk: Desk, files: list[tuple[str, bytes]], wish: Wish) -> AsyncIterator[bytes]:
    """A zip of the answers, one after the other, so that others get their turns between them."""
    outlet, errors = Outlet(), []
    end = time.monotonic() + desk.limits.job_seconds
    with zipfile.ZipFile(outlet, "w") as archive:
        for number, (name, content) in enumerate(files, 1):
            place = f"{number:03d}_{plain(name)}"
            try:
                made = await answer(desk, content, wish, end)
                archive.writestr(place + wish.suffix, made.content)
            except Exception as error:
                text = getattr(error, "detail", None) or str(error)
                errors.append(f"{place}: {text}")
            if content := outlet.take():
                yield content
        if errors:
            archive.writestr("errors.txt", "\n".join([*errors, ""]))
    yield outlet.take()


async def answer(desk: Desk, content: bytes, wish: Wish, end: float) -> Made:
    """One picture of a batch; waits for a place in the line as long as there is time."""
    order = await desk.order(content, wish)
    while True:
        if (rest := end - time.monotonic()) <= 0:
            raise HTTPException(504, "There was no time left for it.")
        with suppress(Full):
            work = desk.line.join(order, min(rest, desk.limits.seconds), rest)
            break
        await asyncio.sleep(0.2)
    try:
        await work.finished.wait()
    finally:
        desk.line.leave(work)
    if work.made is None:
        raise HTTPException(work.status, work.error)
    return work.made


def plain(name: str) -> str:
    """A client's file name as part of ours: letters, digits and a few signs, without a suffix."""
    stem = name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in stem)
    return kept[:60].strip("_") or "picture"
