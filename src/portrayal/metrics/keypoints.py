"""How many of a picture's key points does its translation keep, and in place? SIFT matches.

Pictures are `Pixels` (H, W, 3), pairs of one size. A score says little without its anchors, which
evaluation/pairs/matches.py computes: the truth against itself after JPEG, and against another
subject.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels, pixels_of
from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked

RATIO = 0.75  # Lowe's paper says 0.8, Beyeler's book 0.7, OpenCV's tutorial 0.75
DISPLACEMENT = 8 / 256  # of the longer side: how far a point may move between aligned pictures
INLIER = 3 / 256  # of the longer side: how far a point may lie from the similarity of RANSAC
LEAST = 3  # matches from which a similarity is estimated

Points = NDArray[np.float64]  # (N, 2) as (x, y)


@dataclass(frozen=True)
class Matches:
    """What is left of the key points of two pictures, step by step, and where the matches lie."""

    kp_real: int
    kp_fake: int
    ratio: int  # nearest neighbours that are clearly nearer than the second
    mutual: int  # and that are each other's nearest
    aligned: int  # and that lie at the same place, up to DISPLACEMENT
    ransac: int  # of the mutual ones, those that one similarity explains
    real: Points  # (mutual, 2)
    fake: Points  # (mutual, 2)
    in_place: NDArray[np.bool_]  # (mutual,): which of them are the aligned ones

    @property
    def score(self) -> float:
        """Aligned matches by the key points of the picture that has fewer; 0 where one has none."""
        fewer = min(self.kp_real, self.kp_fake)
        return self.aligned / fewer if fewer else 0.0


@metrics.described(
    Card(
        better="higher",
        needs="pairs",
        title="SIFT matches",
        protocol="aligned matches by the fewer key points: OpenCV's SIFT on grey pictures of their "
        f"own size, ratio {RATIO}, mutual, moved by at most 8 pixels in 256; no key points: 0",
    )
)
def sift_matches(fake: Tensor, real: Tensor) -> Tensor:
    """Share of key points found again in place, 0 to 1. (B, C, H, W) -> (B,)"""
    fake, real = checked(fake, real)
    values = []
    for index in range(len(fake)):
        made, truth = (pixels_of(side[index].expand(3, -1, -1)) for side in (fake, real))
        values.append(match(made, truth).score)
    return fake.new_tensor(values, dtype=torch.float64)


def match(fake: Pixels, real: Pixels, ratio: float = RATIO) -> Matches:
    """Matches from the real picture's key points to those of its translation (H, W, 3)."""
    for pixels in (fake, real):
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise BadData(
                f"Key points are found on uint8 pixels (H, W, 3), not on {pixels.dtype} of shape "
                f"{pixels.shape}; convert unit pictures with core.images.pixels_of."
            )
    if fake.shape != real.shape:
        raise BadData(f"Pictures of {fake.shape} and {real.shape} are not aligned; resize one.")
    if not 0 < ratio <= 1:
        raise BadOption(f"A ratio of {ratio:g} keeps nothing or all; take 0.75.")
    (places, words), (fake_places, fake_words) = keypoints(real), keypoints(fake)
    empty = np.zeros((0, 2))
    none = Matches(len(places), len(fake_places), 0, 0, 0, 0, empty, empty, np.zeros(0, bool))
    if not len(places) or not len(fake_places):
        return none
    clear, pairs = partners(words, fake_words, ratio)
    ours, theirs = places[pairs[:, 0]], fake_places[pairs[:, 1]]
    side = max(real.shape[:2])
    near = np.hypot(*(ours - theirs).T) <= DISPLACEMENT * side
    return replace(
        none,
        ratio=clear,
        mutual=len(pairs),
        aligned=int(near.sum()),
        ransac=_inliers(ours, theirs, INLIER * side),
        real=ours,
        fake=theirs,
        in_place=near,
    )


def keypoints(pixels: Pixels) -> tuple[Points, NDArray[np.float32]]:
    """Places (N, 2) and descriptors (N, 128) by SIFT with OpenCV's defaults, which are Lowe's."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    found, words = cv2.SIFT_create().detectAndCompute(grey, None)  # type: ignore[attr-defined]
    if words is None:
        return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    return np.array([point.pt for point in found], np.float64), words


def partners(
    words: NDArray[np.float32], others: NDArray[np.float32], ratio: float
) -> tuple[int, NDArray[np.int64]]:
    """How many descriptors (N, D) have a clear nearest one, and which pairs are mutual, (M, 2).

    Clear: nearer than `ratio` times the second, from the side of `words`. A lone candidate has no
    rival and is taken.
    """
    nearest, clear = _nearest(words, others, ratio)
    back, _ = _nearest(others, words, ratio)
    mutual = clear & (back[nearest] == np.arange(len(words)))
    return int(clear.sum()), np.stack([mutual.nonzero()[0], nearest[mutual]], axis=1)


def _nearest(
    words: NDArray[np.float32], others: NDArray[np.float32], ratio: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The nearest of the others for each descriptor, and whether the second is clearly farther."""
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(words, others, k=2)
    nearest = np.array([pair[0].trainIdx for pair in pairs], np.int64)
    clear = [len(pair) < 2 or pair[0].distance < ratio * pair[1].distance for pair in pairs]
    return nearest, np.array(clear, bool)


def _inliers(ours: Points, theirs: Points, tolerance: float) -> int:
    """How many matches the best similarity (shift, turn, scale) explains; OpenCV draws alike."""
    if len(ours) < LEAST:
        return 0
    _, inside = cv2.estimateAffinePartial2D(
        ours, theirs, method=cv2.RANSAC, ransacReprojThreshold=tolerance
    )
    return 0 if inside is None else int(inside.sum())
