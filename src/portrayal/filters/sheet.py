"""The sheet in a phone photo: what lies around it is painted over as if paper went on there.

few        the picture with its long side at SMALL pixels, grey
sheet      (H, W) of 0 and 1, the four-cornered part that is paper
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.images import Pixels
from portrayal.filters.ink import Mask

SMALL = 256
DARKER = 0.75  # of the paper's light: at most this has what lies just outside of it
SHARES = (0.15, 0.98)  # of the picture that a sheet may have
EDGES, AROUND = 0.6, 0.9  # share of the picture's edge, and of what is not sheet, that is dark


def sheet_alone(pixels: Pixels) -> Pixels:
    """The picture with its sheet's edge going on to all sides; as it is if no sheet stands out."""
    height, width = pixels.shape[:2]
    sheet = sheet_of(pixels)
    if sheet is None:
        return pixels
    inside = cv2.erode(np.pad(sheet, 1), np.ones((3, 3), np.uint8), iterations=max(2, height // 80))
    inside = inside[1:-1, 1:-1]
    soft = cv2.GaussianBlur(pixels, (0, 0), max(height, width) / 100)
    _, labels = cv2.distanceTransformWithLabels(
        1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    nearest[labels[inside > 0]] = soft[inside > 0]
    return np.where(inside[..., None] > 0, pixels, nearest[labels])


def sheet_of(pixels: Pixels) -> Mask | None:
    """The one bright part with four corners that is darker all around; None if there is none."""
    height, width = pixels.shape[:2]
    scale = SMALL / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    few = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    bright = cv2.threshold(cv2.GaussianBlur(few, (5, 5), 0), 0, 1, cv2.THRESH_OTSU)[1]
    bright = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
    if count < 2:
        return None
    largest = 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())
    corners = four_corners(np.asarray(labels == largest, np.uint8))
    if corners is None:
        return None
    part = cv2.fillConvexPoly(np.zeros_like(few), corners, 1)
    if not (SHARES[0] < part.mean() < SHARES[1] and lies_on_dark(few, part)):
        return None
    if not stands_out(few, part):
        return None
    whole = cv2.resize(part, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(whole, np.uint8)


def four_corners(part: Mask) -> NDArray[np.int32] | None:
    """Corners (4, 2) of a part that is as good as a quadrilateral."""
    outlines = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    outline = max(outlines, key=cv2.contourArea)
    hull = cv2.convexHull(outline)
    whole, length = cv2.contourArea(hull), cv2.arcLength(hull, closed=True)
    if cv2.contourArea(outline) < 0.93 * whole:
        return None
    for share in np.linspace(0.01, 0.08, 15):
        corners = cv2.approxPolyDP(hull, share * length, closed=True)
        if len(corners) == 4:
            fits = cv2.contourArea(corners) > 0.93 * whole
            return np.asarray(corners[:, 0], np.int32) if fits else None
    return None


def lies_on_dark(few: Mask, part: Mask) -> bool:
    """Whether darkness goes on to the picture's edge: a drawn frame or hair has paper behind it."""
    dark = few < DARKER * np.median(few[part > 0])
    edge = np.concatenate([dark[0], dark[-1], dark[:, 0], dark[:, -1]])
    return bool(edge.mean() > EDGES and dark[part == 0].mean() > AROUND)


def stands_out(few: Mask, part: Mask) -> bool:
    """Whether light falls off sharply at the part's border: not over a shadow or uneven light."""
    near, far = (np.ones((side, side), np.uint8) for side in (7, 15))
    outer = cv2.dilate(part, far) - cv2.dilate(part, near)
    inner = cv2.erode(part, near) - cv2.erode(part, far)
    if not (outer.any() and inner.any()):
        return False
    return bool(np.median(few[outer > 0]) < DARKER * np.median(few[inner > 0]))
