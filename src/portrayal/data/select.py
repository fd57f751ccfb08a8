"""Which pictures stay: grey pictures, and pictures whose face is small or was not found.

A verdict is None for a picture that stays, or the reason for rejected.jsonl. Nothing is dropped
without one, and "no face found" is never the same as "the face is small".
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels
from portrayal.features.faces import Face

Rule = Literal["keep", "reject", "only"]


def greyness(pixels: Pixels) -> tuple[float, float]:
    """How grey a picture is: (spread, explained).

    spread: mean over pixels of max - min over RGB, in levels 0..255; about 0 for grey.
    explained: share 0..1 of the chroma variance that brightness explains; about 1 for a tinted
    grey picture such as a sepia scan, whose colour is a function of its brightness.
    """
    values = _thinned(pixels)  # (N, 3)
    spread = float((values.max(axis=1) - values.min(axis=1)).mean())
    return spread, _explained(values)


def is_grey(pixels: Pixels, *, spread: float = 3.0, explained: float = 0.99) -> bool:
    """Whether a picture is grey or a tinted grey scan."""
    found_spread, found_explained = greyness(pixels)
    return found_spread <= spread or found_explained > explained


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


def _thinned(pixels: Pixels, most: int = 65536) -> NDArray[np.float32]:
    """At most about `most` pixels on a regular grid, as (N, 3) float32 levels."""
    step = max(1, int(np.ceil(np.sqrt(pixels.shape[0] * pixels.shape[1] / most))))
    return pixels[::step, ::step].reshape(-1, 3).astype(np.float32)


def _explained(values: NDArray[np.float32]) -> float:
    """R squared of red - green and blue - green on brightness, fitted as a cubic."""
    luma = values @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    chroma = values[:, [0, 2]] - values[:, [1]]  # (N, 2)
    chroma = chroma - chroma.mean(axis=0)
    total = float(np.square(chroma).sum())
    if total < 0.25 * len(values):  # less than half a level: one tint all over
        return 1.0
    powers = np.stack([luma**power for power in range(4)], axis=1)  # (N, 4)
    fit = np.linalg.lstsq(powers, chroma, rcond=None)[0]
    return 1 - float(np.square(chroma - powers @ fit).sum()) / total
