"""Which pictures stay: grey pictures, and pictures whose face is small or was not found.

A verdict is None for a picture that stays, or the reason for rejected.jsonl. Nothing is dropped
without one, and "no face found" is never the same as "the face is small".
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels
from portrayal.features.faces import Face

Rule = Literal["keep", "reject", "only"]
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Greyness(NamedTuple):
    """How grey a picture is.

    spread: mean over pixels of max - min over RGB, in levels 0..255; about 0 for grey.
    explained: share 0..1 of the chroma variance that brightness explains; about 1 for a tinted grey
    picture such as a sepia scan, whose colour is a function of its brightness.
    left: root mean square of the chroma that brightness does not explain, in levels.
    tones: how many of 32 brightness bins hold 1 % of the picture or more. Brightness explains a
    drawing of two flat colours as well, but a scan has many tones.
    """

    spread: float
    explained: float
    left: float
    tones: int


def greyness(pixels: Pixels) -> Greyness:
    """Measure on a copy of at most 64 pixels a side: averaging removes JPEG's chroma noise."""
    longest = max(pixels.shape[:2])
    size = [max(1, round(side * min(1, 64 / longest))) for side in pixels.shape[1::-1]]
    small = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)
    values = np.asarray(small, np.float32).reshape(-1, 3)
    every = pixels.astype(np.int16)
    spread = float((every.max(axis=2) - every.min(axis=2)).mean())
    tones = np.bincount((values @ _LUMA / 8).astype(np.intp), minlength=32) >= len(values) / 100
    return Greyness(spread, *_explained(values), int(tones.sum()))


def is_grey(
    pixels: Pixels, *, spread: float = 3.0, explained: float = 0.99, left: float = 2.5
) -> bool:
    """Whether a picture is grey, or a tinted grey scan of at least 8 tones."""
    found = greyness(pixels)
    tinted = found.tones >= 8 and (found.explained > explained or found.left <= left)
    return found.spread <= spread or tinted


def face_share(pixels: Pixels, detector: Callable[[Pixels], list[Face]]) -> float | None:
    """Area of the largest face as a share 0..1 of the picture; None when no face was found."""
    faces = detector(pixels)
    if not faces:
        return None
    area: int = pixels.shape[0] * pixels.shape[1]
    return max(face.w * face.h for face in faces) / area


def grey_verdict(grey: bool, rule: Rule = "keep") -> str | None:
    """Reason to drop a picture for being grey (rule reject) or for not being grey (rule only)."""
    _check(rule)
    if rule == "reject" and grey:
        return "grey picture"
    if rule == "only" and not grey:
        return "not a grey picture"
    return None


def face_verdict(
    share: float | None, rule: Rule = "keep", minimum: float = 0.10, unknown: Rule = "keep"
) -> str | None:
    """Reason to drop a picture for the size of its face.

    `rule` is about faces below `minimum`: reject them, or keep only them. `unknown` is about
    pictures in which no face was found (share None): reject them, or keep only them.
    """
    _check(rule)
    _check(unknown)
    if share is None:
        return "no face found" if unknown == "reject" else None
    if unknown == "only":
        return "a face was found"
    if rule == "reject" and share < minimum:
        return f"face takes less than {minimum:g} of the picture"
    if rule == "only" and share >= minimum:
        return f"face takes {minimum:g} of the picture or more"
    return None


def _check(rule: str) -> None:
    if rule not in ("keep", "reject", "only"):
        raise BadOption(f"The rule is {rule!r}, but must be keep, reject or only.")


def _explained(values: NDArray[np.float32]) -> tuple[float, float]:
    """Red - green and blue - green fitted as cubics of brightness: R squared, and what is left."""
    luma = values @ _LUMA / 255
    chroma = values[:, [0, 2]] - values[:, [1]]  # (N, 2)
    chroma = chroma - chroma.mean(axis=0)
    powers = np.stack([luma**power for power in range(4)], axis=1)  # (N, 4)
    fit = np.linalg.lstsq(powers, chroma, rcond=None)[0]
    total = float(np.square(chroma).mean(axis=0).sum())
    left = float(np.square(chroma - powers @ fit).mean(axis=0).sum())
    return (1 - left / total if total > 0 else 1.0), left**0.5
