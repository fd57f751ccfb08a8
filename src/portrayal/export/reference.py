"""Generators saved by pytorch-CycleGAN-and-pix2pix (latest_net_G*.pth) become ordinary runs.

Only tensors are read; layout.py says which network they are of.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from portrayal.core.devices import choose_place
from portrayal.core.environment import command, environment, now
from portrayal.core.errors import BadData, BadOption
from portrayal.core.runs import FORMAT, write_json
from portrayal.core.tensors import Unreadable, state_in
from portrayal.export.layout import PROJECT, Architecture, Tensors, architecture_of, fill
from portrayal.recipes import blank, rebuild
from portrayal.training.checkpoint import save
from portrayal.training.run import refuse_foreign
from portrayal.training.settings import Settings

WRAPPERS = ("module.", "_orig_mod.")  # of DataParallel and torch.compile
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
Note = Callable[[str], None]


def import_reference(
    file: Path,
    run: Path,
    *,
    back: Path | None = None,
    size: int | None = None,
    train_like: bool = False,
    note: Note = lambda text: None,
) -> Architecture:
    """Write the run folder of a saved generator; `back` is the one of the other direction.

    `train_like`: dropout and batch statistics stay on, as the reference's own test does by default.
    """
    files = {"generator": file} | ({"generator_reverse": back} if back else {})
    found = {name: read_generator(path, note) for name, path in files.items()}
    shapes = {name: architecture_of(tensors, files[name]) for name, tensors in found.items()}
    architecture = shapes["generator"]
    if len(set(shapes.values())) > 1:
        differ = differences(*shapes.values())
        raise BadData(f"{file} and {back} are no pair; they differ in {differ}.")
    config = config_of(architecture, files, size=size, train_like=train_like)
    outline = blank(config)  # a few kernels can claim a network that fills the memory
    for name, tensors in found.items():
        shapes_only = {key: tensor.to("meta") for key, tensor in tensors.items()}
        fill(getattr(outline, name), shapes_only, architecture, files[name])
    recipe = rebuild(config, choose_place("cpu", "float32"))
    for name, tensors in found.items():
        fill(getattr(recipe, name), tensors, architecture, files[name])
    if architecture.upsampling == "resize":
        note("Nearest-neighbour upsampling is assumed: a file does not say if it was bilinear.")
    refuse_foreign(run)
    about = {"step": 0, "steps": 0, "epoch": 0, "seconds": 0, "networks": list(files)}
    save(run, {name: getattr(recipe, name) for name in files}, about)
    write_json(run / "environment.json", environment())
    write_json(run / "config.json", config)  # last: a folder without it is no run
    return architecture


def config_of(
    architecture: Architecture,
    files: Mapping[str, Path],
    *,
    size: int | None,
    train_like: bool,
) -> dict[str, Any]:
    """config.json: the recipe that has such a generator, and where it came from."""
    a = architecture
    both_ways = len(files) > 1 or a.upsampling == "resize" or (not a.nested and a.norm != "batch")
    choices: dict[str, Any] = {"generator": a.network, "width": a.width, "norm": a.norm}
    choices["dropout"] = a.dropout
    if both_ways and train_like:
        kept = " its dropout would be all that is kept on;" if a.dropout and not a.nested else ""
        raise BadOption(
            f"--train-like is for pix2pix models, and this becomes a CycleGAN:{kept} leave it out."
        )
    if both_ways and not a.nested:
        choices["upsampling"] = a.upsampling
    elif train_like:
        choices["translation"] = "train_like"
    return {
        "format": FORMAT,
        "recipe": "cyclegan" if both_ways else "pix2pix",
        "preset": "imported",
        "config": choices,
        "settings": Settings().model_dump(mode="json"),  # nobody's: a run has to have some
        "steps": 0,
        "data": {
            "path": None,
            "sha256": None,
            "kind": "unknown",
            "size": [size, size] if size else None,
            "counts": {},
        },
        "imported": {
            "from": PROJECT,
            **{
                name: {"file": path.name, "sha256": file_hash(path)} for name, path in files.items()
            },
        },
        "command": command(),
        "started": now(),
    }


def differences(a: Architecture, b: Architecture) -> str:
    """What tells two networks apart, in words.

    >>> first, second = (Architecture("resnet_9", 64, norm, 0.5) for norm in ("batch", "none"))
    >>> differences(first, second)
    'norm (batch, none)'
    """
    ours, theirs = asdict(a), asdict(b)
    return ", ".join(
        f"{key} ({ours[key]}, {theirs[key]})" for key in ours if ours[key] != theirs[key]
    )


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_generator(path: Path, note: Note = lambda text: None) -> Tensors:
    """The tensors of a file by name, float32; nothing in it is run."""
    if not path.is_file():
        raise BadData(f"{path} is no file. Give a latest_net_G*.pth that training saved.")
    try:
        content = state_in(path)
    except Unreadable as reason:
        raise BadData(
            f"{path} is no file of plain tensors, and nothing else is read: {reason}."
        ) from None
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(
            isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
        )
    ):
        raise BadData(f"{path} holds no tensors by name; give a latest_net_G.pth of {PROJECT}.")
    tensors = {unwrapped(key): value for key, value in content.items()}
    tensors = {k: t.float() if t.is_floating_point() else t for k, t in tensors.items()}
    kept = {key: value for key, value in tensors.items() if not unused_statistic(key, tensors)}
    if len(kept) < len(tensors):
        note("Statistics of instance norms are left out: they are not used.")
    return kept


def unwrapped(key: str) -> str:
    """The key without the wrappers of DataParallel and torch.compile."""
    while wrapper := next((w for w in WRAPPERS if key.startswith(w)), None):
        key = key.removeprefix(wrapper)
    return key


def unused_statistic(key: str, tensors: Mapping[str, Tensor]) -> bool:
    """Whether it belongs to an instance norm of PyTorch before 0.4, which has no weight beside."""
    layer, _, name = key.rpartition(".")
    return name in STATISTICS and f"{layer}.weight" not in tensors
