"""A recogniser: which class each pixel or each picture has; one .safetensors file, nothing in it
is run. `training.py` makes it from real pictures.

It sees one picture at a time, scaled to the size it was trained at, so that neither batch nor order
changes an answer.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

from portrayal import __version__
from portrayal.core.devices import Place, choose_place
from portrayal.core.errors import BadCheckpoint, BadData
from portrayal.core.images import Pixels, signed
from portrayal.core.runs import write_atomically
from portrayal.core.tensors import Unreadable, metadata_in, tensors_in
from portrayal.evaluation.recognition.labels import class_number
from portrayal.networks.recogniser import recognisers
from portrayal.training.restoring import load_tensors

KEY = "portrayal recogniser"  # the one entry of the file's metadata


class HeldOut(BaseModel):
    """How well it recognises real pictures that it was not trained on."""

    model_config = ConfigDict(frozen=True)

    score: str  # "accuracy", or "pixel accuracy"
    value: float
    low: float | None
    high: float | None
    n: int
    method: str
    chance: float  # what guessing the commonest class gets
    class_iou: float | None = None


class About(BaseModel):
    """What stands in the file beside the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    kind: Literal["maps", "attribute"]
    network: str
    width: int = Field(gt=0, le=256)
    classes: list[str] = Field(min_length=2, max_length=255)
    column: str = ""  # of an attribute
    edges: list[float] = []  # between the bins of numbers
    maps: Literal["", "labels", "painted"] = ""  # where class maps came from
    size: tuple[int, int]  # (H, W) at which it sees
    pictures: int = 0  # it was trained on
    data: str = ""  # SHA-256 of the dataset
    seed: int = 0
    steps: int = 0
    batch: int = 0
    held_out: HeldOut | None = None
    version: str = __version__


@dataclass(frozen=True)
class Recogniser:
    """A trained network and what it knows about itself."""

    about: About
    network: nn.Module
    place: Place
    sha256: str = ""  # of its file

    @property
    def classes(self) -> list[str]:
        """Names of the classes, by number."""
        return self.about.classes

    @property
    def label(self) -> str:
        """Kind and first digits of the hash, as scores quote it."""
        what = self.about.column or "class maps"
        return f"{self.about.network} of {what} ({self.sha256[:12]})"

    @cached_property
    def ready(self) -> nn.Module:
        """The network, still."""
        return self.network.eval()

    def logits(self, picture: Pixels) -> Tensor:
        """Of one picture: (K,), or (K, H, W) at its own size."""
        with torch.inference_mode():
            seen = scaled(signed(picture)[None], self.about.size)
            answer: Tensor = self.ready(seen.to(self.place.device)).float().cpu()
            if not bool(answer.isfinite().all()):
                raise BadData(f"The recogniser {self.label} gave no finite answer; train another.")
            return scaled(answer, picture.shape[:2])[0] if answer.dim() == 4 else answer[0]

    def map(self, picture: Pixels) -> Tensor:
        """The class of every pixel, (H, W) int64."""
        return self.logits(picture).argmax(0)

    def probabilities(self, picture: Pixels) -> Tensor:
        """Of each class for the whole picture, (K,) float64."""
        return self.logits(picture).double().softmax(0)

    def wanted(self, row: Mapping[str, Any]) -> int | None:
        """The class that a picture's own row says it has; None if it does not say."""
        return class_number(row.get(self.about.column), self.classes, self.about.edges)


def scaled(pictures: Tensor, size: tuple[int, ...]) -> Tensor:
    """(B, C, H, W) at another (H, W), smoothed before it shrinks; itself if it fits already."""
    if tuple(pictures.shape[2:]) == tuple(size):
        return pictures
    return F.interpolate(
        pictures, tuple(size), mode="bilinear", antialias=True, align_corners=False
    )


def save_recogniser(path: Path, recogniser: Recogniser) -> str:
    """Write the file, whole or not at all; returns its SHA-256. Equal training, equal bytes."""
    state = recogniser.network.state_dict()
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    about = json.dumps(recogniser.about.model_dump(), ensure_ascii=False, sort_keys=True)
    content = safetensors.torch.save(tensors, {KEY: about})
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def load_recogniser(path: Path, device: str | None = None) -> Recogniser:
    """The recogniser in a file of `portrayal recognise`, or of its format."""
    if not path.is_file():
        raise BadData(f"{path} does not exist. Make a recogniser with: portrayal recognise.")
    try:
        metadata, tensors = metadata_in(path), tensors_in(path)
    except Unreadable as reason:
        raise BadCheckpoint(f"{path} is no safetensors file: {reason}.") from None
    if KEY not in metadata:
        raise BadCheckpoint(
            f"{path} holds weights, but not of a recogniser. Make one with: portrayal recognise; "
            "a network of your own comes with --with my_file.py."
        )
    try:
        about = About.model_validate_json(metadata[KEY])
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise BadCheckpoint(f"{path} does not fit this version: {place}: {wrong['msg']}.") from None
    with torch.device("meta"):  # a few bytes can claim a network that fills the memory
        outline = recognisers[about.network](len(about.classes), width=about.width)
    shapes_only = {name: tensor.to("meta") for name, tensor in tensors.items()}
    load_tensors(outline, shapes_only, str(path))
    network = recognisers[about.network](len(about.classes), width=about.width)
    load_tensors(network, tensors, str(path))
    place_ = choose_place(device or "cpu", "float32")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Recogniser(about, place_.ready(network), place_, digest)
