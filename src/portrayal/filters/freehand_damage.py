"""Drawing -> the same drawing by a less steady hand: strength 0 (no change) to 1, fixed by `seed`.

Imitations, since no set of freehand drawings of the same things is at hand. Lengths are shares of
the short side. They are for pictures of dark strokes on light paper; others hardly change.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.images import Pixels
from portrayal.core.seeds import numpy_rng
from portrayal.filters import filters
from portrayal.filters.degrade import unchanged
from portrayal.filters.freehand import depths, middle_lines, neighbour_codes, turns, usual_width
from portrayal.filters.ink import Mask, ink_of

BREAKS = 30  # gaps at full strength
EXTRA = 12  # strokes at full strength
MISSING = 0.6  # share of the ink at full strength
CROSSING = np.array([turns(code) >= 3 for code in range(256)], np.uint8)  # three strokes or more


@filters
def stroke_wobble(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """Strokes that tremble: every point moved by up to 1/24 of the side, neighbours alike."""
    if unchanged(strength):
        return pixels
    height, width = pixels.shape[:2]
    side = min(height, width)
    drawn = numpy_rng("wobble", seed).standard_normal((24, 24, 2)).astype(np.float32)
    coarse = cv2.GaussianBlur(drawn, (0, 0), 1.0)
    field = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    field *= strength * side / 24 / max(float(np.abs(coarse).max()), 1e-6)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    moved = cv2.remap(
        np.ascontiguousarray(pixels),
        x + field[:, :, 0],
        y + field[:, :, 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)


@filters
def stroke_breaks(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """Gaps in the strokes: up to 30 of 1/20 of the side; weaker gaps are some of the stronger."""
    mask = np.zeros(pixels.shape[:2], np.uint8) if unchanged(strength) else strokes(pixels)
    places = np.argwhere(mask)
    if not len(places):
        return pixels
    chosen = numpy_rng("breaks", seed).random(BREAKS)[: round(strength * BREAKS)]
    gaps = np.zeros_like(mask)
    radius = max(1, round(min(mask.shape) / 40))
    for y, x in places[(chosen * len(places)).astype(int)].tolist():
        cv2.circle(gaps, (x, y), radius, 1, -1)
    return erased(pixels, gaps)


@filters
def stroke_missing(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """Strokes left out, in a drawn order, until up to 60 % of the ink is gone."""
    mask = np.zeros(pixels.shape[:2], np.uint8) if unchanged(strength) else strokes(pixels)
    pieces = pieces_of(mask)
    sizes = np.bincount(pieces.ravel(), minlength=2)[1:]
    order = numpy_rng("missing", seed).permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order] / 2
    gone = order[before <= strength * MISSING * sizes.sum()] + 1
    if not mask.any() or not len(gone):
        return pixels
    return erased(pixels, grown(np.asarray(np.isin(pieces, gone), np.uint8)))


@filters
def stroke_extra(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """Up to 12 strokes too many, of the drawing's own thickness and ink, a third of a side long."""
    if unchanged(strength):
        return pixels
    mask = strokes(pixels)
    height, width = mask.shape
    thick = max(1, round(usual_width(depths(mask))))
    colour = np.median(pixels[mask > 0], axis=0) if mask.any() else np.zeros(3)
    done = pixels.copy()
    points = numpy_rng("extra", seed).random((EXTRA, 6))[: int(np.ceil(strength * EXTRA))]
    t = np.linspace(0, 1, 24)[:, None]
    for x, y, *bends in points:
        start = np.array([x, y])
        middle, end = start + (np.array(bends).reshape(2, 2) - 0.5) * [[0.4], [0.6]]
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end
        line = np.round(curve * [width - 1, height - 1]).astype(np.int32)
        ink = tuple(round(level) for level in colour.tolist())
        cv2.polylines(done, [line], False, ink, thick, cv2.LINE_AA)
    return done


@filters
def stroke_thickness(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """Another pen, thicker or thinner as drawn: by up to 1/24 of the side, or down to one pixel."""
    if unchanged(strength):
        return pixels
    if numpy_rng("thickness", seed).random() < 0.5:
        return _spread(pixels, strength * min(pixels.shape[:2]) / 48, cv2.erode)
    usual = usual_width(depths(strokes(pixels)))
    return _spread(pixels, strength * (usual - 1) / 2, cv2.dilate)


STROKE_DAMAGES = (stroke_wobble, stroke_breaks, stroke_missing, stroke_extra, stroke_thickness)


def strokes(pixels: Pixels) -> Mask:
    """Where there is ink."""
    return np.asarray(ink_of(pixels)[0] >= 0.5, np.uint8)


def pieces_of(mask: Mask) -> NDArray[np.int32]:
    """Every ink pixel's stroke, counted from 1: the lines are cut where they meet.

    Long ones also at the lines of a grid of a sixth of the side.
    """
    lines = middle_lines(mask)
    meetings = lines & CROSSING[neighbour_codes(lines)]
    parts = lines & (1 - cv2.dilate(meetings, np.ones((3, 3), np.uint8)))
    cell = max(4, min(mask.shape) // 6)
    parts[::cell] = parts[:, ::cell] = 0
    _, near = cv2.distanceTransformWithLabels(
        1 - parts, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP
    )
    return np.where(mask > 0, near, 0).astype(np.int32)


def erased(pixels: Pixels, where: Mask) -> Pixels:
    """The picture with paper there."""
    paper = np.percentile(pixels.reshape(-1, 3), 90, axis=0)
    return np.where(where[:, :, None] > 0, np.round(paper), pixels).astype(np.uint8)


def grown(mask: Mask) -> Mask:
    """One pixel more on all sides: the soft edge of a stroke."""
    return np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)), np.uint8)


def _spread(pixels: Pixels, radius: float, operation: Callable[..., Any]) -> Pixels:
    """Erosion (dark grows) or dilation by a disc of a fractional radius."""
    low = int(radius)
    small, large = (_by_disc(pixels, size, operation) for size in (low, low + 1))
    return np.asarray(np.round(small + (radius - low) * (large - small)), np.uint8)


def _by_disc(pixels: Pixels, radius: int, operation: Callable[..., Any]) -> NDArray[np.float32]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(operation(np.ascontiguousarray(pixels), disc), np.float32)
