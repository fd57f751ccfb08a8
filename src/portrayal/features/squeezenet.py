"""SqueezeNet 1.1 (Iandola et al. 2016) with torchvision's names of its weights.

B pictures of H x W pixels. The small ImageNet network behind `lpips_squeeze`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from portrayal.features.frozen import Frozen, frozen, imagenet, short_side

LAYERS = (1, 4, 7, 9, 10, 11, 12)  # of `features`: the seven maps that LPIPS compares
CHANNELS = (64, 128, 256, 384, 384, 512, 512)


class Fire(nn.Module):
    """Squeeze to few channels, then expand by 1 x 1 and 3 x 3 convolutions side by side."""

    def __init__(self, channels: int, few: int, many: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, few, 1)
        self.expand1x1 = nn.Conv2d(few, many, 1)
        self.expand3x3 = nn.Conv2d(few, many, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, 2 many, H, W)."""
        x = self.squeeze(x).relu()  # (B, few, H, W)
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1).relu()


class SqueezeNet(Frozen):
    """Unit pictures of any size from 17 pixels a side."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU())

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (B, 512): mean of the last map of pictures whose shorter side is 224."""
        return self.last_map(pictures).mean((2, 3))

    def logits(self, pictures: Tensor) -> Tensor:
        """ImageNet's classes before the softmax, (B, 1000)."""
        scores: Tensor = self.classifier(self.last_map(pictures))  # (B, 1000, H/16, W/16)
        return scores.mean((2, 3))

    def last_map(self, pictures: Tensor) -> Tensor:
        """(B, 512, 13, 13) for square pictures."""
        maps: Tensor = self.features(imagenet(short_side(pictures, 224)))
        return maps

    def layers(self, x: Tensor) -> list[Tensor]:
        """The seven maps (B, CHANNELS[i], h, w) of already normalised pictures (B, 3, H, W)."""
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in LAYERS:
                maps.append(x)
        return maps


def squeezenet1_1(state: Mapping[str, Tensor]) -> SqueezeNet:
    """SqueezeNet 1.1 with torchvision's weights: unit (B, 3, H, W) -> (B, 512), at 224."""
    return frozen(SqueezeNet, state)
