"""A run -> one ONNX file, compared with PyTorch before it is believed, with its cost in quality."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from portrayal import __version__
from portrayal.core.environment import now
from portrayal.core.errors import BadData
from portrayal.core.images import pixels_of, unit, unit_of
from portrayal.core.provenance import GENERATED
from portrayal.core.runs import write_atomically
from portrayal.inference.calibration import quantised, source_of, split_pictures
from portrayal.inference.engines import TOLERANCE, generator_of, sample
from portrayal.inference.onnx_graph import onnx_model
from portrayal.inference.onnx_nodes import need
from portrayal.inference.runtimes import open_onnx
from portrayal.inference.translator import Translator
from portrayal.metrics import metrics

Precision = Literal["float32", "float16", "int8"]
SIZES = ((1, 1, 1), (2, 1, 2), (1, 2, 1), (3, 2, 2), (1, 1, 3))  # batch, height, width in units
Note = Callable[[str], None]


class Differs(BadData):
    """The exported model is not the model: our bug or the runtime's, not the person's."""


@dataclass(frozen=True)
class Cost:
    """What a precision costs, on pictures of the validation split."""

    pictures: int
    psnr: float  # of its answers to those of float32, decibels; 100 where they are equal
    ssim: float
    truth: float | None  # change of the SSIM to the truth; None of unpaired data

    def describe(self) -> str:
        """One line."""
        change = "" if self.truth is None else f"; SSIM to the truth changes by {self.truth:+.4f}"
        return (
            f"against float32 on {self.pictures} validation pictures: PSNR {self.psnr:.1f} dB, "
            f"SSIM {self.ssim:.4f}{change}"
        )


def export_onnx(
    translator: Translator,
    run: Path,
    out: Path,
    precision: Precision = "float32",
    *,
    reverse: bool = False,
    data: Path | None = None,
    tolerance: float = TOLERANCE,
    note: Note = lambda text: None,
) -> float:
    """Write the file; the largest difference of float32 from PyTorch at five sizes.

    `Differs`, and no file, where that is above `tolerance`. `data`: the dataset, where it moved.
    """
    generator = generator_of(translator, reverse=reverse)
    about = facts(translator, run, "float32", reverse=reverse)
    exact = onnx_model(generator, about, multiple=translator.recipe.multiple)
    off = largest_difference(exact, translator, reverse=reverse, tolerance=tolerance)
    model = exact
    if precision != "float32":
        model = {"float16": halved, "int8": lowered}[precision](
            exact, translator, run, data, reverse
        )
        about = facts(translator, run, precision, reverse=reverse)
        try:
            found = cost(model, exact, translator, run, data=data, reverse=reverse)
            note(f"{precision} {found.describe()}")
            about["cost"] = json.dumps(asdict(found))
        except BadData as error:
            note(
                f"The cost of {precision} is unknown, as there are no validation pictures: {error}"
            )
        need("onnx").helper.set_model_props(model, about)
    write_atomically(out, model.SerializeToString())
    return off


def largest_difference(
    model: Any, translator: Translator, *, reverse: bool = False, tolerance: float = TOLERANCE
) -> float:
    """From PyTorch, over five sizes; `Differs` above the tolerance."""
    network = open_onnx(model.SerializeToString())
    differences = []
    for seed, (batch, *units) in enumerate(SIZES):
        source = sample(translator.recipe.multiple, batch, (units[0], units[1]), seed)
        with torch.inference_mode():
            wanted = translator.recipe.translate(source, reverse=reverse).cpu()
        differences.append(float((network(source) - wanted).abs().max()))
    largest = float(np.max(differences))  # NaN if one is, which max() may pass over
    if not largest <= tolerance:
        raise Differs(
            f"The exported model differs from PyTorch by {largest:.1e} at one of five sizes, more "
            f"than {tolerance:g}: nothing was written."
        )
    return largest


def facts(
    translator: Translator, run: Path, precision: str, *, reverse: bool = False
) -> dict[str, str]:
    """Metadata of the file: where it comes from and how it is fed."""
    config = translator.config
    size = translator.training_size
    return {
        "program": f"Portrayal {__version__}",
        "recipe": str(config["recipe"]),
        "model_sha256": translator.model_hash,
        "step": str(translator.about.get("step", "")),
        "data_sha256": str(config.get("data", {}).get("sha256") or ""),
        "config": json.dumps(config.get("config")),
        "direction": "target to source" if reverse else "source to target",
        "precision": precision,
        "multiple": str(translator.recipe.multiple),
        "training_size": json.dumps(size),
        "input": "RGB, float32, -1..1, (batch, 3, height, width), sides multiples of `multiple`",
        "digital_source_type": GENERATED,
        "run": run.name,
        "exported": now(),
    }


def halved(model: Any, translator: Translator, run: Path, data: Path | None, reverse: bool) -> Any:
    """Weights and computation in float16; input and output stay float32."""
    float16: Any = need("onnxruntime.transformers.float16")
    copy = type(model)()
    copy.CopyFrom(model)
    return float16.convert_float_to_float16(copy, keep_io_types=True)


def lowered(model: Any, translator: Translator, run: Path, data: Path | None, reverse: bool) -> Any:
    """8-bit convolutions, calibrated on training pictures."""
    pictures = split_pictures(translator, run, "train", 32, reverse=reverse, data=data)
    return quantised(model, (source_of(p, translator.recipe.multiple) for p in pictures))


def cost(
    model: Any,
    exact: Any,
    translator: Translator,
    run: Path,
    *,
    data: Path | None = None,
    reverse: bool = False,
    pictures: int = 50,
) -> Cost:
    """How far its pictures are from float32's, and both from the truth."""
    sources = split_pictures(translator, run, "val", pictures, reverse=reverse, data=data)
    paired = translator.config.get("data", {}).get("kind") != "unpaired"
    truths = (
        split_pictures(translator, run, "val", pictures, side="target", reverse=reverse, data=data)
        if paired
        else []
    )
    ours, theirs = (open_onnx(each.SerializeToString()) for each in (model, exact))
    psnr, ssim, change = [], [], []
    for index, picture in enumerate(sources):
        source = torch.from_numpy(source_of(picture, translator.recipe.multiple))
        made, wanted = (rounded(network(source)) for network in (ours, theirs))
        psnr.append(float(metrics["psnr"](made, wanted)))
        ssim.append(float(metrics["ssim"](made, wanted)))
        if truths and truths[index].shape == picture.shape:
            padded = (
                torch.from_numpy(source_of(truths[index], translator.recipe.multiple)) + 1
            ) / 2
            one, other = (float(metrics["ssim"](each, padded)) for each in (made, wanted))
            change.append(one - other)
    count = len(sources)
    truth = sum(change) / len(change) if change else None
    return Cost(count, sum(psnr) / count, sum(ssim) / count, truth)


def rounded(signed: Tensor) -> Tensor:
    """Unit pictures as they are written to files, in 256 steps."""
    return torch.stack([unit(pixels_of(unit_of(picture))) for picture in signed])
