"""A tiny recipe, data and a way to train it, shared by the tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from portrayal.core.devices import Place
from portrayal.data.batch import Batch
from portrayal.recipes.pix2pix import Config, Pix2pix
from portrayal.training.checkpoint import save
from portrayal.training.settings import Settings

TINY = Config(generator="unet_64", discriminator="patch_16", width=4, discriminator_width=4)


@pytest.fixture
def tiny() -> Callable[..., Pix2pix]:
    """tiny(settings) -> a new narrow pix2pix on the CPU, always with the same first weights."""

    def build(settings: Settings | None = None, **config: object) -> Pix2pix:
        torch.manual_seed(0)
        place = Place(torch.device("cpu"))
        return Pix2pix(TINY.model_copy(update=config), settings or Settings(), place)

    return build


def batch_at(step: int, count: int = 2) -> Batch:
    """A batch fixed by its step."""
    rng = torch.Generator().manual_seed(step)
    source = torch.rand(count, 3, 64, 64, generator=rng) * 2 - 1
    names = [f"picture_{step}_{i}" for i in range(count)]
    return Batch(source, source.flip(1), names)


@pytest.fixture
def endless() -> Callable[[int], Iterator[Batch]]:
    """batches(first) without end."""

    def batches(first: int) -> Iterator[Batch]:
        step = first
        while True:
            yield batch_at(step)
            step += 1

    return batches


@pytest.fixture
def run(tiny, tmp_path) -> Path:
    """A run folder with checkpoints of steps 1 and 2."""
    for step in (1, 2):
        save(tmp_path, tiny().state(), {"step": step, "seconds": 0.0})
    return tmp_path
