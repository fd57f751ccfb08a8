"""A residual discriminator of pictures, after StyleGAN2's (Karras et al. 2020): v6's judge.

Shapes: B pictures, C channels, H x W pixels; four blocks, each halving H and W.
"""

import math

from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.networks import networks
from portrayal.networks.blocks import at_least_one, norm_layer

SLOPE = 0.2  # of the LeakyReLU


class Halving(nn.Module):
    """Two 3 x 3 convolutions and, added to them, the input shrunk to half."""

    def __init__(self, channels: int, width: int, *, norm: str) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            norm_layer(norm, channels),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(channels, width, 3, stride=2, padding=1),
            norm_layer(norm, width),
            nn.LeakyReLU(SLOPE, inplace=True),
        )
        self.skip = nn.Conv2d(channels, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (B, channels, H, W)
        """(B, width, H/2, W/2), the sum of both at the variance of one."""
        y: Tensor = self.layers(x) + self.skip(F.avg_pool2d(x, 2))
        return y / math.sqrt(2)


class Residual(nn.Module):
    """Blocks in a row, and a head that judges every patch."""

    def __init__(self, in_channels: int, width: int, *, norm: str) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(in_channels, width, 1), nn.LeakyReLU(SLOPE, inplace=True)
        )
        outer = [1, 1, 2, 4]
        self.blocks = nn.ModuleList(
            Halving(factor * width, after * width, norm=norm)
            for factor, after in zip(outer, [*outer[1:], 8], strict=True)
        )
        self.near_last = nn.Sequential(
            nn.Conv2d(8 * width, 8 * width, 3, padding=1), nn.LeakyReLU(SLOPE, inplace=True)
        )
        self.last = nn.Conv2d(8 * width, 1, 1)

    def forward(self, picture: Tensor, layer: int = 0) -> Tensor:  # (B, C, H, W)
        """Raw logits (B, 1, H/16, W/16), or the features `layer` steps before them."""
        seen = [x := self.first(picture)]
        for block in self.blocks:
            seen.append(x := block(x))
        seen.append(x := self.near_last(x))
        answer: Tensor = seen[-layer] if layer else self.last(x)
        return answer


@networks
def residual(in_channels: int = 3, *, width: int = 64, norm: str = "instance") -> Residual:
    """A logit per 16 x 16 pixels: (B, C, 128, 128) -> (B, 1, 8, 8). First weights of He et al."""
    at_least_one(in_channels=in_channels, width=width)
    network = Residual(in_channels, width, norm=norm)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
