"""A scan or a phone photo of a drawing -> black strokes of one thickness on white paper.

ink        (H, W) float32 in 0..1, 1 is black
depth      (H, W) float32, pixels from an ink pixel to the nearest that has none; 0 is no ink
"""

import cv2
import numpy as np

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels
from portrayal.filters import filters
from portrayal.filters.ink import FAINTEST, LEAST, Mask, Plane, ink_of
from portrayal.filters.sheet import sheet_alone

STROKE = 3.0  # 1/256 of the short side
LARGEST = 1024  # short side at which a large scan is cleaned; strokes are drawn at its own size
WIDEST = 1.6  # times the usual width: what is wider is an area, kept as it is
CHALKBOARD = 110  # levels: on a darker sheet strokes may be lighter than it
JOINT = 3.0  # times the usual width: up to this, where strokes meet is no area


@filters
def clean_drawing(pixels: Pixels, *, stroke: float = STROKE) -> Pixels:
    """A photographed drawing as black strokes on white: even light, full contrast, one thickness.

    stroke: thickness of all strokes in 1/256 of the short side, but at least one pixel; 0 leaves
    strokes and their tones as they are. Filled areas stay filled, an empty sheet becomes white.
    """
    return _cleaned(pixels, stroke)[0]


def drawing_of(pixels: Pixels, *, stroke: float = STROKE) -> Pixels:
    """`clean_drawing` that refuses a sheet on which nothing is drawn."""
    drawing, share = _cleaned(pixels, stroke)
    if share < LEAST:
        raise BadData(
            f"The drawing is empty: {share:.2%} of its pixels are strokes at least {FAINTEST:.0%} "
            f"darker than the paper, and {LEAST:.2%} are needed. Draw something, or scan it darker."
        )
    return drawing


def _cleaned(pixels: Pixels, stroke: float) -> tuple[Pixels, float]:
    """The drawing, and the share of its pixels that are ink."""
    if not (stroke == 0 or 0.5 <= stroke <= 32):
        raise BadOption(f"stroke is {stroke:g}, but must be 0 (as drawn) or 0.5 to 32.")
    height, width = pixels.shape[:2]
    scale = min(1.0, LARGEST / min(height, width))
    small = np.ascontiguousarray(pixels)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
    small = sheet_alone(small)
    ink, share = ink_of(small)
    if share < LEAST and np.median(small) < CHALKBOARD:
        ink, share = ink_of(255 - small)
    if stroke and share >= LEAST:
        ink = one_width(ink, max(1.0, stroke * min(small.shape[:2]) / 256))
    if scale < 1:
        ink = np.asarray(cv2.resize(ink, (width, height), interpolation=cv2.INTER_LINEAR))
    grey = np.round((1 - ink) * 255).astype(np.uint8)
    return np.asarray(cv2.merge([grey, grey, grey]), np.uint8), share


def one_width(ink: Plane, width: float) -> Plane:
    """Every stroke drawn anew along its middle, `width` pixels wide; filled areas stay."""
    around = cv2.GaussianBlur(ink, (0, 0), min(ink.shape) / 40)
    faint = (ink >= 0.1) & (ink - around >= 0.15)  # beside much darker hair eyes are no less drawn
    everything = np.asarray((ink >= 0.5) | faint, np.uint8)
    depth = depths(everything)
    mask = without_specks(everything, usual_width(depth))
    depth *= mask  # as if measured again: what lies apart is no one's nearest paper
    usual = usual_width(depth)
    areas = without_joints(wide_areas(mask, WIDEST * usual / 2 + 1), mask, depth, usual)
    lines = middle_lines(mask & (1 - areas))
    redrawn = np.zeros_like(ink)
    if lines.any():
        away = cv2.distanceTransform(1 - lines, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        redrawn = np.asarray(((width + 1) / 2 - away).clip(0, 1), np.float32)
    return np.maximum(redrawn, np.where(areas > 0, ink, 0)).astype(np.float32)


def depths(mask: Mask) -> Plane:
    """The depth of every pixel of the ink, where beyond the sheet there is none."""
    padded = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 5)
    return np.asarray(padded[1:-1, 1:-1], np.float32)


def usual_width(depth: Plane) -> float:
    """Thickness in pixels of most strokes: the median along their middle lines."""
    ridge = (depth > 0) & (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)))
    return float(np.median(2 * depth[ridge] - 1)) if ridge.any() else 1.0


def wide_areas(mask: Mask, radius: float) -> Mask:
    """The part of the mask where a disc of `radius` pixels fits in."""
    inside = cv2.distanceTransform(np.pad(mask, 1, mode="edge"), cv2.DIST_L2, 5)[1:-1, 1:-1]
    centres = np.asarray(inside <= radius, np.uint8)
    if centres.all():
        return np.zeros_like(mask)
    away = cv2.distanceTransform(centres, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray((away <= radius) & (mask > 0), np.uint8)


def without_joints(areas: Mask, mask: Mask, depth: Plane, usual: float) -> Mask:
    """The areas without those where strokes meet, which are wider than a stroke alone."""
    count, places, boxes, _ = cv2.connectedComponentsWithStats(areas, connectivity=8)
    _, strokes, facts, _ = cv2.connectedComponentsWithStats(mask & (1 - areas), connectivity=8)
    stroke = facts[:, cv2.CC_STAT_AREA] >= max(3.0, usual**2)  # less: a corner of the area itself
    stroke[0] = False
    kept = areas.copy()
    for place in range(1, count):
        x, y, width, height = boxes[place, :4]
        box = np.s_[max(0, y - 1) : y + height + 1, max(0, x - 1) : x + width + 1]
        area = np.asarray(places[box] == place, np.uint8)
        near = np.unique(strokes[box][cv2.dilate(area, np.ones((3, 3), np.uint8)) > 0])
        if stroke[near].sum() >= 2 and 2 * depth[box][area > 0].max() <= JOINT * usual:
            kept[box][area > 0] = 0
    return kept


def without_specks(mask: Mask, usual: float) -> Mask:
    """The mask without pieces much smaller than a dot of the pen."""
    least = max(3.0, (0.5 * usual) ** 2)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    kept = facts[:, cv2.CC_STAT_AREA] >= least
    kept[0] = False
    return np.asarray(kept[labels], np.uint8)


def middle_lines(mask: Mask) -> Mask:
    """Lines of one pixel in the middle of every stroke (thinning by Zhang and Suen, 1984)."""
    lines = np.pad(mask, 1)
    while True:
        before = lines
        for table in THINNING:
            lines = (
                lines & table[cv2.filter2D(lines, -1, NEIGHBOURS, borderType=cv2.BORDER_CONSTANT)]
            )
        if (lines == before).all():
            return np.asarray(lines[1:-1, 1:-1], np.uint8)


NEIGHBOURS = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)  # clockwise from the top


def neighbour_codes(lines: Mask) -> Mask:
    """(H, W) of 0..255: which of its eight neighbours are set, one bit each."""
    return np.asarray(cv2.filter2D(lines, -1, NEIGHBOURS, borderType=cv2.BORDER_CONSTANT), np.uint8)


def turns(code: int) -> int:
    """How many lines leave a pixel with these neighbours: changes from 0 to 1 around it."""
    ring = [code >> bit & 1 for bit in range(8)]
    return sum(ring[i] == 0 and ring[(i + 1) % 8] == 1 for i in range(8))


def _thinning(first: bool) -> Mask:
    """Whether a pixel stays (1) in a half step, by the bits of its eight neighbours."""
    stays = np.ones(256, np.uint8)
    for code in range(256):
        ring = [code >> bit & 1 for bit in range(8)]
        top, right, bottom, left = ring[0], ring[2], ring[4], ring[6]
        edge = (top & right & bottom, right & bottom & left)
        other = (top & right & left, top & bottom & left)
        if 2 <= sum(ring) <= 6 and turns(code) == 1 and not any(edge if first else other):
            stays[code] = 0
    return stays


THINNING = (_thinning(first=True), _thinning(first=False))
