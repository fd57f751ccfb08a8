"""The run folder and how files get there: whole or not at all.

runs/NAME/
    config.json        format version, recipe, preset, config, settings, data summary and hash
    environment.json   versions, device, command, git commit, start time
    log.jsonl          one line per logged step: step, epoch, seconds, terms by name
    scores.jsonl       one line per validation: step and scores by metric
    samples/           step_00000100.png: rows of source | generated | truth, all kept
    checkpoints/       00000100/{weights.safetensors, training.pt, about.json}, best_METRIC/
    translations/      SPLIT/NAME.png, written by `evaluate`
    results.json       scores with intervals; pictures.jsonl: the same per picture
    report.html        one file, opens offline
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData, CannotWrite

FORMAT = 1  # of run and dataset folders; a reader refuses any other


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission under `path` into one line for the user."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: "the disk is full; free some space and run the same command again",
            errno.EDQUOT: "your disk quota is used up; free some space and run the same command again",
            errno.EACCES: "no permission to write; choose another --out or change the permissions",
            errno.EPERM: "no permission to write; choose another --out or change the permissions",
            errno.EROFS: "the file system is read-only; choose another --out",
        }
        if error.errno not in reasons:
            raise
        raise CannotWrite(f"Cannot write {error.filename or path}: {reasons[error.errno]}.") from error


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file that is whole or absent, even if the process or the machine dies on the way."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut (POSIX; elsewhere nothing is needed)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically, readable by people."""
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; one line when it is missing or not JSON."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadData(f"{path} does not exist.") from None
    except (ValueError, OSError) as error:
        raise BadData(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(content, dict):
        raise BadData(f"{path} holds a {type(content).__name__}, not a JSON object.")
    return content


def append_line(path: Path, row: Mapping[str, Any]) -> None:
    """Add one JSON line. A line cut by a kill is skipped by `read_lines`."""
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSON-lines file, one at a time; a broken last line is left out, none if no file."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                if line.endswith("\n"):
                    raise BadData(f"{path} has a line that is not JSON: {line[:60]!r}.") from None
