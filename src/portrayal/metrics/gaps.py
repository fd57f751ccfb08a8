"""Do groups of pictures score alike? The gap between the best and the worst, and a test of it.

One score per picture, (N,), with the group of each. Groups are compared as they are: nothing here
says why they differ. NumPy only; the order of the pictures never matters.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portrayal.core.errors import BadData
from portrayal.metrics.resampling import Numbers, check_options, chunks, expanded_tail, finite
from portrayal.metrics.statistics import Interval

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Gap:
    """The largest distance between the means of two groups.

    `p` is the share of random groupings, of the same sizes, with a gap as large between any two:
    it knows that the pair was picked afterwards. The interval does not: it is that of this pair.
    """

    highest: str
    lowest: str
    interval: Interval  # of the mean of `highest` - the mean of `lowest`
    p: float


def largest_gap(
    values: ArrayLike,
    groups: Sequence[str],
    *,
    clusters: Sequence[Hashable] | None = None,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Gap:
    """The gap between the groups of highest and lowest mean, its interval and its p-value.

    With `clusters` (subjects), whole ones are drawn again. Their group labels change places as
    wholes too, unless some cluster has pictures in several groups: then labels change places only
    inside each cluster.
    """
    check_options(draws, level)
    scores = finite(values)
    names = sorted(set(groups))
    if len(groups) != len(scores) or len(names) < 2:
        raise BadData(
            f"{len(scores)} scores with {len(groups)} group names of {len(names)} kinds have no "
            "gap; give each score its group, and two groups or more."
        )
    places = np.array([names.index(group) for group in groups])
    owners = _owners(len(scores), clusters)
    order = np.lexsort((scores, places, owners if clusters else np.zeros_like(places)))
    scores, places, owners = scores[order], places[order], owners[order]
    means = np.bincount(places, scores) / np.bincount(places)
    high, low = int(means.argmax()), int(means.argmin())
    if high == low:
        high, low = 0, 1
    bounds = _bounds(scores, places, owners, (high, low), draws, seed, level)
    value = float(means[high] - means[low])
    n = int(np.isin(places, (high, low)).sum())
    over = "pictures" if clusters is None else f"{len(np.unique(owners))} clusters"
    method = f"{100 * level:g} % bootstrap over {over}, {draws} draws, seed {seed}"
    p = _p_value(scores, places, owners, value, draws, seed)
    return Gap(names[high], names[low], Interval(value, *bounds, n, method), p)


def _owners(count: int, clusters: Sequence[Hashable] | None) -> Places:
    """The cluster of each picture by number, in an order that only the names decide. (N,)"""
    if clusters is None:
        return np.arange(count)
    if len(clusters) != count:
        raise BadData(f"{count} scores came with {len(clusters)} cluster names; give one each.")
    named = sorted({str(name) for name in clusters if name is not None})
    numbers = {name: number for number, name in enumerate(named)}
    alone = iter(range(len(numbers), len(numbers) + count))
    return np.array([next(alone) if c is None else numbers[str(c)] for c in clusters])


def _bounds(
    scores: Numbers,
    places: Places,
    owners: Places,
    pair: tuple[int, int],
    draws: int,
    seed: int,
    level: float,
) -> tuple[float, float]:
    """Bounds of the difference of two groups' means, drawing their clusters again; NaN if one of
    the groups is a single cluster.
    """
    inside = np.isin(places, pair)
    _, rows = np.unique(owners[inside], return_inverse=True)
    which = (places[inside] == pair[1]).astype(np.int64)
    sums, sizes = np.zeros((2, rows.max() + 1, 2))
    np.add.at(sums, (rows, which), scores[inside])
    np.add.at(sizes, (rows, which), 1)
    if (units := int((sizes > 0).sum(0).min())) < 2:
        return np.nan, np.nan
    order = np.lexsort((*sums.T, *sizes.T))  # an order that only the numbers decide
    sums, sizes = sums[order], sizes[order]
    gaps = np.empty(draws)
    for part, rng in chunks(draws, len(sums), seed):
        drawn = rng.integers(len(sums), size=(part.stop - part.start, len(sums)))
        held = sizes[drawn].sum(1)  # (draws, 2); a group that is not drawn at all gives NaN
        means = sums[drawn].sum(1) / np.where(held > 0, held, np.nan)
        gaps[part] = means[:, 0] - means[:, 1]
    tail = expanded_tail(level, units)
    low, high = np.nanquantile(gaps, [tail, 1 - tail])
    return float(low), float(high)


def _p_value(
    scores: Numbers, places: Places, owners: Places, seen: float, draws: int, seed: int
) -> float:
    """(k + 1) / (draws + 1), where k random groupings have a gap of `seen` or more."""
    _, rows = np.unique(owners, return_inverse=True)
    group_of = np.full(rows.max() + 1, -1)
    group_of[rows] = places
    sums, sizes = scores, np.ones(len(scores))
    labels, fixed = places, rows.astype(np.float64)  # pictures change places inside clusters
    if (group_of[rows] == places).all():  # no cluster lies in two groups: clusters change places
        sums, sizes = (np.asarray(np.bincount(rows, each), np.float64) for each in (sums, sizes))
        order = np.lexsort((sizes, sums, group_of))
        sums, sizes, labels = sums[order], sizes[order], group_of[order]
        fixed = np.zeros(len(sums))
    members = np.eye(int(places.max()) + 1)[labels]  # (units, groups)
    as_far = 0
    for part, rng in chunks(draws, len(sums), seed):
        keys = rng.random((part.stop - part.start, len(sums))) + fixed
        moved = keys.argsort(1)
        means = (sums[moved] @ members) / (sizes[moved] @ members)
        as_far += int((np.ptp(means, axis=1) >= seen * (1 - 1e-12) - 1e-15).sum())
    return (as_far + 1) / (draws + 1)
