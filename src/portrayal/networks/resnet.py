"""ResNet generators of CycleGAN (Zhu et al. 2017, sec. 7.1), signed pictures in and out.

Shapes: B pictures, C channels, H x W pixels. Two halvings, residual blocks at a quarter of the
size, two doublings; H and W must be multiples of 4. Layer by layer the networks are those of the
reference (junyanz's pytorch-CycleGAN-and-pix2pix), and their parameters come in the same order.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from portrayal.core.errors import BadOption, UnknownName
from portrayal.networks import networks
from portrayal.networks.blocks import at_least_one, has_bias, initialise, norm_layer

Upsampling = Literal["transposed", "resize"]


class Reflect(nn.ReflectionPad2d):
    """Borders filled with the mirrored picture: (B, C, H, W) -> (B, C, H + 2 n, W + 2 n)."""

    def forward(self, input: Tensor) -> Tensor:
        """Pad, in the type of the input: autocast on a CPU would go to float32 and back."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input)


class Block(nn.Module):
    """The input and, added to it, what two 3 x 3 convolutions make of it."""

    def __init__(self, channels: int, *, norm: str, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *convolution(channels, channels, 3, norm=norm),
            nn.Dropout(dropout) if dropout else nn.Identity(),
            *convolution(channels, channels, 3, norm=norm)[:-1],
        )

    def forward(self, x: Tensor) -> Tensor:  # (B, channels, H, W)
        """The same shape."""
        y: Tensor = x + self.layers(x)
        return y


class ResNet(nn.Sequential):
    """The layers in a row; sides of a picture must be multiples of 2 ** levels."""

    levels = 2


@networks
def resnet_9(
    in_channels: int = 3,
    out_channels: int = 3,
    *,
    width: int = 64,
    norm: str = "instance",
    dropout: float = 0.0,
    upsampling: Upsampling = "transposed",
) -> ResNet:
    """Nine blocks, the paper's for 256 pixels and more; 11,378,179 parameters."""
    return _resnet(9, in_channels, out_channels, width, norm, dropout, upsampling)


@networks
def resnet_6(
    in_channels: int = 3,
    out_channels: int = 3,
    *,
    width: int = 64,
    norm: str = "instance",
    dropout: float = 0.0,
    upsampling: Upsampling = "transposed",
) -> ResNet:
    """Six blocks, the paper's for 128 pixels; 7,837,699 parameters."""
    return _resnet(6, in_channels, out_channels, width, norm, dropout, upsampling)


def _resnet(
    blocks: int,
    in_channels: int,
    out_channels: int,
    width: int,
    norm: str,
    dropout: float,
    upsampling: Upsampling,
) -> ResNet:
    at_least_one(in_channels=in_channels, out_channels=out_channels, width=width)
    if not 0 <= dropout < 1:
        raise BadOption(f"dropout is {dropout}, but must be a probability from 0 to below 1.")
    if upsampling not in UPSAMPLING:
        raise UnknownName("upsampling", upsampling, UPSAMPLING)
    grown = UPSAMPLING[upsampling]
    layers = [
        *convolution(in_channels, width, 7, norm=norm),  # (B, width, H, W)
        *halved(width, norm=norm),  # (B, 2 width, H/2, W/2)
        *halved(2 * width, norm=norm),  # (B, 4 width, H/4, W/4)
        *(Block(4 * width, norm=norm, dropout=dropout) for _ in range(blocks)),
        *grown(4 * width, norm=norm),  # (B, 2 width, H/2, W/2)
        *grown(2 * width, norm=norm),  # (B, width, H, W)
        Reflect(3),
        nn.Conv2d(width, out_channels, 7),  # (B, out_channels, H, W)
        nn.Tanh(),
    ]
    return initialise(ResNet(*layers))


def convolution(channels: int, width: int, side: int, *, norm: str) -> list[nn.Module]:
    """A convolution that keeps the size: (B, channels, H, W) -> (B, width, H, W)."""
    return [
        Reflect(side // 2),
        nn.Conv2d(channels, width, side, bias=has_bias(norm)),
        norm_layer(norm, width),
        nn.ReLU(inplace=True),
    ]


def halved(channels: int, *, norm: str) -> list[nn.Module]:
    """(B, channels, H, W) -> (B, 2 channels, H/2, W/2)."""
    return [
        nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=has_bias(norm)),
        norm_layer(norm, 2 * channels),
        nn.ReLU(inplace=True),
    ]


def transposed(channels: int, *, norm: str) -> list[nn.Module]:
    """The paper's: (B, channels, H, W) -> (B, channels/2, 2H, 2W)."""
    return [
        nn.ConvTranspose2d(
            channels,
            channels // 2,
            3,
            stride=2,
            padding=1,
            output_padding=1,
            bias=has_bias(norm),
        ),
        norm_layer(norm, channels // 2),
        nn.ReLU(inplace=True),
    ]


def resized(channels: int, *, norm: str) -> list[nn.Module]:
    """Enlarged and then convolved, without a checkerboard (Odena et al. 2016); the same shapes."""
    return [nn.Upsample(scale_factor=2), *convolution(channels, channels // 2, 3, norm=norm)]


UPSAMPLING = {"transposed": transposed, "resize": resized}
