"""Picture -> damaged picture, with one knob: strength 0 (changes nothing) to 1 (hardly readable).

Constants are shares of the picture's side, so that a strength means the same at every size. What
is random is fixed by `seed`; callers mix the picture's name into it.
"""

import cv2
import numpy as np

from portrayal.core.errors import BadOption
from portrayal.core.images import Pixels
from portrayal.core.seeds import numpy_rng
from portrayal.filters import filters


@filters
def noise(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """Gaussian noise with a deviation of up to 0.25 of the range."""
    if unchanged(strength):
        return pixels
    drawn = numpy_rng("noise", seed).standard_normal(pixels.shape, np.float32)
    return _rounded(pixels + drawn * (strength * 0.25 * 255))


@filters
def blur(pixels: Pixels, *, strength: float = 0.5) -> Pixels:
    """Gaussian blur of up to 1/32 of the short side."""
    if unchanged(strength):
        return pixels
    sigma = strength * min(pixels.shape[:2]) / 32
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(pixels), (0, 0), sigma), np.uint8)


@filters
def jpeg(pixels: Pixels, *, strength: float = 0.5) -> Pixels:
    """JPEG of quality 90 (just above 0) down to 5."""
    if unchanged(strength):
        return pixels
    quality = round(90 - 85 * strength)
    rows = np.ascontiguousarray(pixels[:, :, ::-1])
    coded = cv2.imencode(".jpg", rows, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    read = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(read, np.uint8)[:, :, ::-1])


@filters
def occlusion(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """A grey rectangle over up to a quarter of the picture, around one drawn place."""
    if unchanged(strength):
        return pixels
    height, width = pixels.shape[:2]
    y, x = numpy_rng("occlusion", seed).random(2) * 0.5 + 0.25
    half = np.sqrt(strength) / 4  # of each side: larger rectangles hold the smaller ones
    top, bottom = round((y - half) * height), round((y + half) * height)
    left, right = round((x - half) * width), round((x + half) * width)
    done = pixels.copy()
    done[top:bottom, left:right] = 128
    return done


@filters
def low_light(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """Down to 1/16 of the light, with the noise of so few photons."""
    if unchanged(strength):
        return pixels
    light = np.float32(16.0**-strength)
    drawn = numpy_rng("low_light", seed).standard_normal(pixels.shape, np.float32)
    dark = pixels / np.float32(255) * light
    grain = np.sqrt(dark) * np.float32(0.03 * strength)  # shot noise grows with the root of light
    return _rounded((dark + drawn * grain) * 255)


@filters
def shift(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """Moved by up to 1/8 of each side in a drawn direction; border pixels are repeated."""
    if unchanged(strength):
        return pixels
    height, width = pixels.shape[:2]
    angle = numpy_rng("shift", seed).random() * 2 * np.pi
    across, down = strength / 8 * width * np.cos(angle), strength / 8 * height * np.sin(angle)
    return _warped(pixels, np.array([[1, 0, across], [0, 1, down]], np.float32))


@filters
def rotation(pixels: Pixels, *, strength: float = 0.5, seed: int = 0) -> Pixels:
    """Turned about its middle by up to 30 degrees, to a drawn side; border pixels are repeated."""
    if unchanged(strength):
        return pixels
    height, width = pixels.shape[:2]
    side = 1 if numpy_rng("rotation", seed).random() < 0.5 else -1
    middle = ((width - 1) / 2, (height - 1) / 2)
    return _warped(pixels, cv2.getRotationMatrix2D(middle, side * 30 * strength, 1))


@filters
def grey(pixels: Pixels, *, strength: float = 0.5) -> Pixels:
    """Less colour, down to none."""
    if unchanged(strength):
        return pixels
    level = (pixels @ np.array([0.299, 0.587, 0.114], np.float32))[:, :, None]
    return _rounded(pixels + np.float32(strength) * (level - pixels))


@filters
def downscale(pixels: Pixels, *, strength: float = 0.5) -> Pixels:
    """Resampled to as little as 1/8 of each side and back."""
    if unchanged(strength):
        return pixels
    height, width = pixels.shape[:2]
    scale = 8.0**-strength
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    less = cv2.resize(np.ascontiguousarray(pixels), small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(less, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


DAMAGES = (noise, blur, jpeg, occlusion, low_light, shift, rotation, grey, downscale)


def unchanged(strength: float) -> bool:
    """Whether the strength is 0; refuses one outside 0..1."""
    if not 0 <= strength <= 1:
        raise BadOption(f"strength is {strength:g}, but must be 0 (no damage) to 1.")
    return strength == 0


def _warped(pixels: Pixels, matrix: "np.typing.NDArray[np.floating]") -> Pixels:
    height, width = pixels.shape[:2]
    moved = cv2.warpAffine(
        np.ascontiguousarray(pixels),
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)


def _rounded(levels: "np.typing.NDArray[np.floating]") -> Pixels:
    return np.asarray(np.round(levels).clip(0, 255), np.uint8)
