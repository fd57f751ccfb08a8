"""A second graph of the page's model, for processors: fewer products, the same weights.

WebAssembly computes little at once, so that Winograd's way (inference/winograd.py) halves its time
from a few channels on. The graph is some kilobytes: its weights are places in model.onnx.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from portrayal.core.runs import write_atomically
from portrayal.export.onnx import Differs, largest_difference
from portrayal.inference.engines import generator_of
from portrayal.inference.onnx_graph import onnx_model
from portrayal.inference.onnx_nodes import need
from portrayal.inference.translator import Translator
from portrayal.inference.winograd import gains

QUICK = "quick.onnx"
MANY = 64  # channels from which it pays in WebAssembly
LIMIT = 1e-3  # signed: an eighth of a grey level
LARGE = 1024  # bytes from which a weight is borrowed
Note = Callable[[str], None]


def write_quick(
    translator: Translator,
    out: Path,
    *,
    reverse: bool = False,
    limit: float = LIMIT,
    note: Note = lambda text: None,
) -> int:
    """Write quick.onnx beside model.onnx; its bytes, 0 and no file where no layer gains.

    None is written either where it is further from PyTorch than `limit` at one of five sizes; a
    note says so.
    """
    generator = generator_of(translator, reverse=reverse)
    if not gains(generator, MANY):
        return 0
    model = onnx_model(generator, multiple=translator.recipe.multiple, winograd=MANY)
    try:
        largest_difference(model, translator, reverse=reverse, tolerance=limit)
    except Differs:
        note(f"{QUICK} is left out: it differs from PyTorch by more than {limit:g}.")
        return 0
    content = borrowing(model, out / "model.onnx")
    write_atomically(out / QUICK, content)
    return len(content)


def borrowing(model: Any, file: Path) -> bytes:
    """The model's file, with all large weights read from another file beside it."""
    external_data, content = need("onnx.external_data_helper"), file.read_bytes()
    copy = type(model)()
    copy.CopyFrom(model)
    for weight in copy.graph.initializer:
        size = len(weight.raw_data)
        place = content.find(weight.raw_data) if size >= LARGE else -1
        if place >= 0:
            external_data.set_external_data(weight, file.name, place, size)
            weight.ClearField("raw_data")
    whole: bytes = copy.SerializeToString()
    return whole
