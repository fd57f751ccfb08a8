"""Jobs: pictures that take their time. POST starts one, its address tells how far it is.

Results stay in memory, for some minutes, and of each other's jobs nobody can know the address.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse

from portrayal.web import uploads
from portrayal.web.endpoints import BODY
from portrayal.web.limits import Limits
from portrayal.web.translating import Desk, Wished, picture
from portrayal.web.waiting import FINAL, Line, Work

LOOK = 0.2  # seconds between two looks at a job that somebody watches
Id = Annotated[str, Path(min_length=20, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class Jobs:
    """Jobs by their secret names; old ones are forgotten."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self.clock = limits, clock
        self.every: dict[str, tuple[Work, str]] = {}  # in the order of their beginning

    def add(self, work: Work, model: str) -> None:
        """Take in a job."""
        self.every[work.id] = (work, model)
        self.forget()

    def get(self, name: str) -> tuple[Work, str]:
        """A job and its model, or 404."""
        self.forget()
        if name not in self.every:
            raise HTTPException(404, "There is no such job; it may have been forgotten.")
        return self.every[name]

    def forget(self) -> None:
        """Drop what ended long ago, and the oldest results while there are too many."""
        now = self.clock()
        ended = [work for work, _ in self.every.values() if work.ended is not None]
        size = sum(len(work.made.content) for work in ended if work.made)
        for index, work in enumerate(ended):
            assert work.ended is not None
            old = now - work.ended > 60 * self.limits.kept_minutes
            many = len(ended) - index > self.limits.kept
            if old or many or size > 1e6 * self.limits.kept_megabytes:
                size -= len(work.made.content) if work.made else 0
                del self.every[work.id]


def state(work: Work, line: Line) -> dict[str, Any]:
    """What a client may know about a job."""
    return {
        "state": work.state,
        "position": line.position(work),
        "step": work.step,
        "steps": work.steps,
        "loss": work.loss,
        "snapshots": work.snapshots,
        "error": work.error,
    }


def job_routes(desk: Desk, jobs: Jobs) -> APIRouter:
    """The endpoints of jobs."""
    router, line = APIRouter(tags=["jobs"]), desk.line

    @router.post("/api/jobs", status_code=202, openapi_extra=BODY)
    async def start(request: Request, wish: Wished) -> JSONResponse:
        """Put a picture into the line; answers at once with the job's secret name."""
        desk.count(request)
        order = await desk.order(await uploads.picture_of(request), wish)
        work = line.join(order, desk.limits.job_seconds)
        jobs.add(work, order.model.name)
        return JSONResponse({"job": work.id}, 202, {"location": f"/api/jobs/{work.id}"})

    @router.get("/api/jobs/{job}")
    async def look(job: Id) -> dict[str, Any]:
        """How far a job is; position 0 = in work."""
        return state(jobs.get(job)[0], line)

    @router.get("/api/jobs/{job}/events", response_class=StreamingResponse)
    async def events(job: Id) -> StreamingResponse:
        """The same as server-sent events, one for every change, until the job has ended."""
        work, _ = jobs.get(job)
        return StreamingResponse(changes(work, line), media_type="text/event-stream")

    @router.get("/api/jobs/{job}/picture", response_class=Response)
    async def result(job: Id) -> Response:
        """The finished picture; of a job with `snapshots` that still searches, what it has."""
        work, model = jobs.get(job)
        if work.state not in FINAL and (made := work.snapshot):
            headers = {"x-portrayal-snapshot": str(work.snapshots)}
            return Response(made.content, media_type=made.media_type, headers=headers)
        if work.state not in FINAL:
            raise HTTPException(404, "There is no picture yet.")
        return picture(work, model)

    @router.delete("/api/jobs/{job}")
    async def cancel(job: Id) -> dict[str, Any]:
        """Cancel a job; one that has ended is forgotten with what it made."""
        work, _ = jobs.get(job)
        if work.state in FINAL:
            del jobs.every[job]
        line.leave(work)
        return state(work, line)

    return router


async def changes(work: Work, line: Line) -> AsyncIterator[str]:
    """Server-sent events of a job."""
    last: dict[str, Any] = {}
    quiet = 0
    while True:
        now = state(work, line)
        if now != last:
            yield f"data: {json.dumps(now)}\n\n"
            last, quiet = now, 0
        elif quiet * LOOK > 10:  # so that proxies keep the line open
            yield ": still here\n\n"
            quiet = 0
        if work.state in FINAL:
            return
        quiet += 1
        with suppress(TimeoutError):
            await asyncio.wait_for(work.finished.wait(), LOOK)
