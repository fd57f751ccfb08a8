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
        if taken_elsewhere(file.fileno(), shared=False):
            raise Busy(f"{what} is in use by another process; wait for it or choose another --out.")
        yield


def held(path: Path) -> bool | None:
    """Whether anybody holds the lock file, this process included; False where no file can be read.

    None where nobody can say, as there are no locks.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return taken_elsewhere(handle, shared=True)
    finally:
        os.close(handle)  # releases it


def taken_elsewhere(handle: int, *, shared: bool) -> bool | None:
    """Take the lock of an open file, or say that another handle has it; None without locks."""
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
