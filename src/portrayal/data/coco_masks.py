"""Outlines of COCO -> coverage: (H, W) uint8, 255 inside and 0 outside.

Polygons have their origin at the corner of the first pixel, so the centre of pixel i is i + 0.5.
Run lengths go down the columns, outside first; as a string they are differences to the run before
the last, in groups of five bits.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Coverage = NDArray[np.uint8]  # (H, W)
FINE = 4  # parts of a pixel's side that a polygon is drawn in
LARGE = 1 << 26  # finer pixels than this are not drawn


class NoOutline(ValueError):
    """Why an outline cannot be drawn."""


def coverage_of(outline: Any, height: int, width: int) -> tuple[int, int, Coverage]:
    """x, y of the smallest window that holds the object, and the coverage of that window."""
    if isinstance(outline, dict):
        return cut_out(filled_runs(outline, height, width), 0, 0)
    if not isinstance(outline, list) or not outline:
        raise NoOutline("outline is neither polygons nor run lengths")
    return filled_polygons([points_of(each) for each in outline], height, width)


def points_of(flat: Any) -> NDArray[np.float64]:
    """x y x y ... as (N, 2)."""
    try:
        points = np.asarray(flat, np.float64)
    except (ValueError, TypeError):
        raise NoOutline("a polygon holds something else than numbers") from None
    if points.ndim != 1 or len(points) < 6 or len(points) % 2 or not np.isfinite(points).all():
        raise NoOutline("a polygon needs three or more points x y")
    return points.reshape(-1, 2)


def filled_polygons(
    polygons: list[NDArray[np.float64]], height: int, width: int
) -> tuple[int, int, Coverage]:
    """The union of polygons; half-covered pixels have half the value."""
    every = np.concatenate(polygons)
    left, top = np.floor(every.min(axis=0)).clip(0, (width, height)).astype(int).tolist()
    right, bottom = np.ceil(every.max(axis=0)).clip(0, (width, height)).astype(int).tolist()
    size = max(0, right - left), max(0, bottom - top)
    if not all(size):
        raise NoOutline("outline lies outside the picture")
    fine = FINE if size[0] * size[1] * FINE**2 <= LARGE else 1
    drawn = np.zeros((size[1] * fine, size[0] * fine), np.uint8)
    for points in polygons:  # one by one: together, what two of them share would be a hole
        places = ((points.clip(-9999, 99999) - (left, top)) * fine - 0.5) * 16
        cv2.fillPoly(drawn, [np.rint(places).astype(np.int32)], 255, shift=4)
    small = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    return cut_out(np.asarray(small, np.uint8), left, top)


def filled_runs(outline: dict[str, Any], height: int, width: int) -> Coverage:
    """Run lengths as a list, or packed as a string."""
    if list(outline.get("size", ())) != [height, width]:
        raise NoOutline(f"outline is for {outline.get('size')}, picture has [{height}, {width}]")
    counts = outline.get("counts")
    runs = unpacked(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(type(run) is int and run >= 0 for run in runs):
        raise NoOutline("run lengths are no numbers from 0")
    if sum(runs) != height * width:
        raise NoOutline(f"run lengths cover {sum(runs)} of {height * width} pixels")
    values = np.zeros(len(runs), np.uint8)
    values[1::2] = 255
    return np.ascontiguousarray(np.repeat(values, runs).reshape(width, height).T)


def unpacked(text: str) -> list[int]:
    """Run lengths of a packed string.

    >>> unpacked("12;2")  # the fourth is 2 more than the second
    [1, 2, 11, 4]
    """
    runs: list[int] = []
    value, shift = 0, 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 40:
            raise NoOutline("run lengths are packed wrongly")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift  # two's complement
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value, shift = 0, 0
    if shift:
        raise NoOutline("run lengths are cut off")
    return runs


def cut_out(coverage: Coverage, x: int, y: int) -> tuple[int, int, Coverage]:
    """The part of a window that is not empty, and where it begins."""
    rows, columns = np.flatnonzero(coverage.any(axis=1)), np.flatnonzero(coverage.any(axis=0))
    if not len(rows):
        raise NoOutline("outline holds no pixel")
    inside = coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return x + int(columns[0]), y + int(rows[0]), inside
