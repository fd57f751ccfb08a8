from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from portrayal.features.weights import load


@pytest.fixture(scope="session")
def generated() -> Callable[[Callable[[], nn.Module]], dict[str, Tensor]]:
    """generated(make): random weights with the names and shapes of a network, sanely scaled."""

    def state(make: Callable[[], nn.Module], seed: int = 0) -> dict[str, Tensor]:
        with torch.device("meta"):
            layout = make().state_dict()
        rng = torch.Generator().manual_seed(seed)
        weights = {}
        for name, tensor in layout.items():
            if name.endswith("num_batches_tracked"):
                weights[name] = torch.tensor(1)
            elif tensor.dim() > 1:
                fan_in = tensor[0].numel()
                weights[name] = torch.randn(tensor.shape, generator=rng) * (2 / fan_in) ** 0.5
            else:
                offset = 0.0 if name.endswith(("bias", "running_mean")) else 1.0
                weights[name] = offset + 0.1 * torch.rand(tensor.shape, generator=rng)
        return weights

    return state


@pytest.fixture(scope="session")
def published(shared) -> Callable[[str], dict[str, Tensor]]:
    """published(name): the real weights of that name; skips where they are not."""
    places: list[Path] = [shared / "weights"]

    def state(name: str) -> dict[str, Tensor]:
        if not places[0].is_dir():
            pytest.skip(f"needs the pretrained weights in {places[0]}")
        return load(name, places, offline=True)

    return state
