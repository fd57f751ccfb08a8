"""The pictures of a study, wherever they come from: runs, translated now, or anybody's folders."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import Pixels, read_pixels
from portrayal.core.seeds import numpy_rng
from portrayal.evaluation.folders import pictures_by_name
from portrayal.filters.degrade import noise

if TYPE_CHECKING:
    from portrayal.data.dataset import Dataset

Read = Callable[[str], Pixels]


@dataclass(frozen=True)
class Material:
    """Pictures by model and motif, read or made one at a time."""

    names: Sequence[str]  # of the motifs
    models: Mapping[str, Read]
    input: Read | None = None
    truth: Read | None = None  # the real picture of the motif
    reals: Sequence[str] = ()  # names that `real` knows, for real or fake
    real: Read | None = None
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # about the models
    notes: Sequence[str] = ()


def of_folders(
    folders: Sequence[Path],
    *,
    input: Path | None = None,
    reference: Path | None = None,
    real: Path | None = None,
) -> Material:
    """Folders of pictures with the same names; names that not all have are left out and counted."""
    models = dict(zip(names_of(folders), map(pictures_by_name, folders), strict=True))
    beside = {
        key: pictures_by_name(folder)
        for key, folder in (("input", input), ("reference", reference))
        if folder
    }
    every = [*models.values(), *beside.values()]
    shared = sorted(set.intersection(*(set(each) for each in every)))
    if not shared:
        first = ", ".join(sorted(each)[0] for each in every)
        raise BadData(
            f"No picture name is in all {len(every)} folders (first names: {first}). Give pictures "
            "of one motif the same name."
        )
    total = len(set.union(*(set(each) for each in every)))
    notes = [f"{total - len(shared)} of {total} names are not in all folders and are left out."]
    reals = pictures_by_name(real) if real else {}
    return Material(
        shared,
        {name: reader(files) for name, files in models.items()},
        reader(beside["input"]) if input else None,
        reader(beside["reference"]) if reference else None,
        sorted(reals),
        reader(reals) if real else None,
        {name: {"folder": str(path)} for name, path in zip(models, folders, strict=True)},
        notes if total > len(shared) else [],
    )


def of_runs(
    runs: Sequence[Path],
    *,
    checkpoint: str = "newest",
    split: str = "test",
    data: Path | None = None,
    device: str = "auto",
    note: Callable[[str], None] = lambda text: None,
) -> Material:
    """Translations of one split by every run, made when they are asked for."""
    from portrayal.inference.load import load

    translators = {
        name: load(run, device=device, checkpoint=checkpoint, note=note)
        for name, run in zip(names_of(runs), runs, strict=True)
    }
    configs = [each.config for each in translators.values()]
    chosen = shared_dataset(runs, configs, data, note).split(split)
    sources, targets = chosen.domain("source"), chosen.domain("target")
    index = {row["name"]: number for number, row in enumerate(sources.rows())}
    real = {row["name"]: number for number, row in enumerate(targets.rows())}

    @cache  # one motif is asked for by every model in turn
    def source(name: str) -> Pixels:
        return sources.picture(index[name])

    def target(name: str) -> Pixels:
        return targets.picture(real[name])

    def translation(model: str) -> Read:
        return lambda name: translators[model].translate(source(name))

    facts = {
        name: {
            "run": str(run),
            "checkpoint": checkpoint,
            "step": each.about.get("step"),
            "model": each.model_hash,
        }
        for (name, each), run in zip(translators.items(), runs, strict=True)
    }
    return Material(
        list(index),
        {name: translation(name) for name in translators},
        source,
        target if chosen.paired else None,
        list(real),
        target,
        facts,
    )


def shared_dataset(
    runs: Sequence[Path],
    configs: Sequence[Mapping[str, Any]],
    data: Path | None,
    note: Callable[[str], None],
) -> "Dataset":
    """The one dataset that all runs learned from, or `data`."""
    from portrayal.evaluation.translations import dataset_of

    datasets = [
        dataset_of(run, config, data, note) for run, config in zip(runs, configs, strict=True)
    ]
    if len({dataset.identity for dataset in datasets}) > 1:
        places = ", ".join(str(dataset.folder) for dataset in datasets)
        raise BadData(
            f"These runs learned from different datasets ({places}). Say whose pictures to show: "
            "--data FOLDER."
        )
    return datasets[0]


def reader(files: Mapping[str, Path]) -> Read:
    """Reads a picture by its name."""
    return lambda name: read_pixels(files[name])


def names_of(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths that tell them apart: a, b; or x/a, y/a."""
    whole = [path.absolute().parts for path in paths]
    if len(set(whole)) < len(whole):
        raise BadOption("One of the runs or folders is given twice.")
    for count in range(1, max(map(len, whole), default=1) + 1):
        names = ["/".join(parts[-count:]) for parts in whole]
        if len(set(names)) == len(names):
            return names
    return ["/".join(parts) for parts in whole]


def ruined(pixels: Pixels, seed: int) -> Pixels:
    """Large blocks in a drawn order under heavy noise: nobody who looks takes it for real."""
    height, width = pixels.shape[:2]
    rows, columns = (np.linspace(0, side, 9).astype(int) for side in (height, width))
    places = [(slice(*ys), slice(*xs)) for ys, xs in product(pairwise(rows), pairwise(columns))]
    places = [place for place in places if pixels[place].size]  # of tiny pictures few are left
    done = pixels.copy()
    for place, number in zip(places, numpy_rng(seed, "ruin").permutation(len(places)), strict=True):
        side = done[place].shape[1::-1]
        block = Image.fromarray(pixels[places[number]]).resize(side)
        done[place] = np.asarray(block, np.uint8)
    return np.asarray(noise(done, strength=0.8, seed=seed), np.uint8)
