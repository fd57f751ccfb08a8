"""The colour of a face's skin, measured from pixels: its tone (ITA) and how a translation moves it.

Shapes: B pictures, C channels (1 or 3), H x W pixels, unit range. Where to measure is decided on
the second picture alone (a truth or an input) and used for both, so that a translation cannot
choose its own skin. NaN: no face, or under LEAST pixels of it look like skin.
ITA of a photograph without a colour chart depends on its light: it sorts pictures, not people.
"""

from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from portrayal.core.images import pixels_of
from portrayal.features.faces import detector, find_faces
from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked
from portrayal.metrics.semantic import lab

LEAST = 100  # skin pixels, from which a median is worth something
CR, CB = (133, 173), (77, 127)  # skin of any lightness, 8 bits; greys have 128 and 128
TONES = {  # lower bound of the ITA in degrees, which itself belongs to the tone below
    "very light": 55.0,
    "light": 41.0,
    "intermediate": 28.0,
    "tan": 10.0,
    "brown": -30.0,
    "dark": -np.inf,
}
UNKNOWN = "unknown"
PLACE = (
    f"median over skin pixels (Cr {CR[0]}..{CR[1]}, Cb {CB[0]}..{CB[1]}) in the largest face "
    "(Haar) of the truth or input, both pictures at the same pixels"
)
MISSING = f"no face found, or under {LEAST} pixels of it look like skin"


@metrics.described(
    Card(
        better="lower",
        needs="pairs",
        title="Skin tone shift",
        unit="degrees",
        protocol=f"|difference of ITA|, CIELAB D65; {PLACE}",
        missing=MISSING,
    )
)
def skin_tone_shift(fake: Tensor, real: Tensor) -> Tensor:
    """How far the individual typology angle moved, whichever way, in degrees; 0 for equal. (B,)"""
    return signed_shift(fake, real).abs()


@metrics.described(
    Card(
        better="lower",
        needs="pairs",
        title="Skin colour difference",
        protocol=f"CIEDE2000 between the median colours, CIELAB D65; {PLACE}",
        missing=MISSING,
    )
)
def skin_colour_difference(fake: Tensor, real: Tensor) -> Tensor:
    """How different the skin looks; about 1 is just visible side by side, 0 for equal. (B,)"""
    made, true = skin_colours(fake, real)
    return ciede2000(made, true)


def signed_shift(fake: Tensor, real: Tensor) -> Tensor:
    """ITA(fake) - ITA(real) in degrees: above 0 where the translation is lighter. (B,)"""
    made, true = skin_colours(fake, real)
    return ita(made) - ita(true)


def skin_colours(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Median CIELAB of both at the skin of `real`, (B, 3) each; NaN where it has none."""
    fake, real = checked(fake, real)
    colours = fake.new_full((2, len(fake), 3), torch.nan)
    for index in range(len(fake)):
        skin = skin_of(real[index])
        for side, pictures in enumerate((fake, real)):
            colours[side, index] = median_colour(pictures[index], skin)
    return colours[0], colours[1]


def median_colour(picture: Tensor, skin: Tensor) -> Tensor:
    """Median CIELAB, channel by channel, of a picture (C, H, W) where `skin` (H, W) is. (3,)"""
    if int(skin.sum()) < LEAST:
        return torch.full((3,), torch.nan, dtype=torch.float64, device=picture.device)
    seen = lab(picture.double().expand(3, -1, -1)[:, skin].T)  # (pixels, 3)
    return torch.from_numpy(np.median(seen.cpu().numpy(), axis=0)).to(picture.device)


def tone_name(angle: float) -> str:
    """The tone of an ITA in degrees.

    >>> tone_name(55.1), tone_name(55), tone_name(-30), tone_name(float("nan"))
    ('very light', 'light', 'brown', 'unknown')
    """
    if np.isnan(angle):
        return UNKNOWN
    if angle == TONES["brown"]:
        return "brown"  # dark is below -30
    return next(name for name, bound in TONES.items() if angle > bound)


def ita(colours: Tensor) -> Tensor:
    """Individual typology angle atan((L* - 50) / b*) in degrees of CIELAB (..., 3) -> (...).

    By the two-argument arctangent, which says the same for b* > 0 (all usual skin) and goes on
    smoothly where bluish light turns b* to 0 and below.
    """
    return torch.rad2deg(torch.atan2(colours[..., 0] - 50, colours[..., 2]))


def skin_of(picture: Tensor) -> Tensor:
    """Where one picture (C, H, W) shows the skin of its largest face. (H, W) bool"""
    pixels = pixels_of(picture.expand(3, -1, -1))
    found = _skin_of(pixels.tobytes(), pixels.shape[0])
    return torch.from_numpy(found.copy()).to(picture.device)


@lru_cache(maxsize=64)  # one truth is asked for by two metrics, of its translation and its input
def _skin_of(content: bytes, height: int) -> NDArray[np.bool_]:
    pixels = np.frombuffer(content, np.uint8).reshape(height, -1, 3)
    inside = np.zeros(pixels.shape[:2], np.bool_)
    for face in find_faces(pixels, detector("haar"))[:1]:
        inside[face.y : face.y + face.h, face.x : face.x + face.w] = True
    _, cr, cb = np.moveaxis(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb), 2, 0)
    coloured = (CR[0] <= cr) & (cr <= CR[1]) & (CB[0] <= cb) & (cb <= CB[1])
    return np.asarray(inside & coloured, np.bool_)


def ciede2000(one: Tensor, two: Tensor) -> Tensor:
    """Colour difference of CIELAB colours (..., 3), (..., 3) -> (...).

    Sharma, Wu and Dalal 2005, eqs. 2-22, with all parametric weights 1.
    """
    (l1, a1, b1), (l2, a2, b2) = one.unbind(-1), two.unbind(-1)
    stretch = 1 + 0.5 * (1 - _saturation((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    h1, h2 = (torch.rad2deg(torch.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    chromatic = (c1 * c2) > 0  # a grey has no hue
    turn = torch.where(chromatic, (h2 - h1 + 180) % 360 - 180, 0)
    far = (h1 - h2).abs() > 180
    mean_h = torch.where(chromatic, (h1 + h2) / 2 + 180 * far, h1 + h2) % 360
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    d_hue = 2 * (c1 * c2).sqrt() * torch.sin(torch.deg2rad(turn) / 2)
    hue_weight = 1 - 0.17 * _cos(mean_h - 30) + 0.24 * _cos(2 * mean_h)
    hue_weight = hue_weight + 0.32 * _cos(3 * mean_h + 6) - 0.20 * _cos(4 * mean_h - 63)
    off = (mean_l - 50).square()
    light = (l2 - l1) / (1 + 0.015 * off / (20 + off).sqrt())
    chroma = (c2 - c1) / (1 + 0.045 * mean_c)
    hue = d_hue / (1 + 0.015 * mean_c * hue_weight)
    blue = 60 * torch.exp(-((mean_h - 275) / 25).square())
    rotation = -2 * _saturation(mean_c) * torch.sin(torch.deg2rad(blue))
    squared = light.square() + chroma.square() + hue.square() + rotation * chroma * hue
    return squared.clamp(min=0).sqrt()


def _saturation(chroma: Tensor) -> Tensor:
    return (chroma**7 / (chroma**7 + 25.0**7)).sqrt()


def _cos(degrees: Tensor) -> Tensor:
    return torch.cos(torch.deg2rad(degrees))
