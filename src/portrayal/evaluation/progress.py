"""What long work here tells whoever looks on. cli/progress.py draws it."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Advance(Protocol):
    """Counts pictures that are done."""

    def __call__(self, amount: int = 1) -> None:
        """So many more."""


class Bar(Protocol):
    """Opens a progress display: `with bar("Scoring", 65, "pictures") as advance: advance(1)`."""

    def __call__(self, title: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """What is done, out of how many."""
        ...


def opened(bar: Bar | None, title: str, total: int) -> AbstractContextManager[Advance]:
    """The progress display, or one that shows nothing."""
    return bar(title, total, "pictures") if bar else nullcontext(lambda amount=1: None)
