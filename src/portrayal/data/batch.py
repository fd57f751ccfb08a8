"""What a recipe is fed."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Pictures of one step. `source` and `target` are signed float32, (B, 3, H, W)."""

    source: Tensor
    target: Tensor
    names: list[str]  # of the sources
    target_names: list[str] = field(default_factory=list)  # of the targets

    def to(self, device: torch.device, memory_format: torch.memory_format) -> "Batch":
        """The same batch on a device, in the memory layout its convolutions like."""
        source = self.source.to(device, memory_format=memory_format, non_blocking=True)
        target = self.target.to(device, memory_format=memory_format, non_blocking=True)
        return Batch(source, target, self.names, self.target_names)
