"""Frozen copies of trained networks that do the same in fewer passes over memory."""

from copy import deepcopy
from itertools import pairwise
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.parametrize import is_parametrized

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """A copy by the statistics of training: BatchNorms are folded into the convolutions before.

    Equal up to rounding. Spectral norms are worked into the weights, and no weight has a gradient.
    """
    copy = deepcopy(network).eval()
    for module in list(copy.modules()):
        if is_parametrized(module, "weight"):
            made_plain(module)
    for chain in [part for part in copy.modules() if isinstance(part, nn.Sequential)]:
        for (name, layer), (place, norm) in pairwise(list(chain.named_children())):
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and isinstance(
                norm, nn.BatchNorm2d
            ):
                turned = isinstance(layer, nn.ConvTranspose2d)
                setattr(chain, name, fuse_conv_bn_eval(layer, norm, transpose=turned))  # type: ignore[type-var]
                setattr(chain, place, nn.Identity())
    return copy.requires_grad_(False)


def made_plain(layer: nn.Module) -> None:
    """Make the weight that a parametrisation computes an ordinary one.

    Copies share the class that torch made for the layer they are copies of, and its
    `remove_parametrizations` would take the weight out of that class.
    """
    weight = layer.weight.detach().clone()  # type: ignore[operator]
    layer.__class__ = type(layer).__bases__[0]
    del layer.parametrizations
    layer.weight = nn.Parameter(weight)
