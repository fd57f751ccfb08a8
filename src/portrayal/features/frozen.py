"""What all pretrained networks share: they stay as published, and say so when a file does not fit.

A network here takes "unit" pictures (B, 3, H, W) and does its own resizing and normalisation. Its
weights get no gradient, but the pictures do, so the same network serves a score and a loss.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Self, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from portrayal.core.errors import BadData

COUNTER = "num_batches_tracked"  # of BatchNorm: older files lack it, and evaluation ignores it
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


Size = int | tuple[int, int]


class Conv(nn.Module):
    """The Inception family's layer: convolution, BatchNorm and ReLU.

    Padded to keep the size unless `stride` or `valid`.
    """

    def __init__(
        self, channels: int, width: int, size: Size, *, stride: int = 1, valid: bool = False
    ) -> None:
        super().__init__()
        high, wide = (size, size) if isinstance(size, int) else size
        padding = (0, 0) if valid or stride > 1 else (high // 2, wide // 2)
        self.conv = nn.Conv2d(channels, width, (high, wide), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, h, w)."""
        y: Tensor = self.bn(self.conv(x))
        return y.relu()


class Frozen(nn.Module):
    """A network that never trains: `train()` of a module around it does not reach it."""

    sha256 = ""  # of the weights, for results

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: dropout and batch statistics would change the features."""
        return super().train(False)


Network = TypeVar("Network", bound=Frozen)


def frozen(
    make: Callable[[], Network], state: Mapping[str, Tensor], ignored: tuple[str, ...] = ()
) -> Network:
    """The network with these weights, in float32, once their names and shapes are found right.

    Tensors whose names begin with one of `ignored` are left out: heads that the network lacks.
    """
    with torch.device("meta"):  # no time and memory for first weights
        network = make()
    given = {
        name: tensor
        for name, tensor in state.items()
        if not name.endswith(COUNTER) and not name.startswith(ignored)
    }
    wanted = network.state_dict()
    check_fit(type(network).__name__, given, wanted)
    counters = {name: torch.tensor(0) for name in wanted if name.endswith(COUNTER)}
    weights = {name: tensor.detach().float() for name, tensor in given.items()}
    network.load_state_dict(weights | counters, assign=True)
    network.sha256 = content_hash(given)
    return network.requires_grad_(False).train(False)


def check_fit(title: str, given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Refuse weights of another architecture, or broken ones, with the first name that differs."""
    needed = {name for name in wanted if not name.endswith(COUNTER)}
    for what, names in (("lack", needed - given.keys()), ("have a strange", given.keys() - needed)):
        if names:
            raise BadData(
                f"These weights {what} {min(names)!r} (and {len(names) - 1} more), so they are not "
                f"of the architecture {title}; give the file that the documentation names."
            )
    for name, tensor in given.items():
        if tensor.shape != wanted[name].shape:
            raise BadData(
                f"{name!r} has shape {tuple(tensor.shape)}, but {title} needs "
                f"{tuple(wanted[name].shape)}; give the file that the documentation names."
            )
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise BadData(f"{name!r} of {title} holds no finite numbers; get the file again.")


def content_hash(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and values: the same whatever file they came from."""
    content = hashlib.sha256()
    for name in sorted(name for name in state if not name.endswith(COUNTER)):
        tensor = state[name].detach().cpu().contiguous()
        content.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        content.update(tensor.view(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()


def imagenet(pictures: Tensor) -> Tensor:
    """Unit pictures (B, 3, H, W) less ImageNet's mean, over its deviation."""
    mean, deviation = (
        pictures.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    return (pictures - mean) / deviation


def resized(pictures: Tensor, height: int, width: int, mode: str = "bilinear") -> Tensor:
    """(B, 3, H, W) -> (B, 3, height, width), antialiased, so that small is not rough."""
    check_colour(pictures)
    if pictures.shape[2:] == (height, width):
        return pictures
    return F.interpolate(pictures, (height, width), mode=mode, antialias=True)


def short_side(pictures: Tensor, side: int) -> Tensor:
    """Pictures whose shorter side has `side` pixels, bilinear and antialiased; aspect kept."""
    check_colour(pictures)
    height, width = pictures.shape[2:]
    factor = side / min(height, width)
    return resized(pictures, round(height * factor), round(width * factor))


def check_colour(pictures: Tensor) -> None:
    """Refuse what is no batch of RGB pictures."""
    shape = tuple(pictures.shape)
    if len(shape) != 4 or shape[1] != 3 or 0 in shape[2:] or not pictures.is_floating_point():
        raise BadData(
            f"A pretrained network takes float pictures (B, 3, H, W), but these are {shape} of "
            f"{str(pictures.dtype).removeprefix('torch.')}."
        )
