"""Pretrained weights: where their files lie, how they come here, and what is in them.

A file is looked for in $PORTRAYAL_WEIGHTS, then in the cache of this user, and then downloaded if
its publisher has an address. PORTRAYAL_OFFLINE=1 forbids the download. A file found by name is used
only if its SHA-256 is the published one; any other file of the same layout is given by its path.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from portrayal.core.errors import BadData, MissingPart, UnknownName
from portrayal.features.download import Progress, download

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt")
WRAPPERS = ("state_dict", "net_state_dict", "model")  # where checkpoints keep the weights


@dataclass(frozen=True)
class Known:
    """One set of weights and the files that hold it; the first is the publisher's own.

    files: names with their SHA-256. Some publishers state the first eight digits only.
    """

    purpose: str
    files: dict[str, str]
    url: str = ""  # of the first file
    site: str = ""  # where a person gets it, if there is no address for programs

    @property
    def first(self) -> str:
        """The file to get."""
        return next(iter(self.files))


TORCHVISION = "https://download.pytorch.org/models/"
KNOWN = {
    "squeezenet1_1": Known(
        "SqueezeNet 1.1 (ImageNet), for LPIPS",
        {
            "squeezenet1_1-b8a52dc0.pth": (
                "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b"
            ),
            "squeezenet1_1_imagenet.safetensors": (
                "102fa02ec826921aae2c3408f9f154381a466f8210fead01b8aa941ee607e4e8"
            ),
        },
        url=f"{TORCHVISION}squeezenet1_1-b8a52dc0.pth",
    ),
    "lpips_squeeze": Known(
        "LPIPS 0.1 heads for SqueezeNet",
        {
            "lpips_v01_squeeze.pth": (
                "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"
            ),
            "lpips_v01_squeeze_lin.safetensors": (
                "7b35c219aaf55e4be5486ee08f40bb7b92b7bba3130e7d90425b3d5a87de2097"
            ),
        },
        url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/"
        "weights/v0.1/squeeze.pth",
    ),
    "facenet": Known(
        "FaceNet (VGGFace2), for identity",
        {
            "20180402-114759-vggface2.pt": (
                "281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b"
            ),
            "facenet_fp16.safetensors": (
                "19efacdfdbb0da8da8565fa9c069f621772a3286ef1bfe70f4350ce758cd02f8"
            ),
        },
        url="https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
        "20180402-114759-vggface2.pt",
    ),
    "mobilefacenet": Known(
        "MobileFaceNet, an independent judge of identity",
        {
            "mobilefacenet.safetensors": (
                "b6eab361f7eb2036193cb90124cb21953a0d2dffdb292947af088868f6888cda"
            )
        },
        site="https://github.com/Xiaoccer/MobileFaceNet_Pytorch",
    ),
    "vgg16": Known(
        "VGG-16 (ImageNet), for the VGG cosine and perceptual losses",
        {
            "vgg16-397923af.pth": (
                "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"
            )
        },
        url=f"{TORCHVISION}vgg16-397923af.pth",
    ),
    "resnet18": Known(
        "ResNet-18 (ImageNet)",
        {
            "resnet18-f37072fd.pth": (
                "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"
            )
        },
        url=f"{TORCHVISION}resnet18-f37072fd.pth",
    ),
    "resnet34": Known(
        "ResNet-34 (ImageNet), the feature space of the second report",
        {"resnet34-b627a593.pth": "b627a593"},
        url=f"{TORCHVISION}resnet34-b627a593.pth",
    ),
    "inception": Known(
        "Inception in the FID layout, for FID and KID",
        {
            "pt_inception-2015-12-05-6726825d.pth": (
                "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
            )
        },
        url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth",
    ),
}


def folders(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Folders to look in, the first one that has a file wins."""
    named = environment.get("PORTRAYAL_WEIGHTS")
    cache = Path.home() / ".cache" / "portrayal" / "weights"
    return [Path(named), cache] if named else [cache]


def find(name: str, places: list[Path] | None = None) -> Path | None:
    """The file of that name in the first folder that has it."""
    files = (folder / name for folder in (folders() if places is None else places))
    return next((file for file in files if file.is_file()), None)


def load(
    weights: str | Path,
    places: list[Path] | None = None,
    *,
    offline: bool | None = None,
    progress: Progress | None = None,
) -> "dict[str, Tensor]":
    """Tensors by name, of a known set of weights or of a file given by its path.

    By name it is the published set, or an error; a download calls `progress(bytes, of all)`.
    """
    text = str(weights)
    if text in KNOWN:
        return read(locate(KNOWN[text], places, offline=offline, progress=progress))
    path = Path(weights)
    if path.suffix not in SUFFIXES:
        raise UnknownName("weights", text, KNOWN)
    if not path.is_file():
        raise MissingPart(f"No file of weights at {path}. Known by name: {', '.join(KNOWN)}.")
    return read(path)


def locate(
    known: Known,
    places: list[Path] | None = None,
    *,
    offline: bool | None = None,
    progress: Progress | None = None,
) -> Path:
    """The verified file that holds known weights, downloaded into the last folder if need be."""
    places = folders() if places is None else places
    for name, sha256 in known.files.items():
        if path := find(name, places):
            return verified(path, sha256)
    if offline is None:
        offline = os.environ.get("PORTRAYAL_OFFLINE", "") not in ("", "0")
    where = " or ".join(map(str, places))
    missing = f"{known.purpose}: {' or '.join(known.files)} is not in {where}"
    if not known.url:
        raise MissingPart(f"{missing}. Get it from {known.site} and put it there.")
    target = places[-1] / known.first
    if offline:
        raise MissingPart(f"{missing}, and PORTRAYAL_OFFLINE is set. Save {known.url} as {target}.")
    try:
        download(known.url, target, known.files[known.first], progress=progress)
    except MissingPart as error:
        raise MissingPart(f"{missing}. {error} Save {known.url} as {target}.") from None
    return target


def verified(path: Path, sha256: str) -> Path:
    """The path, if the file has that SHA-256, or one that begins so."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(sha256):
        raise BadData(
            f"{path} has SHA-256 {found[:12]}..., but the published file {sha256[:12]}...; it is "
            "damaged or another one: delete it, or give it another name and use its path."
        )
    return path


def read(path: Path) -> "dict[str, Tensor]":
    """Tensors by name in a .safetensors file or a torch checkpoint. Nothing in it is executed."""
    from portrayal.core.tensors import Unreadable, state_in, tensors_in

    try:
        if path.suffix == ".safetensors":
            return tensors_in(path)
        content = state_in(path)
    except Unreadable as reason:
        raise BadData(
            f"{path} is no file of weights ({reason}); download it again, "
            "or save its state dict with safetensors."
        ) from None
    return plain(content, path)


def plain(content: object, path: Path) -> "dict[str, Tensor]":
    """The state dict in what a checkpoint holds, without the prefix of data-parallel training."""
    import torch

    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not content:
        raise BadData(f"{path} holds a {type(content).__name__}, not tensors by name.")
    strange = [name for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if strange:
        raise BadData(f"{path} holds {strange[0]!r}, which is no tensor; save the state dict only.")
    parallel = all(name.startswith("module.") for name in content)
    return {name.removeprefix("module.") if parallel else name: t for name, t in content.items()}
