"""Scores of a picture against its own truth, pixel by pixel, computed in float64.

Shapes: B pictures, C channels (1 or 3), H x W pixels, unit range. Each metric gives one value per
picture, (B,), that depends on no other picture of the batch.
"""

import torch
from torch import Tensor

from portrayal.core.errors import BadData
from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked

WINDOW = 11  # pixels a side, of SSIM's Gaussian
SIGMA = 1.5
MOST_DECIBELS = 100.0


@metrics.described(
    Card(
        better="lower",
        needs="pairs",
        title="L1",
        protocol="mean absolute difference over pixels and RGB, range 0..1",
    )
)
def l1(fake: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference, 0 (equal) to 1. (B,)"""
    fake, real = checked(fake, real)
    return (fake - real).abs().flatten(1).mean(1)


@metrics.described(
    Card(
        better="higher",
        needs="pairs",
        title="PSNR",
        unit="dB",
        protocol="10 log10(1 / MSE) per picture over pixels and RGB, range 0..1, then the mean; "
        "at most 100 dB, which equal pictures get",
    )
)
def psnr(fake: Tensor, real: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibels, at most 100 so that a mean stays finite. (B,)"""
    fake, real = checked(fake, real)
    error = (fake - real).square().flatten(1).mean(1)
    return -10 * error.clamp(min=10 ** (-MOST_DECIBELS / 10)).log10()


@metrics.described(
    Card(
        better="higher",
        needs="pairs",
        title="SSIM",
        protocol="Wang et al. 2004: 11 x 11 Gaussian, sigma 1.5, K 0.01 and 0.03, range 0..1, "
        "border cropped, mean over RGB",
    )
)
def ssim(fake: Tensor, real: Tensor) -> Tensor:
    """Structural similarity, -1 to 1 (equal), of pictures of 11 pixels a side or more. (B,)"""
    fake, real = checked(fake, real)
    if min(fake.shape[2:]) < WINDOW:
        height, width = fake.shape[2:]
        raise BadData(
            f"SSIM needs at least {WINDOW} x {WINDOW} pixels, but these pictures have "
            f"{width} x {height}; leave SSIM out or score larger pictures."
        )
    luminance, contrast = similarity_maps(fake, real)
    return (luminance * contrast).flatten(1).mean(1)


def similarity_maps(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure terms of SSIM where the window fits, (B, C, H-10, W-10).

    Wang et al. 2004, eqs. 6 and 13 with their C3 = C2 / 2; unit range.
    """
    c1, c2 = 0.01**2, 0.03**2
    mean_f, mean_r = blurred(fake), blurred(real)
    variances = blurred(fake * fake + real * real) - mean_f * mean_f - mean_r * mean_r
    covariance = blurred(fake * real) - mean_f * mean_r
    luminance = (2 * mean_f * mean_r + c1) / (mean_f * mean_f + mean_r * mean_r + c1)
    return luminance, (2 * covariance + c2) / (variances + c2)


def blurred(pictures: Tensor) -> Tensor:
    """Gaussian means where the whole window lies inside, (B, C, H, W) -> (B, C, H-10, W-10)."""
    offsets = torch.arange(WINDOW) - WINDOW // 2
    weights = torch.exp(-offsets.double().square() / (2 * SIGMA**2))
    for axis in (2, 3):  # shifted sums: float64 convolutions are slow on a CPU
        length = pictures.shape[axis] - WINDOW + 1
        total = torch.zeros_like(pictures.narrow(axis, 0, length))
        for shift, weight in enumerate((weights / weights.sum()).tolist()):
            total.add_(pictures.narrow(axis, shift, length), alpha=weight)
        pictures = total
    return pictures
