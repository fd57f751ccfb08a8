"""One file from the network: whole and with the right SHA-256, or not there at all."""

import hashlib
import os
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from portrayal.core.errors import BadData, MissingPart
from portrayal.core.runs import sync_folder, writing

Progress = Callable[[int, int | None], None]  # bytes so far, bytes of all if the server says so
CHUNK = 1 << 20
ATTEMPTS = 4
PATIENCE = 30.0  # seconds without a byte


def download(
    url: str, target: Path, sha256: str, *, progress: Progress | None = None, pause: float = 1.0
) -> None:
    """Write the file at `url` to `target` if its SHA-256 is, or begins with, `sha256`.

    A broken connection goes on where it broke. MissingPart says why nothing came.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("w+b") as file:
                fetch(url, file, progress, pause)
                file.seek(0)
                found = hashlib.file_digest(file, "sha256").hexdigest()
                if not found.startswith(sha256):
                    raise BadData(
                        f"{url} has SHA-256 {found[:12]}... instead of {sha256[:12]}...; nothing "
                        "was kept. Try again, or look for a proxy that answers in its place."
                    )
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(target.parent)


def fetch(url: str, file: BinaryIO, progress: Progress | None, pause: float) -> None:
    """Write what `url` has to `file`, in several attempts as long as each brings something."""
    reason = "the connection broke off"
    for attempt in range(ATTEMPTS):
        time.sleep(pause * attempt)
        before = file.seek(0, os.SEEK_END)
        try:
            if receive(url, file, progress):
                return
        except HTTPError as error:
            reason = f"the server answers {error.code} {error.reason}"
            error.close()
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        if file.seek(0, os.SEEK_END) <= before:
            break
    raise MissingPart(f"The download failed ({reason}).")


def receive(url: str, file: BinaryIO, progress: Progress | None) -> bool:
    """One attempt, from where the file ends; True if the whole content is there."""
    done = file.seek(0, os.SEEK_END)
    wanted = {"Range": f"bytes={done}-"} if done else {}
    with urlopen(Request(url, headers=wanted), timeout=PATIENCE) as answer:
        if done and answer.status != 206:  # a server that cannot continue sends all again
            done = file.seek(0)
            file.truncate()
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length else None
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(done, total)
    return total is None or done == total
