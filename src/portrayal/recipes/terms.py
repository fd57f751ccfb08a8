"""What the GAN recipes share: weighted terms, labels, and what a discriminator believes.

Pictures are signed, (B, 3, H, W); logits are raw, (B, ...); a term is one value per picture, (B,).
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

import torch
from pydantic import BaseModel, Field
from torch import Tensor

from portrayal.core.errors import BadOption
from portrayal.losses import losses
from portrayal.networks import networks
from portrayal.recipes.wording import Named, arguments

Generator = Annotated[str, Named("generator", networks, lambda n: "out_channels" in arguments(n))]
Discriminator = Annotated[
    str, Named("discriminator", networks, lambda n: "out_channels" not in arguments(n))
]
Adversarial = Annotated[str, Named("adversarial loss", losses, lambda n: "fooling" in arguments(n))]
Share = Annotated[float, Field(ge=0, le=1)]
Mix = Share | tuple[Share, Share]  # a constant, or a line over training
Label = Share | tuple[Share, Share]  # a constant, or a range that every picture draws from
Fooling = Literal["standard", "score_match", "difference"]
Terms = Mapping[str, tuple[float, Callable[[], Tensor]]]  # name -> weight, how to compute it
Model = TypeVar("Model", bound=BaseModel)


def varied(config: Model, **changes: Any) -> Model:
    """The same config but for these fields, checked like any other."""
    return type(config).model_validate({**config.model_dump(), **changes})


def weighed(terms: Terms) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum, and every term unweighted. A term of weight 0 is not computed."""
    values = {name: term().mean() for name, (weight, term) in terms.items() if weight}
    total = sum(terms[name][0] * value for name, value in values.items())
    assert isinstance(total, Tensor), "every term has weight 0"
    return total, values


def refuse_soft_hinge(loss: str, *wanted: Label) -> None:
    """Refuse at the start what the hinge loss would refuse at the first step."""
    if loss == "hinge" and wanted != (1, 0):
        real, fake = (str(w).strip("()").replace(" ", "") for w in wanted)
        raise BadOption(
            f"adversarial=hinge knows no soft labels: real must be 1 and fake 0, got real={real} "
            f"and fake={fake}."
        )


def label(wanted: Label, pictures: int, device: torch.device) -> float | Tensor:
    """The label itself, or one drawn for each picture from its range, (B,)."""
    if not isinstance(wanted, tuple):
        return wanted
    low, high = wanted
    return (low + (high - low) * torch.rand(pictures)).to(device, non_blocking=True)


def scores(logits: Tensor, loss: str) -> Tensor:
    """What a discriminator says in its own measure: probabilities if vanilla, else raw logits."""
    logits = logits.float()
    return torch.sigmoid(logits) if loss == "vanilla" else logits


def probabilities(logits: Tensor, loss: str) -> Tensor:
    """How sure a discriminator is that patches are real, 0 to 1; .5 is undecided.

    LSGAN's outputs are estimates of that probability themselves (Mao et al. 2017, eq. 5 with labels
    0 and 1), but for their range.
    """
    logits = logits.detach().float()
    return logits.clamp(0, 1) if loss == "lsgan" else logits.sigmoid()


def judgement(
    real: Tensor, fake: Tensor, loss: str, wanted: tuple[Label, Label] = (1.0, 0.0)
) -> dict[str, Tensor]:
    """A discriminator's two losses, mean probabilities and accuracies, from its logits."""
    on_real, on_fake = (label(w, len(real), real.device) for w in wanted)
    p_real, p_fake = probabilities(real, loss), probabilities(fake, loss)
    return {
        "loss_D_real": losses[loss](real, on_real).mean(),
        "loss_D_fake": losses[loss](fake, on_fake).mean(),
        "p_real": p_real.mean(),
        "p_fake": p_fake.mean(),
        "acc_real": (p_real > 0.5).float().mean(),
        "acc_fake": (p_fake < 0.5).float().mean(),
    }


def fooling(
    judge: Callable[[Tensor], Tensor], fake: Tensor, truth: Tensor, loss: str, form: Fooling
) -> Tensor:
    """What G wants of D's answer to the fake, (B,). Labels are never soft here.

    standard: the answer 1. score_match: the answer D gives to the truth, which is not moved
    (equation 6 of the second report made well-posed). difference: more than that (GP-GAN's critic).
    """
    answer = judge(fake)
    if form == "standard":
        value: Tensor = losses[loss](answer, 1.0, fooling=True)
        return value
    with torch.no_grad():
        wanted = scores(judge(truth), loss)
    difference = scores(answer, loss) - wanted
    return (difference.abs() if form == "score_match" else -difference).flatten(1).mean(1)
