"""Published networks by the name of their weights, loaded once for a device."""

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from portrayal.features.facenet import facenet
from portrayal.features.frozen import Frozen
from portrayal.features.inception import inception
from portrayal.features.mobilefacenet import mobilefacenet
from portrayal.features.resnet import resnet18, resnet34
from portrayal.features.squeezenet import squeezenet1_1
from portrayal.features.vgg import vgg16
from portrayal.features.weights import folders, load

MAKERS: dict[str, Callable[[Mapping[str, Tensor]], Frozen]] = {
    "inception": inception,
    "resnet34": resnet34,
    "resnet18": resnet18,
    "squeezenet1_1": squeezenet1_1,
    "vgg16": vgg16,
    "facenet": facenet,
    "mobilefacenet": mobilefacenet,
}
_loading = threading.Lock()  # pictures are scored by several threads, and one of them loads


def network(name: str, device: torch.device | str = "cpu") -> Frozen:
    """The network of these weights, one of MAKERS; MissingPart says how to get it."""
    with _loading:
        return _loaded(name, tuple(folders()), torch.device(device))


@lru_cache(maxsize=8)
def _loaded(name: str, places: tuple[Path, ...], device: torch.device) -> Frozen:
    return MAKERS[name](load(name, list(places))).to(device)
