"""Any picture -> a picture of a wanted size. Boxes are (x, y, width, height) in pixels.

Resampling is Lanczos with antialiasing (Pillow's: its support grows with the shrinking factor).
"""

import cv2
import numpy as np
from PIL import Image

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels

Box = tuple[int, int, int, int]


def squeeze(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resize both sides on their own; the aspect is lost (what the four reports did)."""
    return _resized(pixels, height, width)


def crop(pixels: Pixels, height: int, width: int) -> Pixels:
    """Keep the largest centred part of the wanted aspect, then resize it."""
    _check(height, width)
    rows, columns = pixels.shape[:2]
    scale = min(rows / height, columns / width)  # source pixels per result pixel
    across, down = width * scale, height * scale
    left, top = (columns - across) / 2, (rows - down) / 2
    return _resized(pixels, height, width, (left, top, left + across, top + down))


def letterbox(
    pixels: Pixels, height: int, width: int, colour: tuple[int, int, int] = (255, 255, 255)
) -> tuple[Pixels, Box]:
    """Fit the whole picture, centred on `colour`; also the box where the picture then lies."""
    _check(height, width)
    rows, columns = pixels.shape[:2]
    scale = min(height / rows, width / columns)
    down, across = max(1, round(rows * scale)), max(1, round(columns * scale))
    x, y = (width - across) // 2, (height - down) // 2
    plane = np.empty((height, width, 3), np.uint8)
    plane[:] = colour
    plane[y : y + down, x : x + across] = _resized(pixels, down, across)
    return plane, (x, y, across, down)


def crop_box(pixels: Pixels, box: Box, margin: float = 0.0) -> Pixels:
    """The square around `box`, wider by `margin` of its longer side on every side, not resized.

    A square that leaves the picture is moved back inside; where it is larger than the picture, the
    border pixels are repeated.
    """
    x, y, width, height = box
    side = max(1, round(max(width, height) * (1 + 2 * margin)))
    rows, columns = pixels.shape[:2]
    left, right = _span(x + width / 2, side, columns)
    top, bottom = _span(y + height / 2, side, rows)
    inside = pixels[max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    edges = (max(-top, 0), max(bottom - rows, 0), max(-left, 0), max(right - columns, 0))
    return np.asarray(cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE), np.uint8)


def _span(centre: float, side: int, length: int) -> tuple[int, int]:
    """Where `side` pixels around `centre` start and end: inside 0..length, or centred around it."""
    start = round(centre - side / 2)
    start = min(max(start, 0), length - side) if side <= length else (length - side) // 2
    return start, start + side


def _resized(
    pixels: Pixels, height: int, width: int, box: tuple[float, float, float, float] | None = None
) -> Pixels:
    _check(height, width)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.array(image.resize((width, height), Image.Resampling.LANCZOS, box=box))


def _check(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise BadOption(f"The size is {height} x {width}, but both sides must be at least 1.")
