"""MobileFaceNet (Chen et al. 2018) with the names of Xiaoccer's PyTorch weights.

B pictures of aligned faces (features/crops.py): the judge of identity that no recipe trains with.
"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.features.frozen import Frozen, frozen, resized

HEIGHT, WIDTH = 112, 96
STAGES = (  # expansion, channels, blocks, stride of the first
    (2, 64, 5, 2),
    (4, 128, 1, 2),
    (2, 128, 6, 1),
    (4, 128, 1, 2),
    (2, 128, 2, 1),
)


class Conv(nn.Module):
    """Convolution and BatchNorm, with a PReLU unless `linear`."""

    def __init__(
        self,
        channels: int,
        width: int,
        size: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int = 0,
        depthwise: bool = False,
        linear: bool = False,
    ) -> None:
        super().__init__()
        groups = channels if depthwise else 1
        self.conv = nn.Conv2d(channels, width, size, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.prelu = None if linear else nn.PReLU(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, h, w)."""
        y: Tensor = self.bn(self.conv(x))
        return y if self.prelu is None else self.prelu(y)


class Bottleneck(nn.Module):
    """Widen, convolve each channel alone, narrow; beside a shortcut where the shape stays."""

    def __init__(self, channels: int, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.short = stride == 1 and channels == width
        self.conv = nn.Sequential(
            nn.Conv2d(channels, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, wide, 3, stride, padding=1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, H / stride, W / stride)."""
        y: Tensor = self.conv(x)
        return x + y if self.short else y


class MobileFaceNet(Frozen):
    """Unit pictures of aligned faces, 112 high and 96 wide."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Conv(3, 64, 3, stride=2, padding=1)
        self.dw_conv1 = Conv(64, 64, 3, padding=1, depthwise=True)
        blocks, channels = [], 64
        for expansion, width, count, first in STAGES:
            for index in range(count):
                stride = first if index == 0 else 1
                blocks.append(Bottleneck(channels, width, expansion, stride))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = Conv(128, 512, 1)
        self.linear7 = Conv(512, 512, (7, 6), depthwise=True, linear=True)
        self.linear1 = Conv(512, 128, 1, linear=True)

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings (B, 128) of length 1; scaling, if needed, is bilinear and antialiased."""
        x = (resized(faces, HEIGHT, WIDTH) * 255 - 127.5) / 128  # (B, 3, 112, 96)
        x = self.blocks(self.dw_conv1(self.conv1(x)))  # (B, 128, 7, 6)
        x = self.linear1(self.linear7(self.conv2(x)))  # (B, 128, 1, 1)
        return F.normalize(x.flatten(1))


def mobilefacenet(state: Mapping[str, Tensor]) -> MobileFaceNet:
    """MobileFaceNet with Xiaoccer's weights: unit aligned faces (B, 3, 112, 96) -> (B, 128)."""
    return frozen(MobileFaceNet, state)
