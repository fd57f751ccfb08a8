"""Reconstruction losses: how far a picture is from the truth, pixel by pixel.

Each takes two batches of one shape (B, C, H, W), in any common range, and returns one loss per
picture, shape (B,), in float32 even where the pictures are bfloat16.
"""

import torch
from torch import Tensor

from portrayal.losses import losses


@losses
def l1(fake: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference (Isola et al. 2017, eq. 3), for signed pictures 0..2. (B,)"""
    return _difference(fake, real).abs().flatten(1).mean(1)


@losses
def l2(fake: Tensor, real: Tensor) -> Tensor:
    """Mean squared difference, for signed pictures 0..4. (B,)"""
    return _difference(fake, real).square().flatten(1).mean(1)


def _difference(fake: Tensor, real: Tensor) -> Tensor:
    assert fake.shape == real.shape, (fake.shape, real.shape)  # broadcasting would hide a mistake
    kind = torch.promote_types(torch.promote_types(fake.dtype, real.dtype), torch.float32)
    return fake.to(kind) - real.to(kind)
