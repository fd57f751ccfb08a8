"""ResNet-18 and ResNet-34 (He et al. 2016) with torchvision's names of their weights.

B pictures of H x W pixels.
"""

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from portrayal.features.frozen import Frozen, frozen, imagenet, short_side


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Module | None = None
        if stride > 1 or channels != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, H / stride, W / stride)."""
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y))
        short = x if self.downsample is None else self.downsample(x)
        total: Tensor = y + short
        return total.relu()


class ResNet(Frozen):
    """Unit pictures of any size, scaled to a shorter side of 224."""

    def __init__(self, depths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = level(64, 64, depths[0])
        self.layer2 = level(64, 128, depths[1])
        self.layer3 = level(128, 256, depths[2])
        self.layer4 = level(256, 512, depths[3])
        self.fc = nn.Linear(512, 1000)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (B, 512): mean over the last map."""
        x = imagenet(short_side(pictures, 224))  # (B, 3, 224, 224) if square
        x = self.maxpool(self.bn1(self.conv1(x)).relu())  # (B, 64, 56, 56)
        maps: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (B, 512, 7, 7)
        return maps.mean((2, 3))

    def logits(self, pictures: Tensor) -> Tensor:
        """ImageNet's classes before the softmax, (B, 1000)."""
        scores: Tensor = self.fc(self(pictures))
        return scores


def level(channels: int, width: int, depth: int) -> nn.Sequential:
    """Blocks of one width; the first halves the picture where the width grows."""
    first = Block(channels, width, stride=1 if channels == width else 2)
    return nn.Sequential(first, *(Block(width, width, 1) for _ in range(depth - 1)))


def resnet18(state: Mapping[str, Tensor]) -> ResNet:
    """ResNet-18 with torchvision's weights: unit (B, 3, H, W) -> (B, 512), at 224."""
    return frozen(partial(ResNet, (2, 2, 2, 2)), state)


def resnet34(state: Mapping[str, Tensor]) -> ResNet:
    """ResNet-34 with torchvision's weights: unit (B, 3, H, W) -> (B, 512), at 224."""
    return frozen(partial(ResNet, (3, 4, 6, 3)), state)
