"""A dataset folder, read one pair at a time: nothing holds all of it in memory.

Made by `portrayal prepare` (SPLIT/metadata.jsonl and manifest.json), or by hand: SPLIT/source and
SPLIT/target with the same file names are enough.
"""

import hashlib
import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData, UnknownName
from portrayal.core.images import Pixels, find_pictures, read_pixels, stem_of
from portrayal.core.runs import FORMAT, parsed_row, read_json, shown
from portrayal.data.job import PARTIAL
from portrayal.data.split import SPLITS

SIDES = ("source", "target")


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
            file.seek(self._offsets[index])
            line = file.readline()
        if (row := parsed_row(line)) is None:
            raise BadData(f"{self._where(index)} is no JSON object: {shown(line)}.")
        files = [row.get(f"{side}_file_name") for side in SIDES]
        name = row.get("name") or name_of(str(files[0]))
        for text in (*files, name):
            if not (isinstance(text, str) and is_inside(text)):
                raise BadData(
                    f"{self._where(index)}: source_file_name, target_file_name and name must be "
                    f"relative paths without '..', got {text!r}."
                )
        return row | {"name": name}

    def _where(self, index: int) -> str:
        return f"{self.metadata}, row {index + 1}"

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


def is_inside(name: str) -> bool:
    """Whether a path is relative and stays in its folder."""
    path = Path(name)
    return bool(path.name) and not path.anchor and ".." not in path.parts and "\0" not in name


def name_of(file_name: str) -> str:
    """The name of an example from its path inside a split.

    >>> name_of("source/a/b.png"), name_of("source/00001_fa.ppm.bz2")
    ('a/b', '00001_fa')
    """
    path = Path(*Path(file_name).parts[1:])
    return path.with_name(stem_of(path)).as_posix() if path.name else ""


class Dataset:
    """A dataset folder: its manifest, its identity and its splits."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadData(f"No such folder: {folder}. Make a dataset with: portrayal prepare.")
        self.folder = folder
        manifest = folder / "manifest.json"
        if (folder / PARTIAL).exists() and not manifest.exists():
            raise BadData(f"{folder} is not finished. Run its portrayal prepare command again.")
        if not any((folder / split).is_dir() for split in SPLITS):
            raise BadData(
                f"{folder} is not a dataset: it has no train, val or test folder. "
                f"Make one with: portrayal prepare folder {folder} --out DATA --filter cartoon"
            )
        self.manifest: dict[str, Any] = read_json(manifest) if manifest.exists() else {}
        if self.manifest.get("format", FORMAT) != FORMAT:
            raise BadData(
                f"{folder} has dataset format {self.manifest['format']}, this version reads "
                f"{FORMAT}. Prepare the pictures again."
            )

    def split(self, name: str) -> Split:
        """One of train, val and test; refuses a missing or empty one."""
        if name not in SPLITS:
            raise UnknownName("split", name, SPLITS)
        folder = self.folder / name
        split = Split(folder) if folder.is_dir() else None
        if not split:
            counts = ", ".join(f"{count} in {split}" for split, count in self.counts().items())
            raise BadData(
                f"{self.folder} has no pictures in its {name} split ({counts}). "
                "Prepare it with other --fractions or --counts."
            )
        return split

    def counts(self) -> dict[str, int]:
        """Pairs in every split that is there."""
        return {s: len(Split(self.folder / s)) for s in SPLITS if (self.folder / s).is_dir()}

    @cached_property
    def identity(self) -> str:
        """SHA-256 over the metadata of all splits: equal data, equal identity.

        Of a folder made by hand over the names and sizes of all files.
        """
        if "sha256" in self.manifest:
            return str(self.manifest["sha256"])
        digest = hashlib.sha256()
        for name in SPLITS:
            if (self.folder / name).is_dir():
                for row in Split(self.folder / name).rows():
                    files = (self.folder / name / row[f"{s}_file_name"] for s in SIDES)
                    sizes = [file.stat().st_size for file in files]
                    digest.update(json.dumps([name, row, sizes], sort_keys=True).encode())
        return digest.hexdigest()

    def summary(self) -> dict[str, Any]:
        """What a run remembers about its data."""
        return {
            "path": str(self.folder),
            "sha256": self.identity,
            "kind": self.manifest.get("kind", "paired"),
            "size": list(self.split("train").size()),
            "counts": self.counts(),
        }


def rows_of_pictures(folder: Path) -> list[dict[str, Any]]:
    """Rows for a split made by hand: the names that source/ and target/ share, without suffix."""
    sources, targets = (_files_of(folder, side) for side in SIDES)
    if alone := sorted(sources.keys() ^ targets.keys()):
        raise BadData(
            f"{folder}: source and target must hold the same names, but {len(alone)} of "
            f"{len(sources.keys() | targets.keys())} have no partner, first {alone[0]!r}."
        )
    return [
        {"name": name, "source_file_name": sources[name], "target_file_name": targets[name]}
        for name in sorted(sources)
    ]


def _files_of(folder: Path, side: str) -> dict[str, str]:
    """Path inside the split of every picture of a side, by name."""
    files: dict[str, str] = {}
    for path in find_pictures(folder / side) if (folder / side).is_dir() else ():
        file = path.relative_to(folder).as_posix()
        if other := files.get(name_of(file)):
            raise BadData(f"{folder}: {other} and {file} have the same name. Remove one of them.")
        files[name_of(file)] = file
    return files


def _line_offsets(path: Path) -> "array[int]":
    """Where each row starts, 8 bytes per row."""
    offsets, position = array("q"), 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                offsets.append(position)
            position += len(line)
    return offsets
