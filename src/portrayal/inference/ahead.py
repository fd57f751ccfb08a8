"""Threads that work ahead of who takes their results, and behind who makes their items, in order.

Reading and writing go on while a network is busy with a whole group of pictures, in memory that is
bounded by pixels and not by a number of pictures, which may be large.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
from typing import TypeVar

THREADS = min(8, os.cpu_count() or 1)  # that read and write files
FEW = 2 * THREADS  # items, whatever their size
MOST = 512  # items, however small
ROOM = 1 << 24  # pixels that wait, 48 MiB: some groups of any usual size

In = TypeVar("In")
Out = TypeVar("Out")


def ahead(
    pool: ThreadPoolExecutor, work: Callable[[In], Out], items: Iterable[In]
) -> Iterator[Out]:
    """`work` on each item, in order, in threads that are a few items ahead of who takes them."""
    waiting: deque[Future[Out]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) > FEW:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class Gate:
    """Lets threads begin while what waits to be taken is less than `room`, in order."""

    def __init__(self, room: int) -> None:
        self.room, self.held, self.taken, self.ended = room, 0, 0, False
        self.changed = Condition()

    def enter(self, number: int) -> None:
        """Wait for room. The one that is to be taken next never waits: nothing else could end."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.held < self.room or number == self.taken or self.ended
            )

    def hold(self, weight: int) -> None:
        """A result waits now."""
        with self.changed:
            self.held += weight

    def take(self, weight: int) -> None:
        """The next result was taken."""
        with self.changed:
            self.held -= weight
            self.taken += 1
            self.changed.notify_all()

    def end(self) -> None:
        """Let all pass."""
        with self.changed:
            self.ended = True
            self.changed.notify_all()


def far_ahead(
    pool: ThreadPoolExecutor,
    work: Callable[[In], Out],
    items: Iterable[In],
    weigh: Callable[[Out], int],
    *,
    most: int = MOST,
    room: int = ROOM,
) -> Generator[Out, None, None]:
    """`work` on each item, in order, ahead by `most` items or by results that weigh `room`.

    Beyond `room` there is one more result per thread at most. The pool does nothing else meanwhile,
    for its threads wait where there is no room. Close the iterator before the pool.
    """
    gate, waiting = Gate(room), deque[Future[Out]]()

    def one(number: int, item: In) -> Out:
        gate.enter(number)
        result = work(item)
        gate.hold(weigh(result))
        return result

    def taken() -> Out:
        result = waiting.popleft().result()
        gate.take(weigh(result))
        return result

    try:
        for number, item in enumerate(items):
            waiting.append(pool.submit(one, number, item))
            if len(waiting) > most:
                yield taken()
        while waiting:
            yield taken()
    finally:
        for future in waiting:
            future.cancel()
        gate.end()


def behind(
    pool: ThreadPoolExecutor,
    work: Callable[[In], Out],
    items: Iterable[In],
    weigh: Callable[[In], int],
    *,
    most: int = MOST,
    room: int = ROOM,
) -> Iterator[Out]:
    """`work` on each item, in order, while the next ones are made; what is done comes at once.

    No more than `most` items wait, and a few if they weigh more than `room`.
    """
    waiting: deque[tuple[int, Future[Out]]] = deque()
    held = 0
    for item in items:
        weight = weigh(item)
        waiting.append((weight, pool.submit(work, item)))
        held += weight
        while waiting and (
            waiting[0][1].done() or len(waiting) > most or (held > room and len(waiting) > FEW)
        ):
            weight, future = waiting.popleft()
            held -= weight
            yield future.result()
    while waiting:
        yield waiting.popleft()[1].result()
