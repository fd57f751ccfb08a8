"""Losses of the steps since the last look, kept on the device: looking at them stalls a GPU."""

import torch
from torch import Tensor

from portrayal.core.errors import NotFinite


class Ledger:
    """Collects the losses of every step; `numbers` reads them and refuses what is not finite."""

    def __init__(self) -> None:
        self.unread: list[tuple[list[str], Tensor]] = []  # pictures of a step, its losses
        self.names: list[str] = []

    def add(self, pictures: list[str], losses: dict[str, Tensor]) -> None:
        """Take in the losses of one step."""
        self.names = list(losses)
        self.unread.append((pictures, torch.stack([value.float() for value in losses.values()])))

    def numbers(self) -> dict[str, float]:
        """The newest losses, after looking at all that nobody looked at yet."""
        for pictures, values in self.unread:
            if not values.isfinite().all():
                finite = values.isfinite().tolist()
                bad = [name for name, good in zip(self.names, finite, strict=True) if not good]
                raise not_finite(f"{', '.join(bad)} became not finite", pictures)
        newest = self.unread[-1][1].tolist() if self.unread else []
        self.unread.clear()
        return dict(zip(self.names, newest, strict=False))


def not_finite(what: str, pictures: list[str]) -> NotFinite:
    """The one line about a loss that is not finite: what, where, and what to do."""
    shown = ", ".join(pictures[:8]) + (f" and {len(pictures) - 8} more" if pictures[8:] else "")
    return NotFinite(
        f"Training stopped before the weights were touched: {what}, on {shown}. The last "
        "checkpoint is good. Look at these pictures, lower learning_rate, or set "
        "precision=float32."
    )
