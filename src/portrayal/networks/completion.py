"""Completion networks: a joint picture with one half masked -> the whole one, in one pass.

The students' feed-forward variant of the contextual GAN: encoder, bottleneck, and the contextual
GAN's generator. No connection leads around the bottleneck. Shapes: S is the size of a half, a joint
picture is signed, (B, 3, S, 2S). They stand in no catalogue, like the networks of joint.py.
"""

from typing import Literal

from torch import Tensor, nn

from portrayal.networks.blocks import has_bias, initialise, norm_layer
from portrayal.networks.joint import JointGenerator, factors_of, joint_generator, shrinking

Encoder = Literal["convolutions", "linear", "literal"]


class Completer(nn.Module):
    """A masked joint picture to a whole one: (B, C, S, 2S) -> signed (B, 3, S, 2S)."""

    def __init__(self, encoder: nn.Module, generator: nn.Module) -> None:
        super().__init__()
        self.encoder, self.generator = encoder, generator

    def forward(self, masked: Tensor) -> Tensor:
        """Complete."""
        picture: Tensor = self.generator(self.encoder(masked))  # (B, latent) -> (B, 3, S, 2S)
        return picture


def completer(
    size: int = 64,
    *,
    in_channels: int = 3,
    encoder: Encoder = "convolutions",
    latent: int = 512,
    width: int = 64,
    norm: str = "batch",
    kernel: int = 5,
    slope: float = 0.2,
) -> Completer:
    """The network of one kind of encoder.

    convolutions: the discriminator's, then a linear layer to `latent` numbers.
    linear: one linear layer on all pixels. literal: none; the generator's first linear layer reads
    all pixels, and a 1 x 1 convolution follows it: 403 M weights at 64 pixels and width 64.
    """
    pixels = in_channels * 2 * size * size
    if encoder == "literal":
        generator = literal_generator(size, pixels, width, norm, kernel, slope)
        return Completer(nn.Flatten(), generator)
    generator = joint_generator(
        size, latent=latent, width=width, norm=norm, kernel=kernel, slope=slope
    )
    if encoder == "linear":
        return Completer(
            initialise(nn.Sequential(nn.Flatten(), nn.Linear(pixels, latent))), generator
        )
    factors = factors_of(size)
    layers = shrinking(in_channels, factors, width=width, norm=norm, kernel=kernel, slope=0.2)
    end = nn.Linear(factors[-1] * width * 32, latent)  # 32 places: 4 x 8
    return Completer(initialise(nn.Sequential(*layers, nn.Flatten(), end)), generator)


def literal_generator(
    size: int, pixels: int, width: int, norm: str, kernel: int, slope: float
) -> JointGenerator:
    """The generator with all pixels as its z, and the 1 x 1 convolution of the authors' code."""
    network = joint_generator(
        size, latent=pixels, width=width, norm=norm, kernel=kernel, slope=slope
    )
    channels = network.start[0]
    extra = nn.Sequential(
        nn.ConvTranspose2d(channels, channels, 1, bias=has_bias(norm)),
        norm_layer(norm, channels),
        nn.LeakyReLU(slope, inplace=True),
    )
    layers = list(network.rest.children())
    network.rest = nn.Sequential(*layers[:2], *initialise(extra).children(), *layers[2:])
    return network
