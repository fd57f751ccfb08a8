"""What a recogniser should see in a real picture: a class map, or the value of a column.

Class maps are SPLIT/labels/NAME.png, palette or grey, the class number of every pixel; 255 is
void. DATA/labels.json may name the classes: {"classes": ["background", "sky", ...]}. Generated
shapes need no files: what is painted in the colour of its class is of that class.
"""

import json
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from portrayal.core.colours import Refused
from portrayal.core.errors import BadData, BadOption, BadPicture
from portrayal.core.images import Pixels, unit
from portrayal.core.opening import check_size, opened, pillow, plugin, quiet
from portrayal.core.palette import CLASS_COLOURS
from portrayal.core.runs import read_json
from portrayal.metrics.semantic import class_map

Row = Mapping[str, Any]
Map = NDArray[np.uint8]  # (H, W), class numbers, VOID where nobody knows
VOID = 255
MOST_VALUES = 50  # of a column


def label_map(split: Path, name: str, limit: float = 100) -> Map | None:
    """The class numbers of one picture, (H, W); None if there is no file of them."""
    path = split / "labels" / f"{name}.png"
    if not path.exists():
        return None
    try:
        with quiet(), opened(path, limit) as file:
            with pillow("damaged"):
                image = plugin(file)(file)
            check_size(image, limit)
            if image.mode not in ("P", "L", "1"):
                raise Refused(f"mode {image.mode}: a class map is a palette or 8-bit grey picture")
            with pillow("damaged"):
                image.load()
            return np.array(image, dtype=np.uint8)  # palette indices stay as they are
    except Refused as refusal:
        raise BadPicture(str(path), str(refusal)) from None


def painted_map(target: Pixels, row: Row) -> Map:
    """Class numbers of a generated shape, (H, W), from its picture and its class."""
    return np.asarray(class_map(unit(target), str(row.get("class"))).numpy(), np.uint8)


def is_painted(rows: Iterable[Row]) -> bool:
    """Whether every picture has a class that generated shapes have."""
    known = [row.get("class") in CLASS_COLOURS for row in rows]
    return bool(known) and all(known)


def named_classes(data: Path, most: int) -> list[str]:
    """Names of classes 0 .. most, from labels.json or else their numbers."""
    path = data / "labels.json"
    if not path.exists():
        return [str(number) for number in range(max(most + 1, 2))]
    names = read_json(path).get("classes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadData(f'{path} must hold {{"classes": ["name of 0", "name of 1", ...]}}.')
    if not max(most + 1, 2) <= len(names) <= VOID:
        raise BadData(
            f"{path} names {len(names)} classes, but the maps hold numbers up to {most} (255 is "
            "void). Name 2 to 255 classes, all that occur."
        )
    return names


def require_fit(name: str, labels: Map | Tensor, picture: Pixels) -> None:
    """Refuse a class map of another size than its picture."""
    if tuple(labels.shape) != picture.shape[:2]:
        height, width = labels.shape
        raise BadData(
            f"The class map of {name!r} is {width} x {height} pixels, its picture "
            f"{picture.shape[1]} x {picture.shape[0]}; make them one size (nearest)."
        )


def word(value: object) -> str:
    """A value of a column as the name of a class: yes, 3, female."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value)


def column_classes(
    column: str, rows: Sequence[Row], bins: int | None
) -> tuple[list[str], list[float]]:
    """Classes of a column and, with `bins`, the edges between its quantiles."""
    values = [row[column] for row in rows if row.get(column) is not None]
    if not values:
        known = sorted({key for row in rows for key, value in row.items() if value is not None})
        raise BadData(
            f"No picture has a value in column {column!r}. Columns with values: {', '.join(known)}."
        )
    if bins is not None:
        return _quantiles(column, values, bins)
    names = sorted({word(value) for value in values})
    if not 2 <= len(names) <= MOST_VALUES:
        hint = " Of numbers, --bins 3 makes three classes." if len(names) > 2 else ""
        raise BadOption(
            f"Column {column!r} has {len(names)} value{'s' * (len(names) > 1)} in "
            f"{len(values)} pictures; a recogniser needs 2 to {MOST_VALUES}.{hint}"
        )
    return names, []


def _quantiles(column: str, values: Sequence[Any], bins: int) -> tuple[list[str], list[float]]:
    """Classes of about equally many pictures."""
    if not 2 <= bins <= MOST_VALUES:
        raise BadOption(f"--bins is {bins}, but must be 2 to {MOST_VALUES}; 3 are terciles.")
    if others := [value for value in values if as_number(value) is None]:
        raise BadOption(
            f"Column {column!r} holds {len(others)} values that are no numbers, first "
            f"{others[0]!r}; leave --bins out."
        )
    edges = np.quantile(np.sort(np.array(values, float)), np.arange(1, bins) / bins).tolist()
    if len(set(edges)) < len(edges) or not min(values) <= edges[0] < max(values):
        counts = Counter(values).most_common(1)[0]
        raise BadOption(
            f"Column {column!r} cannot be cut into {bins} bins: {counts[1]} of {len(values)} "
            f"values are {counts[0]:g}. Take fewer bins, or none."
        )
    shown = [f"{edge:.4g}" for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(shown)]
    return [f"up to {shown[0]}", *between, f"above {shown[-1]}"], edges


def as_number(value: object) -> float | None:
    """A finite number as float; None for anything else, true and false included."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None  # type: ignore[arg-type]


def class_number(value: object, classes: Sequence[str], edges: Sequence[float]) -> int | None:
    """The class of a value of the column; None if it has none or one that was not learned.

    >>> class_number(True, ["no", "yes"], []), class_number(2.5, ["a", "b", "c"], [1, 3])
    (1, 1)
    """
    if edges:
        number = as_number(value)
        return None if number is None else bisect_left(edges, number)
    name = None if value is None else word(value)
    return classes.index(name) if name in classes else None
