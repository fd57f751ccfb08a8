"""What a model costs: parameters, operations, seconds. Operations are counted, not estimated.

An addition and a multiplication are two operations, as torch counts them.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from portrayal.core.environment import machine
from portrayal.core.images import Pixels
from portrayal.core.seeds import numpy_rng
from portrayal.data.batch import Batch
from portrayal.inference.load import load
from portrayal.inference.searching import with_search
from portrayal.inference.translator import Translator
from portrayal.recipes import rebuild
from portrayal.reports.collect import collect
from portrayal.reports.comparison import Cost
from portrayal.reports.results import search_settings
from portrayal.training.settings import Settings

REPEATS = 5  # timings of which the median is told
LONG = 20.0  # seconds after which no further timing is begun


def cost_of(translator: Translator, *, training: bool = True) -> Cost:
    """Operations and seconds of one translation at the size of the training pictures."""
    size = translator.training_size
    if size is None:
        return Cost()
    picture = numpy_rng(0, "cost").integers(0, 256, (*size, 3)).astype("uint8")
    return Cost(
        size=list(size),
        flops=translation_flops(translator, picture),
        seconds=median_seconds(lambda: translator.translate(picture)),
        timing=timing(translator.device),
        step_flops=step_flops(translator.config, size) if training else None,
    )


def model_scored(folder: Path, **how: Any) -> Translator:
    """The model of a run, or the one whose scores a folder holds, with the search it had."""
    scored = collect(folder)
    search = search_settings(scored.results.model) if scored.results else ()
    return with_search(load(scored.home or folder, **how), search)


def translation_flops(translator: Translator, picture: Pixels) -> int:
    """Operations of one translation of a picture, (H, W, 3)."""
    height, width = picture.shape[:2]
    multiple = translator.recipe.multiple
    padded = (-(-side // multiple) * multiple for side in (height, width))
    source = torch.zeros(1, 3, *padded, device=translator.device)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        translator.recipe.translate(source)
    return int(counter.get_total_flops())


def step_flops(config: Mapping[str, Any], size: tuple[int, int]) -> int | None:
    """Operations of one training step, forward and backward; None if it needs more than pictures.

    Counted on a recipe of its own with fresh weights: a step changes weights.
    """
    from portrayal.core.devices import choose_place

    settings = Settings.model_validate(config["settings"])
    recipe = rebuild(config, choose_place("cpu", "float32"))
    noise = numpy_rng(0, "cost").random((2, settings.batch, 3, *size), dtype="float32") * 2 - 1
    source, target = torch.from_numpy(noise)
    batch = Batch(source, target, [str(index) for index in range(settings.batch)])
    with FlopCounterMode(display=False) as counter:
        recipe.step(batch, 0.0)
    return int(counter.get_total_flops())


def median_seconds(
    work: Callable[[], object],
    *,
    repeats: int = REPEATS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds of one call, the median of several after one that warms up."""
    began = clock()
    work()
    seconds: list[float] = []
    while len(seconds) < repeats and (not seconds or clock() - began < LONG):
        started = clock()
        work()
        seconds.append(clock() - started)
    return statistics.median(seconds)


def timing(device: str) -> str:
    """With what the seconds were measured."""
    if device.startswith("cuda"):
        return f"{torch.cuda.get_device_name(device)}; {machine()}"
    return f"{device}, {torch.get_num_threads()} threads; {machine()}"
