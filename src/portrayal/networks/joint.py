"""Networks of joint pictures, sketch | photo side by side: DCGAN's, stretched to twice the width.

The generator is that of the contextual GAN (Lu et al. 2018) as its authors built it: noise, a
linear layer to 4 x 8, transposed convolutions with stride 2. Shapes: z is (B, latent) in -1..1, a
joint picture is signed, (B, 3, S, 2S); S, the size of a half, is 64, or 128 with one layer more.
They stand in no catalogue: what a recipe of pairs could choose must fit any size.

Side by side, the two halves meet in D's last, linear layer only: what it says of a joint picture is
nearly a sum over sketch and photo, and no photo has to fit its sketch. With `stacked` (ours) both
networks see the halves on top of each other, as six channels of one picture.
"""

from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from portrayal.core.errors import BadOption
from portrayal.networks.blocks import at_least_one, has_bias, initialise, norm_layer

START = (4, 8)  # height and width of the smallest level of a joint picture
SIZES = (64, 128)


class JointGenerator(nn.Module):
    """Noise to a joint picture: (B, latent) -> signed (B, 3, S, 2S)."""

    def __init__(
        self,
        latent: int,
        widths: list[int],
        norm: str,
        kernel: int,
        slope: float,
        stacked: bool = False,
    ) -> None:
        super().__init__()
        self.latent, self.stacked = latent, stacked
        self.start = (widths[0], *start_of(stacked))
        self.first = nn.Linear(latent, prod(self.start))
        layers: list[nn.Module] = [norm_layer(norm, widths[0]), nn.LeakyReLU(slope, inplace=True)]
        for channels, width in pairwise(widths):
            layers += [
                enlarging(channels, width, kernel, bias=has_bias(norm)),
                norm_layer(norm, width),
                nn.LeakyReLU(slope, inplace=True),
            ]
        channels = 6 if stacked else 3
        last = enlarging(widths[-1], channels, kernel, bias=True)
        self.rest = nn.Sequential(*layers, last, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:  # (B, latent)
        """Draw."""
        start = self.first(z).unflatten(1, self.start)  # (B, width, 4, 8 or, stacked, 4)
        picture: Tensor = self.rest(start)  # (B, 3, S, 2S), stacked: (B, 6, S, S)
        return torch.cat(picture.chunk(2, 1), 3) if self.stacked else picture


class Stacked(nn.Module):
    """A joint picture with its halves on top of each other: (B, 3, S, 2S) -> (B, 6, S, S)."""

    def forward(self, joint: Tensor) -> Tensor:
        """Halve, and stack as channels."""
        return torch.cat(joint.chunk(2, 3), 1)


class BatchSpread(nn.Module):
    """One channel more: how much the pictures of a batch differ (Karras et al. 2018, sec. 3).

    Mean over channels and places of the standard deviation over the batch, so that D sees when G
    draws too few different pictures. Outside training it is the usual value: neighbours in a batch
    change nothing. (B, C, H, W) -> (B, C + 1, H, W).
    """

    usual: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("usual", torch.ones(()))

    def forward(self, features: Tensor) -> Tensor:
        """Measure, and append."""
        spread = self.usual
        if self.training:
            spread = (features.float().var(0, correction=0) + 1e-8).sqrt().mean()
            self.usual.lerp_(spread.detach().to(self.usual.dtype), 0.01)
        plane = spread.to(features.dtype).expand(len(features), 1, *features.shape[2:])
        return torch.cat([features, plane], 1)


def joint_generator(
    size: int = 64,
    *,
    latent: int = 100,
    width: int = 64,
    norm: str = "batch",
    kernel: int = 5,
    slope: float = 0.0,
    stacked: bool = False,
) -> JointGenerator:
    """(B, latent) -> (B, 3, S, 2S); `width` channels before the last layer, 8 times at the first.

    `slope` of the leaky ReLUs: 0 in the authors' code, .2 where the paper's text is followed.
    """
    at_least_one(latent=latent, width=width)
    factors = factors_of(size)
    widths = [factor * width for factor in reversed(factors)]
    return initialise(JointGenerator(latent, widths, norm, kernel, slope, stacked))


def joint_discriminator(
    size: int = 64,
    *,
    width: int = 64,
    norm: str = "batch",
    kernel: int = 5,
    spectral: bool = False,
    stacked: bool = False,
    batch_spread: bool = False,
) -> nn.Sequential:
    """One raw logit of a joint picture, (B, 3, S, 2S) -> (B, 1).

    `spectral` divides every weight by its largest singular value (Miyato et al. 2018).
    """
    channels, factors = 6 if stacked else 3, factors_of(size)
    layers = shrinking(channels, factors, width=width, norm=norm, kernel=kernel, slope=0.2)
    if batch_spread:
        layers.append(BatchSpread())
    width_in = factors[-1] * width + batch_spread
    layers += [nn.Conv2d(width_in, 1, start_of(stacked)), nn.Flatten()]
    network = initialise(nn.Sequential(*([Stacked()] if stacked else []), *layers))
    if spectral:
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                parametrizations.spectral_norm(layer)
    return network


def start_of(stacked: bool) -> tuple[int, int]:
    """Height and width where the transposed convolutions begin and the others end."""
    return (4, 4) if stacked else START


def factors_of(size: int) -> list[int]:
    """Widths of the levels between the picture and 4 x 8, in units of the first.

    >>> factors_of(64), factors_of(128)
    ([1, 2, 4, 8], [1, 2, 4, 8, 8])
    """
    if size not in SIZES:
        raise BadOption(f"Halves of {size} pixels are not built; size is one of {SIZES}.")
    return [1, 2, 4, 8, 8][: size.bit_length() - START[0].bit_length()]


def shrinking(
    channels: int, factors: list[int], *, width: int, norm: str, kernel: int, slope: float
) -> list[nn.Module]:
    """Convolutions with stride 2, (B, channels, S, 2S) -> (B, 8 width, 4, 8); the first no norm."""
    at_least_one(width=width)
    layers: list[nn.Module] = []
    for index, factor in enumerate(factors):
        bias, padding = index == 0 or has_bias(norm), (kernel - 1) // 2
        layers.append(nn.Conv2d(channels, factor * width, kernel, 2, padding, bias=bias))
        if index:
            layers.append(norm_layer(norm, factor * width))
        layers.append(nn.LeakyReLU(slope, inplace=True))
        channels = factor * width
    return layers


def enlarging(channels: int, width: int, kernel: int, *, bias: bool) -> nn.ConvTranspose2d:
    """The transposed convolution that doubles both sides, with a kernel of 5 or 4."""
    padding, more = (2, 1) if kernel == 5 else (1, 0)
    return nn.ConvTranspose2d(channels, width, kernel, 2, padding, more, bias=bias)
