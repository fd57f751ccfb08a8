"""What a killed process leaves behind: `.NAME.PID.tmp` beside the file it was writing."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

STARTED = time.time()  # in a container every start may have the same process id


def clear_leftovers(folder: Path) -> None:
    """Remove half-written files of processes that have ended, in this folder, not below it.

    Who writes into a folder on a network drive from another machine must not share it while it is
    being written: process ids are known on this machine only.
    """
    if os.name != "posix" or not folder.is_dir():
        return
    for path in folder.glob(".*.tmp"):
        found = re.fullmatch(r"\..+\.(\d{1,9})\.tmp", path.name)
        with suppress(OSError):  # gone already, or not ours to remove: it costs only its space
            if found and path.is_file() and has_ended(int(found[1]), path.stat().st_mtime):
                path.unlink()


def has_ended(process: int, last_write: float) -> bool:
    """Whether the writer of a file is no more; of our own id there may have been one before us."""
    if process == os.getpid():
        return last_write < STARTED - 1
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it runs, for somebody else
        return False
    return False
