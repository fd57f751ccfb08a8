"""The objects of a COCO instances file as compact columns: 28 bytes each, 118,000 pictures or not.

The outline stays in the file; a column says at which byte it begins.
"""

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadData, UnknownName
from portrayal.data.coco_file import elements, said

Size = tuple[int, int]  # width, height; 0, 0 where not given
PARTS = ("images", "annotations", "categories")


@dataclass
class Objects:
    """What was found. `left_out` counts objects by category id and reason."""

    images: dict[int, tuple[str, Size]] = field(default_factory=dict)
    categories: dict[int, str] = field(default_factory=dict)
    id: "array[int]" = field(default_factory=lambda: array("q"))
    at: "array[int]" = field(default_factory=lambda: array("q"))
    image: "array[int]" = field(default_factory=lambda: array("q"))
    category: "array[int]" = field(default_factory=lambda: array("i"))
    left_out: Counter[tuple[int, str]] = field(default_factory=Counter)

    def chosen(self, names: frozenset[str]) -> NDArray[np.int64]:
        """Positions of the objects of these categories (of all, if none is named), sorted by
        picture and id: the objects of one picture follow each other."""
        known = {name: number for number, name in self.categories.items()}
        for name in sorted(names):
            if name not in known:
                raise UnknownName("category", name, known)
        wanted = np.array([known[name] for name in names] or list(self.categories), np.int64)
        order = np.lexsort((np.array(self.id), np.array(self.image)))
        return order[(np.isin(np.array(self.category), wanted) & self.pictured())[order]]

    def pictured(self) -> NDArray[np.bool_]:
        """Of every object, whether the file names its picture."""
        return np.isin(np.array(self.image), np.fromiter(self.images, np.int64, len(self.images)))

    def reasons(self, names: frozenset[str]) -> dict[str, int]:
        """How many objects of these categories were left out, by reason."""
        counts = Counter[str]()
        for (category, reason), count in self.left_out.items():
            if not names or self.categories.get(category) in names:
                counts[reason] += count
        numbers = np.array(self.category)
        named = np.isin(numbers, np.fromiter(self.categories, np.int64, len(self.categories)))
        wanted = [number for number, name in self.categories.items() if not names or name in names]
        lost = np.isin(numbers, wanted) & ~self.pictured()
        counts["of pictures that the file does not name"] += int(lost.sum())
        counts["of categories that the file does not name"] += 0 if names else int((~named).sum())
        return {reason: count for reason, count in counts.most_common() if count}

    def without_repeats(self) -> "Objects":
        """The same with the first only of objects of one picture and id; counts the others."""
        pairs = np.stack([np.array(self.image, np.int64), np.array(self.id, np.int64)], axis=1)
        kept = np.zeros(len(pairs), bool)
        kept[np.unique(pairs, axis=0, return_index=True)[1]] = True
        if kept.all():
            return self
        repeats = Counter(np.array(self.category)[~kept].tolist())
        reasons = Counter({(each, "named twice"): count for each, count in repeats.items()})
        columns: dict[str, Any] = {
            name: array(column.typecode, np.array(column)[kept].tobytes())
            for name in ("id", "at", "image", "category")
            if (column := getattr(self, name))
        }
        return replace(self, left_out=self.left_out + reasons, **columns)


def objects_of(path: Path, smallest: float) -> Objects:
    """The objects of a file whose box has at least `smallest` pixels on both sides."""
    try:
        about = path.stat()
    except OSError as error:
        raise BadData(f"{path}: {(error.strerror or 'cannot be opened').lower()}.") from None
    return _objects(path, smallest, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=1)
def _objects(path: Path, smallest: float, _size: int, _changed: int) -> Objects:
    found, seen = Objects(), Counter[str]()
    for part, at, element in elements(path):
        if part in PARTS and isinstance(element, dict):
            seen[part] += 1
            if part == "annotations":
                take(found, element, at, smallest)
            else:
                name(found, part, element)
    if missing := [part for part in PARTS if not seen[part]]:
        raise BadData(
            f"{path} is not a COCO instances file: it has no {' and no '.join(missing)}. "
            "Give e.g. annotations/instances_val2017.json"
        )
    kinds = {reason.split()[0] for _, reason in found.left_out}
    if not found.id and "without" in kinds and "smaller" not in kinds:
        raise BadData(
            f"{path} holds {seen['annotations']} annotations, but no outlines of objects (captions "
            "or boxes only?). Give the instances file."
        )
    return found.without_repeats()


def name(found: Objects, part: str, element: Mapping[str, Any]) -> None:
    """Remember the file of a picture, or the name of a category."""
    number = element.get("id")
    text = said(element.get("file_name" if part == "images" else "name", ""))
    if not isinstance(number, int) or not text:
        return
    if part == "categories":
        found.categories[number] = text
        return
    inside = PurePosixPath(text.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts:
        raise BadData(f"Picture {number} is named {text!r}, which leads out of the folder.")
    sides = element.get("width"), element.get("height")
    width, height = (side if isinstance(side, int) else 0 for side in sides)
    found.images[number] = inside.as_posix(), (width, height)


def take(found: Objects, element: Mapping[str, Any], at: int, smallest: float) -> None:
    """Add an object to the columns, or count why not."""
    numbers: list[Any] = [element.get(key) for key in ("id", "image_id", "category_id")]
    category = numbers[2] if isinstance(numbers[2], int) else -1
    if reason := against(element, numbers, smallest):
        found.left_out[category, reason] += 1
        return
    for column, number in zip((found.id, found.image, found.category), numbers, strict=True):
        column.append(number)
    found.at.append(at)


def against(element: Mapping[str, Any], numbers: list[Any], smallest: float) -> str | None:
    """Why an annotation is no object to take; None if it is."""
    if element.get("iscrowd"):
        return "crowds"
    outline = element.get("segmentation")
    if not outline or not all(type(number) is int and abs(number) < 2**31 for number in numbers):
        return "without outline or numbers"
    box = element.get("bbox") or box_of(outline)
    if not isinstance(box, list) or len(box) != 4:
        return "without a box"
    if not all(isinstance(side, int | float) for side in box):
        return "without a box"
    return None if min(box[2:]) >= smallest else f"smaller than {smallest:g} pixels"


def box_of(outline: Any) -> list[float] | None:
    """x, y, width, height of polygons; None of anything else."""
    try:
        points = np.concatenate([np.asarray(each, float).reshape(-1, 2) for each in outline])
    except (ValueError, TypeError):
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    return [float(value) for value in (*low, *(high - low))]
