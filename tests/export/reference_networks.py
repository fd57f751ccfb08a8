"""The generators of pytorch-CycleGAN-and-pix2pix, laid out from their papers and published keys.

Independent of ours: nothing of portrayal is used here.
"""

import torch
from torch import nn


class Nest(nn.Module):
    """A U-Net level; `inside` is the next one, None at the bottom."""

    def __init__(self, outer, inner, inside, *, norm, dropout=0.0, top=False, channels=3):
        super().__init__()
        self.top = top
        bias = norm == "instance"
        start = channels if top else outer
        halve = nn.Conv2d(start, inner if not top else outer, 4, 2, 1, bias=bias)
        if top:
            double = nn.ConvTranspose2d(2 * outer, channels, 4, 2, 1)
            layers = [halve, inside, nn.ReLU(), double, nn.Tanh()]
        elif inside is None:
            double = nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=bias)
            layers = [nn.LeakyReLU(0.2), halve, nn.ReLU(), double, normed(norm, outer)]
        else:
            double = nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1, bias=bias)
            layers = [nn.LeakyReLU(0.2), halve, normed(norm, inner), inside]
            layers += [nn.ReLU(), double, normed(norm, outer)]
            layers += [nn.Dropout(dropout)] if dropout else []
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x) if self.top else torch.cat([x, self.model(x)], 1)


class Wrapped(nn.Module):
    """What holds the outermost layer under the name `model`."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)


class Residual(nn.Module):
    def __init__(self, channels, norm, dropout):
        super().__init__()
        convolution = [
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=norm == "instance"),
        ]
        again = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=norm == "instance")]
        noise = [nn.Dropout(0.5)] if dropout else []
        self.conv_block = nn.Sequential(
            *convolution, normed(norm, channels), nn.ReLU(), *noise, *again, normed(norm, channels)
        )

    def forward(self, x):
        return x + self.conv_block(x)


def normed(norm, channels):
    kinds = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}
    return kinds[norm](channels) if norm in kinds else nn.Identity()


def u_net(levels, width, norm, *, dropout=0.5, channels=3):
    widths = [width * min(2**level, 8) for level in range(levels)]
    inside = None
    for level in range(levels - 1, 0, -1):
        noise = dropout if 4 <= level < levels - 1 else 0.0
        inside = Nest(widths[level - 1], widths[level], inside, norm=norm, dropout=noise)
    return Wrapped(Nest(width, 0, inside, norm=norm, top=True, channels=channels))


def resnet(blocks, width, norm, *, dropout=False, upsampling="transposed", channels=3):
    bias = norm == "instance"
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7, bias=bias)]
    layers += [normed(norm, width), nn.ReLU()]
    for wide in (width, 2 * width):
        layers += [nn.Conv2d(wide, 2 * wide, 3, 2, 1, bias=bias), normed(norm, 2 * wide), nn.ReLU()]
    layers += [Residual(4 * width, norm, dropout) for _ in range(blocks)]
    for wide in (4 * width, 2 * width):
        half = wide // 2
        if upsampling == "transposed":
            layers += [nn.ConvTranspose2d(wide, half, 3, 2, 1, 1, bias=bias)]
        elif upsampling == "resize":
            layers += [nn.Upsample(scale_factor=2), nn.ReflectionPad2d(1)]
            layers += [nn.Conv2d(wide, half, 3, bias=bias)]
        else:  # somebody's own: zeros around it
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(wide, half, 3, padding=1, bias=bias)]
        layers += [normed(norm, half), nn.ReLU()]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7), nn.Tanh()]
    return Wrapped(nn.Sequential(*layers))


def trained(network, seed=0):
    """The network with weights and statistics that are all different, ready to translate."""
    rng = torch.Generator().manual_seed(seed)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            drawn = torch.rand(tensor.shape, generator=rng)
            tensor.copy_(drawn + 0.5 if tensor.ndim == 1 else (drawn - 0.5) * 0.4)
    return network.eval()
