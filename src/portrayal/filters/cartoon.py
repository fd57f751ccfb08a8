"""Photo -> cartoon. Constants are in pixels, so filter at the working size, then resize.

`cartoon` is Beyeler's cartoonizer (OpenCV blueprints, ch. 1), `cartoon_perturbed` the same with
other constants, `cartoon_poster` another kind of algorithm: few colours and drawn lines.
"""

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels
from portrayal.core.seeds import numpy_rng
from portrayal.filters import filters
from portrayal.filters.sketch import drawn_lines

Method = Literal["mean", "gaussian"]


@filters
def cartoon(
    pixels: Pixels,
    *,
    levels: int = 2,
    bilateral_repeats: int = 7,
    d: int = 9,
    sigma_color: float = 9,
    sigma_space: float = 7,
    median: int = 7,
    block: int = 9,
    c: float = 2,
    method: Method = "mean",
) -> Pixels:
    """Smooth colours with black edges: bilateral filters on a small copy, adaptive threshold.

    levels: halvings of the copy; d, sigma_color, sigma_space: of each bilateral filter; median,
    block, c, method: of the edges (`c` levels below the mean of `block` pixels around).
    """
    _check(levels=levels, bilateral_repeats=bilateral_repeats, d=d)
    _check_odd(median=median, block=block)
    colour = _smooth(pixels, levels, bilateral_repeats, (d, sigma_color, sigma_space))
    paper = _paper(pixels, median, block, c, method)
    return np.asarray(cv2.bitwise_and(colour, cv2.merge([paper] * 3)), np.uint8)


@filters
def cartoon_perturbed(
    pixels: Pixels,
    *,
    levels: int = 1,
    bilateral_repeats: int = 14,
    d: int = 9,
    sigma_color: float = 9,
    sigma_space: float = 7,
    median: int = 5,
    block: int = 11,
    c: float = 4,
    method: Method = "gaussian",
) -> Pixels:
    """`cartoon` with other constants: a style that a translator trained on it has not seen."""
    done: Pixels = cartoon(
        pixels,
        levels=levels,
        bilateral_repeats=bilateral_repeats,
        d=d,
        sigma_color=sigma_color,
        sigma_space=sigma_space,
        median=median,
        block=block,
        c=c,
        method=method,
    )
    return done


@filters
def cartoon_poster(
    pixels: Pixels, *, colours: int = 10, lines: float = 0.8, smoothing: int = 4
) -> Pixels:
    """Flat areas of `colours` colours (k-means in CIELAB) under XDoG lines of strength 0..1."""
    if not 2 <= colours <= 256:
        raise BadOption(f"colours is {colours}, but must be 2 to 256.")
    if not 0 <= lines <= 1:
        raise BadOption(f"lines is {lines:g}, but must be 0 (no lines) to 1 (black lines).")
    _check(smoothing=smoothing)
    smooth = _smooth(pixels, 0, smoothing, (7, 24, 5))
    lab = cv2.cvtColor(smooth.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    palette = _palette(lab, colours)  # (K, 3)
    flat = palette[_nearest(lab, palette)]  # (H, W, 3)
    rgb = np.asarray(cv2.cvtColor(flat, cv2.COLOR_LAB2RGB), np.float32)
    ink = np.float32(lines) * (
        1 - drawn_lines(cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY))
    )  # (H, W) in 0..1
    return np.asarray(np.round(rgb * (1 - ink[:, :, None]) * 255).clip(0, 255), np.uint8)


def _smooth(
    pixels: Pixels, levels: int, repeats: int, bilateral: tuple[int, float, float]
) -> Pixels:
    """Bilateral filters on a copy halved `levels` times, brought back to the size of `pixels`."""
    small = np.ascontiguousarray(pixels)
    for _ in range(levels):
        small = cv2.pyrDown(small)
    for _ in range(repeats):
        small = cv2.bilateralFilter(small, *bilateral)
    for _ in range(levels):
        small = cv2.pyrUp(small)
    height, width = pixels.shape[:2]
    if small.shape[:2] != (height, width):  # sides that are no multiple of 2**levels
        small = cv2.resize(small, (width, height))
    return np.asarray(small, np.uint8)


def _paper(pixels: Pixels, median: int, block: int, c: float, method: Method) -> Any:
    """(H, W): 255 on paper, 0 on edges."""
    kinds = {"mean": cv2.ADAPTIVE_THRESH_MEAN_C, "gaussian": cv2.ADAPTIVE_THRESH_GAUSSIAN_C}
    if method not in kinds:
        raise BadOption(f"method is {method!r}, but must be 'mean' or 'gaussian'.")
    grey = cv2.medianBlur(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), median)
    return cv2.adaptiveThreshold(grey, 255, kinds[method], cv2.THRESH_BINARY, block, c)


def _palette(lab: NDArray[np.float32], colours: int, rounds: int = 12) -> NDArray[np.float32]:
    """k-means centres (K, 3), found on at most 64 x 64 points; the same picture gives the same."""
    height, width = lab.shape[:2]
    small = cv2.resize(lab, (min(width, 64), min(height, 64)), interpolation=cv2.INTER_AREA)
    points = small.reshape(-1, 3)
    centres = _spread(points, colours)
    for _ in range(rounds):
        owner = _nearest(points[None], centres)[0]
        for index in range(len(centres)):
            if (mine := owner == index).any():
                centres[index] = points[mine].mean(axis=0)
    return centres


def _spread(points: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """First centres by k-means++ (Arthur and Vassilvitskii 2007) with a fixed seed."""
    rng = numpy_rng("cartoon_poster")
    chosen = [points[len(points) // 2]]
    distance = np.square(points - chosen[0]).sum(axis=1)
    while len(chosen) < count and distance.max() > 1e-6:
        reach = np.cumsum(distance, dtype=np.float64)
        index = int(np.searchsorted(reach, rng.random() * reach[-1], side="right"))
        chosen.append(points[min(index, len(points) - 1)])
        distance = np.minimum(distance, np.square(points - chosen[-1]).sum(axis=1))
    return np.stack(chosen)


def _nearest(lab: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.intp]:
    """(H, W, 3), (K, 3) -> index of the nearest centre (H, W), without an (H, W, K) array."""
    best = np.full(lab.shape[:2], np.inf, np.float32)
    owner = np.zeros(lab.shape[:2], np.intp)
    for index, centre in enumerate(centres):
        distance = np.square(lab - centre).sum(axis=2)
        closer = distance < best
        owner[closer] = index
        best = np.minimum(best, distance)
    return owner


def _check(**counts: int) -> None:
    for name, value in counts.items():
        if not 0 <= value <= 100:
            raise BadOption(f"{name} is {value}, but must be 0 to 100.")


def _check_odd(**sizes: int) -> None:
    for name, value in sizes.items():
        if value < 3 or value % 2 == 0:
            raise BadOption(f"{name} is {value}, but must be an odd number from 3.")
