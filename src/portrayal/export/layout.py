"""Which network a file of pytorch-CycleGAN-and-pix2pix holds, by its names and shapes alone.

Dropout shifts the numbers of the layers behind it, a norm that learns has weights, one that does
not leaves biases to the convolutions. Nothing is guessed: every key and shape must fit in the end.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from portrayal.core.errors import BadData
from portrayal.networks import networks

WIDEST = 1024  # as in the recipes' Config
PROJECT = "pytorch-CycleGAN-and-pix2pix"
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Architecture:
    """What the keys and shapes of a file say; the fields are options of the network."""

    network: str  # unet_256, resnet_9, ...
    width: int
    norm: str
    dropout: float
    upsampling: str = "transposed"

    @property
    def nested(self) -> bool:
        """Whether it is a U-Net."""
        return self.network.startswith("unet")

    def describe(self) -> str:
        """One line for the person."""
        dropout = "" if self.nested else f", dropout {self.dropout:g}"
        upsampling = "" if self.nested else f", {self.upsampling} upsampling"
        return f"{self.network}, width {self.width}, {self.norm} norm{dropout}{upsampling}"


def architecture_of(tensors: Mapping[str, Tensor], path: Path) -> Architecture:
    """The network that has such keys and shapes; BadData if we know none."""
    kernels = {key: t for key, t in tensors.items() if t.ndim == 4}
    blocks = {int(m[1]) for key in kernels if (m := re.match(r"model\.(\d+)\.conv_block\.", key))}
    nested = any(key.startswith("model.model.") for key in kernels)
    channels, width, made = channels_of(kernels, nested=nested)
    if not (nested or blocks) or not width:
        raise BadData(
            f"{path} is no U-Net or ResNet generator of {PROJECT}: its first key is "
            f"{next(iter(tensors))!r}. Give a latest_net_G*.pth, not a discriminator."
        )
    if nested:
        name = f"unet_{2 ** (len(kernels) // 2)}"
        architecture = Architecture(name, width, norm_of(tensors, path), 0.5)
    else:
        name = f"resnet_{len(blocks)}"
        dropout = 0.5 if any(key.endswith("conv_block.6.weight") for key in kernels) else 0.0
        norm, grown = norm_of(tensors, path), upsampling_of(kernels, max(blocks) + 1, path)
        architecture = Architecture(name, width, norm, dropout, grown)
    if name not in networks:
        known = ", ".join(n for n in networks if n.startswith(name.partition("_")[0]))
        raise BadData(f"{path} would be {name}, which is not known here. Known: {known}.")
    if width > WIDEST:
        raise BadData(f"{path} has a width of {width}; at most {WIDEST} is built here.")
    if (channels, made) != (3, 3):
        raise BadData(
            f"{path} translates {channels} channels to {made}; only RGB to RGB, 3 to 3, "
            "is known here."
        )
    return architecture


def channels_of(kernels: Mapping[str, Tensor], *, nested: bool) -> tuple[int, int, int]:
    """Channels in, after the first convolution, and out."""
    if nested:
        first, last = "model.model.0.weight", "model.model.3.weight"
    else:
        places = [int(m[1]) for key in kernels if (m := re.fullmatch(r"model\.(\d+)\.weight", key))]
        first, last = "model.1.weight", f"model.{max(places, default=0)}.weight"
    if first not in kernels or last not in kernels:
        return 0, 0, 0
    width, channels = kernels[first].shape[:2]
    return channels, width, kernels[last].shape[1 if nested else 0]


def norm_of(tensors: Mapping[str, Tensor], path: Path) -> str:
    """batch where norms have weights and statistics; else biases tell instance from none."""
    if any(key.endswith(".running_mean") for key in tensors):
        return "batch"
    if any(key.endswith(".weight") and t.ndim == 1 for key, t in tensors.items()):
        raise BadData(f"{path} has norms with weights but no statistics, which is not known here.")
    return "instance" if sum(key.endswith(".bias") for key in tensors) > 1 else "none"


def upsampling_of(kernels: Mapping[str, Tensor], after: int, path: Path) -> str:
    """transposed, or resize: enlarged, padded by reflection, convolved. `after` all blocks."""
    for kind, place in (("transposed", after), ("resize", after + 2)):
        if f"model.{place}.weight" in kernels:
            return kind
    raise BadData(f"{path} enlarges in a way that is not known here: no weights at model.{after}.")


def fill(network: nn.Module, tensors: Tensors, architecture: Architecture, path: Path) -> None:
    """Load a file into our network of the same layers; any key or shape too many is refused."""
    ours = network.state_dict()
    theirs = {key: reference_key(key, architecture, network) for key in ours}
    filled = {
        name: torch.zeros_like(ours[key])
        for key, name in theirs.items()
        if name not in tensors and may_lack(name, architecture)
    }
    available = tensors | filled
    if lost := sorted(set(theirs.values()) ^ available.keys()):
        raise BadData(
            f"{path} looks like {architecture.describe()}, but {len(lost)} keys differ, first "
            f"{lost[0]!r}: a variant that is not known here."
        )
    for key, name in theirs.items():
        if available[name].shape != ours[key].shape:
            raise BadData(
                f"{path} looks like {architecture.describe()}, but {name} is "
                f"{tuple(available[name].shape)}, not {tuple(ours[key].shape)}."
            )
    network.load_state_dict({key: available[name] for key, name in theirs.items()})


def may_lack(name: str, architecture: Architecture) -> bool:
    """Whether zeros stand for it: counts of old PyTorch, biases that no norm made needless."""
    return name.endswith(".num_batches_tracked") or (
        architecture.norm == "none" and name.endswith(".bias")
    )


def reference_key(key: str, architecture: Architecture, network: nn.Module) -> str:
    """The reference's name of one of our parameters."""
    if architecture.nested:
        return u_net_key(key, int(getattr(network, "levels")))  # noqa: B009
    place, _, rest = key.partition(".layers.")
    if not rest:
        return f"model.{key}"
    index, _, name = rest.partition(".")  # ours keeps a place for dropout, theirs does not
    moved = int(index) - (1 if int(index) > 4 and not architecture.dropout else 0)
    return f"model.{place}.conv_block.{moved}.{name}"


def u_net_key(key: str, levels: int) -> str:
    """The reference's name: every level is a Sequential with the next one inside.

    >>> u_net_key("inside.inside.up.2.weight", 8)
    'model.model.1.model.3.model.6.weight'
    """
    depth = key.count("inside.")
    rest = key.removeprefix("inside." * depth)
    if not depth:
        return rest.replace("first.", "model.model.0.").replace("last.1.", "model.model.3.")
    side, index, name = rest.split(".", 2)
    behind = (2 if depth == levels - 1 else 4) if side == "up" else 0  # of down and the inside
    return f"model.model.1.model.{'3.model.' * (depth - 1)}{int(index) + behind}.{name}"
