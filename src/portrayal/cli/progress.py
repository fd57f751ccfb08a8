"""What long work shows while it runs: a bar in a terminal, a line now and then in a log file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

PAUSE = 10.0  # seconds between two plain lines


class Advance(Protocol):
    """What `bar` yields."""

    def __call__(self, amount: int = 1, note: str = "") -> None:
        """Count `amount` more as done; `note` is shown beside the bar, such as a loss."""


@contextmanager
def bar(
    title: str,
    total: int | None = None,
    unit: str = "",
    *,
    done: int = 0,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Advance]:
    """Show progress on standard error and yield `advance(amount=1, note="")`.

    `done` was finished earlier (a resumed run): it counts as done but not towards the rate.
    """
    stream = stream or sys.stderr
    if stream.isatty():
        with terminal_bar(title, total, unit, done, stream) as advance:
            yield advance
    else:
        yield plain_lines(title, total, unit, done, stream, clock)


@contextmanager
def terminal_bar(
    title: str, total: int | None, unit: str, done: int, stream: TextIO
) -> Iterator[Advance]:
    """rich's bar with count, rate, remaining time and the note."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    state = {"done": done, "started": time.monotonic()}
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TextColumn("{task.fields[note]}", style="dim", markup=False),
    )
    console = Console(file=stream)
    with Progress(*columns, console=console, refresh_per_second=4, expand=True) as progress:
        task = progress.add_task(title, total=total, completed=done, rate="", note="")

        def advance(amount: int = 1, note: str = "") -> None:
            state["done"] += amount
            spent = time.monotonic() - state["started"]
            rate = pace(int(state["done"]), total, done, spent, unit)
            progress.update(task, advance=amount, rate=rate)
            if note:
                progress.update(task, note=note)

        yield advance


def plain_lines(
    title: str,
    total: int | None,
    unit: str,
    done: int,
    stream: TextIO,
    clock: Callable[[], float],
) -> Advance:
    """An `advance` that prints a line every PAUSE seconds and when the last one is done."""
    started = clock()
    state = {"done": done, "said": started}

    def advance(amount: int = 1, note: str = "") -> None:
        state["done"] += amount
        now = clock()
        last = total is not None and state["done"] - amount < total <= state["done"]
        if now - state["said"] < PAUSE and not last:
            return
        state["said"] = now
        count = f"{int(state['done'])}" + (f" of {total}" if total is not None else "")
        parts = (
            f"{count} {unit}".strip(),
            pace(int(state["done"]), total, done, now - started, unit),
            note,
        )
        print(f"{title}: " + ", ".join(part for part in parts if part), file=stream, flush=True)

    return advance


def pace(count: int, total: int | None, earlier: int, seconds: float, unit: str) -> str:
    """Rate and remaining time of work that went from `earlier` to `count` in `seconds`.

    >>> pace(30, 50, 10, 10.0, "steps")
    '2.00 steps/s, 0:10 left'
    """
    if count <= earlier or seconds <= 0:
        return ""
    rate = (count - earlier) / seconds
    text = f"{rate:.{2 if rate < 10 else 0}f} {unit or 'it'}/s"
    if total is None:
        return text
    return f"{text}, {clock_time((total - count) / rate)} left"


def clock_time(seconds: float) -> str:
    """Seconds as people read them.

    >>> clock_time(59.6), clock_time(3725)
    ('1:00', '1:02:05')
    """
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def say(text: str) -> None:
    """One line for the person, on standard output."""
    print(text, flush=True)


def warn(text: str) -> None:
    """One line the person should notice, on standard error."""
    print(f"Warning: {text}", file=sys.stderr, flush=True)
