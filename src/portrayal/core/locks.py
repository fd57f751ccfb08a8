"""One process at a time per piece of work; a killed process leaves no lock behind.

Locks are advisory and end with the process. Where there are none (Windows, some network drives)
nothing is refused.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portrayal.core.errors import CannotWrite
from portrayal.core.runs import writing


class Busy(CannotWrite):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, what: Path) -> Iterator[None]:
    """Hold the lock file `path` for the work on `what`; Busy, in one line, if another process does.

    The file, and its folder, are made where there are none.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    with file:
        if _taken_elsewhere(file.fileno(), shared=False):
            raise Busy(f"{what} is in use by another process; wait for it or choose another --out.")
        yield


def held(path: Path) -> bool | None:
    """Whether another process holds the lock file; None where nobody can say, False without one."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return _taken_elsewhere(handle, shared=True)
    finally:
        os.close(handle)  # releases it


def _taken_elsewhere(handle: int, *, shared: bool) -> bool | None:
    """Take the lock unless another process has it; None where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return None
    return False
