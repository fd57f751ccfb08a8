"""Line drawings of five classes, made of a few parts each: what `sources/shapes.py` paints.

A drawing is a list of parts, painted in order, so that a later part covers an earlier one. Points
are (N, 2) arrays of x (right) and y (down), roughly within -1..1. Animals and ships look left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (N, 2)
Rng = np.random.Generator


@dataclass(frozen=True)
class Part:
    """One stroke of the drawing: an outlined area, a line, or a spot of ink such as an eye."""

    points: Points
    kind: Literal["area", "line", "dot"] = "area"


def straight(*corners: tuple[float, float], closed: bool = True) -> Points:
    """A polygon or polyline, with points along its sides for the wobble to move."""
    ends = np.array([*corners, corners[0]] if closed else corners, dtype=float)
    steps = np.linspace(0, 1, 10, endpoint=False)[:, None]
    sides = [a + (b - a) * steps for a, b in pairwise(ends)]
    return np.concatenate(sides if closed else [*sides, ends[-1:]])


def smooth(*knots: tuple[float, float], closed: bool = True) -> Points:
    """A Catmull-Rom curve through the knots."""
    p = np.array(knots, dtype=float)
    p = np.concatenate([p[-1:], p, p[:2]] if closed else [p[:1], p, p[-1:]])
    t = np.linspace(0, 1, 8, endpoint=False)[:, None]
    pieces = [
        b
        + (c - a) / 2 * t
        + (a - 2.5 * b + 2 * c - d / 2) * t**2
        + ((d - a) / 2 + 1.5 * (b - c)) * t**3
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate(pieces if closed else [*pieces, p[-1:]])


def ellipse(x: float, y: float, rx: float, ry: float | None = None, turn: float = 0.0) -> Points:
    """An ellipse around (x, y), turned clockwise by `turn` radians."""
    a = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    points = np.stack([rx * np.cos(a), (rx if ry is None else ry) * np.sin(a)], axis=1)
    return moved(turned(points, turn), x, y)


def regular(corners: int, inner: float = 1.0, lift: float = 0.0) -> Points:
    """A regular polygon pointing up; `inner` < 1 pulls every second corner in (a star)."""
    n = corners if inner == 1.0 else 2 * corners
    a = np.arange(n) * 2 * np.pi / n - np.pi / 2 + lift
    r = np.where((np.arange(n) % 2 == 1) & (inner < 1), inner, 1.0)
    return straight(*zip(r * np.cos(a), r * np.sin(a), strict=True))


def turned(points: Points, angle: float) -> Points:
    """Points turned clockwise around (0, 0)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[c, s], [-s, c]]))


def moved(points: Points, x: float, y: float) -> Points:
    """Points shifted by (x, y)."""
    return np.asarray(points + np.array([x, y]))


def band(middle: Points, start: float, end: float) -> Points:
    """A band along a line, `start` wide at its beginning and `end` at its end."""
    along = np.gradient(middle, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    width = np.linspace(start, end, len(middle))[:, None] / 2
    return np.concatenate([middle + across * width, (middle - across * width)[::-1]])


def scallops(x: float, y: float, rx: float, ry: float, count: int) -> Points:
    """A cloud: an ellipse with `count` bulges."""
    a = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    r = 0.86 + 0.2 * np.abs(np.sin(a * count / 2))
    return np.stack([x + rx * r * np.cos(a), y + ry * r * np.sin(a)], axis=1)


def areas(*points: Points) -> list[Part]:
    """Outlined areas, painted in order."""
    return [Part(p) for p in points]


def lines(*points: Points) -> list[Part]:
    """Strokes without an area."""
    return [Part(p, "line") for p in points]


def eye(x: float, y: float, radius: float = 0.055) -> Part:
    """A spot of ink."""
    return Part(ellipse(x, y, radius), "dot")


Drawing = Callable[[Rng], list[Part]]
DRAWINGS: dict[str, dict[str, Drawing]] = {
    name: {} for name in ("shape", "animal", "tree", "flower", "ship")
}


def drawing(of: str) -> Callable[[Drawing], Drawing]:
    """`@drawing("tree")` above a function adds it under its name as one kind of tree."""

    def add(function: Drawing) -> Drawing:
        DRAWINGS[of][function.__name__] = function
        return function

    return add
