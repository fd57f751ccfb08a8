"""Ctrl-C and SIGTERM: finish the step, save, leave. A second signal leaves at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch
import torch.distributed as dist

from portrayal.core.devices import Ranks
from portrayal.core.signals import handled


class Stop:
    """Which signal came, if any; all ranks learn of it at the same step."""

    def __init__(self, ranks: Ranks) -> None:
        self.signal = 0
        # a group of its own on the CPU, so that asking never stalls a GPU
        self.group = dist.new_group(backend="gloo") if ranks.count > 1 else None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; leave at once on the second."""
        if self.signal:
            os._exit(128 + number)  # the person means it; checkpoints are whole or absent anyway
        self.signal = number

    def agreed(self, wish: bool) -> bool:
        """Whether all save now: any rank wishes it, or a signal reached one (see `signal`)."""
        if self.group is not None:
            flags = torch.tensor([self.signal, int(wish)])
            dist.all_reduce(flags, dist.ReduceOp.MAX, group=self.group)
            self.signal, wish = int(flags[0]), bool(flags[1])
        return wish or self.signal != 0


@contextmanager
def listening(ranks: Ranks) -> Iterator[Stop]:
    """Inside, SIGINT and SIGTERM are noted instead of raised (in the main thread)."""
    stop = Stop(ranks)
    with handled(stop):
        yield stop
