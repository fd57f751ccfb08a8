"""What is at which position of training: a function of the seed, so there is nothing to save.

A position counts examples from the start of the run; step s of a global batch of B shows positions
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
from portrayal.core.images import Pixels, stack
from portrayal.core.seeds import numpy_rng
from portrayal.data.augment import jitter, jitter_alone, retoned
from portrayal.data.batch import Batch
from portrayal.data.dataset import Split
from portrayal.data.domains import SIDES, Side


def index_at(position: int, count: int, seed: int, what: str = "") -> int:
    """Index at a position: every epoch is a new order of all `count` pairs, or of a domain's
    pictures if `what` names the domain."""
    return int(_order(position // count, count, seed, what)[position % count])


@lru_cache(maxsize=8)  # batches straddle two epochs, prefetching looks ahead, and of two domains
def _order(epoch: int, count: int, seed: int, what: str) -> NDArray[np.int64]:
    named = (what,) if what else ()
    return numpy_rng(seed, "order", *named, epoch).permutation(count)


def training_batches(
    split: Split,
    batch: int,
    seed: int,
    *,
    enlarge: float,
    flip: bool,
    tones: float = 0,
    ranks: Ranks,
    workers: int = 2,
    paired: bool = True,
) -> Callable[[int], Iterator[Batch]]:
    """batches(7) yields this process's share of the batches of step 7, 8, ... without end.

    Not `paired`: source and target are drawn independently, from paired data too. The larger domain
    is then shown once per epoch; the smaller one starts over in a new order of its own.
    """
    if batch % ranks.count:
        raise BadOption(
            f"A batch of {batch} cannot be shared equally by {ranks.count} processes: "
            f"--set batch={-(-batch // ranks.count) * ranks.count}"
        )
    share = batch // ranks.count
    examples = paired_examples if paired else two_domains
    example = examples(split, seed, enlarge=enlarge, flip=flip, tones=tones)

    def load(step: int) -> Batch:
        start = step * batch + ranks.rank * share
        sources, targets = zip(*map(example, range(start, start + share)), strict=True)
        return Batch(
            stack([picture for _, picture in sources]),
            stack([picture for _, picture in targets]),
            [name for name, _ in sources],
            [name for name, _ in targets],
        )

    return lambda first: prefetched(load, first, workers)


Named = tuple[str, Pixels]
Example = Callable[[int], tuple[Named, Named]]  # position -> source and target


def paired_examples(
    split: Split, seed: int, *, enlarge: float, flip: bool, tones: float
) -> Example:
    """Pairs by position, both pictures cut and mirrored alike."""
    split.require_pairs("This recipe")
    size = split.size()

    def example(position: int) -> tuple[Named, Named]:
        pair = split.pair(index_at(position, len(split), seed))
        require_size(pair.source, size, split, pair.name)
        pair = jitter(pair, seed, position, enlarge=enlarge, flip=flip)
        source = retoned(pair.source, seed, position, tones)
        return (pair.name, source), (pair.name, pair.target)

    return example


def two_domains(split: Split, seed: int, *, enlarge: float, flip: bool, tones: float) -> Example:
    """A source and a target by position, each in the order and with the changes of its domain."""
    split.require_domains("This recipe")
    source, target = (split.domain(name) for name in SIDES)
    size = split.size()

    def one(side: Side, position: int) -> Named:
        index = index_at(position, len(side), seed, side.name)
        name, picture = side.row(index)["name"], side.picture(index)
        require_size(picture, size, split, name)
        return name, jitter_alone(picture, seed, side.name, position, enlarge=enlarge, flip=flip)

    def example(position: int) -> tuple[Named, Named]:
        name, picture = one(source, position)
        return (name, retoned(picture, seed, position, tones)), one(target, position)

    return example


def require_size(picture: Pixels, size: tuple[int, int], split: Split, name: str) -> None:
    """A batch holds pictures of one size."""
    if picture.shape[:2] != size:
        raise BadOption(
            f"{split.folder}: {name!r} is {picture.shape[1]} x {picture.shape[0]} pixels, but the "
            f"first picture is {size[1]} x {size[0]}. Prepare the pictures with --size."
        )


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
