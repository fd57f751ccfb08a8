"""PatchGAN discriminators (Isola et al. 2017, sec. 6.1.2): one raw logit per patch of the picture.

The name is the side of the patch that a logit sees, in pixels. The input is source and target laid
beside each other, (B, in_channels, H, W); a plain discriminator of pictures has 3 channels. Layer
by layer the networks are those of the reference (junyanz's pytorch-CycleGAN-and-pix2pix).
"""

from torch import Tensor, nn

from portrayal.networks import networks
from portrayal.networks.blocks import at_least_one, has_bias, initialise, norm_layer


class Patches(nn.Sequential):
    """The layers in a row."""

    def forward(self, input: Tensor, layer: int = 0) -> Tensor:  # (B, C, H, W)
        """Raw logits, or the features `layer` activations before them; 1 is the penultimate."""
        active = [index for index, part in enumerate(self) if isinstance(part, nn.LeakyReLU)]
        end = active[-layer] + 1 if layer else len(self)
        x = input
        for part in list(self)[:end]:
            x = part(x)
        return x


@networks
def pixel(in_channels: int = 6, *, width: int = 64, norm: str = "batch") -> Patches:
    """Each logit sees one pixel: (B, C, H, W) -> (B, 1, H, W)."""
    at_least_one(in_channels=in_channels, width=width)
    bias = has_bias(norm)
    network = Patches(
        nn.Conv2d(in_channels, width, 1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(width, 2 * width, 1, bias=bias),
        norm_layer(norm, 2 * width),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(2 * width, 1, 1, bias=bias),  # none after BatchNorm either, as in the reference
    )
    return initialise(network)


@networks
def patch_16(in_channels: int = 6, *, width: int = 64, norm: str = "batch") -> Patches:
    """Each logit sees 16 x 16 pixels: (B, C, 256, 256) -> (B, 1, 126, 126)."""
    return _patchgan(in_channels, [1, 2], width, norm)


@networks
def patch_34(in_channels: int = 6, *, width: int = 64, norm: str = "batch") -> Patches:
    """Each logit sees 34 x 34 pixels: (B, C, 256, 256) -> (B, 1, 62, 62)."""
    return _patchgan(in_channels, [1, 2, 4], width, norm)


@networks
def patch_70(in_channels: int = 6, *, width: int = 64, norm: str = "batch") -> Patches:
    """Each logit sees 70 x 70 pixels: (B, C, 256, 256) -> (B, 1, 30, 30); 2,768,705 parameters."""
    return _patchgan(in_channels, [1, 2, 4, 8], width, norm)


@networks
def patch_142(in_channels: int = 6, *, width: int = 64, norm: str = "batch") -> Patches:
    """Each logit sees 142 x 142 pixels: (B, C, 256, 256) -> (B, 1, 14, 14)."""
    return _patchgan(in_channels, [1, 2, 4, 8, 8], width, norm)


@networks
def patch_286(in_channels: int = 6, *, width: int = 64, norm: str = "batch") -> Patches:
    """Each logit sees 286 x 286 pixels: (B, C, 256, 256) -> (B, 1, 6, 6)."""
    return _patchgan(in_channels, [1, 2, 4, 8, 8, 8], width, norm)


def _patchgan(channels: int, factors: list[int], width: int, norm: str) -> Patches:
    """4 x 4 convolutions, `factors` times `width` wide; all but the last two halve the picture."""
    at_least_one(in_channels=channels, width=width)
    layers: list[nn.Module] = []
    for index, factor in enumerate(factors):
        top, stride = index == 0, 1 if index == len(factors) - 1 else 2
        bias = top or has_bias(norm)  # the first convolution is not normalised
        layers.append(nn.Conv2d(channels, factor * width, 4, stride, padding=1, bias=bias))
        if not top:
            layers.append(norm_layer(norm, factor * width))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        channels = factor * width
    return initialise(Patches(*layers, nn.Conv2d(channels, 1, 4, stride=1, padding=1)))
