"""One process at a time per piece of work; a killed process leaves no lock behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portrayal.core.errors import CannotWrite
from portrayal.core.runs import writing


class Busy(CannotWrite):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, what: Path) -> Iterator[None]:
    """Hold the lock file `path`; one line if another process holds it."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    with file:
        if not _try(file.fileno()):
            raise Busy(f"Another process is working on {what}. Wait for it, or stop it.")
        yield


def _try(handle: int) -> bool:
    """Take an advisory lock, which ends with the process; without fcntl (Windows) no lock."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
