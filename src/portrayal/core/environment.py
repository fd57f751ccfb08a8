"""Where and with what something was computed: written beside every run and every score."""

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "opencv-python-headless", "pillow", "pydantic", "safetensors")


def environment(**more: Any) -> dict[str, Any]:
    """Versions, machine, command and commit, as plain data for a JSON file."""
    import portrayal

    return {
        "portrayal": portrayal.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "machine": machine(),
        "command": command(),
        "started": now(),
        **more,
    }


@lru_cache(maxsize=1)
def commit() -> str | None:
    """The git commit of this package's own source tree, with "+" when files differ from it."""
    folder = Path(__file__).parent
    ask = ["git", "-C", str(folder)]
    try:
        head = subprocess.run([*ask, "rev-parse", "HEAD"], capture_output=True, text=True)
        if head.returncode:
            return None
        changed = subprocess.run(
            [*ask, "status", "--porcelain", "--untracked-files=no", "--", "."],
            capture_output=True,
            text=True,
        )
    except OSError:  # no git here
        return None
    return head.stdout.strip()[:12] + ("+" if changed.stdout.strip() else "")


def machine() -> str:
    """System, processor and cores in one line; no host name and no user name."""
    return f"{platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} cores"


def processor() -> str:
    """The processor's own name where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
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
