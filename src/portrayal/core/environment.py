"""Where and with what something was computed: written beside every run and every score."""

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "opencv-python-headless", "pillow", "pydantic", "safetensors")
PACKAGE = Path(__file__).parent.parent


def environment(**more: Any) -> dict[str, Any]:
    """Versions, machine, command and commit, as plain data for a JSON file."""
    import portrayal

    return {
        "portrayal": portrayal.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: installed(name) for name in PACKAGES},
        "machine": machine(),
        "command": command(),
        "started": now(),
        **more,
    }


def installed(name: str) -> str | None:
    """The version of a package; None if it came by another way, as OpenCV often does."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@lru_cache(maxsize=1)
def commit(folder: Path = PACKAGE) -> str | None:
    """The git commit of this package's own source tree, with "+" when files differ from it.

    None where the files belong to no repository, as in a virtual environment inside another one.
    """
    if not _git(folder, "ls-files", "--", "."):
        return None
    head = _git(folder, "rev-parse", "HEAD")
    return head and head[:12] + ("+" if _git(folder, "status", "--porcelain", "--", ".") else "")


def _git(folder: Path, *words: str) -> str | None:
    """What git says about a folder, without touching its index; None when it fails or is absent."""
    ask = ["git", "--no-optional-locks", "-C", str(folder), *words]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, errors="replace")
    except OSError:
        return None
    return None if answer.returncode else answer.stdout.strip()


def machine() -> str:
    """System, processor and cores in one line; no host name and no user name."""
    return f"{platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} cores"


def processor(told: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's own name where the system tells it."""
    try:
        for line in told.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def command() -> str:
    """The command line as a person would type it."""
    return shlex.join(["portrayal", *sys.argv[1:]])


def now() -> str:
    """The time in UTC to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
