"""A small run whose files are attacked one at a time, with hashes that fit the attack."""

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mutants import changed_json_file, changed_safetensors, changed_torch

import portrayal
from portrayal.core.devices import choose_place
from portrayal.core.runs import write_json
from portrayal.data.dataset import Dataset
from portrayal.export.reference import read_generator
from portrayal.features.weights import read
from portrayal.inference.load import read_config
from portrayal.recipes import blank, load_networks, rebuild
from portrayal.training.checkpoint import save
from portrayal.training.reading import read_weights
from portrayal.training.restoring import restore

CONFIG = {
    "format": 1,
    "recipe": "paired",
    "config": {
        "generator": "resnet_6",
        "width": 1,
        "discriminator": "patch_16",
        "discriminator_width": 1,
        "pool": 2,
    },
    "settings": {},
    "data": {"path": "gone", "sha256": "0", "kind": "paired", "size": [64, 64], "counts": {}},
}
MANIFEST = {"format": 1, "kind": "paired", "size": [8, 8], "counts": {"train": 2}, "sha256": "0"}
ROW = {"name": "a", "source_file_name": "source/a.png", "target_file_name": "target/a.png"}
KINDS = ("weights", "weights", "training", "training", "config", "about", "best", "manifest", "row")


class Models:
    """Run, checkpoint and dataset in `folder`; `attempt` changes one file and says how to read."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.run, self.data = folder, folder / "run", folder / "data"
        self.recipe = small_recipe()
        about = {"step": 1, "steps": 1, "epoch": 1.0, "seconds": 1.0, "recipe": "paired"}
        save(self.run, self.recipe.state(), about)
        write_json(self.run / "config.json", CONFIG)
        best = {"format": 1, "metric": "ssim", "value": 0.5, "step": 1, "folder": "00000001"}
        self.step = self.run / "checkpoints/00000001"
        write_json(self.step.with_name("best_ssim.json"), best)
        (self.data / "train/source").mkdir(parents=True)
        write_json(self.data / "manifest.json", MANIFEST)
        (self.data / "train/metadata.jsonl").write_text(json.dumps(ROW) + "\n")
        self.files = {
            "weights": self.step / "weights.safetensors",
            "training": self.step / "training.pt",
            "about": self.step / "about.json",
            "config": self.run / "config.json",
            "best": self.step.with_name("best_ssim.json"),
            "manifest": self.data / "manifest.json",
            "row": self.data / "train/metadata.jsonl",
        }
        self.whole = {kind: path.read_bytes() for kind, path in self.files.items()}
        self.outline, self.touched = blank(CONFIG), set(self.files)

    def attempt(self, number: int) -> tuple[bytes, Callable[[], object]]:
        """Mutant `number` of the kinds in turn; all other files are whole again."""
        for kind in self.touched:
            self.files[kind].write_bytes(self.whole[kind])
        draw, rng = random.Random(number), np.random.default_rng([number, 2])
        kind = KINDS[number % len(KINDS)]
        change = {"weights": changed_safetensors, "training": changed_torch}.get(
            kind, changed_json_file
        )
        mutant = change(self.whole[kind], draw, rng)
        self.touched = {kind, "about"} if kind in ("weights", "training") else {kind}
        self.files[kind].write_bytes(mutant)
        if kind in ("weights", "training"):
            sign(self.step)
        whole_way = draw.random() < 0.04
        return mutant, lambda: self.read(kind, whole_way)

    def read(self, kind: str, whole_way: bool) -> None:
        """Read as a person would; the whole way builds networks, which takes longest."""
        if kind in ("manifest", "row"):
            data = Dataset(self.data)
            split = data.split("train")
            assert isinstance(data.identity, str) and len(list(split.rows())) == len(split)
            data.counts()
        elif kind == "training":
            alone = shutil.copy(self.files[kind], self.folder / "alone.pth")
            outcomes = [refused(lambda: read_generator(alone)), refused(lambda: read(alone))]
            restore(self.run, (small_recipe() if whole_way else self.recipe).state(), raising)
            assert len(outcomes) == 2
        elif whole_way:
            portrayal.load(
                self.run, device="cpu", checkpoint="1" if kind != "best" else "best_ssim"
            )
        elif kind == "config":
            config = read_config(self.run)
            if config["recipe"] in ("paired", "pix2pix"):
                portrayal.load(self.run, device="cpu")
        else:
            weights, about = read_weights(self.run, "best_ssim" if kind == "best" else "1")
            shapes_only = {name: tensor.to("meta") for name, tensor in weights.items()}
            load_networks(self.outline, shapes_only, "run", about.get("networks"))


def small_recipe() -> object:
    """A recipe with networks, optimisers that have moments, and a pool that has pictures."""
    torch.manual_seed(0)
    recipe = rebuild(CONFIG, choose_place("cpu", "float32"))
    for part in (recipe.adam_g, recipe.adam_d):
        for group in part.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.zeros_like(parameter)
        part.step()
    recipe.pool.pictures = [torch.zeros(3, 8, 8)]
    return recipe


def sign(step: Path) -> None:
    """Let about.json tell the hashes of the files as they are now: an attacker can do that."""
    about = json.loads((step / "about.json").read_text())
    for name in about["files"]:
        about["files"][name] = hashlib.sha256((step / name).read_bytes()).hexdigest()
    (step / "about.json").write_text(json.dumps(about))


def raising(text: str) -> None:
    """A note that is not read; a checkpoint before it does not exist here."""


def refused(read: Callable[[], object]) -> str:
    """The line with which a file is refused; empty if it was read."""
    from portrayal.core.errors import UserError

    try:
        read()
    except UserError as error:
        return str(error)
    return ""
