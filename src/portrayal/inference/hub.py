"""A model by its name on the Hugging Face hub: "user/name", or "user/name@revision".

A folder here always comes first, and a name whose first part is a folder here is taken for a
mistyped path: nothing is asked of the network for it. Only weights without code, settings and text
are fetched; a folder that holds anything else is refused.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from portrayal.core.errors import BadData, MissingPart

ALLOWED = (".safetensors", ".json", ".md")  # no pickle, no code
PATTERN = re.compile(r"([\w][\w.-]*/[\w][\w.-]*)(?:@([\w][\w./-]*))?", re.ASCII)
Fetch = Callable[[str, str | None], Path]  # name, revision -> a folder


def fetched(name: str, revision: str | None, offline: bool | None = None) -> Path:
    """The allowed files of a model, from the cache of huggingface_hub or from the network."""
    told = f"{name} is no folder here"
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError:
        raise MissingPart(
            f"{told}. If it is the name of a model on the Hugging Face hub: "
            "pip install 'portrayal[hub]'"
        ) from None
    if offline is None:
        offline = os.environ.get("PORTRAYAL_OFFLINE", "") not in ("", "0")
    patterns = [f"*{suffix}" for suffix in ALLOWED]
    try:
        folder = snapshot_download(
            name, revision=revision, allow_patterns=patterns, local_files_only=offline
        )
    except (OSError, ValueError) as error:  # also of huggingface_hub: no network, no such name
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        why = (
            "and PORTRAYAL_OFFLINE is set"
            if offline
            else f"and the hub gave no such model: {reason}"
        )
        raise BadData(f"{told}, {why}.") from None
    return Path(folder)


def run_folder(
    run: Path | str,
    fetch: Fetch = fetched,
    note: Callable[[str], None] = lambda text: None,
) -> Path:
    """The folder of a run: itself, or what is fetched for a name on the hub."""
    folder = Path(run)
    named = PATTERN.fullmatch(os.fspath(run).replace(os.sep, "/"))
    if folder.exists() or folder.parent.is_dir() or not named:
        return folder
    name, revision = named[1], named[2]
    found = fetch(name, revision)
    for file in sorted(found.rglob("*")):
        own = file.relative_to(found)
        hidden = own.parts[0].startswith(".")  # .gitattributes, and what huggingface_hub keeps
        if not (hidden or file.is_dir() or file.suffix in ALLOWED):
            raise BadData(f"{name} holds {own}: only {', '.join(ALLOWED)} are taken from a hub.")
    commit = found.name if re.fullmatch("[0-9a-f]{40}", found.name) else revision
    note(f"{name} of the Hugging Face hub, revision {commit or 'main'}")
    return found
