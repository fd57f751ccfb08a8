"""What all networks share: the choice of normalisation and the first weights."""

from typing import TypeVar

from torch import nn

from portrayal.core.errors import BadOption, UnknownName

Network = TypeVar("Network", bound=nn.Module)


def norm_layer(norm: str, channels: int) -> nn.Module:
    """Normalisation of (B, channels, H, W). The instance kind learns nothing, as in CycleGAN."""
    layers: dict[str, type[nn.Module]] = {
        "batch": nn.BatchNorm2d,
        "instance": nn.InstanceNorm2d,
        "none": nn.Identity,
    }
    if norm not in layers:
        raise UnknownName("norm", norm, layers)
    return layers[norm](channels)


def has_bias(norm: str) -> bool:
    """Whether convolutions learn a bias: always, unless a BatchNorm brings its own shift."""
    return norm != "batch"


def at_least_one(**sizes: int) -> None:
    """Refuse channel counts below 1, by the name under which the user gave them."""
    for name, size in sizes.items():
        if size < 1:
            raise BadOption(f"{name} is {size}, but a network needs at least 1; choose 64 or so.")


def initialise(network: Network) -> Network:
    """Draw first weights from torch's global generator, in place, and return the network.

    Convolutions N(0, 0.02), normalisation gains N(1, 0.02), biases 0 (Isola et al. 2017, sec. 6.2).
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return network
