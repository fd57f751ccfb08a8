"""Which network turns pictures into features, and what a score must say about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from portrayal.core.errors import MissingPart, UnknownName
from portrayal.core.images import Pixels, unit
from portrayal.features.frozen import Frozen
from portrayal.features.published import network
from portrayal.features.weights import KNOWN, locate
from portrayal.metrics.face_identity import embeddings, find_face

Vector = NDArray[np.float32]  # (D,)
STANDARD = "inception"  # of FID and KID; any other network is named beside the score
USUAL = (STANDARD, "resnet34", "resnet18", "squeezenet1_1", "vgg16")  # the first whose file is here
NETWORKS = {  # title, resizing
    "inception": ("Inception", "antialiased bicubic to 299 x 299"),
    "resnet34": ("ResNet-34", "antialiased bilinear to a shorter side of 224"),
    "resnet18": ("ResNet-18", "antialiased bilinear to a shorter side of 224"),
    "squeezenet1_1": ("SqueezeNet 1.1", "antialiased bilinear to a shorter side of 224"),
    "vgg16": ("VGG-16", "antialiased bilinear to a shorter side of 224"),
    "mobilefacenet": ("MobileFaceNet", "largest face (YuNet), aligned to 112 x 96"),
    "facenet": ("FaceNet", "largest face, cut out at 160 x 160"),
}
FACES = ("mobilefacenet", "facenet")  # pictures without a face have no features


@dataclass(frozen=True)
class Extractor:
    """A picture (H, W, 3) to its features (D,), float32; None where it has none."""

    name: str
    sha256: str  # of the weights
    of: Callable[[Pixels], Vector | None]
    kind: str = "cpu"  # of device: another one rounds otherwise

    @property
    def title(self) -> str:
        """What stands beside a score."""
        return NETWORKS[self.name][0]

    @property
    def protocol(self) -> str:
        """File, resizing and network in one line."""
        return f"8-bit files, {NETWORKS[self.name][1]}, features of {self.title}"


def choose_extractor(
    wanted: str | None, note: Callable[[str], None], device: str = "cpu"
) -> Extractor | None:
    """The network asked for, else the first of USUAL whose file is here, else none: it is said.

    Only a network that is asked for is downloaded.
    """
    if wanted is not None and wanted not in NETWORKS:
        raise UnknownName("feature network", wanted, NETWORKS)
    name = wanted or next((name for name in USUAL if is_here(name)), None)
    if name is None:
        first = KNOWN[STANDARD]
        note(
            f"No feature network is here, so sets of pictures are not compared (KID, FID, 1-NN): "
            f"portrayal evaluate --features {STANDARD} gets {first.first}."
        )
        return None
    return extractor(name, device)


def is_here(name: str) -> bool:
    """Whether the published file is on this machine."""
    try:
        locate(KNOWN[name], offline=True)
    except MissingPart:
        return False
    return True


def extractor(name: str, device: str = "cpu") -> Extractor:
    """The network of that name, loaded. Each picture goes through it alone."""
    net = network(name, device)
    if name in FACES:
        return Extractor(name, net.sha256, lambda pixels: face_vector(pixels, name))
    return Extractor(name, net.sha256, lambda pixels: vector(net, pixels, device), device)


def vector(net: Frozen, pixels: Pixels, device: str) -> Vector:
    """Features of one picture, alone in its batch; channels last is half as fast again on a CPU."""
    picture = unit(pixels)[None].to(device).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        found: Any = net(picture)
    return np.ascontiguousarray(found[0].cpu().numpy(), np.float32)


def face_vector(pixels: Pixels, name: str) -> Vector | None:
    """Embedding of the largest face; None without one."""
    found = embeddings([pixels], find_face(pixels, name), name)
    return None if found is None else np.asarray(found[0].numpy(), np.float32)
