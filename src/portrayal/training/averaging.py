"""Averaged generator weights: often better pictures than the newest ones (Karras et al. 2018).

Either a running mean that forgets, or the even mean of the last part of a run (Izmailov et al.
2018), or the first until the second begins.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from portrayal.training.settings import Settings


class Average:
    """A mean of the weights of every module whose name starts with "generator"."""

    def __init__(self, parts: Mapping[str, Any], decay: float, even: int | None = None) -> None:
        self.decay = decay
        self.even = even  # the step from which on all weights count alike; None: never
        self.live = {
            f"{name}.{key}": tensor
            for name, part in parts.items()
            if name.startswith("generator") and isinstance(part, nn.Module)
            for key, tensor in part.state_dict(keep_vars=False).items()
        }
        self.mean = {name: tensor.detach().clone() for name, tensor in self.live.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step`, counted from 0."""
        decay = self.decay_at(step)
        moving = [name for name, tensor in self.live.items() if tensor.is_floating_point()]
        torch._foreach_lerp_(
            [self.mean[name] for name in moving], [self.live[name] for name in moving], 1 - decay
        )
        for name in self.live.keys() - set(moving):  # counters
            self.mean[name].copy_(self.live[name])

    def decay_at(self, step: int) -> float:
        """What the mean so far counts: less at first, so that the start is forgotten."""
        if self.even is not None and step >= self.even:
            return 1 - 1 / (step - self.even + 1)
        return min(self.decay, (1 + step) / (10 + step))

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged weights, by module and key."""
        return self.mean

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from saved means."""
        for name, tensor in self.mean.items():
            tensor.copy_(state[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the modules hold the averaged weights; afterwards their own, to the bit."""
        own = {name: tensor.clone() for name, tensor in self.live.items()}
        self._put(self.mean)
        try:
            yield
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, tensor in self.live.items():
            tensor.copy_(values[name])


def averaged(parts: Mapping[str, Any], settings: Settings, steps: int) -> Average | None:
    """The mean that the settings ask for in a run of so many steps; None if they ask for none."""
    even = round((1 - settings.average_last) * steps) if settings.average_last else None
    return Average(parts, settings.average, even) if settings.average or even is not None else None
