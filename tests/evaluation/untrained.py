"""Small generated datasets and a real, untrained run."""

import json

import cv2
import numpy as np
import torch

from portrayal.core.devices import choose_place
from portrayal.core.images import encode_png
from portrayal.core.runs import write_json
from portrayal.data.dataset import Dataset
from portrayal.recipes import rebuild
from portrayal.training.checkpoint import save

SIDE = 64
JOINT = {"width": 2, "discriminator_width": 2, "latent": 6}
SEARCH = {"starts": 4, "search_steps": 2, "descent": "adam", "search_rate": 0.05}


def save_picture(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels))


def smooth(seed, height=SIDE, width=SIDE):
    """A soft random picture, (height, width, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def make_dataset(folder, counts, **columns):
    """Pairs of a soft picture and a blurred copy; `columns` are functions of the index."""
    for split, count in counts.items():
        lines = []
        for index in range(count):
            target = smooth(1000 * len(split) + index)
            name = f"p{index:02d}"
            save_picture(folder / split / "target" / f"{name}.png", target)
            save_picture(folder / split / "source" / f"{name}.png", cv2.blur(target, (9, 9)))
            row = {"name": name} | {key: value(index) for key, value in columns.items()}
            row |= {f"{side}_file_name": f"{side}/{name}.png" for side in ("source", "target")}
            lines.append(json.dumps(row) + "\n")
        (folder / split).mkdir(parents=True, exist_ok=True)
        (folder / split / "metadata.jsonl").write_text("".join(lines))
    return folder


def make_unpaired(folder, counts, side=32):
    """Two domains of soft pictures; `counts` are (sources, targets) of each split."""
    for split, each in counts.items():
        lines = []
        for domain, count in zip(("source", "target"), each, strict=True):
            for index in range(count):
                file = f"{domain}/{domain[0]}{index:02d}.png"
                seed = 1000 * len(split) + 100 * len(domain) + ord(domain[0]) + 200 * index
                save_picture(folder / split / file, smooth(seed, side, side))
                row = {"file_name": file, "domain": domain, "name": file[len(domain) + 1 : -4]}
                lines.append(json.dumps(row) + "\n")
        (folder / split / "metadata.jsonl").write_text("".join(lines))
    return folder


def make_run(folder, data, seed=0, width=4):
    small = {"width": width, "discriminator_width": 4}
    config = {
        "format": 1,
        "recipe": "pix2pix",
        "preset": "quick_64",
        "config": {"generator": "unet_64", "discriminator": "patch_16", **small},
        "settings": {},
        "data": Dataset(data).summary(),
    }
    torch.manual_seed(seed)
    recipe = rebuild(config, choose_place("cpu", "float32"))
    save(folder, recipe.state(), {"step": 1, "steps": 1, "epoch": 1.0, "seconds": 1.0})
    write_json(folder / "config.json", config)
    return folder


def joint_run(folder, data, recipe, seed=0):
    """An untrained run of a recipe that draws joint pictures."""
    config = {
        "format": 1,
        "recipe": recipe,
        "preset": "quick_64",
        "config": JOINT | (SEARCH if recipe == "contextual" else {}),
        "settings": {},
        "data": Dataset(data).summary(),
    }
    torch.manual_seed(seed)
    made = rebuild(config, choose_place("cpu", "float32"))
    for layer in made.generator.modules():  # first weights of .02 draw grey, whatever goes in
        if isinstance(layer, torch.nn.Linear | torch.nn.ConvTranspose2d):
            torch.nn.init.xavier_normal_(layer.weight, 2.0)
    save(folder, made.state(), {"step": 1, "steps": 1, "epoch": 1.0, "seconds": 1.0})
    write_json(folder / "config.json", config)
    return folder
