"""Which group a picture belongs to, by a column of its metadata or by several.

A column is typed as "gender", with edges as "face_share:0.1,0.3", or crossed as "gender*age".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from portrayal.core.errors import BadData, BadOption, UnknownName
from portrayal.metrics.skin import TONES, UNKNOWN

MOST = 60  # groups: a column with more tells pictures apart, not kinds of pictures
FEW = 5  # different numbers that still are kinds, such as poses of -45, 0 and 45 degrees
NO_COLUMNS = ("name", "scores", "input", "content", "known")  # parts of a row that are no facts

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Groups:
    """The group of each picture, (N,), and all groups in the order of a table."""

    column: str
    of: list[str]
    order: list[str]
    unknown: frozenset[str] = frozenset()  # groups of which something is unknown


def grouped(rows: Rows, column: str) -> Groups:
    """The groups of a column as it was typed; UNKNOWN holds the pictures of which it says nothing.

    Numbers are cut at the given edges or into three equal parts, unless there are few of them.
    """
    parts = [_single(rows, part.strip()) for part in column.split("*")]
    if len(parts) == 1:
        return parts[0]
    crossed = list(zip(*(part.of for part in parts), strict=True))
    present = sorted(set(crossed), key=lambda names: _rank(parts, names))
    unknown = [names for names in present if _unknown(parts, names)]
    return _checked(
        " x ".join(part.column for part in parts),
        [" x ".join(names) for names in crossed],
        [" x ".join(names) for names in present],
        frozenset(" x ".join(names) for names in unknown),
    )


def _rank(parts: Sequence[Groups], names: Sequence[str]) -> list[int]:
    return [part.order.index(name) for part, name in zip(parts, names, strict=True)]


def _unknown(parts: Sequence[Groups], names: Sequence[str]) -> bool:
    return any(name in part.unknown for part, name in zip(parts, names, strict=True))


def columns_of(rows: Rows) -> list[str]:
    """What pictures can be grouped by."""
    named = {key for row in rows for key in row}
    return sorted(
        key for key in named.difference(NO_COLUMNS) if not key.endswith(("_file_name", "sha256"))
    )


def _single(rows: Rows, text: str) -> Groups:
    column, _, edges = text.partition(":")
    if not any(column in row for row in rows) or column in NO_COLUMNS:
        raise UnknownName("column", column, columns_of(rows))
    values = [row.get(column) for row in rows]
    known = [value for value in values if _known(value)]
    numbers = [_number(value) for value in known]
    if edges:
        if None in numbers:
            wrong = known[numbers.index(None)]
            raise BadOption(f"{column!r} holds {wrong!r}, which edges cannot cut; leave {edges!r}.")
        name, order = _between(_parsed(edges, text))
    elif known and None not in numbers and len(set(numbers)) > FEW:
        thirds = np.quantile(np.array(numbers, np.float64), [1 / 3, 2 / 3])
        name, order = _between(sorted(set(thirds.tolist())))
    else:
        name, order = _named, _ordered({_named(value) for value in known})
    of = [name(value) if _known(value) else UNKNOWN for value in values]
    order = [group for group in order if group in of and group != UNKNOWN]
    unknown = [UNKNOWN] if UNKNOWN in of else []
    return _checked(column, of, order + unknown, frozenset(unknown))


def _checked(column: str, of: list[str], order: list[str], unknown: frozenset[str]) -> Groups:
    if len(order) > MOST:
        raise BadData(
            f"{column!r} has {len(order)} different values in {len(of)} pictures, more than the "
            f"{MOST} groups a table can hold; choose another column or give edges."
        )
    return Groups(column, of, order, unknown)


def _known(value: Any) -> bool:
    return value is not None and value == value and value != ""  # NaN is not itself


def _number(value: Any) -> float | None:
    """The number a value is or spells; None for anything else, and for yes and no."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _parsed(edges: str, text: str) -> list[float]:
    numbers = [_number(edge) for edge in edges.split(",")]
    found = [number for number in numbers if number is not None and np.isfinite(number)]
    if len(found) < len(numbers) or found != sorted(set(found)):
        raise BadOption(f"Edges are rising numbers, such as face_share:0.1,0.3, not {text!r}.")
    return found


def _between(edges: Sequence[float]) -> tuple[Callable[[Any], str], list[str]]:
    """How a number is called between edges, and all such names; an edge belongs to the lower."""
    texts = [f"{edge:.4g}" for edge in edges]
    names = [f"up to {texts[0]}"]
    names += [f"{low} to {high}" for low, high in pairwise(texts)]
    names.append(f"above {texts[-1]}")

    def name(value: Any) -> str:
        return names[int(np.searchsorted(edges, float(value), "left"))]

    return name, names


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _ordered(names: set[str]) -> list[str]:
    """Skin tones from light to dark, numbers by size, anything else by the alphabet."""
    if names <= {*TONES, UNKNOWN}:
        return [tone for tone in TONES if tone in names]
    numbers = {name: _number(name) for name in names}
    return sorted(names, key=lambda name: (numbers[name] is None, numbers[name] or 0.0, name))
