"""Random changes made to pictures while training, fixed by (seed, position).

Both pictures of a pair are changed alike; pictures of unpaired domains each in its own way.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from portrayal.core.images import Pixels
from portrayal.core.seeds import numpy_rng
from portrayal.data.dataset import Pair
from portrayal.filters.flat import tone


def jitter(pair: Pair, seed: int, position: int, *, enlarge: float, flip: bool) -> Pair:
    """Enlarge, cut a random window of the old size, and mirror half of the time.

    pix2pix enlarges 256 to 286 pixels, a factor of 1.117 (Isola et al. 2017, sec. 6.2).
    """
    rng = numpy_rng(seed, "augment", position)
    change = drawn(rng, *pair.source.shape[:2], enlarge=enlarge, flip=flip)
    return replace(pair, source=change(pair.source), target=change(pair.target))


def jitter_alone(
    picture: Pixels, seed: int, domain: str, position: int, *, enlarge: float, flip: bool
) -> Pixels:
    """The same for a picture of "source" or "target": the two domains draw independently."""
    rng = numpy_rng(seed, "augment", domain, position)
    return drawn(rng, *picture.shape[:2], enlarge=enlarge, flip=flip)(picture)


def drawn(
    rng: np.random.Generator, height: int, width: int, *, enlarge: float, flip: bool
) -> Callable[[Pixels], Pixels]:
    """A change of pictures of this size, drawn once."""
    tall, wide = round(height * enlarge), round(width * enlarge)
    top, left = rng.integers(tall - height + 1), rng.integers(wide - width + 1)
    mirrored = flip and rng.random() < 0.5

    def change(picture: Pixels) -> Pixels:
        if (tall, wide) != (height, width):
            picture = cv2.resize(picture, (wide, tall), interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
            picture = picture[top : top + height, left : left + width]
        return np.ascontiguousarray(picture[:, ::-1] if mirrored else picture)

    return change


def retoned(source: Pixels, seed: int, position: int, strength: float) -> Pixels:
    """Half of the sources with other contrast, lightness and colours; the targets stay.

    So the colours of a source are a hint, not the answer: without it a translator copies the cast
    of drawings that it has not seen. strength: 0 changes nothing, 1 up to .1 of red or blue,
    .3 of contrast, .7 of saturation.
    """
    if strength == 0:
        return source
    rng = numpy_rng(seed, "tones", position)
    if rng.random() < 0.5:
        return source
    contrast, gamma, saturation, red, blue = rng.uniform(-1, 1, 5) * strength
    changed: Pixels = tone(
        source,
        contrast=1 + 0.3 * contrast,
        gamma=2 ** (0.5 * gamma),
        saturation=1 - 0.2 * strength + 0.5 * saturation,
        red=0.1 * red,
        blue=0.1 * blue,
    )
    return changed
