"""Portrayal: train an image-to-image translator on your own pictures, and know how good it is."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portrayal.inference.translator import Translator

__all__ = ["__version__", "load"]
__version__ = "0.1.0"


def load(
    run: Path | str,
    *,
    device: str | None = None,
    checkpoint: str = "newest",
    note: Callable[[str], None] = print,
) -> "Translator":
    """The translator in a run folder: `portrayal.load("runs/faces")("photo.jpg").show()`.

    Where there is no such folder it may be a name on the Hugging Face hub, "user/name" or
    "user/name@revision" (needs portrayal[hub]; weights and settings only, never code).
    `checkpoint` is newest, best_METRIC or a step; `device` auto, cpu, cuda, mps. What the reader
    should know, such as a damaged checkpoint passed over, goes to `note`.
    """
    from portrayal.inference.hub import run_folder
    from portrayal.inference.load import load as load_run  # here: importing torch takes a second

    return load_run(run_folder(run, note=note), device=device, checkpoint=checkpoint, note=note)
