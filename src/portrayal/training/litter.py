"""What killed writers leave in a run folder, and how a folder goes away: all of it or nothing."""

import shutil
from itertools import chain
from pathlib import Path

LITTER = (".config.json.*.tmp", ".environment.json.*.tmp", "samples/.*.tmp", "checkpoints/.*.tmp")


def forget(folder: Path) -> None:
    """Remove a folder. A kill on the way leaves it whole, or hidden and for `sweep` to remove."""
    hidden = folder.with_name(f".{folder.name}.old.tmp")
    try:
        shutil.rmtree(hidden, ignore_errors=True)
        folder.rename(hidden)
    except OSError:  # no permission: it stays, whole, and costs only its space
        return
    shutil.rmtree(hidden, ignore_errors=True)


def sweep(run: Path) -> None:
    """Remove half-written files of training; only who holds the run may know that nobody writes."""
    for path in chain.from_iterable(map(run.glob, LITTER)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
