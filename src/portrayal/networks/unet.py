"""U-Net generators of pix2pix (Isola et al. 2017, sec. 6.1.1), signed pictures in and out.

Shapes: B pictures, C channels, H x W pixels. Every level halves H and W on the way down, so both
must be multiples of 2 ** levels. Layer by layer the networks are those of the reference (junyanz's
pytorch-CycleGAN-and-pix2pix), and their parameters come in the same order.
"""

import torch
from torch import Tensor, nn

from portrayal.core.errors import BadOption
from portrayal.networks import networks
from portrayal.networks.blocks import (
    Double,
    Halve,
    at_least_one,
    has_bias,
    initialise,
    norm_layer,
)


class Level(nn.Module):
    """One U-Net level: halve, run `inside`, double, and lay the input beside the result."""

    def __init__(
        self, outer: int, inner: int, inside: nn.Module | None, *, norm: str, dropout: float
    ) -> None:
        super().__init__()
        bottom = inside is None  # 1 x 1 pixel: normalising it would erase it
        bias = has_bias(norm)
        self.down = nn.Sequential(
            nn.LeakyReLU(0.2),
            Halve(outer, inner, bias=bias),
            nn.Identity() if bottom else norm_layer(norm, inner),
        )
        self.inside = inside or nn.Identity()
        below = inner if bottom else 2 * inner
        self.up = nn.Sequential(
            nn.ReLU(inplace=True),
            Double(below, outer, bias=bias),
            norm_layer(norm, outer),
            nn.Dropout(dropout) if dropout else nn.Identity(),
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, outer, H, W)
        """The input with what the lower levels made of it, (B, 2 outer, H, W)."""
        y = self.down(x)  # (B, inner, H/2, W/2)
        y = self.inside(y)  # (B, 2 inner, H/2, W/2), or (B, inner, H/2, W/2) at the bottom
        y = self.up(y)  # (B, outer, H, W)
        # The reference lays leaky(x) here; the next layer is a ReLU, and relu(leaky(x)) = relu(x).
        return torch.cat([x, y], dim=1)  # (B, 2 outer, H, W)


class UNet(nn.Module):
    """A picture through nested levels and back, halved `levels` times on the way."""

    def __init__(
        self, in_channels: int, out_channels: int, widths: list[int], *, norm: str, dropout: float
    ) -> None:
        super().__init__()
        self.levels = len(widths)
        inside: Level | None = None
        for depth in range(self.levels - 1, 0, -1):  # from the bottom to the top
            outer, inner = widths[depth - 1], widths[depth]
            # noise for the levels between the bottom and the first four, all of the full width
            noisy = 4 <= depth < self.levels - 1
            inside = Level(outer, inner, inside, norm=norm, dropout=dropout if noisy else 0.0)
        self.first = Halve(in_channels, widths[0], bias=has_bias(norm))
        self.inside = inside or nn.Identity()
        self.last = nn.Sequential(
            nn.ReLU(inplace=True),
            Double(2 * widths[0], out_channels, bias=True),
            nn.Tanh(),
        )

    def forward(self, source: Tensor) -> Tensor:  # (B, C, H, W) signed
        """The translation, (B, out_channels, H, W) signed."""
        x = self.first(source)  # (B, width, H/2, W/2)
        x = self.inside(x)  # (B, 2 width, H/2, W/2)
        fake: Tensor = self.last(x)  # (B, out_channels, H, W) signed
        return fake


@networks
def unet_256(
    in_channels: int = 3,
    out_channels: int = 3,
    *,
    width: int = 64,
    norm: str = "batch",
    dropout: float = 0.5,
) -> UNet:
    """Eight levels, for pictures of 256 pixels and their multiples; 54,413,955 parameters."""
    return _unet(8, in_channels, out_channels, width, norm, dropout)


@networks
def unet_128(
    in_channels: int = 3,
    out_channels: int = 3,
    *,
    width: int = 64,
    norm: str = "batch",
    dropout: float = 0.5,
) -> UNet:
    """Seven levels, for pictures of 128 pixels and their multiples; 41,828,995 parameters."""
    return _unet(7, in_channels, out_channels, width, norm, dropout)


@networks
def unet_64(
    in_channels: int = 3,
    out_channels: int = 3,
    *,
    width: int = 64,
    norm: str = "batch",
    dropout: float = 0.5,
) -> UNet:
    """Six levels, for pictures of 64 pixels and their multiples; 29,244,035 parameters."""
    return _unet(6, in_channels, out_channels, width, norm, dropout)


def _unet(
    levels: int, in_channels: int, out_channels: int, width: int, norm: str, dropout: float
) -> UNet:
    at_least_one(in_channels=in_channels, out_channels=out_channels, width=width)
    if not 0 <= dropout < 1:
        raise BadOption(f"dropout is {dropout}, but must be a probability from 0 to below 1.")
    widths = [width * min(2**depth, 8) for depth in range(levels)]
    return initialise(UNet(in_channels, out_channels, widths, norm=norm, dropout=dropout))
