"""What computes a translation: PyTorch, onnxruntime or OpenVINO, and which is quickest here.

torch, onnx and openvino are exact: float32, compared with PyTorch before they are used. What is
not (openvino:bf16, onnx:int8, openvino:int8) is never chosen by itself, and the marks in pictures
name it. Pictures are signed, (B, 3, H, W).
"""

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from portrayal.core.environment import installed, processor
from portrayal.core.errors import BadData, BadOption, CannotWrite, UnknownName
from portrayal.core.runs import read_json, write_json
from portrayal.inference.calibration import calibrated
from portrayal.inference.onnx_graph import onnx_model
from portrayal.inference.onnx_nodes import need
from portrayal.inference.runtimes import OWN, Network, OpenVino, open_onnx
from portrayal.inference.translator import InFront, Recipe, Translator
from portrayal.inference.winograd import gains

EXACT = ("torch", "onnx", "openvino")
INEXACT = ("openvino:bf16", "onnx:int8", "openvino:int8")
PACKAGES = {"torch": ("torch",), "onnx": ("onnx", "onnxruntime"), "openvino": ("onnx", "openvino")}
TOLERANCE = 1e-4  # largest difference from PyTorch of an exact engine, signed
GRAPH = 2  # raised when graphs become quicker, so that engines are measured again
LARGE, WIDE = 96, 256  # pixels a side and channels from which Winograd's way pays
WORTH = 50  # pictures from which a measurement pays
Note = Callable[[str], None]


@dataclass(frozen=True)
class Engined(InFront):
    """A recipe whose generator another engine computes, in one direction."""

    recipe: Recipe
    run: Network
    reverse: bool

    def translate(
        self,
        source: Tensor,
        *,
        reverse: bool = False,
        seed: int = 0,
        report: Callable[[str], None] | None = None,
    ) -> Tensor:
        """The generator's answer."""
        if reverse != self.reverse:
            raise BadOption("This engine was opened for the other direction.")
        return self.run(source)


def with_engine(
    translator: Translator,
    run: Path,
    choice: str = "auto",
    *,
    pictures: int = 1,
    reverse: bool = False,
    note: Note = lambda text: None,
) -> Translator:
    """The same translator on the engine of that name; "auto" takes the quickest exact one.

    `pictures` are to come: a few are not worth a measurement. `note` hears what was chosen.
    """
    if choice not in ("auto", *EXACT, *INEXACT):
        raise UnknownName("engine", choice, ("auto", *EXACT, *INEXACT))
    stays = why_torch(translator, reverse=reverse)
    if choice == "torch" or (choice == "auto" and stays):
        return translator
    if stays:
        raise BadOption(f"--engine {choice} cannot be used: {stays}.")
    if choice != "auto":
        opened = open_engine(translator, run, choice, reverse=reverse)
        off = difference(opened, translator, reverse) if choice in EXACT else 0.0
        if not off <= TOLERANCE:  # NaN is too much as well
            raise BadData(f"{choice} differs from PyTorch by {off:.1e} here, so it is not used.")
        return engined(translator, opened, choice, reverse)
    name = quickest(translator, run, pictures, reverse=reverse, note=note)
    if name == "torch":
        return translator
    return engined(translator, open_engine(translator, run, name, reverse=reverse), name, reverse)


def engined(translator: Translator, network: Network, name: str, reverse: bool) -> Translator:
    """The translator with its network replaced."""
    return replace(translator, recipe=Engined(translator.recipe, network, reverse), engine=name)


def why_torch(translator: Translator, *, reverse: bool) -> str:
    """Why only PyTorch can compute this model here; empty if others can."""
    if translator.device != "cpu":
        return f"the other engines compute on the CPU, and this is {translator.device}"
    if translator.noisy:
        return "this model keeps dropout and batch statistics on"
    try:
        generator_of(translator, reverse=reverse)
    except BadOption as error:
        return str(error).rstrip(".")
    return ""


def generator_of(translator: Translator, *, reverse: bool = False) -> nn.Module:
    """The feed-forward generator of a recipe; BadOption if it has none."""
    recipe: Any = translator.recipe
    name = translator.config["recipe"]
    if translator.noisy:
        raise BadOption(
            "This model keeps dropout and batch statistics on (train_like), which files of a "
            "network alone cannot do: no export. --to hub writes it whole."
        )
    if not hasattr(recipe, "exportable"):
        raise BadOption(f"{name} has no feed-forward generator: it cannot be exported.")
    generator: nn.Module = recipe.exportable(reverse=reverse)
    source = sample(recipe.multiple).to(translator.device)
    try:
        with torch.inference_mode():
            fits = generator.eval()(source).shape == source.shape
    except (RuntimeError, TypeError, ValueError, IndexError):
        fits = False
    if not fits:
        raise BadOption(f"{name} does not translate by one pass of its generator: no export.")
    return generator


def sample(multiple: int, batch: int = 1, units: tuple[int, int] = (1, 1), seed: int = 0) -> Tensor:
    """Random pictures of `units` times the smallest size of at least 64 pixels."""
    side = -(-64 // multiple) * multiple
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, units[0] * side, units[1] * side, generator=rng) * 2 - 1


@torch.inference_mode()
def difference(network: Network, translator: Translator, reverse: bool) -> float:
    """Largest difference from PyTorch on two random pictures."""
    source = sample(translator.recipe.multiple, 2, (1, 2))
    wanted = translator.recipe.translate(source, reverse=reverse)
    return float((network(source) - wanted).abs().max())


def open_engine(translator: Translator, run: Path, name: str, *, reverse: bool = False) -> Network:
    """A network of that engine, ready to be called."""
    kind, _, precision = name.partition(":")
    for package in PACKAGES[kind]:
        need(package)
    if name == "torch":
        return lambda source: translator.recipe.translate(source, reverse=reverse)
    generator, multiple = generator_of(translator, reverse=reverse), translator.recipe.multiple
    large = min(translator.training_size or (LARGE,)) >= LARGE
    if not precision and large and gains(generator, WIDE):
        network = opened(onnx_model(generator, multiple=multiple, winograd=WIDE), name)
        if difference(network, translator, reverse) <= TOLERANCE:
            return network
    model = onnx_model(generator, multiple=multiple)  # also where the other loses too much
    if precision == "int8":
        model = calibrated(model, translator, run, reverse=reverse)
    return opened(model, name)


def opened(model: Any, name: str) -> Network:
    """A graph on the engine of that name."""
    kind, _, precision = name.partition(":")
    content = model.SerializeToString()
    return open_onnx(content) if kind == "onnx" else OpenVino(content, bool(precision))


def quickest(
    translator: Translator,
    run: Path,
    pictures: int,
    *,
    reverse: bool = False,
    note: Note = lambda text: None,
) -> str:
    """The exact engine that is quickest here, remembered beside the run."""
    names = [name for name in EXACT if all(find_spec(p) for p in PACKAGES[name])]
    place = run / "engines" / "quickest.json"
    facts = {
        "model": translator.model_hash,
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "versions": {p: installed(p) for p in ("torch", "onnxruntime", "openvino")},
        "graph": GRAPH,
        "size": list(translator.training_size or (256, 256)),
    }
    with suppress(BadData):
        known = read_json(place)
        if known.get("facts") == facts and known.get("quickest") in names:
            return str(known["quickest"])
    if len(names) == 1 or pictures < WORTH:
        return "torch"
    times = measured(translator, run, names, reverse=reverse, note=note)
    best = min(times, key=lambda name: times[name])
    note(
        "Engines, ms per picture: "
        + ", ".join(f"{name} {1000 * seconds:.1f}" for name, seconds in times.items())
    )
    with suppress(CannotWrite):  # a run on a read-only disk is measured anew each time
        write_json(place, {"facts": facts, "seconds": times, "quickest": best})
    return best


@torch.inference_mode()
def measured(
    translator: Translator,
    run: Path,
    names: list[str],
    *,
    reverse: bool = False,
    rounds: int = 5,
    note: Note = lambda text: None,
) -> dict[str, float]:
    """Median seconds of one picture of the training size, engines in turn; wrong ones left out."""
    networks = {name: open_engine(translator, run, name, reverse=reverse) for name in names}
    for name in names[1:]:
        if not (off := difference(networks[name], translator, reverse)) <= TOLERANCE:
            note(f"{name} differs from PyTorch by {off:.1e} here and is left out.")
            del networks[name]
    multiple = translator.recipe.multiple
    height, width = (-(-s // multiple) * multiple for s in translator.training_size or (256, 256))
    source = torch.rand(1, 3, height, width) * 2 - 1
    taken: dict[str, list[float]] = {name: [] for name in networks}
    for turn in range(OWN + 1 + rounds):
        for name, network in networks.items():
            started = time.perf_counter()
            network(source)
            if turn > OWN:
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}
