"""CUFSF: sketches of people of FERET, each laid over the colour photo it was drawn from.

sketch_filenames.txt names the photos as the grey release did (00001fb010_930831.jpg: person, pose,
day). The photo is looked for on both discs of colour FERET. Eyes lay it over the sketch: of the
sketch from NNNNN.3pts, or where cropped CUFSF sketches have them; of the photo from its .3pts (in
256 x 384) or from the ground truth of FERET.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from math import dist
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, find_pictures, stem_of
from portrayal.data import feret
from portrayal.data.feret import FULL, RELEASES, Release, Shot
from portrayal.data.feret_truth import Point, truth_of
from portrayal.data.item import Item, SetAside
from portrayal.data.options import colour
from portrayal.data.sources import Source, folder, sources

LIST = "sketch_filenames.txt"
CROPPED = (200, 250)  # width and height of cropped sketches
EYES: tuple[Point, Point] = ((75.0, 125.0), (125.0, 125.0))  # in them; in 211 CUFS photos YuNet
# finds them at 73.7, 125.4 and 125.6, 126.0 (medians)
LISTED = 256  # width of the photos in which .3pts files count
_GREY_NAME = re.compile(r"(\d{5})([a-z]{2})\d{3}([a-z]?)_(\d{6})", re.IGNORECASE)


@dataclass(frozen=True)
class Ask:
    """What was asked for."""

    sketches: Path
    tree: Path
    releases: tuple[Release, ...]
    limit: float
    background: tuple[int, int, int]


@sources
def cufsf(
    sketches: Annotated[Path, "Folder of CUFSF sketches, NNNNN.jpg, with sketch_filenames.txt."],
    tree: Annotated[Path, "Folder that holds dvd1 and dvd2 of the colour FERET database."],
    *,
    release: Annotated[
        Literal["auto", "images", "smaller", "thumbnails"],
        "Which size of the photos; auto: the largest that is there. E.g. --release smaller",
    ] = "auto",
    limit: float = 100,
    background: str = "white",
) -> Source:
    """CUFSF: hand-drawn sketches as sources, colour FERET photos laid under them as targets."""
    sizes = RELEASES if release == "auto" else (release,)
    ask = Ask(sketches, tree, sizes, limit, colour(background))
    return Source(f"CUFSF {sketches} {tree}", partial(names, ask), partial(load, ask))


def names(ask: Ask) -> Iterator[str]:
    """Sketches by their path, then lines of the list without a sketch as "list:00002fb..."."""
    listed(ask.sketches)
    if not any(feret.holders(ask.tree, release) for release in ask.releases):
        feret.discs(ask.tree, ask.releases[0])  # says what is there instead
    places: dict[str, str] = {}
    for path in find_pictures(ask.sketches):
        if not re.fullmatch(r"\d{5}", stem_of(path)):
            continue
        key = path.relative_to(ask.sketches).as_posix()
        if stem_of(path) in places:
            raise BadData(
                f"Two sketches of {stem_of(path)}: {places[stem_of(path)]} and {key}. Give one "
                "folder of sketches, e.g. cropped_sketch."
            )
        places[stem_of(path)] = key
        yield key
    if not places:
        raise BadData(f"No sketches named NNNNN.jpg in {ask.sketches}. Give the folder of CUFSF.")
    for person, shot in listed(ask.sketches).items():
        if person not in places:
            yield f"list:{person}{shot.pose}_{shot.day}"


def load(ask: Ask, name: str) -> Item:
    """A sketch and its photo of the same size, called by the person's number."""
    if name.startswith("list:"):
        raise SetAside(name, "no sketch of this number")
    person = stem_of(name)
    shot = listed(ask.sketches).get(person)
    if shot is None:
        raise SetAside(name, f"not in {LIST}")
    data, path, release = photo_of(ask, name, shot)
    sketch = folder.read(ask.sketches, name, ask.limit, ask.background)
    photo = folder.read(ask.tree, path.relative_to(ask.tree).as_posix(), ask.limit, ask.background)
    theirs = eyes_of_sketch(ask.sketches, person, sketch)
    ours = eyes_of_photo(ask.sketches, shot, data, stem_of(path), photo.shape[1])
    if theirs is None or ours is None:
        whose = "sketch" if theirs is None else "photo"
        raise SetAside(name, f"no eyes known, so the photo cannot be laid over: of the {whose}")
    meta = {"subject": person, "pose": shot.pose, "date": shot.day, "release": release}
    photo = laid_over(photo, ours, theirs, sketch.shape[1::-1])
    return Item(person, sketch, photo, meta | {"photo": stem_of(path)})


def photo_of(ask: Ask, name: str, shot: Shot) -> tuple[Path, Path, Release]:
    """Disc, file and release of the photo: same person, day and pose, best the same capture."""
    others = set[str]()
    for release in ask.releases:
        for data in feret.holders(ask.tree, release):
            every = feret.shots_of(data, release, shot.person)
            same = [(s, path) for s, path in every if (s.day, s.pose) == (shot.day, shot.pose)]
            if same:
                best = min(same, key=lambda each: (each[0].capture != shot.capture, each[1].name))
                return data, best[1], release
            others |= {f"{s.day} {s.pose}" for s, _ in every}
    if not others:
        raise SetAside(name, f"person is not in colour FERET: {shot.person}")
    seen = ", ".join(sorted(others)[:6])
    raise SetAside(name, f"no photo of that day and pose: {shot.day} {shot.pose}, there are {seen}")


@lru_cache(maxsize=2)
def listed(sketches: Path) -> dict[str, Shot]:
    """The photo of each person by the list, which lies with the sketches or one folder above."""
    found = [path for top in (sketches, sketches.parent) for path in sorted(top.glob(LIST))]
    if not found:
        raise BadData(f"No {LIST} in {sketches} or the folder above. It says which photo is whose.")
    shots: dict[str, Shot] = {}
    for line in found[0].read_text(encoding="utf-8", errors="replace").splitlines():
        if match := _GREY_NAME.search(line):
            person, pose, capture, day = match.groups()
            shots.setdefault(person, Shot(person, day, pose.lower(), capture.lower()))
    if not shots:
        raise BadData(f"{found[0]} holds no names such as 00001fb010_930831.jpg.")
    return shots


@lru_cache(maxsize=2)
def landmarks(sketches: Path) -> dict[str, Path]:
    """The .3pts files with the sketches, or beside their folder, by name without suffix; photos by
    person, pose and day."""
    near = [path for top in (sketches, sketches.parent) for path in sorted(top.glob("*/*.3pts"))]
    found: dict[str, Path] = {}
    for path in (*sorted(sketches.glob("*.3pts")), *near):
        match = _GREY_NAME.fullmatch(path.stem)
        key = f"{match[1]} {match[2].lower()} {match[4]}" if match else path.stem
        found.setdefault(key, path)
    return found


def eyes_in(path: Path | None) -> tuple[Point, Point] | None:
    """The first two of three points of a file, from left to right in the picture."""
    if path is None:
        return None
    try:
        values = np.array(path.read_text(encoding="utf-8").split(), float)
    except (OSError, ValueError):
        return None
    if len(values) < 4 or not np.isfinite(values).all():
        return None
    return across((float(values[0]), float(values[1])), (float(values[2]), float(values[3])))


def across(first: Point, second: Point) -> tuple[Point, Point] | None:
    """Two points from left to right; None where they are one."""
    return (min(first, second), max(first, second)) if first != second else None


def eyes_of_sketch(sketches: Path, person: str, sketch: Pixels) -> tuple[Point, Point] | None:
    """Eyes of a sketch: fixed in cropped ones, else from its landmarks."""
    if sketch.shape[1::-1] == CROPPED:
        return EYES
    return eyes_in(landmarks(sketches).get(person))


def eyes_of_photo(
    sketches: Path, shot: Shot, data: Path, stem: str, width: int
) -> tuple[Point, Point] | None:
    """Eyes of a photo in pixels of the size that was read."""
    found = eyes_in(landmarks(sketches).get(f"{shot.person} {shot.pose} {shot.day}"))
    scale = width / LISTED
    if found is None:
        truth, scale = truth_of(data, shot.person, stem), width / FULL[0]
        points = [truth.point(f"{side}_eye_coordinates") for side in ("left", "right")]
        found = across(points[0], points[1]) if points[0] and points[1] else None
    if found is None:
        return None
    (ax, ay), (bx, by) = found
    return (ax * scale, ay * scale), (bx * scale, by * scale)


def laid_over(
    photo: Pixels, eyes: tuple[Point, Point], wanted: tuple[Point, Point], size: tuple[int, int]
) -> Pixels:
    """The photo moved, turned and scaled so that its eyes are where they are wanted; (H, W, 3)."""
    scale = dist(*wanted) / dist(*eyes)
    if scale < 1:  # by area first, or fine detail would alias
        shape = [max(1, round(side * scale)) for side in photo.shape[1::-1]]
        factor = np.array(shape) / photo.shape[1::-1]
        photo = np.asarray(cv2.resize(photo, shape, interpolation=cv2.INTER_AREA), np.uint8)
        eyes = tuple(tuple((np.array(p) + 0.5) * factor - 0.5) for p in eyes)  # type: ignore[assignment]
    here, there = (complex(*b) - complex(*a) for a, b in (eyes, wanted))
    turn = there / here
    move = complex(*wanted[0]) - turn * complex(*eyes[0])
    matrix = np.array([[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag]])
    moved = cv2.warpAffine(
        photo, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)
