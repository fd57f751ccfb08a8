"""Are they alike to a network that names things? Cosines of ImageNet features.

B pairs of pictures. Unrelated pictures score far above 0, so a value says little without its floor:
the same score against other pictures' truths (evaluation/pairs/matches.py).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from portrayal.features.published import network
from portrayal.features.vgg import VGG16
from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked
from portrayal.metrics.sets import refuse_other_lengths

Features = Callable[[Tensor], Tensor]  # unit float32 (1, 3, H, W) -> (1, D)
FLOOR = "read it against its floor, the score of pairs drawn at random"
NOTHING = "the network sees nothing: all its features are 0"


@metrics.described(
    Card(
        better="higher",
        needs="pairs",
        title="VGG cosine",
        protocol="cosine of VGG-16's second fully connected layer after its ReLU (4096), ImageNet "
        f"normalisation, shorter side 224, antialiased; {FLOOR}",
        weights=("vgg16",),
        missing=NOTHING,
    )
)
def vgg_cosine(fake: Tensor, real: Tensor) -> Tensor:
    """Cosine of the second fully connected layers of VGG-16, 0 to 1. (B, C, H, W) -> (B,)"""
    fake, real = checked(fake, real)
    return cosines(fake, real, lambda picture: _vgg(picture).fully_connected(picture)[1])


@metrics.described(
    Card(
        better="higher",
        needs="pairs",
        title="VGG cosine, first layer",
        protocol="cosine of VGG-16's first fully connected layer after its ReLU (4096), ImageNet "
        f"normalisation, shorter side 224, antialiased; {FLOOR}",
        weights=("vgg16",),
        missing=NOTHING,
    )
)
def vgg_cosine_fc1(fake: Tensor, real: Tensor) -> Tensor:
    """Cosine of the first fully connected layers of VGG-16, 0 to 1. (B, C, H, W) -> (B,)"""
    fake, real = checked(fake, real)
    return cosines(fake, real, lambda picture: _vgg(picture).fully_connected(picture)[0])


@metrics.described(
    Card(
        better="higher",
        needs="pairs",
        title="SqueezeNet cosine",
        protocol="cosine of the means of SqueezeNet 1.1's last map (512), ImageNet normalisation, "
        f"shorter side 224, antialiased; not comparable with a VGG cosine; {FLOOR}",
        weights=("squeezenet1_1",),
        missing=NOTHING,
    )
)
def squeezenet_cosine(fake: Tensor, real: Tensor) -> Tensor:
    """Cosine of SqueezeNet's features, 0 to 1. (B, C, H, W) -> (B,)"""
    fake, real = checked(fake, real)
    return cosines(fake, real, network("squeezenet1_1", fake.device))


def cosines(fake: Tensor, real: Tensor, features: Features) -> Tensor:
    """Cosine of each pair's features, as float64 (B,); NaN where features are all 0.

    Each picture (B, 1 or 3, H, W) alone: neither batch size nor order changes a value.
    """
    values = fake.new_empty(len(fake), dtype=torch.float64)
    with torch.no_grad():
        for index in range(len(fake)):
            one, other = (
                features(side[index : index + 1].float().expand(-1, 3, -1, -1).contiguous())
                for side in (fake, real)
            )
            values[index] = cosine(one.double(), other.double()).item()
    return values


def cosine(one: Tensor, other: Tensor) -> Tensor:
    """Cosine of rows (B, D) and (B, D). (B,)"""
    refuse_other_lengths(one.shape[1], other.shape[1])
    return (one * other).sum(1) / (one.square().sum(1) * other.square().sum(1)).sqrt()


def _vgg(picture: Tensor) -> VGG16:
    vgg = network("vgg16", picture.device)
    assert isinstance(vgg, VGG16)
    return vgg
