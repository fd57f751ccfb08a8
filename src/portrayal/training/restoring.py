"""A checkpoint back into networks, optimisers and pools, after checking that it fits them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from portrayal.core.devices import Ranks
from portrayal.core.errors import BadCheckpoint
from portrayal.core.tensors import short
from portrayal.training.reading import TRAINING, Note, newest, read_tensors, read_training
from portrayal.training.shares import Parts, file_of, own, tell_of_others


def restore(
    run: Path, parts: Parts, note: Note = lambda text: None, ranks: Ranks = Ranks()
) -> dict[str, Any] | None:
    """Fill `parts` from the newest whole checkpoint; its about.json, or None if there is none."""
    folder, about = newest(run, note)
    if folder is None:
        return None
    weights = read_tensors(folder)
    training = read_training(folder / TRAINING)
    if not ranks.first:
        training = {name: state for name, state in training.items() if not own(parts.get(name))}
        if (mine := folder / file_of(ranks.rank)).exists():
            training |= read_training(mine)
    tell_of_others(parts, folder, ranks, note)
    for name, part in parts.items():
        if isinstance(part, nn.Module) or name == "average":
            load_tensors(part, _under(name, weights), f"{folder}: {name}")
        elif name not in training and own(part) and not ranks.first:
            continue  # more processes than before
        elif name not in training:
            raise BadCheckpoint(f"{folder / TRAINING} holds nothing for {name!r}.")
        else:
            _load_other(part, training[name], f"{folder / TRAINING}: {name}")
    return {"seconds": 0.0, **about}


def load_tensors(part: Any, tensors: Mapping[str, Tensor], where: str) -> None:
    """Load tensors into a module after checking every name, shape and kind."""
    wanted = part.state_dict()
    if lost := sorted(wanted.keys() ^ tensors.keys()):
        raise BadCheckpoint(
            f"{where} does not fit this network: {len(lost)} names differ, first {lost[0]!r}."
        )
    for key, tensor in wanted.items():
        found = tensors[key]
        if found.shape != tensor.shape or found.is_floating_point() != tensor.is_floating_point():
            raise BadCheckpoint(
                f"{where} does not fit this network: {key} is {tuple(found.shape)} {found.dtype}, "
                f"{tuple(tensor.shape)} {tensor.dtype} is needed."
            )
    part.load_state_dict(tensors)


def _load_other(part: Any, state: Any, where: str) -> None:
    """Load an optimiser or the like; what is stored must be what this part would store."""
    try:
        if isinstance(part, torch.optim.Optimizer):
            _check_optimiser(part, state, where)
        part.load_state_dict(state)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise BadCheckpoint(
            f"{where} is not what this part stores: {type(error).__name__}: {short(error)}."
        ) from None


FREE_IN_GROUPS = {"params", "lr", "initial_lr", "fused", "foreach", "capturable"}  # or the device's


def _check_optimiser(part: torch.optim.Optimizer, state: Any, where: str) -> None:
    """Moments need the shapes of their parameters, and groups the settings of this optimiser."""
    parameters = [p for group in part.param_groups for p in group["params"]]
    for index, moments in state["state"].items():
        for key, moment in moments.items():
            wanted = () if key == "step" else parameters[index].shape
            if moment.shape != wanted or not moment.is_floating_point():
                raise BadCheckpoint(
                    f"{where}: {key} of parameter {index} is {tuple(moment.shape)} {moment.dtype}."
                )
    for ours, theirs in zip(part.param_groups, state["param_groups"], strict=True):
        for key in (ours.keys() & theirs.keys()) - FREE_IN_GROUPS:
            if ours[key] != theirs[key] or type(ours[key]) is not type(theirs[key]):
                raise BadCheckpoint(f"{where}: {key} is {theirs[key]!r}, not {ours[key]!r}.")
        if not (isinstance(theirs["lr"], float) and 0 <= theirs["lr"] < float("inf")):
            raise BadCheckpoint(f"{where}: lr is {theirs['lr']!r}, which is no rate.")


def _under(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(f"{name}."): t for k, t in tensors.items() if k.startswith(f"{name}.")}
