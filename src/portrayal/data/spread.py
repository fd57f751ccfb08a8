"""One function over many inputs on all cores, with a bounded number of inputs on the way."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import TypeVar

from portrayal.core.errors import BadData

In = TypeVar("In")
Out = TypeVar("Out")
Advance = Callable[..., None]  # advance(amount=1, note="")
Bar = Callable[..., AbstractContextManager[Advance]]  # cli.progress.bar, or `silent`


@contextmanager
def silent(*_: object, **__: object) -> Iterator[Advance]:
    """A progress bar that shows nothing."""
    yield lambda *_, **__: None


def cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(
    function: Callable[[In], Out],
    inputs: Iterable[In],
    workers: int,
    *,
    setup: Callable[[], None] | None = None,
    chunk: int = 8,
) -> Iterator[Out]:
    """Results in the order of the inputs. One worker means: in this process.

    `function` and `setup` (run once in every worker) must be picklable.
    """
    if workers == 1:
        yield from map(function, inputs)
        return
    waiting: deque[Future[list[Out]]] = deque()
    stream = iter(inputs)
    chunks = iter(lambda: list(islice(stream, chunk)), [])
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start, initargs=(setup,)
    )
    try:
        for part in islice(chunks, 3 * workers):
            waiting.append(pool.submit(_each, function, part))
        while waiting:
            results = waiting.popleft().result()
            for part in islice(chunks, 1):
                waiting.append(pool.submit(_each, function, part))
            yield from results
    except BrokenProcessPool:
        raise BadData(
            "A worker process was killed, most likely because memory ran out. "
            "Run the same command again with --workers 1; what is done is kept."
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _each(function: Callable[[In], Out], inputs: Iterable[In]) -> list[Out]:
    return [function(each) for each in inputs]


def _start(setup: Callable[[], None] | None) -> None:
    """A worker ends with its parent, leaves Ctrl-C to it, and keeps to one thread."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    cv2.setNumThreads(1)
    if setup:
        setup()


def _follow_parent() -> None:
    if parent := parent_process():
        parent.join()  # returns when it is gone, however it went
        os._exit(1)
