"""The two domains of a split, source and target, each by itself.

Paired data have both, of equal size and in one order; the domains of unpaired data have nothing to
do with each other, and any counts. Whoever reads a `Side` need not know which of the two it is.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, find_pictures, read_pixels, stem_of

SIDES = ("source", "target")
Row = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """Pictures of one domain by index, read one at a time."""

    name: str  # "source" or "target"
    folder: Path  # of the split
    places: Sequence[int]  # rows of the split that belong to this domain
    split_row: Callable[[int], Row]

    def __len__(self) -> int:
        return len(self.places)

    def row(self, index: int) -> Row:
        """What is known about one picture; always has `name` and `file_name` (below the split)."""
        row = self.split_row(self.places[index])
        return row | {"file_name": row[f"{self.name}_file_name"]}

    def rows(self) -> Iterator[Row]:
        """All rows, one at a time."""
        return (self.row(index) for index in range(len(self)))

    def picture(self, index: int) -> Pixels:
        """One picture."""
        return read_pixels(self.folder / self.row(index)["file_name"])


def is_inside(name: str) -> bool:
    """Whether a path is relative and stays in its folder.

    As text: `Path` would keep the parts of every path for good, and this sees every row.
    """
    text = name.replace(os.sep, "/")
    steps = set(text.split("/"))
    outside = text.startswith("/") or os.path.splitdrive(name)[0] or ".." in steps
    return bool(steps - {"", "."}) and not outside and "\0" not in name


def name_of(file_name: str) -> str:
    """The name of an example from its path inside a split.

    >>> name_of("source/a/b.png"), name_of("source/00001_fa.ppm.bz2")
    ('a/b', '00001_fa')
    """
    path = Path(*Path(file_name).parts[1:])
    return path.with_name(stem_of(path)).as_posix() if path.name else ""


def checked_row(row: Row, where: str, *, paired: bool) -> Row:
    """A row of metadata.jsonl with its name, or one line about what is wrong with it.

    A row of unpaired data gets `source_file_name` or `target_file_name` too, by its domain.
    """
    if not paired:
        if row.get("domain") not in SIDES:
            said = f"{row.get('domain')!r:.40}"
            raise BadData(f"{where}: domain must be source or target, not {said}.")
        row = row | {f"{row['domain']}_file_name": row.get("file_name")}
    keys = [f"{side}_file_name" for side in SIDES] if paired else ["file_name"]
    files = [row.get(key) for key in keys]
    name = row.get("name") or name_of(str(files[0]))
    for text in (*files, name):
        if not (isinstance(text, str) and is_inside(text)):
            listed = ", ".join(keys)
            raise BadData(
                f"{where}: {listed} and name must be relative paths without '..', got {text!r}."
            )
    return row | {"name": name}


def rows_of_pictures(folder: Path) -> list[Row]:
    """Rows for a split made by hand, from the names in source/ and target/ without suffix.

    The same names on both sides are pairs. No name in common: two domains without pairs. Some names
    in common is an accident, and refused.
    """
    sources, targets = (_files_of(folder, side) for side in SIDES)
    if sources.keys().isdisjoint(targets):
        return [
            {"name": name, "file_name": files[name], "domain": side}
            for side, files in zip(SIDES, (sources, targets), strict=True)
            for name in sorted(files)
        ]
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
