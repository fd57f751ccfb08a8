"""FaceNet: Inception-ResNet-v1 (Szegedy et al. 2017) with facenet-pytorch's names of its weights.

B pictures of faces; embeddings of one person lie close on the unit sphere.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.features.frozen import Conv, Frozen, frozen, resized

SIDE = 160


class Residual(nn.Module):
    """Branches laid side by side, brought back to the input's channels and added to it.

    The branches have the names branch0, branch1, ... of the published weights.
    """

    def __init__(
        self, channels: int, width: int, branches: list[nn.Module], *, scale: float, last: bool
    ) -> None:
        super().__init__()
        self.scale, self.last, self.count = scale, last, len(branches)
        for index, branch in enumerate(branches):
            self.add_module(f"branch{index}", branch)
        self.conv2d = nn.Conv2d(width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        parts = [self.get_submodule(f"branch{index}")(x) for index in range(self.count)]
        total: Tensor = x + self.scale * self.conv2d(torch.cat(parts, 1))
        return total if self.last else total.relu()


class Reduction(nn.Module):
    """Branches that halve the picture, and its maxima, side by side."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.count = len(branches)
        for index, branch in enumerate(branches):
            self.add_module(f"branch{index}", branch)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, more, H/2, W/2)."""
        parts = [self.get_submodule(f"branch{index}")(x) for index in range(self.count)]
        return torch.cat([*parts, F.max_pool2d(x, 3, 2)], 1)


def block35() -> Residual:
    """Of repeat_1, on (B, 256, 17, 17)."""
    one = Conv(256, 32, 1)
    two = nn.Sequential(Conv(256, 32, 1), Conv(32, 32, 3))
    three = nn.Sequential(Conv(256, 32, 1), Conv(32, 32, 3), Conv(32, 32, 3))
    return Residual(256, 96, [one, two, three], scale=0.17, last=False)


def block17() -> Residual:
    """Of repeat_2, on (B, 896, 8, 8)."""
    strips = nn.Sequential(Conv(896, 128, 1), Conv(128, 128, (1, 7)), Conv(128, 128, (7, 1)))
    return Residual(896, 256, [Conv(896, 128, 1), strips], scale=0.10, last=False)


def block8(scale: float = 0.20, *, last: bool = False) -> Residual:
    """Of repeat_3, on (B, 1792, 3, 3); the last of all has no ReLU and is not scaled down."""
    strips = nn.Sequential(Conv(1792, 192, 1), Conv(192, 192, (1, 3)), Conv(192, 192, (3, 1)))
    return Residual(1792, 384, [Conv(1792, 192, 1), strips], scale=scale, last=last)


def stem_17() -> Reduction:
    """(B, 256, 17, 17) -> (B, 896, 8, 8)."""
    return Reduction(
        Conv(256, 384, 3, stride=2),
        nn.Sequential(Conv(256, 192, 1), Conv(192, 192, 3), Conv(192, 256, 3, stride=2)),
    )


def stem_8() -> Reduction:
    """(B, 896, 8, 8) -> (B, 1792, 3, 3)."""
    return Reduction(
        nn.Sequential(Conv(896, 256, 1), Conv(256, 384, 3, stride=2)),
        nn.Sequential(Conv(896, 256, 1), Conv(256, 256, 3, stride=2)),
        nn.Sequential(Conv(896, 256, 1), Conv(256, 256, 3), Conv(256, 256, 3, stride=2)),
    )


class InceptionResnetV1(Frozen):
    """Unit pictures of faces, scaled to 160 x 160."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = Conv(3, 32, 3, stride=2)
        self.conv2d_2a = Conv(32, 32, 3, valid=True)
        self.conv2d_2b = Conv(32, 64, 3)
        self.conv2d_3b = Conv(64, 80, 1)
        self.conv2d_4a = Conv(80, 192, 3, valid=True)
        self.conv2d_4b = Conv(192, 256, 3, stride=2)
        self.repeat_1 = nn.Sequential(*(block35() for _ in range(5)))
        self.mixed_6a = stem_17()
        self.repeat_2 = nn.Sequential(*(block17() for _ in range(10)))
        self.mixed_7a = stem_8()
        self.repeat_3 = nn.Sequential(*(block8() for _ in range(5)))
        self.block8 = block8(1.0, last=True)
        self.last_linear = nn.Linear(1792, 512, bias=False)
        self.last_bn = nn.BatchNorm1d(512, eps=0.001)

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings (B, 512) of length 1; scaling is bilinear and antialiased.

        A cosine is their product; the squared distance is 2 (1 - cosine).
        """
        x = (resized(faces, SIDE, SIDE) * 255 - 127.5) / 128  # (B, 3, 160, 160)
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))  # (B, 64, 77, 77)
        x = self.conv2d_3b(F.max_pool2d(x, 3, 2))  # (B, 80, 38, 38)
        x = self.conv2d_4b(self.conv2d_4a(x))  # (B, 256, 17, 17)
        x = self.mixed_6a(self.repeat_1(x))  # (B, 896, 8, 8)
        x = self.mixed_7a(self.repeat_2(x))  # (B, 1792, 3, 3)
        x = self.block8(self.repeat_3(x)).mean((2, 3))  # (B, 1792)
        return F.normalize(self.last_bn(self.last_linear(x)))

    def layers(self, pictures: Tensor) -> list[Tensor]:
        """Three maps of the stem, (B, 64 to 256, h, w), at the pictures' own size."""
        x = (pictures * 255 - 127.5) / 128
        low = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))  # a half of the size
        middle = self.conv2d_4a(self.conv2d_3b(F.max_pool2d(low, 3, 2)))  # a quarter
        return [low, middle, self.repeat_1(self.conv2d_4b(middle))]  # and an eighth


def facenet(state: Mapping[str, Tensor]) -> InceptionResnetV1:
    """FaceNet with facenet-pytorch's weights: unit faces (B, 3, H, W) -> (B, 512), at 160."""
    return frozen(InceptionResnetV1, state, ignored=("logits.",))
