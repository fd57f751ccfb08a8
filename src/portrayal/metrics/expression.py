"""Does the face keep its expression and pose? Distances of YuNet's five points.

Points are (5, 2) as (x, y) in pixels: right eye, left eye (of the person), nose, right and left
corner of the mouth. Both pictures are searched; where one shows no face there is no value.

Yaw, the turn of the head, is estimated from where the nose stands between the eyes. Seen from far
away (no perspective), eyes at (-e, 0, 0) and (e, 0, 0) and a tip of the nose n before and some way
below them, turned by yaw, show the nose n sin(yaw) beside the middle of eyes that are
2 e cos(yaw) apart. With s = that shift over that distance, measured along the line of the eyes,

    yaw = atan(2 e / n * s).

2 e / n = 2.1 is an average head (eyes 63 mm apart, the nose 30 mm before them). Limits: a longer
nose reads as a stronger turn (by as many percent) and a crooked one as a turn, which a difference
of one person forgives; a nod mixes the height of the nose into its depth (10 degrees of it read a
turn of 20 as 15 or 24); beyond about 60 degrees the hidden eye is a guess. What YuNet itself errs
by, on 51 sharp faces of 256 pixels: .03 eye distances after a known shift, 3 degrees of yaw between
a face and its mirror image; a tilt of 12 degrees reads as 11.6. JPEG 90 moves the points by .008.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, pixels_of
from portrayal.features.faces import Face, detector
from portrayal.features.landmarks import faces_with_points
from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked

EYES_BY_NOSE = 2.1  # distance of the eyes over how far the nose stands before them
NO_FACE = "no face found in the translation or in what it is compared with"
FOUND = "YuNet's five points on both pictures, enlarged to 640 (the faces nearest to each other)"

Points = NDArray[np.float64]


@metrics.described(
    Card(
        better="lower",
        needs="pairs",
        title="Landmark distance",
        protocol=f"mean distance of {FOUND} over the distance of the real picture's eyes",
        unit="eye distances",
        missing=NO_FACE,
    )
)
def landmark_distance(fake: Tensor, real: Tensor) -> Tensor:
    """Mean distance of five points over that of the eyes, 0 is in place. (B, C, H, W) -> (B,)"""
    pairs = point_pairs(fake, real)
    return _values(fake, [landmark_error(*pair) if pair else np.nan for pair in pairs])


@metrics.described(
    Card(
        better="lower",
        needs="pairs",
        title="Yaw difference",
        protocol=f"difference of the turn of the head estimated from {FOUND}: atan(2.1 times the "
        "shift of the nose from the middle of the eyes over their distance)",
        unit="degrees",
        missing=NO_FACE,
    )
)
def yaw_difference(fake: Tensor, real: Tensor) -> Tensor:
    """Degrees by which the head is turned otherwise, 0 to 180. (B, C, H, W) -> (B,)"""
    pairs = point_pairs(fake, real)
    return _values(fake, [abs(yaw(pair[0]) - yaw(pair[1])) if pair else np.nan for pair in pairs])


@metrics.described(
    Card(
        better="lower",
        needs="pairs",
        title="Roll difference",
        protocol=f"difference of the slope of the line of the eyes, from {FOUND}",
        unit="degrees",
        missing=NO_FACE,
    )
)
def roll_difference(fake: Tensor, real: Tensor) -> Tensor:
    """Degrees by which the head is tilted otherwise, 0 to 180. (B, C, H, W) -> (B,)"""
    pairs = point_pairs(fake, real)
    turns = [abs(roll(pair[0]) - roll(pair[1])) if pair else np.nan for pair in pairs]
    return _values(fake, [min(turn, 360 - turn) for turn in turns])  # 359 degrees are 1


def landmark_error(fake: ArrayLike, real: ArrayLike) -> float:
    """Mean distance of points (5, 2) over the distance of the real eyes.

    >>> points = [(30, 40), (60, 40), (45, 60), (33, 75), (57, 75)]
    >>> landmark_error([(x + 3, y) for x, y in points], points)
    0.1
    """
    made, truth = _five(fake), _five(real)
    return float(np.hypot(*(made - truth).T).mean() / np.hypot(*(truth[1] - truth[0])))


def yaw(points: ArrayLike) -> float:
    """Turn of the head in degrees, positive towards the right of the picture; see the module.

    >>> yaw([(30, 40), (60, 40), (45, 60), (33, 75), (57, 75)])
    0.0
    """
    right, left, nose = _five(points)[:3]
    line = left - right
    shift = (nose - (right + left) / 2) @ line / (line @ line)
    return float(np.degrees(np.arctan(EYES_BY_NOSE * shift)))


def roll(points: ArrayLike) -> float:
    """Slope of the line of the eyes in degrees, positive clockwise as seen.

    >>> roll([(30, 30), (60, 60), (30, 60), (20, 70), (40, 90)])
    45.0
    """
    right, left = _five(points)[:2]
    return float(np.degrees(np.arctan2(*(left - right)[::-1])))


def face_points(pixels: Pixels) -> Points | None:
    """The five points (5, 2) of the largest face of a picture, or None. Needs YuNet's file."""
    faces = faces_with_points(pixels, detector("yunet"))
    return _five(faces[0].points) if faces else None


def point_pairs(fake: Tensor, real: Tensor) -> list[tuple[Points, Points] | None]:
    """For each pair of pictures the points (5, 2) of the fake and of the real face, or None.

    The largest face of the real picture, and the one on the fake that is nearest to it.
    """
    fake, real = checked(fake, real)
    find, pairs = detector("yunet"), list[tuple[Points, Points] | None]()
    for index in range(len(fake)):
        made, truth = (
            faces_with_points(pixels_of(side[index].expand(3, -1, -1)), find)
            for side in (fake, real)
        )
        if not (made and truth):
            pairs.append(None)
            continue
        nearest = min(made, key=lambda face: np.hypot(*(_middle(face) - _middle(truth[0]))))
        pairs.append((_five(nearest.points), _five(truth[0].points)))
    return pairs


def _middle(face: Face) -> Points:
    return np.array([face.x + face.w / 2, face.y + face.h / 2])


def _five(points: ArrayLike | None) -> Points:
    """Points of a face, and eyes that are not one."""
    five = np.asarray(points, np.float64)
    if five.shape != (5, 2) or not np.isfinite(five).all() or (five[0] == five[1]).all():
        raise BadData(f"A face has five points (5, 2) and two eyes, but got shape {five.shape}.")
    return five


def _values(fake: Tensor, values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, device=fake.device)
