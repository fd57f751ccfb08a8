"""A pool of earlier fakes, so that discriminators do not forget them (Shrivastava et al. 2017).

CycleGAN's rule (Zhu et al. 2017, sec. 4): while there is room, a picture is stored and shown; then,
with probability 1/2, it is shown itself, or it takes the place of a stored one, which is shown.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Pool:
    """Up to `capacity` pictures. Draws come from torch's generator, which the loop seeds anew."""

    per_rank = True  # every process keeps its own; see checkpoint.py

    def __init__(self, capacity: int = 50) -> None:
        self.capacity = capacity
        self.pictures: list[Tensor] = []

    def exchange(self, fakes: Tensor) -> Tensor:
        """As many pictures as came, (B, C, H, W), some of them earlier ones; detached."""
        fakes = fakes.detach()
        if self.capacity == 0:
            return fakes
        return torch.stack([self._exchange(fake) for fake in fakes])

    def _exchange(self, fake: Tensor) -> Tensor:
        if len(self.pictures) < self.capacity:
            self.pictures.append(fake.clone())
            return fake
        slot = int(torch.randint(2 * self.capacity, ()))  # on the CPU: no GPU is waited for
        if slot >= self.capacity:
            return fake
        earlier, self.pictures[slot] = self.pictures[slot], fake.clone()
        return earlier.to(fake.device)  # a checkpoint lies on the CPU

    def state_dict(self) -> dict[str, Any]:
        """The pictures, on the CPU."""
        return {"pictures": [picture.cpu() for picture in self.pictures]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue with saved pictures."""
        self.pictures = list(state["pictures"])[: self.capacity]
