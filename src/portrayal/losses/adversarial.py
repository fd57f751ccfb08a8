"""Adversarial losses: how far a discriminator's answer is from the answer we want.

Each takes the discriminator's raw logits, shape (B, ...), and the wanted answer, 1 = real and
0 = fake, and returns one loss per picture, shape (B,), in float32 even where logits are bfloat16.
A soft label is just another wanted answer, for all pictures (0.9) or for each (a tensor (B,)).

The discriminator wants 1 of the real and 0 of the fake; the generator wants 1 of the fake and says
`fooling=True`, which matters only where its side of the game is another function (hinge).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from portrayal.core.errors import BadOption
from portrayal.losses import losses


@losses
def vanilla(logits: Tensor, wanted: float | Tensor, *, fooling: bool = False) -> Tensor:
    """Binary cross-entropy (Goodfellow et al. 2014, eq. 1), for G its non-saturating form. (B,)"""
    logits = _precise(logits)
    target = _answers(wanted, logits)
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").flatten(1).mean(1)


@losses
def lsgan(logits: Tensor, wanted: float | Tensor, *, fooling: bool = False) -> Tensor:
    """Squared distance (Mao et al. 2017, eq. 2) without its halves. CycleGAN's default. (B,)"""
    logits = _precise(logits)
    return (logits - _answers(wanted, logits)).square().flatten(1).mean(1)


@losses
def hinge(logits: Tensor, wanted: float | Tensor, *, fooling: bool = False) -> Tensor:
    """Distance to the right side of a margin of 1; the generator goes on beyond it. (B,)

    Knows only real and fake, no answer between them (Lim and Ye 2017; Miyato et al. 2018).
    """
    if isinstance(wanted, Tensor) or wanted not in (0, 1):
        raise BadOption(f"hinge knows no soft labels, got {wanted}; use 0 and 1, vanilla or lsgan.")
    margin = _precise(logits) * (2 * wanted - 1)
    loss = -margin if fooling else F.relu(1 - margin)
    return loss.flatten(1).mean(1)


def _precise(logits: Tensor) -> Tensor:
    """At least float32, so that a mean over patches keeps its digits under autocast."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _answers(wanted: float | Tensor, logits: Tensor) -> Tensor:
    """The wanted answer in the shape of the logits, from one number or one per picture (B,)."""
    if isinstance(wanted, Tensor):
        wanted = wanted.to(logits).reshape(-1, *[1] * (logits.dim() - 1))
        return wanted.expand_as(logits)
    return torch.full_like(logits, wanted)
