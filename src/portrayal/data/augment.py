"""Random changes made to both pictures of a pair alike, fixed by (seed, position)."""

from dataclasses import replace

import cv2
import numpy as np

from portrayal.core.images import Pixels
from portrayal.core.seeds import numpy_rng
from portrayal.data.dataset import Pair


def jitter(pair: Pair, seed: int, position: int, *, enlarge: float, flip: bool) -> Pair:
    """Enlarge, cut a random window of the old size, and mirror half of the time.

    pix2pix enlarges 256 to 286 pixels, a factor of 1.117 (Isola et al. 2017, sec. 6.2).
    """
    rng = numpy_rng(seed, "augment", position)
    height, width = pair.source.shape[:2]
    tall, wide = round(height * enlarge), round(width * enlarge)
    top, left = rng.integers(tall - height + 1), rng.integers(wide - width + 1)
    mirrored = flip and rng.random() < 0.5

    def change(picture: Pixels) -> Pixels:
        if (tall, wide) != (height, width):
            picture = cv2.resize(picture, (wide, tall), interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
            picture = picture[top : top + height, left : left + width]
        return np.ascontiguousarray(picture[:, ::-1] if mirrored else picture)

    return replace(pair, source=change(pair.source), target=change(pair.target))
