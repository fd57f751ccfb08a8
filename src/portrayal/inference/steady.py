"""Less flicker: each answer is blended with the one before it, moved as the input frames moved.

The motion is the dense inverse search of Kroeger et al. (2016, arXiv:1603.03590) between the
*inputs*, which do not flicker. A pixel that was hidden before is found by going there and back
(Sundaram et al. 2010, https://doi.org/10.1007/978-3-642-15549-9_32, eq. 5); it is not blended, nor
is one whose input changed. So scene cuts need no care of their own.

flow   (H, W, 2) float32: (x, y) that leads from a pixel to the same thing in another frame
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.images import Pixels

Flow = NDArray[np.float32]  # (H, W, 2)
Plane = NDArray[np.float32]  # (H, W)

STRENGTH = 0.7  # share of the earlier answer where the frames agree
SIDE = 540  # short side at which motion is sought
LEAST = 16  # pixels a side below which no motion is sought: it is taken as none
CHANGED = 24.0  # levels of 255 by which an input, smoothed, may change and still be the same thing


@dataclass(frozen=True)
class Steadied:
    """One frame's answer. The flickers are NaN where there is nothing to compare with."""

    pixels: Pixels
    flicker: float = math.nan  # of the blended answers, see `flicker`
    flicker_before: float = math.nan  # of the answers as the network gave them


@dataclass(frozen=True)
class Before:
    """The frame before: its input, the network's answer, and what was made of it."""

    frame: Pixels
    answer: Pixels
    made: Pixels


def steady(
    pairs: Iterable[tuple[Pixels, Pixels]], strength: float = STRENGTH
) -> Iterator[Steadied]:
    """(input, answer) of frames in order -> the answers, blended; one frame is kept, no more."""
    before: Before | None = None
    for frame, answer in pairs:
        made = steadied(before, frame, answer, strength)
        before = Before(frame, answer, made.pixels)
        yield made


def steadied(
    before: Before | None, frame: Pixels, answer: Pixels, strength: float = STRENGTH
) -> Steadied:
    """One answer blended with the one before it, if that has its size."""
    if before is None or before.frame.shape != frame.shape:
        return Steadied(answer)
    back, seen = motion(before.frame, frame)
    earlier = warped(before.made, back)
    share = (strength * seen)[..., None]
    blended = (1 - share) * answer + share * earlier
    made = blended.round().astype(np.uint8)
    return Steadied(
        made,
        flicker(made, earlier, seen),
        flicker(answer, warped(before.answer, back), seen),
    )


def flicker(answer: Pixels, earlier: NDArray[np.float32], seen: Plane) -> float:
    """Mean difference, in levels of 255, to the answer before, warped; NaN if nothing was seen.

    Only where a thing is in both frames (`seen` above a half): 0 = it keeps its colours.
    """
    both = seen > 0.5
    if not both.any():
        return math.nan
    return float(np.abs(answer.astype(np.float32) - earlier)[both].mean())


def mean_of(values: Iterable[float]) -> float:
    """The mean of those that are numbers; NaN if none is."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def motion(before: Pixels, frame: Pixels) -> tuple[Flow, Plane]:
    """The flow from `frame` back to `before`, and in 0..1 whether what it shows was there."""
    height, width = frame.shape[:2]
    if min(height, width) < LEAST:
        back, there = np.zeros((height, width, 2), np.float32), np.ones((height, width), bool)
    else:
        back, there = both_ways(grey(before), grey(frame))
        back = enlarged(back, width, height)
        there = cv2.resize(there.astype(np.uint8), (width, height)).astype(bool)
    changed = np.abs(smoothed(frame) - warped(smoothed(before), back)).max(axis=2)
    return back, (there * np.clip(2 - changed / CHANGED, 0, 1)).astype(np.float32)


def both_ways(before: Pixels, frame: Pixels) -> tuple[Flow, NDArray[np.bool_]]:
    """Flow from `frame` back to `before`, both (H, W), and where forth and back agree."""
    seeker = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    back: Flow = np.asarray(seeker.calc(frame, before, None), np.float32)
    forth = warped(seeker.calc(before, frame, None), back)
    gap = ((back + forth) ** 2).sum(axis=2)
    size = (back**2).sum(axis=2) + (forth**2).sum(axis=2)
    x, y = places(back)
    height, width = frame.shape
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return back, inside & (gap < 0.01 * size + 0.5)


def places(flow: Flow) -> tuple[Plane, Plane]:
    """Where the flow leads from each pixel, (x, y)."""
    y, x = np.indices(flow.shape[:2], np.float32)
    return x + flow[..., 0], y + flow[..., 1]


def warped(picture: NDArray[np.generic], flow: Flow) -> NDArray[np.float32]:
    """For each pixel, the colours of `picture` (H, W, C) where the flow leads; edges go on."""
    x, y = places(flow)
    values = picture.astype(np.float32)
    return np.asarray(
        cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def grey(frame: Pixels) -> Pixels:
    """(H, W), at most SIDE on the short side."""
    plain = np.asarray(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY), np.uint8)
    factor = SIDE / min(plain.shape)
    if factor >= 1:
        return plain
    size = max(LEAST, round(plain.shape[1] * factor)), max(LEAST, round(plain.shape[0] * factor))
    return np.asarray(cv2.resize(plain, size, interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(flow: Flow, width: int, height: int) -> Flow:
    """A flow that was found at a smaller size, in pixels of the whole one."""
    if flow.shape[:2] == (height, width):
        return flow
    factors = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
    return np.asarray(cv2.resize(flow, (width, height)) * factors, np.float32)


def smoothed(frame: Pixels) -> NDArray[np.float32]:
    """The frame without its noise."""
    return np.asarray(cv2.GaussianBlur(frame.astype(np.float32), (0, 0), 1.5), np.float32)
