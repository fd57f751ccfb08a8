"""What the contextual GAN searches for: a z whose joint picture has the known half (sec. 3.3).

Shapes: halves are signed, (B, 3, S, S), joint pictures (P, 3, S, 2S), z (P, latent).
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.losses import losses
from portrayal.losses.contextual import between, log_mass, surplus
from portrayal.losses.reconstruction import l1
from portrayal.networks.folding import folded
from portrayal.recipes.joint import halves

if TYPE_CHECKING:
    from portrayal.recipes.contextual import Config

ROWS = 32  # of a linear layer; oneDNN sums as it does for many from 24 on


@dataclass(frozen=True)
class KnownHalf:
    """The search problem: known halves, and how a z is drawn and judged."""

    config: "Config"
    generator: nn.Module
    discriminator: nn.Module
    known: Tensor  # (B, 3, S, S)
    side: int  # 0: the sketch is known, 1: the photo
    dtype: torch.dtype = torch.float32  # of the networks

    def draw(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The half to compare, and the weighted adversarial cost."""
        joint = self.generator(z.to(self.dtype))
        own = z.new_zeros(len(z))
        if self.config.search_adversarial:
            own = self.config.search_adversarial * disbelief(self.discriminator(joint), self.config)
        return halves(joint)[self.side], own

    def match(self, drawn: Tensor, pictures: Tensor) -> Tensor:
        """Contextual loss against the known halves of these pictures."""
        if self.config.contextual == "l1":
            distance: Tensor = l1(drawn, self.known[pictures])
            return distance
        cost = between(self.weighed(drawn), self.wanted[pictures], self.config.direction)
        if weight := self.config.amount:
            mass, floor = self.config.mass, self.config.floor
            cost = cost + weight * surplus(drawn, self.known[pictures], mass=mass, floor=floor)
        return cost

    @cached_property
    def wanted(self) -> Tensor:
        """The mass of the known halves, which no step changes, (B, S S)."""
        return self.weighed(self.known)

    def weighed(self, pictures: Tensor) -> Tensor:
        """What `kl` compares of pictures (P, 3, S, S): (P, S S)."""
        return log_mass(pictures, self.config.mass, self.config.floor, self.config.blur)

    def quick(self) -> "KnownHalf":
        """The same costs up to rounding, in less time: see networks/folding.py."""
        # channels last: 1.26 times as fast on a CPU, and what tensor cores want; MPS not measured
        last = self.known.device.type in ("cpu", "cuda")
        layout = torch.channels_last if last else torch.contiguous_format
        g, d = (folded(n).to(memory_format=layout) for n in (self.generator, self.discriminator))  # type: ignore[call-overload]
        return replace(self, generator=g, discriminator=d)

    def rough(self) -> "KnownHalf":
        """Costs of a `quick` problem in bfloat16, to walk by and not to judge by."""
        g, d = (deepcopy(n).to(torch.bfloat16) for n in (self.generator, self.discriminator))
        g.apply(pad_rows)
        return replace(self, generator=g, discriminator=d, dtype=torch.bfloat16)


class ManyRows(nn.Module):
    """A linear layer that never sees fewer than ROWS rows.

    With fewer the sums of its gradient are taken in another order, and a walk in bfloat16 never
    forgets it: a picture alone came out up to 11 levels of 256 from the same one among others.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, rows: Tensor) -> Tensor:
        """(B, in) -> (B, out)."""
        padded = F.pad(rows, (0, 0, 0, max(0, ROWS - len(rows))))
        answer: Tensor = self.linear(padded)[: len(rows)]
        return answer


def pad_rows(module: nn.Module) -> None:
    """Make the linear layers that it holds `ManyRows`."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, ManyRows(child))


def disbelief(logits: Tensor, config: "Config") -> Tensor:
    """How little D believes in joint pictures, (P,): -log D, or log(1 - D)."""
    logits = logits.float()
    if config.saturating:
        return -F.softplus(logits).flatten(1).mean(1)
    cost: Tensor = losses[config.adversarial](logits, 1.0, fooling=True)
    return cost
