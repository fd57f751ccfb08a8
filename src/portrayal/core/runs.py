"""The run folder and how files get there: whole or not at all.

runs/NAME/
    config.json        format version, recipe, preset, config, settings, data summary and hash
    environment.json   versions, device, command, git commit, start time
    log.jsonl          one line per logged step: step, epoch, seconds, terms by name
    scores.jsonl       one line per validation: step and scores by metric
    samples/           step_00000100.png: rows of source | generated | truth, all kept
    checkpoints/       00000100/{weights.safetensors, training.pt, about.json}, weights_STEP/ and
                       best_METRIC.json, which names one of them
    translations/      SPLIT/NAME.png, written by `evaluate`
    results.json       scores with intervals; pictures.jsonl: the same per picture
    report.html        one file, opens offline
"""

import errno
import json
import os
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from portrayal.core.errors import BadData, CannotWrite

LARGEST_JSON = 1 << 25  # bytes; parsed, JSON can take twenty times its size
FORMAT = 1  # of run and dataset folders; a reader refuses any other

REASONS = {  # why a file cannot be written, and what to do
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "your disk quota is used up; free some space and run the same command again",
    errno.EFBIG: "it is larger than the file system or `ulimit -f` allows",
    errno.EACCES: "no permission to write; choose another --out or change the permissions",
    errno.EPERM: "no permission to write; choose another --out or change the permissions",
    errno.EROFS: "the file system is read-only; choose another --out",
    errno.ENOENT: "its folder cannot be made or is gone; choose another --out",
    errno.EEXIST: "a file stands where a folder is needed; choose another --out",
    errno.ENOTDIR: "a file stands where a folder is needed; choose another --out",
    errno.EISDIR: "a folder stands in its place; choose another --out",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EIO: "the disk reports a fault",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full disk, a missing permission and the like under `path` into one line."""
    try:
        yield
    except OSError as error:
        if error.errno not in REASONS:
            raise
        raise CannotWrite(f"Cannot write {path}: {REASONS[error.errno]}.") from error


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file that is whole or absent, even if the process or the machine dies on the way."""
    data = encoded(content) if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)


def encoded(text: str) -> bytes:
    r"""UTF-8; a file name that is no text (a lone surrogate) becomes JSON's own escape, \udcff."""
    return text.encode("utf-8", "backslashreplace")


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut (POSIX; elsewhere nothing is needed)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def dataset_places(run: Path, data: object) -> list[Path]:
    """Where the dataset of a run may be, by the "data" of its config.json, likeliest first.

    "path" is what the person typed, from where they stood then; "from_run" leads from the run
    folder to the dataset, and holds when both were moved together or one stands elsewhere now.
    """
    known = data if isinstance(data, Mapping) else {}
    typed, led = known.get("path"), known.get("from_run")
    places = [Path(typed)] if isinstance(typed, str) else []
    return places + ([run / led] if isinstance(led, str) else [])


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically, readable by people."""
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; one line when it is missing or not JSON."""
    try:
        if (size := path.stat().st_size) > LARGEST_JSON:
            raise BadData(f"{path} cannot be read: {size} bytes, at most {LARGEST_JSON} are.")
        if not (path.is_file() or path.is_dir()):  # a pipe would block
            raise BadData(f"{path} cannot be read: it is no file.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadData(f"{path} does not exist.") from None
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise BadData(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(content, dict):
        raise BadData(f"{path} holds a {type(content).__name__}, not a JSON object.")
    return content


def append_line(path: Path, row: Mapping[str, Any]) -> None:
    """Add one JSON line. What a kill left of the line before is dropped first."""
    with writing(path), path.open("ab+") as file:
        _mend(file)
        file.write(encoded(json.dumps(row, ensure_ascii=False) + "\n"))


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSON-lines file, one at a time; a cut last line is left out, none if no file."""
    return (row for row, _ in rows_and_ends(path))


def rows_and_ends(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """The rows as `read_lines` gives them, each with the number of bytes up to its end."""
    if not path.exists():
        return
    end = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            end += len(line)
            if (row := parsed_row(line)) is not None:
                yield row, end
            elif line.endswith(b"\n") and line.strip():
                raise BadData(f"{path}, line {number} is no JSON object: {shown(line)}.")


def parsed_row(line: bytes) -> dict[str, Any] | None:
    """The object in one line; None if it is anything else."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def shown(line: bytes) -> str:
    """The start of a line for a message."""
    return repr(line.strip()[:40].decode(errors="replace"))


def _mend(file: BinaryIO) -> None:
    """Let the file end with a whole line: a cut one is dropped, one without line break closed."""
    if not (end := file.seek(0, os.SEEK_END)):
        return
    file.seek(end - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    last = deque(file, maxlen=1)[0]
    if parsed_row(last) is None:
        file.truncate(end - len(last))
    else:
        file.write(b"\n")
