"""LPIPS as a score: the published weights or none, each pair alone."""

import threading
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from portrayal.features.lpips import Lpips, lpips
from portrayal.features.weights import folders, load
from portrayal.metrics import Card, metrics
from portrayal.metrics.checked import checked

_loading = threading.Lock()  # pictures are scored by several threads, and one of them loads


@metrics.described(
    Card(
        better="lower",
        needs="pairs",
        title="LPIPS (SqueezeNet)",
        protocol="Zhang et al. 2018, version 0.1: SqueezeNet 1.1 with the published linear heads, "
        "pictures at their own size, float32; grey as RGB",
        weights=("squeezenet1_1", "lpips_squeeze"),
    )
)
def lpips_squeeze(fake: Tensor, real: Tensor) -> Tensor:
    """Learned perceptual distance, 0 (equal) to about 1, from 32 pixels a side. (B,)"""
    fake, real = checked(fake, real)
    with _loading:
        network = published(tuple(folders()), fake.device)
    return distances(fake, real, network)


def distances(fake: Tensor, real: Tensor, network: Lpips) -> Tensor:
    """The network's distance of each pair (B, 1 or 3, H, W), computed alone, as float64 (B,).

    Convolutions round otherwise in a batch: alone, neither its size nor its order changes a value.
    """
    fake, real = (pictures.float().expand(-1, 3, -1, -1) for pictures in (fake, real))
    values = fake.new_empty(len(fake), dtype=torch.float64)
    with torch.no_grad():
        for index in range(len(fake)):
            pair = (side[index : index + 1].contiguous() for side in (fake, real))
            values[index] = network(*pair).item()
    return values


@lru_cache(maxsize=2)
def published(places: tuple[Path, ...], device: torch.device) -> Lpips:
    """The published network from the files in these folders, loaded once for a device."""
    state, heads = (load(name, list(places)) for name in ("squeezenet1_1", "lpips_squeeze"))
    return lpips(state, heads).to(device)
