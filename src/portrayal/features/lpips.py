"""LPIPS 0.1 (Zhang et al. 2018) on SqueezeNet: how different two pictures look, as a network.

B pairs of H x W pixels, unit range. A score through metrics/lpips.py, a loss as it is.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from portrayal.core.errors import BadData
from portrayal.features.frozen import Frozen, check_colour, frozen
from portrayal.features.squeezenet import CHANNELS, SqueezeNet, squeezenet1_1

SHIFT = (-0.030, -0.088, -0.188)  # of the published scaling layer, for signed pictures
SCALE = (0.458, 0.448, 0.450)
SMALLEST = 32  # pixels a side: below, the last maps are single pixels


class Head(nn.Module):
    """The weight of each channel of one map, under its published name `model.1.weight`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, 1, h, w)."""
        y: Tensor = self.model(x)
        return y


class Heads(Frozen):
    """One head for each of SqueezeNet's seven maps: lin0 to lin6."""

    def __init__(self) -> None:
        super().__init__()
        for index, channels in enumerate(CHANNELS):
            self.add_module(f"lin{index}", Head(channels))

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Maps (B, CHANNELS[i], h, w) -> the sum of their weighted means, (B,)."""
        parts = [self.get_submodule(f"lin{i}")(x).mean((1, 2, 3)) for i, x in enumerate(maps)]
        return torch.stack(parts).sum(0)


class Lpips(Frozen):
    """The distance of unit pictures (B, 3, H, W), at their own size."""

    def __init__(self, trunk: SqueezeNet, heads: Heads) -> None:
        super().__init__()
        self.trunk, self.heads = trunk, heads
        self.sha256 = f"{trunk.sha256[:32]}{heads.sha256[:32]}"

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """0 (equal) to about 1, (B,)."""
        check_colour(fake)
        if min(fake.shape[2:]) < SMALLEST:
            raise BadData(
                f"LPIPS needs at least {SMALLEST} x {SMALLEST} pixels, but these pictures have "
                f"{fake.shape[3]} x {fake.shape[2]}; leave it out or score larger pictures."
            )
        pairs = zip(self.directions(fake), self.directions(real), strict=True)
        distance: Tensor = self.heads([(one - other).square() for one, other in pairs])
        return distance

    def directions(self, pictures: Tensor) -> list[Tensor]:
        """SqueezeNet's maps with unit length at each pixel (Zhang et al. 2018, eq. 1)."""
        shift, scale = (pictures.new_tensor(values)[:, None, None] for values in (SHIFT, SCALE))
        maps = self.trunk.layers((pictures * 2 - 1 - shift) / scale)
        return [x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10) for x in maps]


def lpips_heads(state: Mapping[str, Tensor]) -> Heads:
    """The published linear heads for SqueezeNet, `linN.model.1.weight`."""
    return frozen(Heads, state)


def lpips(trunk: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> Lpips:
    """LPIPS from SqueezeNet's weights and those of the heads: two unit (B, 3, H, W) -> (B,)."""
    return Lpips(squeezenet1_1(trunk), lpips_heads(heads)).requires_grad_(False).train(False)
