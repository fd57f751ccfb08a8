"""What is ink in a photo of a sheet: not its paper, not the light, its noise or its ruled lines.

paper      (H, W, 3) float32, the picture as it would be without a stroke
dark       (H, W) float32, share of the paper's light that is swallowed
ink        (H, W) float32 in 0..1, 1 is black
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.images import Pixels

Plane = NDArray[np.float32]  # (H, W)
Mask = NDArray[np.uint8]  # (H, W), 0 or 1

FAINTEST = 0.06  # share of the paper's light that a stroke must swallow
SHORTEST = 0.03  # of the short side: what is shorter alone is no drawing
LEAST = 0.0005  # share of the pixels that must be ink


def ink_of(pixels: Pixels) -> tuple[Plane, float]:
    """How much ink lies where, and the share of the pixels that are ink.

    Light divided by the paper's, the paper's noise cut off, stretched to 0..1.
    """
    picture = np.asarray(pixels, np.float32)
    light = picture / paper_of(picture)
    dark = np.asarray(1 - light @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)
    noise, low = noise_of(dark)
    if noise > 0.01:
        dark = without_grain(dark)
        noise, low = noise_of(dark)
    dark = dark.clip(0, 1)
    drawn = dark > max(FAINTEST, low + noise)
    share = float(strokes_among(np.asarray(drawn, np.uint8)).mean())
    if share < LEAST:
        return np.zeros_like(dark), share
    high = max(float(np.percentile(dark[drawn], 75)), low + FAINTEST)
    return np.asarray(((dark - low) / (high - low)).clip(0, 1), np.float32), share


def noise_of(dark: Plane) -> tuple[float, float]:
    """The deviation of the paper, and the darkness that it rarely reaches."""
    bright, usual, middle = (float(each) for each in np.percentile(dark, (5, 25, 50)))
    middle = max(0.0, middle)
    # by the paper's middle or by its bright side: shading adds to either
    by_middle = 1.48 * float(np.median(np.abs(dark.clip(0, 1) - middle)))
    by_bright = (usual - bright) / 0.97  # between these quantiles of a normal distribution
    low = min(middle + 4 * by_middle, usual + 4.67 * by_bright)
    return min(by_middle, by_bright), low


def without_grain(dark: Plane) -> Plane:
    """The darkest median of three in a line, over four directions: lines of one pixel stay."""
    height, width = dark.shape
    wide = np.pad(dark, 1, mode="edge")
    ends = [wide[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in AHEAD]
    others = [wide[1 - y : 1 - y + height, 1 - x : 1 - x + width] for y, x in AHEAD]
    medians = [
        np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), dark))
        for a, b in zip(ends, others, strict=True)
    ]
    return np.asarray(np.max(medians, axis=0), np.float32)


AHEAD = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns to the next pixel of a line


def strokes_among(drawn: Mask) -> Mask:
    """The pieces as long as a short stroke, without the lines of ruled paper.

    Ruled are three or more level pieces that together go across the whole sheet.
    """
    side, width = min(drawn.shape), drawn.shape[1]
    _, labels, facts, _ = cv2.connectedComponentsWithStats(drawn, connectivity=8)
    across, down = facts[:, cv2.CC_STAT_WIDTH], facts[:, cv2.CC_STAT_HEIGHT]
    kept = np.maximum(across, down) >= SHORTEST * side
    kept[0] = False
    level = kept & (down < np.maximum(4, 0.1 * across)) & (down < SHORTEST * side)
    if level.sum() >= 3 and level[labels].any(axis=0).sum() > 0.9 * width:
        kept &= ~level
    return np.asarray(kept[labels], np.uint8)


def paper_of(picture: Plane) -> Plane:
    """The sheet without its strokes, (H, W, 3) in levels: a smooth light, and shadows on it."""
    height, width = picture.shape[:2]
    few = np.asarray(cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA))
    smooth = np.stack([even_light(few[:, :, c]) for c in range(3)], axis=2)
    rest = few / smooth
    wide = np.pad(rest, [(16, 16), (16, 16), (0, 0)], "reflect", reflect_type="odd")  # slopes go on
    wide = cv2.morphologyEx(wide.clip(0, rest.max()), cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    rest = cv2.GaussianBlur(wide, (0, 0), 3)[16:-16, 16:-16].clip(0.6, 1.15)  # less: filled areas
    paper = np.asarray(cv2.resize(smooth * rest, (width, height), interpolation=cv2.INTER_LINEAR))
    return np.asarray(np.maximum(paper, 1), np.float32)


def even_light(few: Plane) -> Plane:
    """A quadratic surface through the bright pixels of a small plane: what is darker is ink.

    Least squares, again and again without what lies below the surface by more than its noise.
    """
    rows, columns = few.shape
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2).reshape(-1, 6)
    values = few.ravel().astype(float)
    nearby = np.asarray(cv2.dilate(few, np.ones((9, 9), np.uint8))).ravel()  # paper, if any is near
    kept = (values >= 0.95 * nearby) & (nearby >= np.percentile(nearby, 30))
    surface = values
    for _ in range(12):
        surface = terms @ np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
        below = surface - values
        spread = 1.48 * float(np.median(np.abs(below[kept])))
        again = below < max(2 * spread, 1)
        if again.sum() < len(values) // 8 or (again == kept).all():
            break
        kept = again
    return np.asarray(surface.reshape(few.shape).clip(8, 255), np.float32)
