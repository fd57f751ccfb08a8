"""A 2 x 2 collage of one photo and three cartoons of it, cut into its panels.

The cut lies where a gutter (lines of one colour) or an edge runs through the middle both ways, over
the whole length. The photo is the panel that looks least like a cartoon. Thresholds were set on
collages of the shared faces, see tests/data/test_collages.py for what they reach.
"""

from collections.abc import Mapping
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels

Quadrant = Literal["tl", "tr", "bl", "br"]
QUADRANTS: tuple[Quadrant, ...] = ("tl", "tr", "bl", "br")
Floats = NDArray[np.float32]

ONE_COLOUR = 12  # levels: standard deviation along a line of a gutter, after JPEG
WIDEST = 0.1  # of the side: the widest gutter
ZONE = 0.08  # of the side, either way: with which the edges of the cut are compared
EDGE, EDGE_IN_HALVES = 1.8, 1.2  # times the median step between neighbours in the zone
OTHERS = 0.6  # of the strongest step in the zone
SMALLEST = 16  # pixels: side of a panel
ALIKE = 0.55  # correlation of panels, so that they show one scene
MARGIN = 0.1  # between the least cartoon-like panel and the next


class NoCollage(Exception):
    """Why a picture cannot be taken apart."""


def panels_of(whole: Pixels) -> dict[Quadrant, Pixels]:
    """The four panels, equally large, without gutter and frame. Raises NoCollage."""
    columns, rows = halves(whole, "width"), halves(whole.transpose(1, 0, 2), "height")
    panels = {
        name: np.ascontiguousarray(whole[rows[name[0] == "b"], columns[name[1] == "r"]])
        for name in QUADRANTS
    }
    if (likeness := alike(panels)) < ALIKE:
        raise NoCollage(
            f"not a collage: its panels show different scenes, correlation {likeness:.2f}"
        )
    return panels


def halves(whole: Pixels, side: str) -> tuple[slice, slice]:
    """Left and right half of the columns. Raises NoCollage."""
    grey = cv2.cvtColor(np.ascontiguousarray(whole), cv2.COLOR_RGB2GRAY).astype(np.float32)
    width = grey.shape[1]
    if width < 2 * SMALLEST:
        raise NoCollage(f"not a collage: its {side} is {width} pixels")
    flat = grey.std(axis=0) < ONE_COLOUR
    cut = gutter(grey, flat)
    if cut is None:
        raise NoCollage(f"not a collage: no gutter and no edge in the middle of its {side}")
    start, end = cut
    if start == end and width % 2:
        raise NoCollage(f"not a collage: odd {side} {width} without a gutter")
    outside = frame(grey, flat, grey[:, start:end].mean()) if start < end else 0
    size = min(start, width - end) - outside
    if size < SMALLEST:
        raise NoCollage(f"not a collage: panels of {size} pixels")
    return slice(start - size, start), slice(end, end + size)


def gutter(grey: Floats, flat: NDArray[np.bool_]) -> tuple[int, int] | None:
    """First column of the gutter and of the right half, equal where panels touch; None: neither.

    Of all symmetric stretches of one colour, and the bare middle, the one whose two ends are the
    strongest steps between neighbours, above as well as below.
    """
    width = grey.shape[1]
    steps = np.abs(np.diff(grey, axis=1, prepend=grey[:, :1]))  # (H, W): column x against x - 1
    parts = [part.mean(axis=0) for part in (steps, *np.array_split(steps, 2))]
    places = [
        (start, end)
        for start in range(round(width * (1 - WIDEST) / 2), width // 2 + 1)
        for end in range(width - start - 1, width - start + 2)
        if start < end < width - 1 and flat[start:end].all()
    ]
    every = parts[0]
    start, end = max(
        [(width // 2, width // 2), *places], key=lambda place: min(every[place[0]], every[place[1]])
    )
    reach = max(8, round(ZONE * width))
    around = np.r_[start - reach : start - 1, end + 2 : end + reach]
    around = around[(around > 0) & (around < width)]
    for part, times in zip(parts, (EDGE, EDGE_IN_HALVES, EDGE_IN_HALVES), strict=True):
        if min(part[start], part[end]) < times * np.median(part[around]):
            return None
    return (start, end) if min(every[start], every[end]) >= OTHERS * every[around].max() else None


def frame(grey: Floats, flat: NDArray[np.bool_], colour: float) -> int:
    """Columns of the gutter's colour at both outer sides, as many as both have."""
    same = flat & (np.abs(grey.mean(axis=0) - colour) < ONE_COLOUR)
    return int(min((~side).argmax() for side in (same, same[::-1])))


def alike(panels: Mapping[Quadrant, Pixels]) -> float:
    """Median correlation of the panels' light or of their outlines, whichever is higher."""
    features = [thumbnails(panel) for panel in panels.values()]
    pairs = [(a, b) for i, a in enumerate(features) for b in features[:i]]
    return float(
        np.median([max(float((x * y).mean()) for x, y in zip(*p, strict=True)) for p in pairs])
    )


def thumbnails(panel: Pixels) -> list[Floats]:
    """Light and outlines of a panel on 24 x 24 pixels, of mean 0 and variance 1."""
    grey = cv2.cvtColor(panel, cv2.COLOR_RGB2GRAY).astype(np.float32)
    middle = cv2.resize(grey, (96, 96), interpolation=cv2.INTER_AREA)
    outlines = cv2.magnitude(
        cv2.Sobel(middle, cv2.CV_32F, 1, 0), cv2.Sobel(middle, cv2.CV_32F, 0, 1)
    )
    small = [
        cv2.resize(each, (24, 24), interpolation=cv2.INTER_AREA) for each in (middle, outlines)
    ]
    return [np.asarray((s - s.mean()) / (s.std() + 1e-6), np.float32) for s in small]


def cartoonness(panel: Pixels) -> float:
    """How much a picture looks drawn: about 0.5 for photos, from 0.7 for cartoons and sketches.

    Share of flat places + strength of the lines / 20 + lack of colours, on 256 x 256 pixels in
    CIELAB; line strength is the upper decile of the local deviation of L.
    """
    square = cv2.resize(panel, (256, 256), interpolation=cv2.INTER_AREA)
    square = cv2.GaussianBlur(square, (0, 0), 0.7)  # evens out JPEG and sharpening
    lab = cv2.cvtColor(square.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light = lab[..., 0]
    mean = cv2.blur(light, (5, 5))
    deviation = np.sqrt(np.maximum(cv2.blur(light * light, (5, 5)) - mean * mean, 0))
    flat = float((deviation < 0.6).mean())
    lines = float(np.quantile(deviation, 0.9)) / 20
    colours = float(np.hypot(*lab[..., 1:].std(axis=(0, 1))))
    return flat + lines + max(0.0, 1 - colours / 6)


def photo_among(panels: Mapping[Quadrant, Pixels]) -> Quadrant:
    """The panel that looks least like a cartoon, by a margin. Raises NoCollage."""
    scores = sorted((cartoonness(panel), name) for name, panel in panels.items())
    (best, photo), (second, other) = scores[:2]
    if second - best < MARGIN:
        raise NoCollage(
            f"no clear photo: {photo} and {other} look about as drawn, {best:.2f} and {second:.2f}"
        )
    return photo


def parsed_badge(text: str | None) -> tuple[Quadrant, float] | None:
    """`bl:0.18` as corner and share of the side."""
    if text is None:
        return None
    corner, _, share = text.partition(":")
    try:
        value = float(share)
    except ValueError:
        value = -1.0
    if corner not in QUADRANTS or not 0 < value <= 0.5:
        raise BadOption(f"--badge {text!r}: give CORNER:SHARE up to 0.5, e.g. --badge bl:0.18")
    return corner, value


def without_badge(panel: Pixels, badge: tuple[Quadrant, float] | None) -> Pixels:
    """The panel without the strips along the two sides that meet in the badge's corner."""
    if badge is None:
        return panel
    corner, share = badge
    height, width = panel.shape[:2]
    tall, wide = height - round(share * height), width - round(share * width)
    top, left = (height - tall) * (corner[0] == "t"), (width - wide) * (corner[1] == "l")
    return np.ascontiguousarray(panel[top : top + tall, left : left + wide])
