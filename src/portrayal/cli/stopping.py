"""How a command that can be stopped ends, and lines beside what it writes to standard output."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from portrayal.core.signals import handled


def tell(text: str) -> None:
    """One line on standard error, whatever bytes a file name holds."""
    print(text.encode(errors="backslashreplace").decode(), file=sys.stderr, flush=True)


@contextmanager
def stoppable(
    text: str = "Stopped. What is done stays; the same command goes on from here.",
) -> Iterator[None]:
    """Inside, Ctrl-C and SIGTERM end the command with one line; what is written is whole."""
    from portrayal.core.errors import Interrupted

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted(text, 128 + number)

    with handled(stop):
        yield
