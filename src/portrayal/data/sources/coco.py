"""Objects of COCO (Common Objects in Context) cut out along their outlines, from the instances
JSON and a folder of pictures; no other program is needed.

An entry is called FILE#ANNOTATION@BYTE,WIDTHxHEIGHT CLASS: all that another process needs to read
it from the annotation file without looking through it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from portrayal.core.errors import BadData, BadOption, BadPicture
from portrayal.core.images import Pixels
from portrayal.data.coco_file import element_at
from portrayal.data.coco_masks import Coverage, NoOutline, coverage_of
from portrayal.data.coco_objects import Objects, objects_of
from portrayal.data.item import Item, SetAside
from portrayal.data.options import colour
from portrayal.data.sources import Source, folder, sources

_KEY = re.compile(r"(?P<file>.*)#(?P<id>-?\d+)@(?P<at>\d+),(?P<w>\d+)x(?P<h>\d+) (?P<of>.*)")


@dataclass(frozen=True)
class Ask:
    """What was asked for."""

    images: Path
    instances: Path
    categories: frozenset[str]
    min_object: float
    border: float
    missing: str
    limit: float
    background: tuple[int, int, int]


@sources
def coco(
    images: Annotated[Path, "Folder of the pictures, e.g. val2017."],
    instances: Annotated[Path, "Annotation file, e.g. annotations/instances_val2017.json."],
    *,
    categories: Annotated[
        str | None, "Classes to take; none: all. E.g. --categories person,bus"
    ] = None,
    min_object: Annotated[
        int, "Smallest side of an object's box in pixels. E.g. --min-object 96"
    ] = 64,
    border: Annotated[
        float, "Empty border around the object, as a share of its longer side. E.g. --border 0.1"
    ] = 0.05,
    missing: Annotated[
        Literal["stop", "skip"],
        "When pictures that the file names are not there: stop, or list their objects as "
        "rejected. E.g. --missing skip",
    ] = "stop",
    limit: float = 100,
    background: str = "white",
) -> Source:
    """COCO objects: cut out along their outlines, on a plain square; split by picture."""
    if min_object < 1 or not 0 <= border <= 1:
        raise BadOption(
            f"--min-object is {min_object} and --border {border:g}, but must be at least 1, and 0 "
            "to 1."
        )
    wanted = frozenset(each.strip() for each in (categories or "").split(",") if each.strip())
    plain = limit, colour(background)
    ask = Ask(images, instances, wanted, min_object, border, missing, *plain)
    title = f"COCO {instances}"
    return Source(title, partial(names, ask), partial(load, ask), True, notes=partial(notes, ask))


def names(ask: Ask) -> Iterator[str]:
    """The objects of the chosen categories, picture by picture."""
    found, chosen = listed(ask)
    for index in chosen.tolist():
        file, (width, height) = found.images[found.image[index]]
        of = found.categories[found.category[index]]
        yield f"{file}#{found.id[index]}@{found.at[index]},{width}x{height} {of}"


def listed(ask: Ask) -> tuple[Objects, "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    """The objects of the file and the positions of those to take, or one line about it."""
    if not ask.images.is_dir():
        raise BadData(f"{ask.images} is not a folder. Give the folder of pictures, e.g. val2017.")
    found = objects_of(ask.instances, ask.min_object)
    chosen = found.chosen(ask.categories)
    if not len(chosen):
        why = ", ".join(f"{n} {reason}" for reason, n in found.reasons(ask.categories).items())
        raise BadData(
            f"No object of {ask.instances} is left ({why or 'no annotations of these classes'}). "
            "Choose other --categories or a smaller --min-object."
        )
    refuse_missing(
        ask, [found.images[each][0] for each in np.unique(np.array(found.image)[chosen])]
    )
    return found, chosen


def refuse_missing(ask: Ask, files: list[str]) -> None:
    """Stop when pictures are not there, unless that was said to be fine; never without any."""
    gone = [file for file in files if not (ask.images / file).is_file()]
    if gone and (ask.missing == "stop" or len(gone) == len(files)):
        raise BadData(
            f"{len(gone)} of {len(files)} pictures that {ask.instances} names are not in "
            f"{ask.images}, first {gone[0]}. Give the folder that belongs to it, or leave their "
            "objects out with --missing skip"
        )


def notes(ask: Ask) -> list[str]:
    """What was not listed, and why."""
    reasons = objects_of(ask.instances, ask.min_object).reasons(ask.categories)
    counts = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    return [f"objects left out: {counts}"] if counts else []


def load(ask: Ask, name: str) -> Item:
    """One object on a plain square, called by its picture and the number of its annotation."""
    match = _KEY.fullmatch(name)
    if match is None:
        raise BadPicture(name, "not an entry of a COCO file")
    file, number, plain = match["file"], int(match["id"]), ask.background
    if ask.missing == "skip" and not (ask.images / file).is_file():
        raise SetAside(name, "picture is not there")
    annotation = annotation_at(ask.instances, int(match["at"]), number)
    if annotation is None:
        raise BadPicture(name, "the annotation file changed meanwhile")
    pixels = picture(ask.images, file, ask.limit, plain)
    height, width = pixels.shape[:2]
    said = int(match["h"]) or height, int(match["w"]) or width
    if said != (height, width):
        raise BadPicture(
            name, f"not of the annotated size {said[1]} x {said[0]}: {width} x {height}"
        )
    try:
        x, y, coverage = coverage_of(annotation.get("segmentation"), height, width)
    except NoOutline as error:
        raise BadPicture(name, str(error)) from None
    rows, columns = coverage.shape
    alone = on_plain(pixels[y : y + rows, x : x + columns], coverage, plain, ask.border)
    meta = {"subject": str(annotation["image_id"]), "class": match["of"], "annotation": number}
    return Item(
        f"{folder.plain_name(file)}-{number}", alone, meta=meta | {"side": max(rows, columns)}
    )


def annotation_at(instances: Path, at: int, number: int) -> dict[str, Any] | None:
    """The annotation of this number, if it is at that place."""
    try:
        found = element_at(instances, at)
    except BadData:
        return None
    return found if isinstance(found, dict) and found.get("id") == number else None


@lru_cache(maxsize=1)  # the objects of a picture are asked for one after the other
def picture(images: Path, file: str, limit: float, background: tuple[int, int, int]) -> Pixels:
    """The pixels of one picture."""
    return folder.read(images, file, limit, background)


def on_plain(
    pixels: Pixels, coverage: Coverage, background: tuple[int, int, int], border: float
) -> Pixels:
    """Where `coverage` (H, W) is 255 the pixels (H, W, 3), elsewhere the colour; made square."""
    height, width = coverage.shape
    share = coverage[:, :, None].astype(np.float32) / 255
    mixed = pixels * share + np.array(background, np.float32) * (1 - share)
    side = max(height, width) + 2 * round(border * max(height, width))
    square = np.full((side, side, 3), background, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = np.rint(mixed)
    return square
