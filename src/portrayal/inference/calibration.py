"""8-bit versions of an exported generator, calibrated on the run's own training pictures.

The first and the last convolution stay in float, being next to the picture; without a U-Net's
shortcuts the last three do, through which everything has to pass. There that takes up to a sixth of
the speed (a busy machine) and brings 4 to 14 dB, chosen on validation pictures of one ResNet; in a
U-Net the second last takes a quarter. Held-out costs: docs/exporting.md, "Engines".
`portrayal export --precision int8` measures every model's own.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, stack
from portrayal.core.runs import dataset_places, write_atomically
from portrayal.data.dataset import Dataset
from portrayal.inference.onnx_nodes import need
from portrayal.inference.quantising import convolutions, quantised_graph
from portrayal.inference.tiles import cut
from portrayal.inference.translator import Translator

PICTURES = 32  # to calibrate on; other counts are not compared yet
LAST = {True: 1, False: 3}  # convolutions at the end that stay in float, with shortcuts or without
VERSION = 5  # of the method, in the names of kept models


def calibrated(model: Any, translator: Translator, run: Path, *, reverse: bool = False) -> Any:
    """The 8-bit model, from RUN/engines if it was made before."""
    onnx = need("onnx")
    way = "_reverse" if reverse else ""
    place = run / "engines" / f"{translator.model_hash[:16]}{way}_int8_{VERSION}.onnx"
    if place.exists():
        return onnx.load_model_from_string(place.read_bytes())
    pictures = split_pictures(translator, run, "train", PICTURES, reverse=reverse)
    made = quantised(model, (source_of(p, translator.recipe.multiple) for p in pictures))
    write_atomically(place, made.SerializeToString())
    return made


def split_pictures(
    translator: Translator,
    run: Path,
    split: str,
    count: int,
    *,
    side: str = "source",
    reverse: bool = False,
    data: Path | None = None,
) -> list[Pixels]:
    """Up to `count` pictures of a split of the run's dataset, evenly spread over it."""
    known = translator.config.get("data", {})
    places = [data] if data else dataset_places(run, known)
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        raise BadData(
            f"8-bit models are calibrated on training pictures, and the dataset of {run} is not "
            "here: give portrayal export --data FOLDER, or choose another engine."
        )
    if reverse:
        side = {"source": "target", "target": "source"}[side]
    domain = Dataset(folder).split(split).domain(side)
    places_in = np.unique(np.linspace(0, len(domain) - 1, count).round().astype(int))
    return [domain.picture(int(index)) for index in places_in]


def source_of(picture: Pixels, multiple: int) -> Any:
    """A picture as the network gets it, padded: (1, 3, H, W) float32."""
    height, width = picture.shape[:2]
    axes = [cut(length, multiple=multiple) for length in (height, width)]
    around = (*((axis.before, axis.after) for axis in axes), (0, 0))
    return stack([np.pad(picture, around, mode="reflect")]).numpy()


def quantised(model: Any, sources: Iterable[Any], keep: Sequence[str] | None = None) -> Any:
    """The model with 8-bit convolutions; nodes in `keep` stay float (None: the outer ones)."""
    return quantised_graph(model, sources, outer(model) if keep is None else keep)


def outer(model: Any) -> list[str]:
    """Names of the convolutions that stay in float."""
    names = convolutions(model)
    shortcuts = any(node.op_type == "Concat" for node in model.graph.node)
    return names[:1] + names[-LAST[shortcuts] :]
