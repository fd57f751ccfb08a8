"""Anything that is a picture -> upright sRGB pixels, and pixels at another size."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from portrayal.core.colours import Refused, flatten, upright
from portrayal.core.errors import BadData, BadPicture
from portrayal.core.images import Pixels, read_pixels

Picturelike = Image.Image | Pixels | Path | str | bytes
ORIENTATION = 0x0112  # EXIF


def pixels_from(image: Picturelike) -> Pixels:
    """Upright sRGB pixels of anything that is a picture; arrays must be Pixels already."""
    if isinstance(image, str | Path):
        return read_pixels(Path(image))
    if isinstance(image, bytes):
        return read_pixels(image)
    if isinstance(image, Image.Image):
        return pixels_of_pillow(image)
    kind: Any = getattr(image, "dtype", type(image).__name__)
    shape: tuple[int, ...] = tuple(getattr(image, "shape", ()))
    right = len(shape) == 3 and shape[2] == 3 and 0 not in shape and kind == np.uint8
    if not (isinstance(image, np.ndarray) and right):
        raise BadData(
            f"Expected a PIL image, a path, bytes, or uint8 pixels of shape (H, W, 3) in RGB; "
            f"got {kind} of shape {shape}."
        )
    return image


def pixels_of_pillow(image: Image.Image) -> Pixels:
    """A PIL image by the same rules as a file: deep, grey, transparent, turned, with a profile."""
    image.load()  # turns a TIFF already and forgets its orientation
    turn = image.getexif().get(ORIENTATION, 1)
    bits = 16 if image.mode.startswith("I;16") or image.format == "PPM" else 8
    try:
        return upright(flatten(image.copy(), bits, (255, 255, 255))[0], turn)
    except Refused as refusal:
        raise BadPicture(getattr(image, "filename", "") or "picture", str(refusal)) from None


def scaled(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at (width, height), smoothed before it shrinks; unchanged if it fits already."""
    if picture.shape[1::-1] == size:
        return picture
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
