"""The one place where pixels change type, range or layout, and the door to reading and writing.

on disk, in the web app     `Pixels`: NumPy uint8 RGB   (H, W, 3)     0..255
inside networks and losses  float32 tensor, "signed"    (B, 3, H, W)  -1..1
inside metrics and plots    float32 tensor, "unit"      (B, 3, H, W)   0..1

Files become `Pixels` in core/reading.py, `Pixels` become files in core/writing.py, and
core/finding.py says which files are pictures; all of it is imported from here.
torch is imported inside the functions that need it, so that preparing pictures never waits for it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from portrayal.core.finding import SUFFIXES, find_pictures, is_picture_name, stem_of
from portrayal.core.reading import Picture, Pixels, read_exif, read_picture, read_pixels
from portrayal.core.writing import WRITES, encode, encode_png, pixels_hash, read_text

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "SUFFIXES",
    "WRITES",
    "Picture",
    "Pixels",
    "encode",
    "encode_png",
    "find_pictures",
    "is_picture_name",
    "pixels_hash",
    "pixels_of",
    "read_exif",
    "read_picture",
    "read_pixels",
    "read_text",
    "signed",
    "stack",
    "stem_of",
    "unit",
    "unit_of",
]


def signed(pixels: Pixels) -> "Tensor":
    """A picture as float32 (3, H, W) in -1..1."""
    return unit(pixels) * 2 - 1


def unit(pixels: Pixels) -> "Tensor":
    """A picture as float32 (3, H, W) in 0..1."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255


def pixels_of(unit_image: "Tensor") -> Pixels:
    """(3, H, W) in 0..1 -> Pixels, rounded to the nearest level (the reference truncates)."""
    array = unit_image.detach().float().clamp(0, 1).mul(255).round().byte().cpu().numpy()
    return np.ascontiguousarray(array.transpose(1, 2, 0))


def unit_of(signed_image: "Tensor") -> "Tensor":
    """-1..1 -> 0..1, any shape."""
    return (signed_image + 1) / 2


def stack(pictures: Sequence[Pixels]) -> "Tensor":
    """Pictures of one size as a signed batch (B, 3, H, W)."""
    import torch

    return torch.stack([signed(picture) for picture in pictures])
