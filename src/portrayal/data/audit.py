"""What a dataset folder, or any folder of pictures, holds: facts per split, copies and leaks.

Pictures are looked at one by one; the facts lie in a temporary SQLite file, so memory does not grow
with their number (about 20 bytes per picture while near-duplicates are looked for).
"""

import sqlite3
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from portrayal.core.errors import BadData, BadPicture
from portrayal.core.images import find_pictures, read_picture
from portrayal.core.runs import FORMAT, read_json
from portrayal.data.copies import TABLE, Row, copies, keep, straddling
from portrayal.data.dataset import Split
from portrayal.data.domains import SIDES
from portrayal.data.duplicates import look
from portrayal.data.select import is_grey
from portrayal.data.split import SPLITS
from portrayal.data.spread import Bar, cores, silent, spread

LISTED = 100  # bad files named in full


@dataclass(frozen=True)
class Entry:
    """One picture to look at; of a pair it is the target, and `partner` the source."""

    split: str
    name: str
    path: Path
    partner: Path | None = None
    subject: str | None = None
    variant: bool = False  # another source of a target that is an entry already
    domain: str | None = None  # of unpaired data

    @property
    def part(self) -> str:
        """What is counted together: a split, or one domain of it."""
        return f"{self.split} {self.domain}" if self.domain else self.split


@dataclass(frozen=True)
class Seen:
    """Facts of one picture, or why it could not be read."""

    entry: Entry
    reason: str | None = None
    facts: dict[str, Any] | None = None
    bits: int = 0
    thumbnail: bytes = b""

    def row(self) -> Row:
        """What the search for copies needs."""
        entry = self.entry
        return entry.split, entry.name, entry.subject, self.bits, self.thumbnail


def audit(
    folder: Path,
    *,
    faces: bool = True,
    detector: str = "auto",
    limit: float = 100,
    workers: int | None = None,
    bar: Bar = silent,
) -> dict[str, Any]:
    """Facts per split, near-duplicates, leaks and unreadable files, ready for JSON."""
    total = sum(1 for _ in entries(folder))
    if not total:
        raise BadData(f"No pictures in {folder}. Give a dataset folder or a folder of pictures.")
    see_one = partial(see, faces=faces, detector=detector, limit=limit)
    counts: dict[str, Tally] = {}
    bad: list[dict[str, str]] = []
    with (
        tempfile.TemporaryDirectory(prefix="portrayal-") as place,
        closing(sqlite3.connect(Path(place) / "facts.sqlite")) as connection,
        bar("Looking", total=total, unit="pictures") as advance,
    ):
        connection.execute(TABLE)
        for seen in spread(see_one, entries(folder), workers or cores()):
            tally = counts.setdefault(seen.entry.part, Tally())
            tally.add(seen)
            if seen.reason is None:
                if not seen.entry.variant:
                    keep(connection, seen.row())
            elif len(bad) < LISTED:
                bad.append({"file": str(seen.entry.path), "reason": seen.reason})
            advance(1)
        found = {
            "near_duplicates": copies(connection, look=not is_generated(folder)),
            "subjects": straddling(connection),
        }
    kind = "dataset" if is_dataset(folder) else "folder"
    splits = {split: tally.summary() for split, tally in counts.items()}
    return {
        "format": FORMAT,
        "path": str(folder),
        "kind": kind,
        "splits": splits,
        **found,
        "bad": bad,
    }


def is_dataset(folder: Path) -> bool:
    """Whether a folder has splits with pairs in it."""
    return any(
        (folder / split / inner).exists()
        for split in SPLITS
        for inner in (*SIDES, "metadata.jsonl")
    )


def entries(folder: Path) -> Iterator[Entry]:
    """Targets of a dataset with their sources, both domains of an unpaired one, or all pictures of
    a plain folder."""
    if not is_dataset(folder):
        for path in find_pictures(folder):
            yield Entry("all", path.relative_to(folder).as_posix(), path)
        return
    for split in SPLITS:
        place = folder / split
        if not place.is_dir():
            continue
        found = Split(place)
        for row in found.rows():
            if not found.paired:
                name, domain = f"{row['domain']}/{row['name']}", row["domain"]
                path, subject = place / row["file_name"], row.get("subject")
                yield Entry(split, name, path, subject=subject, domain=domain)
                continue
            target, source = place / row["target_file_name"], place / row["source_file_name"]
            again = bool(row.get("variant"))
            yield Entry(split, row["name"], target, source, row.get("subject"), again)


def see(entry: Entry, *, faces: bool, detector: str, limit: float) -> Seen:
    """Look at one picture and at the size of its partner."""
    try:
        picture = read_picture(entry.path, limit=limit)
        partner = read_picture(entry.partner, limit=limit) if entry.partner else None
    except BadPicture as error:
        return Seen(entry, error.reason)
    height, width = picture.pixels.shape[:2]
    facts: dict[str, Any] = {
        "size": [width, height],
        "mode": picture.info["mode"],
        "format": picture.info["format"],
        "grey": is_grey(picture.pixels),
        "mismatch": partner is not None and partner.pixels.shape != picture.pixels.shape,
        "face": None,
    }
    if faces:
        from portrayal.features import faces as detectors

        found = detectors.find_faces(picture.pixels, detectors.detector(detector))
        facts["face"] = found[0].w * found[0].h / (width * height) if found else 0.0
    seen = look(picture.pixels)
    bits = seen.bits - (1 << 64) if seen.bits >> 63 else seen.bits
    return Seen(entry, None, facts, bits, seen.thumbnail)


class Tally:
    """Running counts of one split."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.sizes: Counter[str] = Counter()
        self.modes: Counter[str] = Counter()
        self.formats: Counter[str] = Counter()
        self.sides = array("i")
        self.shares = array("f")

    def add(self, seen: Seen) -> None:
        """Count one picture."""
        if seen.facts is None:
            self.counts["bad"] += 1
            return
        facts = seen.facts
        width, height = facts["size"]
        self.counts.update(
            pictures=1, grey=int(facts["grey"]), size_mismatches=int(facts["mismatch"])
        )
        if len(self.sizes) < 10_000 or f"{width}x{height}" in self.sizes:
            self.sizes[f"{width}x{height}"] += 1
        self.modes[facts["mode"]] += 1
        self.formats[facts["format"]] += 1
        self.sides.append(min(width, height))
        if facts["face"] is not None:
            self.counts["looked_for_faces"] += 1
            if facts["face"]:
                self.shares.append(facts["face"])

    def summary(self) -> dict[str, Any]:
        """The counts, ready for JSON."""
        looked = self.counts["looked_for_faces"]
        return {
            "pictures": self.counts["pictures"],
            "bad": self.counts["bad"],
            "sizes": dict(self.sizes.most_common(10)),
            "different_sizes": len(self.sizes),
            "short_side": quartiles(self.sides, 0),
            "modes": dict(self.modes.most_common()),
            "formats": dict(self.formats.most_common()),
            "grey": self.counts["grey"],
            "size_mismatches": self.counts["size_mismatches"],
            "faces": len(self.shares) if looked else None,
            "face_share": quartiles(self.shares, 3) if looked else None,
        }


def quartiles(values: Any, digits: int) -> list[float]:
    """Smallest, lower quartile, median, upper quartile, largest."""
    if not len(values):
        return []
    return [round(float(v), digits) for v in np.percentile(values, (0, 25, 50, 75, 100))]


def is_generated(folder: Path) -> bool:
    """Whether a dataset was drawn, not found: two drawn circles look alike and are no leak."""
    manifest = folder / "manifest.json"
    return manifest.exists() and bool(read_json(manifest).get("generated"))
