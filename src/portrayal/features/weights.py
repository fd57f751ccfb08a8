"""Where pretrained weights lie: $PORTRAYAL_WEIGHTS first, then the cache of this user."""

import os
from collections.abc import Mapping
from pathlib import Path


def folders(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Folders to look in, the first one that has a file wins."""
    named = environment.get("PORTRAYAL_WEIGHTS")
    cache = Path.home() / ".cache" / "portrayal" / "weights"
    return [Path(named), cache] if named else [cache]


def find(name: str, places: list[Path] | None = None) -> Path | None:
    """The file of that name in the first folder that has it."""
    files = (folder / name for folder in (folders() if places is None else places))
    return next((file for file in files if file.is_file()), None)
