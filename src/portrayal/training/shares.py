"""What every process keeps of its own, such as a pool of fakes: one file per rank in a checkpoint.

The first rank's is in training.pt with everything that all share; training_rank1.pt and so on hold
the others'. A part says `per_rank = True` to be one of these.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch.distributed as dist

from portrayal.core.devices import Ranks

Parts = Mapping[str, Any]


def own(part: Any) -> bool:
    """Whether every process has a state of its own of this part."""
    return bool(getattr(part, "per_rank", False))


def file_of(rank: int) -> str:
    """The name of a rank's file."""
    return f"training_rank{rank}.pt"


def gathered(parts: Parts, ranks: Ranks, group: Any) -> Sequence[dict[str, Any]]:
    """On the first rank the own states of rank 1, 2, ...; all ranks call this together."""
    states = {name: part.state_dict() for name, part in parts.items() if own(part)}
    if ranks.count == 1 or not states:
        return []
    received: list[Any] | None = [None] * ranks.count if ranks.first else None
    dist.gather_object(states, received, dst=0, group=group)
    return received[1:] if received else []


def tell_of_others(parts: Parts, folder: Path, ranks: Ranks, note: Callable[[str], None]) -> None:
    """Say which states are missing, or left over, when another number of processes goes on."""
    names = [name for name, part in parts.items() if own(part)]
    before = 1 + len(list(folder.glob(file_of(0).replace("0", "*"))))
    if not (names and ranks.first) or before == ranks.count:
        return
    what = f"{folder} was saved by {before} process{'es' if before > 1 else ''}"
    if before < ranks.count:
        note(f"{what}: in {ranks.count - before} of the {ranks.count}, {names[0]} starts empty.")
    else:
        note(f"{what}: what {before - ranks.count} of them kept in {names[0]} is dropped.")
