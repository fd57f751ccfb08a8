"""Inception-v3 (Szegedy et al. 2016) as TensorFlow's graph of 2015-12-05 has it, for FID and KID.

The names of the weights are pytorch-fid's. What that graph does otherwise than the paper: average
pools leave the border out of their count, the last block pools by maximum, and it has 1008 classes.
B pictures of H x W pixels.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.features.frozen import Conv, Frozen, frozen, resized


def averaged(x: Tensor) -> Tensor:
    """Means over 3 x 3 pixels, over fewer at the border."""
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class Squares(nn.Module):
    """Mixed_5: 1 x 1, 5 x 5, and two 3 x 3."""

    def __init__(self, channels: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = Conv(channels, 64, 1)
        self.branch5x5_1 = Conv(channels, 48, 1)
        self.branch5x5_2 = Conv(48, 64, 5)
        self.branch3x3dbl_1 = Conv(channels, 64, 1)
        self.branch3x3dbl_2 = Conv(64, 96, 3)
        self.branch3x3dbl_3 = Conv(96, 96, 3)
        self.branch_pool = Conv(channels, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, 224 + pooled, H, W)."""
        five = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, double, self.branch_pool(averaged(x))], 1)


class HalveTo17(nn.Module):
    """Mixed_6a: 35 x 35 -> 17 x 17."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3 = Conv(288, 384, 3, stride=2)
        self.branch3x3dbl_1 = Conv(288, 64, 1)
        self.branch3x3dbl_2 = Conv(64, 96, 3)
        self.branch3x3dbl_3 = Conv(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 288, 35, 35) -> (B, 768, 17, 17)."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, 2)], 1)


class Strips(nn.Module):
    """Mixed_6: 7 x 7 convolutions as rows and columns."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch1x1 = Conv(768, 192, 1)
        self.branch7x7_1 = Conv(768, width, 1)
        self.branch7x7_2 = Conv(width, width, (1, 7))
        self.branch7x7_3 = Conv(width, 192, (7, 1))
        self.branch7x7dbl_1 = Conv(768, width, 1)
        self.branch7x7dbl_2 = Conv(width, width, (7, 1))
        self.branch7x7dbl_3 = Conv(width, width, (1, 7))
        self.branch7x7dbl_4 = Conv(width, width, (7, 1))
        self.branch7x7dbl_5 = Conv(width, 192, (1, 7))
        self.branch_pool = Conv(768, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 768, 17, 17) -> the same shape."""
        once = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return torch.cat([self.branch1x1(x), once, twice, self.branch_pool(averaged(x))], 1)


class HalveTo8(nn.Module):
    """Mixed_7a: 17 x 17 -> 8 x 8."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1 = Conv(768, 192, 1)
        self.branch3x3_2 = Conv(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Conv(768, 192, 1)
        self.branch7x7x3_2 = Conv(192, 192, (1, 7))
        self.branch7x7x3_3 = Conv(192, 192, (7, 1))
        self.branch7x7x3_4 = Conv(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 768, 17, 17) -> (B, 1280, 8, 8)."""
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat([three, self.branch7x7x3_4(seven), F.max_pool2d(x, 3, 2)], 1)


class Forks(nn.Module):
    """Mixed_7: 3 x 3 convolutions whose row and column lie side by side."""

    def __init__(self, channels: int, *, maximum: bool) -> None:
        super().__init__()
        self.maximum = maximum
        self.branch1x1 = Conv(channels, 320, 1)
        self.branch3x3_1 = Conv(channels, 384, 1)
        self.branch3x3_2a = Conv(384, 384, (1, 3))
        self.branch3x3_2b = Conv(384, 384, (3, 1))
        self.branch3x3dbl_1 = Conv(channels, 448, 1)
        self.branch3x3dbl_2 = Conv(448, 384, 3)
        self.branch3x3dbl_3a = Conv(384, 384, (1, 3))
        self.branch3x3dbl_3b = Conv(384, 384, (3, 1))
        self.branch_pool = Conv(channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, 8, 8) -> (B, 2048, 8, 8)."""
        once = self.branch3x3_1(x)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = F.max_pool2d(x, 3, 1, 1) if self.maximum else averaged(x)
        parts = [self.branch1x1(x), self.branch3x3_2a(once), self.branch3x3_2b(once)]
        parts += [self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)]
        return torch.cat([*parts, self.branch_pool(pooled)], 1)


class Inception(Frozen):
    """Unit pictures of any size, scaled to 299 x 299."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Conv(32, 32, 3, valid=True)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3)
        self.Conv2d_3b_1x1 = Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = Conv(80, 192, 3, valid=True)
        self.Mixed_5b = Squares(192, 32)
        self.Mixed_5c = Squares(256, 64)
        self.Mixed_5d = Squares(288, 64)
        self.Mixed_6a = HalveTo17()
        self.Mixed_6b = Strips(128)
        self.Mixed_6c = Strips(160)
        self.Mixed_6d = Strips(160)
        self.Mixed_6e = Strips(192)
        self.Mixed_7a = HalveTo8()
        self.Mixed_7b = Forks(1280, maximum=False)
        self.Mixed_7c = Forks(2048, maximum=True)
        self.fc = nn.Linear(2048, 1008)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (B, 2048): mean over the last map.

        Scaling is antialiased bicubic, cut to the range and not rounded (Parmar et al. 2022).
        """
        return self.pooled(resized(pictures, 299, 299, "bicubic").clamp(0, 1))

    def pooled(self, pictures: Tensor) -> Tensor:
        """(B, 3, 299, 299) unit, scaled by whoever calls -> (B, 2048)."""
        x = pictures * 2 - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))  # (B, 64, 147, 147)
        x = F.max_pool2d(x, 3, 2)  # (B, 64, 73, 73)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))  # (B, 192, 71, 71)
        x = F.max_pool2d(x, 3, 2)  # (B, 192, 35, 35)
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))  # (B, 288, 35, 35)
        x = self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))  # (B, 768, 17, 17)
        x = self.Mixed_6e(self.Mixed_6d(x))
        maps: Tensor = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))  # (B, 2048, 8, 8)
        return maps.mean((2, 3))

    def logits(self, pictures: Tensor) -> Tensor:
        """The graph's 1008 classes before the softmax, (B, 1008)."""
        scores: Tensor = self.fc(self(pictures))
        return scores


def inception(state: Mapping[str, Tensor]) -> Inception:
    """FID's Inception with pytorch-fid's weights: unit (B, 3, H, W) -> (B, 2048), at 299."""
    return frozen(Inception, state)
