"""Faces with their five points, as exactly as YuNet can.

YuNet finds small faces well but places their points by the grid: a head tilted by 12 degrees reads
as 2.4 at 128 pixels and 10.4 at 256, and as 11.1 and 11.6 once the picture has been enlarged.
"""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from portrayal.core.images import Pixels
from portrayal.features.faces import Detector, Face

SIDE = 640  # of the longer side; YuNet takes no larger pictures


def faces_with_points(pixels: Pixels, find: Detector) -> list[Face]:
    """All faces of a picture (H, W, 3), the largest first, found on it enlarged to SIDE."""
    return list(_found(pixels.tobytes(), pixels.shape, find))


@lru_cache(maxsize=64)  # several scores ask for the same picture one after the other
def _found(content: bytes, shape: tuple[int, ...], find: Detector) -> tuple[Face, ...]:
    pixels = np.frombuffer(content, np.uint8).reshape(shape)
    factor = SIDE / max(shape)
    if factor <= 1:
        return tuple(find(pixels))
    size = (round(shape[1] * factor), round(shape[0] * factor))
    enlarged = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return tuple(_scaled(face, factor) for face in find(enlarged))


def _scaled(face: Face, factor: float) -> Face:
    """The face as it lies in the picture before it was enlarged."""
    x, y, w, h = (round(value / factor) for value in (face.x, face.y, face.w, face.h))
    points = face.points and tuple((px / factor, py / factor) for px, py in face.points)
    return replace(face, x=x, y=y, w=w, h=h, points=points)
