"""Which pair is at which position of training: a function of the seed, so there is nothing to save.

A position counts pairs from the start of the run; step s of a global batch of B shows positions
s * B .. s * B + B - 1. Every process takes its own slice of them, so any number of processes sees
the same batches in the same order.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from portrayal.core.devices import Ranks
from portrayal.core.errors import BadOption
from portrayal.core.images import stack
from portrayal.core.seeds import numpy_rng
from portrayal.data.augment import jitter
from portrayal.data.batch import Batch
from portrayal.data.dataset import Pair, Split


def index_at(position: int, count: int, seed: int) -> int:
    """Index of the pair at a position: every epoch is a new order of all `count` pairs."""
    return int(_order(position // count, count, seed)[position % count])


@lru_cache(maxsize=4)  # batches straddle two epochs, and prefetching looks ahead
def _order(epoch: int, count: int, seed: int) -> NDArray[np.int64]:
    return numpy_rng(seed, "order", epoch).permutation(count)


def training_batches(
    split: Split,
    batch: int,
    seed: int,
    *,
    enlarge: float,
    flip: bool,
    ranks: Ranks,
    workers: int = 2,
) -> Callable[[int], Iterator[Batch]]:
    """batches(7) yields this process's share of the batches of step 7, 8, ... without end."""
    if batch % ranks.count:
        raise BadOption(
            f"A batch of {batch} cannot be shared equally by {ranks.count} processes: "
            f"--set batch={-(-batch // ranks.count) * ranks.count}"
        )
    share = batch // ranks.count
    size = split.size()

    def example(position: int) -> Pair:
        pair = split.pair(index_at(position, len(split), seed))
        if pair.source.shape[:2] != size:
            ours = f"{pair.source.shape[1]} x {pair.source.shape[0]}"
            raise BadOption(
                f"{split.folder}: {pair.name!r} is {ours} pixels, but the first picture is "
                f"{size[1]} x {size[0]}. Prepare the pictures with --size."
            )
        return jitter(pair, seed, position, enlarge=enlarge, flip=flip)

    def load(step: int) -> Batch:
        start = step * batch + ranks.rank * share
        pairs = [example(position) for position in range(start, start + share)]
        sources, targets = stack([p.source for p in pairs]), stack([p.target for p in pairs])
        return Batch(sources, targets, [p.name for p in pairs])

    return lambda first: prefetched(load, first, workers)


def prefetched(load: Callable[[int], Batch], first: int, workers: int) -> Iterator[Batch]:
    """load(first), load(first + 1), ... read ahead by threads, since decoding frees the GIL."""
    ahead = max(1, 2 * workers)
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="pictures") as pool:
        waiting: deque[Future[Batch]] = deque(pool.submit(load, first + i) for i in range(ahead))
        try:
            step = first + ahead
            while True:
                yield waiting.popleft().result()
                waiting.append(pool.submit(load, step))
                step += 1
        finally:
            for future in waiting:
                future.cancel()
