"""What the recipes of joint pictures share: the halves, their size, and whether G collapses.

A joint picture is sketch | photo side by side: signed, (B, 3, S, 2S).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from portrayal.core.errors import BadData
from portrayal.networks.joint import SIZES


def joined(sketch: Tensor, photo: Tensor) -> Tensor:
    """Two halves (B, 3, S, S) as joint pictures (B, 3, S, 2S)."""
    return torch.cat([sketch, photo], dim=3)


def halves(joint: Tensor) -> tuple[Tensor, Tensor]:
    """Sketch and photo of joint pictures."""
    sketch, photo = joint.chunk(2, dim=3)
    return sketch, photo


def require_size(shape: Sequence[int], size: int) -> None:
    """Refuse pictures (..., H, W) that these networks cannot take: they end in a fixed size."""
    height, width = shape[-2:]
    if (height, width) == (size, size):
        return
    other = f" (or train with --set size={height})" if height == width and height in SIZES else ""
    raise BadData(
        f"This model takes {size} x {size} pixels, these are {width} x {height}: make pictures "
        f"square, then prepare with --size {size}{other} or translate with --resize."
    )


def diversity(fake: Tensor, real: Tensor) -> Tensor:
    """How far generated pictures differ among each other, as a share of how far real ones do. ()

    1 is as varied as the data, 0 is collapse: one picture again and again. Mean absolute
    difference of neighbours in the batch, which stand in no order.
    """
    with torch.no_grad():
        spread_fake, spread_real = (
            (pictures.float() - pictures.float().roll(1, 0)).abs().mean()
            for pictures in (fake, real)
        )
        return spread_fake / spread_real.clamp(min=1e-6)
