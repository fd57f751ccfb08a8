"""Photo -> drawing in grey. Filters return `Pixels` with three equal channels."""

import cv2
import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels
from portrayal.filters import filters

Grey = NDArray[np.uint8]  # (H, W)


@filters
def pencil(pixels: Pixels, *, kernel: int = 21) -> Pixels:
    """Pencil by colour dodge: grey / (its Gaussian blur of `kernel` pixels); flat areas are white.

    The same as: invert, blur, invert, divide at scale 256. Black stays black.
    """
    return _three(_dodge(_grey(pixels), kernel))


@filters
def xdog(
    pixels: Pixels,
    *,
    sigma: float = 1.0,
    p: float = 14,
    k: float = 1.6,
    epsilon: float = 0.4,
    phi: float = 10,
) -> Pixels:
    """Ink drawing: lines and black areas. See `xdog_of` for the constants."""
    drawing = xdog_of(_toned(_grey(pixels)), sigma, p, k, epsilon, phi)
    return _three(np.round(drawing * 255).astype(np.uint8))


@filters
def photocopy(
    pixels: Pixels, *, sigma: float = 4, threshold: float = 0.03, soft: float = 0.05
) -> Pixels:
    """Photocopy: ink where a picture is darker than its blur of `sigma` pixels; areas stay white.

    threshold: how much darker, as a share of the range; soft: how much more until the ink is black.
    """
    _positive(sigma=sigma, soft=soft)
    if not 0 <= threshold <= 1:
        raise BadOption(f"threshold is {threshold:g}, but must be 0 to 1.")
    grey = _toned(_grey(pixels))
    darker = cv2.GaussianBlur(grey, (0, 0), sigma) - grey
    ink = ((darker - threshold) / soft).clip(0, 1)
    return _three(np.round((1 - ink) * 255).astype(np.uint8))


@filters
def edges(
    pixels: Pixels, *, sigma: float = 1.4, low: float = 30, high: float = 80, width: int = 1
) -> Pixels:
    """Edges: black lines of one tone on white (Canny 1986), `width` pixels wide.

    sigma: of the blur before; low, high: slope in levels at which a line goes on, and begins.
    """
    _positive(sigma=sigma, low=low)
    if high < low:
        raise BadOption(f"high is {high:g}, but must be at least low, {low:g}.")
    if not 1 <= width <= 32:
        raise BadOption(f"width is {width}, but must be 1 to 32 pixels.")
    smooth = cv2.GaussianBlur(_grey(pixels), (0, 0), sigma)
    lines = cv2.Canny(smooth, low, high, L2gradient=True)
    return _three(np.asarray(255 - cv2.dilate(lines, np.ones((width, width), np.uint8)), np.uint8))


def xdog_of(
    grey: NDArray[np.float32], sigma: float, p: float, k: float, epsilon: float, phi: float
) -> NDArray[np.float32]:
    """Extended difference of Gaussians, (H, W) in 0..1 -> (H, W) in 0..1, 1 is paper.

    D = (1 + p) G_sigma - p G_(k sigma); 1 where D >= epsilon, else 1 + tanh(phi (D - epsilon)).
    Flat areas have D = grey, so `epsilon` is the tone below which an area is inked.
    """
    if sigma <= 0 or k <= 1:
        raise BadOption(f"sigma is {sigma:g} and k is {k:g}, but must be above 0 and above 1.")
    fine = cv2.GaussianBlur(grey, (0, 0), sigma)
    coarse = cv2.GaussianBlur(grey, (0, 0), k * sigma)
    sharp = (1 + p) * fine - p * coarse
    inked = 1 + np.tanh(phi * (sharp - epsilon))
    return np.where(sharp >= epsilon, 1, inked).astype(np.float32)


def drawn_lines(
    grey: Grey, *, sigma: float = 1.2, p: float = 18, epsilon: float = 0.65, phi: float = 4
) -> NDArray[np.float32]:
    """XDoG lines alone, without inked areas: tones are levelled by a dodge first. 1 is paper."""
    level = _toned(_dodge(grey, 41))
    return xdog_of(level, sigma, p, 1.6, epsilon, phi)


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value <= 10_000:
            raise BadOption(f"{name} is {value:g}, but must be above 0.")


def _dodge(grey: Grey, kernel: int) -> Grey:
    if kernel < 3 or kernel % 2 == 0:
        raise BadOption(f"kernel is {kernel}, but must be an odd number from 3.")
    blurred = 255 - cv2.GaussianBlur(255 - grey, (kernel, kernel), 0)
    return np.asarray(cv2.divide(grey, blurred, scale=256), np.uint8)


def _grey(pixels: Pixels) -> Grey:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), np.uint8)


def _toned(grey: Grey) -> NDArray[np.float32]:
    return np.asarray(grey / 255, np.float32)


def _three(grey: Grey) -> Pixels:
    return np.repeat(grey[:, :, None], 3, axis=2)
