"""The tree of the colour FERET database: where its pictures lie, and what their names say.

TREE/dvd1/data/images/00001/00001_930831_fa_a.ppm.bz2   512 x 768
TREE/dvd2/data/smaller/...                              256 x 384
TREE/dvd2/data/thumbnails/...                           128 x 192

TREE may also be one disc, or a folder above. The old grey release, which is on the second disc as
well (gray_feret_cd1, gray_feret_cd2), is left alone.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from portrayal.core.errors import BadData
from portrayal.core.images import is_picture_name, stem_of

Release = Literal["images", "smaller", "thumbnails"]
RELEASES: tuple[Release, ...] = ("images", "smaller", "thumbnails")
FULL = (512, 768)  # width and height of `images`, in which the ground truth gives coordinates
_POSES = ("fa", "fb", "ql", "qr", "hl", "hr", "pl", "pr", "ra", "rb", "rc", "rd", "re")
_DEGREES = (0.0, 0.0, 22.5, -22.5, 67.5, -67.5, 90.0, -90.0, 45.0, 15.0, -15.0, -45.0, -75.0)
YAW = dict(zip(_POSES, _DEGREES, strict=True))  # nominal: sources differ by 5 on rb, rc and re
_NAME = re.compile(r"(\d{5})_(\d{6})_([a-z]{2})(?:_([a-z]))?", re.IGNORECASE)
_GREY = re.compile(r"gr[ae]y_feret", re.IGNORECASE)


@dataclass(frozen=True)
class Shot:
    """What a file name says: person 00001, day 930831, pose fa, and capture a, b, ... or ""."""

    person: str
    day: str
    pose: str
    capture: str = ""

    @property
    def date(self) -> date | None:
        """The day of the picture, all of them in the nineties; None when there is no such day."""
        try:
            return date(1900 + int(self.day[:2]), int(self.day[2:4]), int(self.day[4:]))
        except ValueError:
            return None


def shot_of(name: str) -> Shot | None:
    """The parts of a file name; None when it is not one of colour FERET.

    >>> shot_of("00001_930831_fa_a.ppm.bz2")
    Shot(person='00001', day='930831', pose='fa', capture='a')
    """
    match = _NAME.fullmatch(stem_of(name))
    return Shot(*(part.lower() for part in match.groups(default=""))) if match else None


def discs(tree: Path, release: Release) -> list[Path]:
    """The `data` folders below a tree that hold a release, in the order of their paths."""
    if not tree.is_dir():
        raise BadData(f"{tree} is not a folder. Give the folder that holds dvd1 and dvd2.")
    holding = holders(tree, release)
    if not holding:
        found = data_folders(tree)
        others = [each for each in RELEASES if any((place / each).is_dir() for place in found)]
        hint = f"it has --release {' and '.join(others)}" if others else "no release at all"
        raise BadData(
            f"{tree} has no dvd1/data/{release} or dvd2/data/{release} ({hint}). Give the folder "
            "that holds both discs, as NIST sends it: portrayal prepare colorferet colorferet"
        )
    return holding


def holders(tree: Path, release: Release) -> list[Path]:
    """The `data` folders that hold a release; maybe none."""
    return [place for place in data_folders(tree) if (place / release).is_dir()]


def data_folders(tree: Path) -> list[Path]:
    """The `data` folders of all discs of the colour release."""
    return [
        place
        for pattern in ("data", "*/data", "*/*/data")
        for place in sorted(tree.glob(pattern))
        if not _GREY.search(place.relative_to(tree).as_posix())
    ]


def pictures(data: Path, release: Release) -> Iterator[Path]:
    """Pictures of one disc by person and name; of one picture in two formats only the first."""
    for person in _entries(data / release):
        if not person.is_dir():
            continue
        earlier = ""
        for path in _entries(person):
            if is_picture_name(path) and stem_of(path) != earlier:
                earlier = stem_of(path)
                yield path


def shots_of(data: Path, release: Release, person: str) -> list[tuple[Shot, Path]]:
    """All pictures of one person on one disc."""
    place = data / release / person
    files = _entries(place) if place.is_dir() else []
    named = [(shot_of(path.name), path) for path in files if is_picture_name(path)]
    return [(shot, path) for shot, path in named if shot]


def grey_release(tree: Path) -> tuple[int, list[str]]:
    """How many pictures of the old grey release lie in a tree, and in which folders."""
    kinds = (".tif", ".tif.bz2", ".pgm", ".pgm.bz2", ".ppm", ".ppm.bz2", ".jpg")
    count, places = 0, []
    tops = [path for pattern in ("*", "*/*", "*/*/*") for path in sorted(tree.glob(pattern))]
    for top in (path for path in tops if path.is_dir() and _GREY.match(path.name)):
        places.append(top.relative_to(tree).as_posix())
        for _, _, files in os.walk(top):
            count += sum(name.lower().endswith(kinds) for name in files)
    return count, places


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise BadData(f"Cannot look into {folder}: {error.strerror}.") from None
