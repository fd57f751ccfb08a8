"""VGG-16 (Simonyan and Zisserman 2015, configuration D) with torchvision's names of its weights.

B pictures of H x W pixels.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from portrayal.features.frozen import Frozen, frozen, imagenet, short_side

WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
LAYERS = (3, 8, 15, 22, 29)  # of `features`: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3


class VGG16(Frozen):
    """Unit pictures of any size from 32 pixels a side."""

    def __init__(self) -> None:
        super().__init__()
        convolutions: list[nn.Module] = []
        channels = 3
        for widths in WIDTHS:
            for width in widths:
                convolutions += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            convolutions.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*convolutions)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 1000),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Second fully connected layer after its ReLU, (B, 4096)."""
        return self.fully_connected(pictures)[1]

    def fully_connected(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """First and second fully connected layer after ReLU, (B, 4096) each; shorter side 224."""
        maps = self.features(imagenet(short_side(pictures, 224)))  # (B, 512, 7, 7)
        pooled = nn.functional.adaptive_avg_pool2d(maps, 7).flatten(1)  # (B, 25088)
        first: Tensor = self.classifier[:2](pooled)
        second: Tensor = self.classifier[3:5](first)
        return first, second

    def logits(self, pictures: Tensor) -> Tensor:
        """ImageNet's classes before the softmax, (B, 1000)."""
        scores: Tensor = self.classifier[6](self(pictures))
        return scores

    def layers(self, pictures: Tensor) -> list[Tensor]:
        """The last map of each of the five scales, (B, 64 to 512, h, w), at the pictures' size."""
        x, maps = imagenet(pictures), []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in LAYERS:
                maps.append(x)
        return maps


def vgg16(state: Mapping[str, Tensor]) -> VGG16:
    """VGG-16 with torchvision's weights: unit (B, 3, H, W) -> (B, 4096), at 224."""
    return frozen(VGG16, state)
