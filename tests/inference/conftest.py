"""A small real run, made as a training makes it, and pictures to send through it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from portrayal.core.devices import choose_place
from portrayal.core.images import encode
from portrayal.core.runs import write_json
from portrayal.recipes import rebuild
from portrayal.training.checkpoint import save

sys.path.insert(0, str(Path(__file__).parent))  # for inverting.py

CONFIG = {
    "format": 1,
    "version": "0.1.0",
    "recipe": "pix2pix",
    "preset": "quick_64",
    "config": {
        "generator": "unet_64",
        "width": 4,
        "discriminator": "patch_16",
        "discriminator_width": 4,
    },
    "settings": {"device": "cuda:7"},  # of the machine it was trained on
    "data": {"path": "gone", "sha256": "0", "kind": "paired", "size": [64, 64], "counts": {}},
}


def make_run(folder, **changes):
    config = {**CONFIG, "config": {**CONFIG["config"], **changes}}
    torch.manual_seed(0)
    recipe = rebuild(config, choose_place("cpu", "float32"))
    for step in (1, 2):
        with torch.no_grad():  # every checkpoint another model, with statistics that are not fresh
            for parameter in recipe.generator.parameters():
                parameter.add_(torch.randn_like(parameter) / 10)
        recipe.generator.train()
        recipe.generator(torch.rand(4, 3, 64, 64) * 2 - 1)
        save(folder, recipe.state(), {"step": step, "steps": 2, "epoch": 1.0, "recipe": "pix2pix"})
    write_json(folder / "config.json", config)
    return folder


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="session")
def run_like_training(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "noisy", translation="train_like")


@pytest.fixture
def noise():
    def make(height, width, seed=0):
        rng = np.random.default_rng(seed)
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)

    return make


@pytest.fixture
def photos(tmp_path, noise):
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for index, name in enumerate(["a.png", "b.png", "below/c.png", "below/d.png"]):
        (folder / name).write_bytes(encode(noise(8, 8 + index % 2 * 4, index), ".png"))
    return folder
