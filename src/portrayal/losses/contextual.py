"""Contextual loss: how far the ink of a drawing is from that of another (Lu et al. 2018, sec. 3.3).

Signed pictures (B, C, H, W) become grey, grey becomes mass, mass is divided by its sum: two
distributions over the pixels, which the Kullback-Leibler divergence compares. One loss per picture,
(B,), in float32 even where the pictures are bfloat16.
"""

from typing import Literal

import torch
from torch import Tensor

from portrayal.losses import losses

Direction = Literal["input_generated", "generated_input", "symmetric"]
Mass = Literal["paper", "ink"]


@losses
def kl(
    fake: Tensor,
    real: Tensor,
    *,
    direction: Direction = "input_generated",
    mass: Mass = "paper",
    floor: float = 1e-8,
    blur: float = 0.0,
) -> Tensor:
    """KL(real || fake), KL(fake || real) or their mean; 0 for equal pictures. (B,)

    `floor` is added to the mass of every pixel: without it a saturated pixel is log 0. On white
    paper mass "paper" (the grey level, as in the authors' code) hardly feels the lines. `blur`,
    the deviation of a Gaussian in pixels (ours), spreads the mass first: of two thin lines beside
    each other the nearer one is then the better one, where otherwise both only miss.
    """
    assert fake.shape == real.shape, (fake.shape, real.shape)  # broadcasting would hide a mistake
    made, wanted = (log_mass(each, mass, floor, blur) for each in (fake, real))
    return between(made, wanted, direction)


def between(made: Tensor, wanted: Tensor, direction: Direction) -> Tensor:
    """`kl` of what `log_mass` has made of two pictures, (B, H W). (B,)"""
    if direction == "input_generated":
        return divergence(wanted, made)
    if direction == "generated_input":
        return divergence(made, wanted)
    return (divergence(wanted, made) + divergence(made, wanted)) / 2


def surplus(fake: Tensor, real: Tensor, *, mass: Mass, floor: float) -> Tensor:
    """r - 1 - log r of the ratio r of the masses: what `kl` of shares cannot feel. (B,)

    KL of masses that do not sum to 1 (the I-divergence, Csiszar 1991) is `kl` and this, for each
    unit of mass. A black page has a share of ink everywhere, as a page of fine grain has.
    """
    made, wanted = (amount_of(each, mass).flatten(1).mean(1) + floor for each in (fake, real))
    ratio = made / wanted
    return ratio - 1 - ratio.log()


def log_mass(pictures: Tensor, mass: Mass, floor: float, blur: float = 0.0) -> Tensor:
    """Logarithm of each pixel's share of its picture's mass: signed (B, C, H, W) -> (B, H W)."""
    amount = amount_of(pictures, mass)
    if blur:
        amount = blurred(amount, blur)
    amount = amount.flatten(1) + floor
    return amount.log() - amount.sum(1, keepdim=True).log()


def amount_of(pictures: Tensor, mass: Mass) -> Tensor:
    """Signed pictures (B, C, H, W) -> (B, 1, H, W), 0..1, at least float32."""
    kind = torch.promote_types(pictures.dtype, torch.float32)
    grey = (pictures.to(kind).mean(1, keepdim=True) + 1) / 2
    return (grey if mass == "paper" else 1 - grey).clamp(min=0)


def blurred(planes: Tensor, deviation: float) -> Tensor:
    """(B, 1, H, W) under a Gaussian cut off at three deviations; around the planes is nothing.

    As products with a band matrix: of one channel that is faster than a convolution.
    """
    rows, columns = (bell(side, deviation).to(planes) for side in planes.shape[2:])
    return rows @ planes @ columns


def bell(side: int, deviation: float) -> Tensor:
    """(side, side): what a pixel of a row gives to each of its places."""
    places = torch.arange(side, dtype=torch.float64)
    away = (places[:, None] - places).abs()
    reach = max(1, round(3 * deviation))
    far = torch.arange(-reach, reach + 1, dtype=torch.float64)
    whole = (-(far**2) / (2 * deviation**2)).exp().sum()
    return torch.where(away <= reach, (-(away**2) / (2 * deviation**2)).exp() / whole, 0)


def divergence(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p || q) of logarithms of distributions, (B, N). (B,)"""
    return (log_p.exp() * (log_p - log_q)).sum(1)
