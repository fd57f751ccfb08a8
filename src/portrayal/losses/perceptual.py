"""The same content in the eyes of a pretrained network (Johnson et al. 2016), weights frozen.

B signed pictures (B, 3, H, W) in, one value per picture out, (B,). Maps are scaled to length 1 over
their channels, as LPIPS does, so that no layer outweighs the others.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from portrayal.core.images import unit_of
from portrayal.features.frozen import Frozen, imagenet
from portrayal.features.published import network

Judge = Literal["vgg16", "squeezenet1_1", "facenet"]
LAYERS: dict[str, Callable[[Any, Tensor], list[Tensor]]] = {  # maps of unit pictures
    "vgg16": lambda net, pictures: net.layers(pictures),
    "squeezenet1_1": lambda net, pictures: net.layers(imagenet(pictures)),
    "facenet": lambda net, pictures: net.layers(pictures),
}


class Perceptual:
    """The loss, with its network, which is fetched at the first use.

    Never score with the network that was trained against: LPIPS with the same backbone flatters.
    """

    def __init__(
        self,
        device: torch.device,
        judge: Judge = "vgg16",
        fetch: Callable[[str, torch.device], Frozen] = network,
    ) -> None:
        self.device, self.judge, self.fetch = device, judge, fetch
        self.network: Frozen | None = None

    def __call__(self, fake: Tensor, real: Tensor) -> Tensor:
        """Mean squared difference of the maps, summed over channels, mean of layers. (B,)"""
        with torch.no_grad():
            wanted = self.maps(real)
        differences = [
            (a - b).square().sum(1).mean((1, 2))
            for a, b in zip(self.maps(fake), wanted, strict=True)
        ]
        return torch.stack(differences).mean(0)

    def maps(self, pictures: Tensor) -> list[Tensor]:
        """Maps of length 1 over their channels, [(B, C, h, w)] in float32."""
        if self.network is None:
            self.network = self.fetch(self.judge, self.device)
        found = LAYERS[self.judge](self.network, unit_of(pictures.float()))
        return [F.normalize(each.float(), dim=1, eps=1e-8) for each in found]
