"""Losses of the steps since the last look, kept on the device: looking at them stalls a GPU."""

import torch
from torch import Tensor

from portrayal.core.errors import NotFinite


class Ledger:
    """Collects the losses of every step; `numbers` reads them and refuses what is not finite."""

    def __init__(self) -> None:
        # of every step the pictures and the losses; terms may come and go with their weights
        self.unread: list[tuple[list[str], list[str], Tensor]] = []
        self.newest: dict[str, float] = {}

    def add(self, pictures: list[str], losses: dict[str, Tensor]) -> None:
        """Take in the losses of one step."""
        values = torch.stack([value.float() for value in losses.values()])
        self.unread.append((pictures, list(losses), values))

    def numbers(self) -> dict[str, float]:
        """The newest losses, after looking at all that nobody looked at yet."""
        for pictures, names, values in self.unread:
            if not values.isfinite().all():
                finite = values.isfinite().tolist()
                bad = [name for name, good in zip(names, finite, strict=True) if not good]
                raise not_finite(f"{', '.join(bad)} became not finite", pictures)
        if self.unread:
            _, names, values = self.unread[-1]
            self.newest = dict(zip(names, values.tolist(), strict=True))
        self.unread.clear()
        return self.newest


def not_finite(what: str, pictures: list[str]) -> NotFinite:
    """The one line about a loss that is not finite: what, where, and what to do."""
    shown = ", ".join(pictures[:8]) + (f" and {len(pictures) - 8} more" if pictures[8:] else "")
    return NotFinite(
        f"Training stopped before the weights were touched: {what}, on {shown}. The last "
        "checkpoint is good. Look at these pictures, lower learning_rate, or set "
        "precision=float32."
    )
