"""Recognisers: what is in a picture, as a class per pixel or one class for the whole picture.

Small enough to be trained on one core. Signed pictures (B, 3, H, W) of any size go in, raw logits
of K classes come out. They stand in a catalogue of their own: no recipe can choose them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.core.catalog import Catalog
from portrayal.networks.blocks import at_least_one

recognisers = Catalog("recogniser", "portrayal.networks")


@recognisers
def segmenter(classes: int, *, width: int = 8) -> "Segmenter":
    """A U-Net of five levels, a class per pixel: (B, 3, H, W) -> (B, K, H, W); 0.5 M parameters."""
    at_least_one(classes=classes, width=width)
    return Segmenter(classes, [width * 2**level for level in range(5)])


@recognisers
def classifier(classes: int, *, width: int = 16) -> nn.Sequential:
    """A ResNet of three blocks, a class per picture: (B, 3, H, W) -> (B, K); 0.3 M parameters."""
    at_least_one(classes=classes, width=width)
    return nn.Sequential(
        _convolution(3, width, stride=2),
        Residual(width, 2 * width),
        Residual(2 * width, 4 * width),
        Residual(4 * width, 8 * width),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8 * width, classes),
    )


class Residual(nn.Module):
    """Two convolutions beside a shortcut, half the size: (B, in, H, W) -> (B, out, H/2, W/2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.inside = nn.Sequential(
            _convolution(in_channels, out_channels, stride=2),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (B, in, H, W)
        """relu(shortcut + inside)."""
        return F.relu(self.shortcut(x) + self.inside(x))  # (B, out, H/2, W/2)


class Segmenter(nn.Module):
    """Convolve and halve on the way down; enlarge, lay beside and convolve on the way up."""

    def __init__(self, classes: int, widths: list[int]) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(below, width), _convolution(width, width))
            for below, width in zip([3, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            _convolution(below + width, width)
            for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = nn.Conv2d(widths[0], classes, 1)

    def forward(self, picture: Tensor) -> Tensor:  # (B, 3, H, W) signed
        """Logits of K classes at every pixel, (B, K, H, W)."""
        kept: list[Tensor] = []
        x = picture
        for level in self.down:
            x = F.max_pool2d(x, 2, ceil_mode=True) if kept else x  # (B, c, H/2^i, W/2^i)
            x = level(x)
            kept.append(x)
        kept.pop()
        for level in self.up:
            beside = kept.pop()
            x = F.interpolate(x, beside.shape[2:], mode="nearest")
            x = level(torch.cat([x, beside], dim=1))
        logits: Tensor = self.last(x)  # (B, K, H, W)
        return logits


def _convolution(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """3 x 3, batch normalisation, leaky ReLU: with few channels none may die."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(0.1, inplace=True),
    )
