"""A bounded line of work: so many at once, in threads, and so many behind them, in order.

Everything but the work itself happens in the event loop, so nothing here needs a lock. Work cannot
be killed; it is asked to stop, looks for that between two tiles or steps, and holds its place at
the front until it ends.
"""

import asyncio
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from portrayal.core.errors import BadPicture, UserError
from portrayal.web.guards import whereabouts

State = Literal["queued", "working", "done", "failed", "cancelled"]
FINAL = ("done", "failed", "cancelled")
log = logging.getLogger(__name__)


class Stopped(Exception):
    """Raised inside work that was asked to stop."""


class Full(Exception):
    """Nobody more can wait; `after` seconds later it may be worth trying again."""

    def __init__(self, after: int) -> None:
        super().__init__(f"Too many pictures are waiting; try again in {after} s.")
        self.after = after


@dataclass(frozen=True)
class Made:
    """A finished picture file, and the seconds that its parts took."""

    content: bytes
    media_type: str
    parts: dict[str, float]


def nothing(work: "Work") -> Made:
    """The task of work that has ended."""
    raise Stopped


@dataclass(eq=False)
class Work:
    """One picture on its way. `seconds` is how long it may take once it has begun."""

    task: "Callable[[Work], Made]"
    seconds: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    state: State = "queued"
    status: int = 200  # of the answer, if it failed
    error: str | None = None
    after: int | None = None  # seconds until another try, if no place was free
    step: int = 0
    steps: int = 0
    loss: float | None = None
    made: Made | None = None
    snapshot: Made | None = None  # of a search that goes on
    snapshots: int = 0  # how many there were
    joined: float = field(default_factory=time.monotonic)
    began: float | None = None
    ended: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def go_on(self) -> None:
        """Called by the work now and then: raises `Stopped` if it is not wanted any more."""
        if self.stop.is_set():
            raise Stopped

    def show(self, snapshot: Made) -> None:
        """Take in what a search has so far."""
        if self.state not in FINAL:
            self.snapshot, self.snapshots = snapshot, self.snapshots + 1

    def settle(self, state: State, status: int = 200, error: str | None = None) -> None:
        """Say how it ended; the first word holds."""
        if self.state in FINAL:
            return
        self.state, self.status, self.error = state, status, error
        self.ended = time.monotonic()
        self.task = nothing  # the upload goes with it
        self.snapshot = None
        if state != "done":
            self.stop.set()
        self.finished.set()

    @property
    def waited(self) -> float:
        """Seconds in the line."""
        return (self.began or time.monotonic()) - self.joined


class Line:
    """`workers` in work, `most` waiting behind them."""

    def __init__(self, workers: int, most: int) -> None:
        self.workers, self.most = workers, most
        self.queue: list[Work] = []
        self.working: set[Work] = set()
        self.usual = 1.0  # seconds of a piece of work, a running mean
        self.pool = ThreadPoolExecutor(workers, "translate")

    def join(
        self, task: Callable[[Work], Made], seconds: float, patience: float | None = None
    ) -> Work:
        """Put work into the line; raises `Full`. It waits no longer than `patience` seconds."""
        if len(self.queue) >= self.most and len(self.working) >= self.workers:
            raise Full(self.wait())
        work = Work(task, seconds)
        self.queue.append(work)
        self.advance()
        if patience is not None and work.state == "queued":
            asyncio.get_running_loop().call_later(patience, self.give_up, work)
        return work

    def wait(self) -> int:
        """Seconds after which somebody should have left the line, so that another can join it."""
        now = time.monotonic()
        so_far = [now - work.began for work in self.working if work.began is not None]
        return min(120, math.ceil(max([self.usual, *so_far]) / self.workers))

    def position(self, work: Work) -> int:
        """How many are to begin before this one has its turn, itself included; 0 = in work."""
        return self.queue.index(work) + 1 if work in self.queue else 0

    def leave(self, work: Work) -> None:
        """Nobody wants it any more: out of the line, or stopped as soon as it looks."""
        if work in self.queue:
            self.queue.remove(work)
        work.settle("cancelled", 499, "This was cancelled.")

    def give_up(self, work: Work) -> None:
        """End a wait that was too long."""
        if work in self.queue:
            self.queue.remove(work)
            why, work.after = f"No place was free for {work.waited:.0f} s", self.wait()
            work.settle("failed", 503, f"{why}; try again in {work.after} s.")

    def advance(self) -> None:
        """Let the first ones begin while there is room."""
        while self.queue and len(self.working) < self.workers:
            work = self.queue.pop(0)
            self.working.add(work)
            work.state, work.began = "working", time.monotonic()
            loop = asyncio.get_running_loop()
            late = f"This took longer than {work.seconds:g} s. Try a smaller picture."
            timer = loop.call_later(work.seconds, work.settle, "failed", 504, late)
            future = loop.run_in_executor(self.pool, work.task, work)
            future.add_done_callback(partial(self.end, work, timer))

    def end(self, work: Work, timer: asyncio.TimerHandle, future: "asyncio.Future[Made]") -> None:
        """Take in what came out of a thread, and free its place."""
        timer.cancel()
        self.working.discard(work)
        error = None if future.cancelled() else future.exception()
        if not future.cancelled() and error is None:
            if work.state == "working":
                work.made = future.result()
            work.settle("done")
        elif error is None or isinstance(error, Stopped):
            work.settle("cancelled", 499, "This was cancelled.")
        else:
            work.settle("failed", *in_words(error))
        if work.began:
            self.usual += 0.2 * (time.monotonic() - work.began - self.usual)
        self.advance()

    def close(self) -> None:
        """Ask everything to stop, so that the process can end."""
        for work in [*self.queue, *self.working]:
            work.stop.set()
        self.queue.clear()
        self.pool.shutdown(wait=False, cancel_futures=True)


def in_words(error: BaseException) -> tuple[int, str]:
    """Status and one line for what went wrong inside work; a bug is logged by its place alone."""
    if isinstance(error, BadPicture):
        return 400, f"The picture cannot be read: {error.reason}."
    if isinstance(error, UserError):
        return 422, " ".join(str(error).split())
    log.error("a translation failed: %s", whereabouts(error))
    return 500, "Something went wrong here; the picture was not translated."
