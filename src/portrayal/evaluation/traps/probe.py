"""Does a translator look where it should? Patches on its input, and what moves elsewhere.

A report's network had learnt to translate only pictures with an app's badge in the bottom left
corner. Two questions find that: cover a corner (the badge goes) and paste a badge into it (the
badge comes); the same is done at random places inside, and only a corner that moves the rest of
the picture much more than those do is a shortcut.

`Translate` answers pictures (H, W, 3) of one size with as many; changes are mean absolute
differences over the pixels further than half a patch from the patch, in levels of 255.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels
from portrayal.core.seeds import numpy_rng
from portrayal.evaluation.progress import Bar, opened

Translate = Callable[[Sequence[Pixels]], Sequence[Pixels]]
Box = tuple[int, int, int]  # top, left, side
CORNERS = ("top left", "top right", "bottom left", "bottom right")
ACTIONS = ("covered", "badge pasted")


@dataclass(frozen=True, eq=False)
class Probed:
    """Changes elsewhere in levels, one row per picture. K corners, M places inside."""

    corners: dict[str, NDArray[np.float64]]  # by action: (N, 4), in the order of CORNERS
    inside: dict[str, NDArray[np.float64]]  # by action: (N, M)
    side: int  # of the patch, in pixels


def occlusion_map(
    translate: Translate,
    pixels: Pixels,
    *,
    patch: int | None = None,
    stride: int | None = None,
) -> NDArray[np.float64]:
    """How much covering each region of the input changes the output elsewhere. (rows, columns)

    The patch, an eighth of the shorter side, has the mean colour of the picture.
    """
    side = patch_side(pixels, patch)
    step = stride or side
    if step < 1:
        raise BadOption(f"A stride of {step} pixels goes nowhere; take {side}.")
    tops, lefts = (_starts(length, side, step) for length in pixels.shape[:2])
    boxes = [(top, left, side) for top in tops for left in lefts]
    changes = _changes(translate, pixels, [(box, None) for box in boxes])
    return np.array(changes).reshape(len(tops), len(lefts))


def badge_probe(
    translate: Translate,
    pictures: Sequence[Pixels],
    badge: Pixels | None = None,
    *,
    patch: int | None = None,
    places: int = 8,
    seed: int = 0,
    bar: Bar | None = None,
) -> Probed:
    """Cover the corners of each picture, and paste a badge there; and at `places` places inside."""
    if len(pictures) < 2:
        raise BadData(f"{len(pictures)} picture has no interval; probe 2 or more.")
    if places < 1:
        raise BadOption(f"{places} places inside are no comparison; take 8.")
    side = patch_side(pictures[0], patch)
    stamp = cv2.resize(
        smiley() if badge is None else badge, (side, side), interpolation=cv2.INTER_AREA
    )
    found: dict[str, list[list[float]]] = {action: [] for action in ACTIONS}
    with opened(bar, "Probing for shortcuts", len(pictures)) as advance:
        for index, pixels in enumerate(pictures):
            patch_side(pixels, side)
            boxes = [*corner_boxes(pixels, side), *_inside(pixels, side, places, seed, index)]
            marked = [(box, mark) for mark in (None, stamp) for box in boxes]
            changes = _changes(translate, pixels, marked)
            for number, action in enumerate(ACTIONS):
                found[action].append(changes[number * len(boxes) :][: len(boxes)])
            advance(1)
    values = {action: np.array(rows) for action, rows in found.items()}
    return Probed(
        {action: rows[:, : len(CORNERS)] for action, rows in values.items()},
        {action: rows[:, len(CORNERS) :] for action, rows in values.items()},
        side,
    )


def _changes(
    translate: Translate, pixels: Pixels, marked: Sequence[tuple[Box, Pixels | None]]
) -> list[float]:
    """How much each mark on a picture changes its translation elsewhere."""
    inputs = [pixels, *(covered(pixels, box, mark) for box, mark in marked)]
    plain, *answers = translate(inputs)
    return [
        change_elsewhere(plain, one, box) for one, (box, _) in zip(answers, marked, strict=True)
    ]


def patch_side(pixels: Pixels, patch: int | None) -> int:
    """The side of the patch in pixels: what was asked for, or an eighth of the shorter side."""
    shorter = min(pixels.shape[:2])
    side = max(2, shorter // 8) if patch is None else patch
    if side < 1 or 4 * side > shorter:
        raise BadOption(
            f"A patch of {side} pixels does not suit pictures of {pixels.shape[1]} x "
            f"{pixels.shape[0]}; take 1 to {shorter // 4}."
        )
    return side


def covered(pixels: Pixels, box: Box, badge: Pixels | None = None) -> Pixels:
    """A copy with a square of its mean colour, or with the badge (side, side, 3)."""
    top, left, side = box
    changed = pixels.copy()
    mean = pixels.reshape(-1, 3).mean(0).round().astype(np.uint8)
    changed[top : top + side, left : left + side] = mean if badge is None else badge
    return changed


def change_elsewhere(before: Pixels, after: Pixels, box: Box) -> float:
    """Mean |difference| further than half a patch from the patch, in levels of 255."""
    if before.shape != after.shape:
        raise BadData(
            f"A translator answered with {after.shape[1]} x {after.shape[0]} pixels after "
            f"{before.shape[1]} x {before.shape[0]}; a probe needs one size."
        )
    top, left, side = box
    margin = side // 2
    far = np.ones(before.shape[:2], np.bool_)
    far[
        max(0, top - margin) : top + side + margin, max(0, left - margin) : left + side + margin
    ] = False
    return float(np.abs(before[far].astype(np.int16) - after[far]).mean())


def corner_boxes(pixels: Pixels, side: int) -> list[Box]:
    """A patch in each corner, in the order of CORNERS."""
    height, width = pixels.shape[:2]
    down, right = height - side, width - side
    return [(0, 0, side), (0, right, side), (down, 0, side), (down, right, side)]


def smiley(side: int = 64) -> Pixels:
    """A yellow face on black: what apps put into corners."""
    badge = np.zeros((side, side, 3), np.uint8)
    middle, unit = (side // 2, side // 2), side / 64
    cv2.circle(badge, middle, round(30 * unit), (255, 205, 60), -1, cv2.LINE_AA)
    for x in (22, 42):
        cv2.circle(badge, (round(x * unit), round(24 * unit)), round(4 * unit), (60, 40, 0), -1)
    axes = (round(16 * unit), round(14 * unit))
    start = (side // 2, round(36 * unit))
    cv2.ellipse(badge, start, axes, 0, 10, 170, (60, 40, 0), max(1, round(4 * unit)))
    return badge


def _inside(pixels: Pixels, side: int, places: int, seed: int, index: int) -> Iterator[Box]:
    """Random patches that keep a patch's distance from the border."""
    rng = numpy_rng(seed, "probe", index)
    height, width = pixels.shape[:2]
    for _ in range(places):
        top, left = (int(rng.integers(side, length - 2 * side + 1)) for length in (height, width))
        yield top, left, side


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where patches begin so that they cover everything; the last one ends at the border."""
    return sorted({*range(0, length - side + 1, step), length - side})
