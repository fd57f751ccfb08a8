"""A dataset folder, read one pair at a time: nothing holds all of it in memory.

Made by `portrayal prepare` (SPLIT/metadata.jsonl and manifest.json), or by hand: SPLIT/source and
SPLIT/target with the same file names are enough.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, find_pictures, read_pixels
from portrayal.core.runs import FORMAT, read_json

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Pair:
    """One example: two pictures of equal size and the facts known about them."""

    name: str
    source: Pixels
    target: Pixels
    row: dict[str, Any]


class Split:
    """Pairs of one split by index. Keeps 8 bytes per pair when there is a metadata.jsonl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata = folder / "metadata.jsonl"
        self._offsets = _line_offsets(self.metadata) if self.metadata.exists() else None
        self._rows = [] if self._offsets is not None else rows_of_pictures(folder)

    def __len__(self) -> int:
        return len(self._rows if self._offsets is None else self._offsets)

    def row(self, index: int) -> dict[str, Any]:
        """What metadata.jsonl says about one pair."""
        if self._offsets is None:
            return self._rows[index]
        with self.metadata.open("rb") as file:
            file.seek(int(self._offsets[index]))
            row: dict[str, Any] = json.loads(file.readline())
        return {"name": Path(row["source_file_name"]).stem, **row}

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows, one at a time."""
        return (self.row(index) for index in range(len(self)))

    def pair(self, index: int) -> Pair:
        """Read one pair. Refuses pictures that do not fit together."""
        row = self.row(index)
        source = read_pixels(self.folder / row["source_file_name"])
        target = read_pixels(self.folder / row["target_file_name"])
        if source.shape != target.shape:
            sizes = " and ".join(f"{p.shape[1]} x {p.shape[0]}" for p in (source, target))
            raise BadData(
                f"{self.folder}: source and target of {row['name']!r} are {sizes} pixels; "
                "a pair must have one size. Prepare the pictures with --size."
            )
        return Pair(row["name"], source, target, row)

    def size(self) -> tuple[int, int]:
        """Height and width of the first pair."""
        height, width = self.pair(0).source.shape[:2]
        return height, width


class Dataset:
    """A dataset folder: its manifest, its identity and its splits."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadData(f"No such folder: {folder}. Make a dataset with: portrayal prepare.")
        self.folder = folder
        if not any((folder / split).is_dir() for split in SPLITS):
            raise BadData(
                f"{folder} is not a dataset: it has no train, val or test folder. "
                f"Make one with: portrayal prepare folder {folder} --out DATA --filter cartoon"
            )
        manifest = folder / "manifest.json"
        self.manifest: dict[str, Any] = read_json(manifest) if manifest.exists() else {}
        if self.manifest.get("format", FORMAT) != FORMAT:
            raise BadData(
                f"{folder} has dataset format {self.manifest['format']}, this version reads "
                f"{FORMAT}. Prepare the pictures again."
            )

    def split(self, name: str) -> Split:
        """One of train, val and test; refuses a missing or empty one."""
        folder = self.folder / name
        split = Split(folder) if folder.is_dir() else None
        if not split:
            have = {s: len(Split(self.folder / s)) for s in SPLITS if (self.folder / s).is_dir()}
            counts = ", ".join(f"{count} in {split}" for split, count in have.items())
            raise BadData(
                f"{self.folder} has no pictures in its {name} split ({counts}). "
                "Prepare it with other --fractions or --counts."
            )
        return split

    @cached_property
    def identity(self) -> str:
        """SHA-256 over the metadata of all splits: equal data, equal identity."""
        if "sha256" in self.manifest:
            return str(self.manifest["sha256"])
        digest = hashlib.sha256()
        for name in SPLITS:
            if (self.folder / name).is_dir():
                for row in Split(self.folder / name).rows():
                    digest.update(json.dumps([name, row], sort_keys=True).encode())
        return digest.hexdigest()

    def summary(self) -> dict[str, Any]:
        """What a run remembers about its data."""
        counts = {s: len(Split(self.folder / s)) for s in SPLITS if (self.folder / s).is_dir()}
        return {
            "path": str(self.folder),
            "sha256": self.identity,
            "kind": self.manifest.get("kind", "paired"),
            "size": list(self.split("train").size()),
            "counts": counts,
        }


def rows_of_pictures(folder: Path) -> list[dict[str, Any]]:
    """Rows for a split made by hand: the names that source/ and target/ share, without suffix."""
    sides = []
    for side in ("source", "target"):
        files = find_pictures(folder / side) if (folder / side).is_dir() else iter(())
        paths = (path.relative_to(folder) for path in files)
        sides.append({str(path.relative_to(side).with_suffix("")): str(path) for path in paths})
    sources, targets = sides
    if alone := sorted(sources.keys() ^ targets.keys()):
        raise BadData(
            f"{folder}: source and target must hold the same names, but {len(alone)} of "
            f"{len(sources.keys() | targets.keys())} have no partner, first {alone[0]!r}."
        )
    return [
        {"name": name, "source_file_name": sources[name], "target_file_name": targets[name]}
        for name in sorted(sources)
    ]


def _line_offsets(path: Path) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    offsets, position = [], 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                offsets.append(position)
            position += len(line)
    return np.array(offsets, dtype=np.int64)
