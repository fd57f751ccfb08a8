"""What a dataset folder says about itself: manifest.json, rejected.jsonl, SPLIT/metadata.jsonl."""

import hashlib
import heapq
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from portrayal import __version__
from portrayal.core.runs import FORMAT, write_json, writing
from portrayal.data.split import SPLITS

DRAWN = ("sketch", "pencil", "xdog", "photocopy", "edges", "shapes")


def of_drawings(manifest: Mapping[str, Any]) -> bool:
    """Whether the sources of a dataset are strokes, by the names of its filters and its folder."""
    filters = manifest.get("options", {}).get("filter")
    made = f"{filters} {Path(str(manifest.get('source'))).name}".lower()
    return any(word in made for word in DRAWN)


def category(reason: str) -> str:
    """A reason without its details, to count by.

    >>> category("damaged: broken data stream"), category("144 megapixels, more than the limit")
    ('damaged', 'too many megapixels')
    """
    if re.match(r"[\d.e+]+ megapixels", reason):
        return "too many megapixels"
    return re.sub(r"\s+[\d.]+$", "", reason.split(":")[0])


def counted(reasons: Iterable[str]) -> dict[str, int]:
    """How many files were dropped for each reason, the most frequent first."""
    counts = Counter(category(reason) for reason in reasons)
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def write_rejected(path: Path, dropped: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Write {"file", "reason"} lines; returns the counts by reason."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as out:
            return counted(reason for _, reason in written_to(out, dropped))


def written_to(out: TextIO, dropped: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Pass (file, reason) on, each after its line was written."""
    for file, reason in dropped:
        out.write(json.dumps({"file": file, "reason": reason}, ensure_ascii=False) + "\n")
        yield file, reason


def write_metadata(folder: Path, databases: Sequence[sqlite3.Connection]) -> str:
    """Write SPLIT/metadata.jsonl for every split, by name; returns the identity of the dataset."""
    digest = hashlib.sha256()
    for split in SPLITS:
        query = "SELECT name, row FROM written WHERE split = ? ORDER BY name"
        rows = heapq.merge(*(connection.execute(query, (split,)) for connection in databases))
        first = next(rows, None)
        if first is None:
            continue
        path = folder / split / "metadata.jsonl"
        with writing(path), path.open("w", encoding="utf-8") as out:
            for _, row in heapq.merge([first], rows):
                out.write(row + "\n")
                digest.update(f"{split}\n{row}\n".encode())
    return digest.hexdigest()


def write_manifest(
    path: Path,
    *,
    size: Sequence[int],
    counts: dict[str, int],
    domains: dict[str, dict[str, int]] | None,
    options: dict[str, Any],
    source: str,
    generated: bool,
    command: str,
    rejected: dict[str, int],
    groups: int,
    notes: list[str],
    sha256: str,
) -> dict[str, Any]:
    """Write manifest.json, the last file of a dataset. `domains`: counts of unpaired data."""
    content = {
        "format": FORMAT,
        "kind": "unpaired" if domains else "paired",
        "size": list(size),
        "counts": counts,
        **({"domains": domains} if domains else {}),
        "source": source,
        "generated": generated,
        "options": options,
        "command": command,
        "rejected": rejected,
        "near_duplicate_groups": groups,
        "notes": notes,
        "version": __version__,
        "sha256": sha256,
    }
    write_json(path, content)
    return content
