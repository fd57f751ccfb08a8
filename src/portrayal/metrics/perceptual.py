"""Scores of a picture against its own truth that follow the eye further than one window does."""

import torch
from torch import Tensor
from torch.nn import functional as F

from portrayal.core.errors import BadData
from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked
from portrayal.metrics.pixel import WINDOW, similarity_maps

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, finest first


@metrics.described(
    Card(
        better="higher",
        needs="pairs",
        title="MS-SSIM",
        protocol="Wang et al. 2003: SSIM's window on 5 scales, halved by 2 x 2 means, range 0..1, "
        "border cropped, negative terms as 0, mean over RGB",
    )
)
def ms_ssim(fake: Tensor, real: Tensor) -> Tensor:
    """Multi-scale structural similarity, 0 to 1 (equal), from 176 pixels a side. (B,)

    Wang, Simoncelli and Bovik 2003, eq. 7: the luminance of the coarsest scale only.
    """
    fake, real = checked(fake, real)
    height, width = fake.shape[2:]
    smallest = WINDOW * 2 ** (len(WEIGHTS) - 1)
    if min(height, width) < smallest:
        raise BadData(
            f"MS-SSIM needs at least {smallest} x {smallest} pixels for its {len(WEIGHTS)} scales, "
            f"but these pictures have {width} x {height}; use ssim."
        )
    product = torch.ones_like(fake[:, :, 0, 0])  # (B, C)
    for scale, weight in enumerate(WEIGHTS, start=1):
        luminance, contrast = similarity_maps(fake, real)
        terms = luminance * contrast if scale == len(WEIGHTS) else contrast
        product = product * terms.mean((2, 3)).clamp(min=0) ** weight
        fake, real = F.avg_pool2d(fake, 2), F.avg_pool2d(real, 2)
    return product.mean(1)
