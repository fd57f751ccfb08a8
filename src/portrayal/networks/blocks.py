"""What all networks share: the choice of normalisation and the first weights."""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.core.errors import BadOption, UnknownName

Network = TypeVar("Network", bound=nn.Module)


class Halve(nn.Conv2d):
    """The 4 x 4 convolution with stride 2: (B, in, H, W) -> (B, out, H/2, W/2)."""

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool) -> None:
        super().__init__(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve, as a product of matrices where that is faster."""
        count, _, height, width = input.shape
        if not _few(self, input, count * height * width // 4):
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            patches = F.unfold(
                input.to(self.weight.dtype), 4, padding=1, stride=2
            )  # (B, 16 in, H/2 W/2)
            columns = patches.transpose(0, 1).flatten(1)  # (16 in, B H/2 W/2)
            output = self.weight.flatten(1) @ columns  # (out, B H/2 W/2)
            if self.bias is not None:
                output = output + self.bias[:, None]
        return output.view(-1, count, height // 2, width // 2).transpose(0, 1)


class Double(nn.ConvTranspose2d):
    """The 4 x 4 transposed convolution with stride 2: (B, in, H, W) -> (B, out, 2H, 2W)."""

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool) -> None:
        super().__init__(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Convolve, as a product of matrices where that is faster."""
        count, _, height, width = input.shape
        if output_size is not None or not _few(self, input, count * height * width):
            return super().forward(input, output_size)
        with torch.autocast("cpu", enabled=False):
            rows = input.to(self.weight.dtype).transpose(0, 1).flatten(1)  # (in, B H W)
            spread = self.weight.flatten(1).t() @ rows  # (16 out, B H W)
            patches = spread.view(-1, count, height * width).transpose(0, 1)  # (B, 16 out, H W)
            output = F.fold(patches, (2 * height, 2 * width), 4, padding=1, stride=2)
            if self.bias is not None:
                output = output + self.bias[:, None, None]
        return output


def _few(layer: nn.Module, input: Tensor, positions: int) -> bool:
    """Whether the weights, not the pictures, are most of the work of a training step on a CPU.

    A convolution kernel first brings its weights into an order of its own; with few positions to
    use them on, that takes longer than the convolution. benchmarks/train_step.py shows the gain.
    """
    return layer.training and input.device.type == "cpu" and positions <= FEW_POSITIONS


FEW_POSITIONS = 64  # measured: at 64 half the time of the best convolution, at 256 about equal


class InstanceNorm(nn.InstanceNorm2d):
    """Every channel of every picture with mean 0 and variance 1. It learns nothing, as in CycleGAN.

    On a CPU as groups of one channel: the same numbers from a faster kernel, which stays bfloat16
    under autocast (128 pixels, 64 channels: 1.7 ms instead of 5.6, benchmarks/cyclegan_step.py).
    """

    def forward(self, input: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        if input.device.type != "cpu":
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            return F.group_norm(input.contiguous(), self.num_features, eps=self.eps)


def norm_layer(norm: str, channels: int) -> nn.Module:
    """Normalisation of (B, channels, H, W)."""
    layers: dict[str, type[nn.Module]] = {
        "batch": nn.BatchNorm2d,
        "instance": InstanceNorm,
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
