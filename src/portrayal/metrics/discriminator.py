"""What a discriminator makes of real pictures and translations, from its logits.

Logits: (B,), or maps (B, 1, h, w) with one per patch; a logit of 0 is undecided. One value per
picture comes out, (B,), so that statistics.bootstrap_mean gives the interval. Probabilities have a
meaning only for a discriminator trained with cross-entropy ("vanilla"); LSGAN's outputs are none.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from portrayal.core.errors import BadData


def judgement(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """Probabilities of being real, losses and accuracies, each (B,); the names are log.jsonl's.

    Undecided is p .5, accuracy .5 and loss log 2. A discriminator that always wins shows p_real
    near 1 and p_fake near 0, and the two losses near 0: four series, not two.
    """
    return {
        "p_real": p_real(real),
        "p_fake": p_real(fake),
        "loss_D_real": cross_entropy(real, real=True),
        "loss_D_fake": cross_entropy(fake, real=False),
        "accuracy_real": accuracy(real, real=True),
        "accuracy_fake": accuracy(fake, real=False),
    }


def p_real(logits: Tensor, game: str = "vanilla") -> Tensor:
    """Mean probability of the patches of a picture to be real, 0 to 1. (B,)

    LSGAN's outputs are estimates of it themselves (labels 0 and 1), but for their range.
    """
    patches = _patches(logits)
    return (patches.clamp(0, 1) if game == "lsgan" else patches.sigmoid()).mean(1)


def accuracy(logits: Tensor, *, real: bool, game: str = "vanilla") -> Tensor:
    """Share of the patches of a picture judged rightly, the undecided as half. (B,)"""
    over = _patches(logits) - (0.5 if game == "lsgan" else 0.0)
    sides = over.sign() if real else -over.sign()
    return (sides.mean(1) + 1) / 2


def cross_entropy(logits: Tensor, *, real: bool) -> Tensor:
    """Mean of -log p(right answer) over the patches of a picture, in nats. (B,)"""
    patches = _patches(logits)
    return F.softplus(-patches if real else patches).mean(1)


def _patches(logits: Tensor) -> Tensor:
    """One row of float64 logits per picture."""
    if not logits.is_floating_point() or logits.dim() == 0 or 0 in logits.shape[1:]:
        kind = str(logits.dtype).removeprefix("torch.")
        raise BadData(
            f"Logits have shape {tuple(logits.shape)} and type {kind}, but float (B, ...) is "
            "needed; hand over what the discriminator returned."
        )
    if bool(torch.isnan(logits).any()):
        raise BadData(f"{int(torch.isnan(logits).sum())} logits are NaN; the training broke down.")
    return logits.detach().double().reshape(len(logits), -1)
