"""8-bit versions of an exported generator, calibrated on the run's own training pictures.

Weights per channel, activations per tensor, both as ranges that the calibration pictures reach.
The first three and the last three convolutions stay in float32, being near the picture itself. That
was the best of six choices on the 16 validation pictures of one U-Net of 128 pixels that chose it,
calibrated on 16: SSIM to the truth -.0006; two of each -.0047, one -.019, all in 8 bits -.048. It
is no held-out figure; `portrayal export --precision int8` measures every model's own.
"""

import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels, stack
from portrayal.core.runs import dataset_places, write_atomically
from portrayal.data.dataset import Dataset
from portrayal.inference.load import Translator
from portrayal.inference.onnx_graph import SOURCE, need
from portrayal.inference.tiles import cut

PICTURES = 32  # to calibrate on; other counts are not compared yet
KEPT = 3  # convolutions at either end that stay in float32
VERSION = 2  # of the method, in the names of kept models


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
    """The model with 8-bit convolutions; nodes in `keep` stay float32 (None: the outer ones)."""
    quantization: Any = need("onnxruntime.quantization")
    onnx = need("onnx")
    names = [node.name for node in model.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    feed = Feed(sources)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        before.write_bytes(model.SerializeToString())
        logging.disable(logging.WARNING)  # advice to fold batch norms, which onnx_graph.py did
        quantization.quantize_static(
            before,
            after,
            feed,
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["Conv", "ConvTranspose"],
            nodes_to_exclude=list(keep if keep is not None else names[:KEPT] + names[-KEPT:]),
        )
        logging.disable(logging.NOTSET)
        return onnx.load_model(after)


class Feed:
    """What onnxruntime's calibration asks for: one input after the other, then None."""

    def __init__(self, sources: Iterable[Any]) -> None:
        self.sources: Iterator[Any] = iter(sources)

    def get_next(self) -> dict[str, Any] | None:
        """The next input by its name."""
        return next(({SOURCE: source} for source in islice(self.sources, 1)), None)
