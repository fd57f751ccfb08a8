"""A dataset folder, read one picture at a time: nothing holds all of it in memory.

Made by `portrayal prepare` (SPLIT/metadata.jsonl and manifest.json), or by hand: SPLIT/source and
SPLIT/target are enough. The same file names on both sides make pairs, no common name makes two
unpaired domains.
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
from portrayal.core.images import Pixels, read_pixels
from portrayal.core.runs import FORMAT, parsed_row, read_json, shown
from portrayal.data.domains import SIDES, Side, checked_row, rows_of_pictures
from portrayal.data.job import PARTIAL
from portrayal.data.split import SPLITS


@dataclass(frozen=True)
class Pair:
    """One example: two pictures of equal size and the facts known about them."""

    name: str
    source: Pixels
    target: Pixels
    row: dict[str, Any]


class Split:
    """One split by index: pairs, or pictures of two domains without pairs.

    Keeps 8 bytes per row when there is a metadata.jsonl, and 8 more where rows have domains.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata = folder / "metadata.jsonl"
        self._offsets = _line_offsets(self.metadata) if self.metadata.exists() else None
        self._rows = [] if self._offsets is not None else rows_of_pictures(folder)

    def __len__(self) -> int:
        """Rows: pairs, or the pictures of both domains together."""
        return len(self._rows if self._offsets is None else self._offsets)

    @cached_property
    def paired(self) -> bool:
        """Whether rows are pairs, which the first one shows: or is it a picture of a domain?"""
        if self._offsets is None:
            first = self._rows[0] if self._rows else {}
        else:
            first = (parsed_row(self._line(0)) if self._offsets else None) or {}
        return "domain" not in first or "source_file_name" in first

    def row(self, index: int) -> dict[str, Any]:
        """What metadata.jsonl says about one pair, or about one picture of a domain."""
        where = f"{self.metadata}, row {index + 1}"
        if self._offsets is None:
            return checked_row(self._rows[index], where, paired=self.paired)
        line = self._line(index)
        if (row := parsed_row(line)) is None:
            raise BadData(f"{where} is no JSON object: {shown(line)}.")
        return checked_row(row, where, paired=self.paired)

    def _line(self, index: int) -> bytes:
        assert self._offsets is not None
        with self.metadata.open("rb") as file:
            file.seek(self._offsets[index])
            return file.readline()

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows, one at a time."""
        return (self.row(index) for index in range(len(self)))

    def domain(self, name: str) -> Side:
        """The pictures of "source" or "target"; of unpaired data there may be none."""
        if name not in SIDES:
            raise UnknownName("domain", name, SIDES)
        places = range(len(self)) if self.paired else self._places[name]
        return Side(name, self.folder, places, self.row)

    @cached_property
    def _places(self) -> "dict[str, array[int]]":
        """Rows of each domain of unpaired data."""
        places = {side: array("q") for side in SIDES}
        for index, row in enumerate(self.rows()):
            places[row["domain"]].append(index)
        return places

    def epoch(self) -> int:
        """Examples in one epoch: all pairs, or all pictures of the larger domain."""
        return max(len(self.domain(side)) for side in SIDES)

    def require_pairs(self, who: str) -> None:
        """Refuse unpaired data. `who` needs pairs: "recipe pix2pix"."""
        if not self.paired:
            sources, targets = (len(self.domain(side)) for side in SIDES)
            raise BadData(
                f"{who} needs pairs, but {self.folder} is unpaired: {sources} sources, {targets} "
                "targets. Choose a recipe or preset that needs none, or prepare pairs of pictures."
            )

    def require_domains(self, who: str) -> None:
        """Refuse data in which a domain is empty."""
        counts = {side: len(self.domain(side)) for side in SIDES}
        for side, count in counts.items():
            if not count:
                raise BadData(
                    f"{who} needs pictures of both domains, but {self.folder} has no {side} "
                    f"pictures ({counts['source']} sources, {counts['target']} targets)."
                )

    def pair(self, index: int) -> Pair:
        """Read one pair. Refuses pictures that do not fit together, and unpaired data."""
        self.require_pairs("This")
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
        """Height and width of the first pair, or of the first picture."""
        first = next(side for name in SIDES if len(side := self.domain(name)))
        height, width = (self.pair(0).source if self.paired else first.picture(0)).shape[:2]
        return height, width


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
        """Rows in every split that is there."""
        return {s: len(Split(self.folder / s)) for s in SPLITS if (self.folder / s).is_dir()}

    def domains(self) -> dict[str, dict[str, int]]:
        """Pictures per domain in every split: {"train": {"source": 1000, "target": 500}}."""
        splits = {s: Split(self.folder / s) for s in SPLITS if (self.folder / s).is_dir()}
        return {
            name: {side: len(split.domain(side)) for side in SIDES}
            for name, split in splits.items()
        }

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
                    files = (row[key] for s in SIDES if (key := f"{s}_file_name") in row)
                    sizes = [size_of(self.folder / name / file) for file in files]
                    digest.update(json.dumps([name, row, sizes], sort_keys=True).encode())
        return digest.hexdigest()

    def summary(self) -> dict[str, Any]:
        """What a run remembers about its data; of unpaired data also the counts per domain."""
        train = self.split("train")
        return {
            "path": str(self.folder),
            "sha256": self.identity,
            "kind": self.manifest.get("kind", "paired" if train.paired else "unpaired"),
            "size": list(train.size()),
            "counts": self.counts(),
        } | ({} if train.paired else {"domains": self.domains()})


def size_of(path: Path) -> int:
    """Bytes of a picture that a row names."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror}. Prepare the data again.") from None


def _line_offsets(path: Path) -> "array[int]":
    """Where each row starts, 8 bytes per row."""
    offsets, position = array("q"), 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                offsets.append(position)
            position += len(line)
    return offsets
