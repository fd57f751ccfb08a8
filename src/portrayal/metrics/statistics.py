"""How sure a number is: intervals of means, of differences, and a test of them. NumPy only.

Values are one score per picture, (N,). Pictures of one person are no independent draws: hand over
their `clusters` (subject names) and whole clusters are resampled. A cluster of None stands alone.
The order of the pictures never matters.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portrayal.core.errors import BadData
from portrayal.metrics.resampling import Numbers, check_options, chunks, expanded_tail, finite


@dataclass(frozen=True)
class Interval:
    """A value with the bounds that cover the truth in `level` of all repetitions.

    From a single picture or cluster nothing is known about the spread: both bounds are then NaN.
    """

    value: float
    low: float
    high: float
    n: int  # pictures
    method: str  # what a report prints beside it


def bootstrap_mean(
    values: ArrayLike,
    *,
    clusters: Sequence[Hashable] | None = None,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """The mean with its bootstrap interval.

    Percentiles, expanded for the small sample (Hesterberg 2015): the plain ones are too narrow by
    about sqrt(1 - 1/n) and by the step from a normal to a t quantile.
    """
    check_options(draws, level)
    scores = finite(values)
    sums, sizes = _by_cluster(scores, clusters)
    value = float(sums.sum() / sizes.sum())
    over = "pictures" if clusters is None else f"{len(sums)} clusters"
    method = f"{100 * level:g} % bootstrap over {over}, {draws} draws, seed {seed}"
    if len(sums) == 1:
        return Interval(value, np.nan, np.nan, len(scores), method)
    means = np.empty(draws)
    for rows, rng in chunks(draws, len(sums), seed):
        drawn = rng.integers(len(sums), size=(rows.stop - rows.start, len(sums)))
        means[rows] = sums[drawn].sum(1) / sizes[drawn].sum(1)
    tail = expanded_tail(level, len(sums))
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(value, float(low), float(high), len(scores), method)


def bootstrap_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    clusters: Sequence[Hashable] | None = None,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """The mean of a - b, scores of the same pictures by two models, with its interval."""
    difference = _paired_difference(a, b)
    return bootstrap_mean(difference, clusters=clusters, draws=draws, seed=seed, level=level)


def bootstrap_sums(
    parts: ArrayLike,
    statistic: Callable[[Numbers], Numbers],
    *,
    clusters: Sequence[Hashable] | None = None,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> list[Interval]:
    """Scores of the whole set, such as an IoU, that need nothing but sums over its pictures.

    `parts` (N, F) are what each picture adds; `statistic` makes S scores (D, S) of D rows of sums
    (D, F). Resampled and expanded as in `bootstrap_mean`.
    """
    check_options(draws, level)
    each = np.asarray(parts, dtype=np.float64)
    if each.ndim != 2 or 0 in each.shape or not np.isfinite(each).all():
        raise BadData(f"Sums need finite numbers per picture, (N, F), but got {each.shape}.")
    sums = _sums_by_cluster(each, clusters)
    values = statistic(sums.sum(0, keepdims=True))[0]  # (S,)
    over = "pictures" if clusters is None else f"{len(sums)} clusters"
    method = f"{100 * level:g} % bootstrap over {over}, {draws} draws, seed {seed}"
    if len(sums) == 1:
        return [Interval(float(v), np.nan, np.nan, len(each), method) for v in values]
    scores = np.empty((draws, len(values)))
    for rows, rng in chunks(draws, len(sums), seed):
        count = rows.stop - rows.start
        drawn = rng.integers(len(sums), size=(count, len(sums)))
        places = drawn + len(sums) * np.arange(count)[:, None]
        times = np.bincount(places.ravel(), minlength=count * len(sums))  # each unit was drawn
        scores[rows] = statistic(times.reshape(count, len(sums)) @ sums)
    tail = expanded_tail(level, len(sums))
    bounds = np.quantile(scores, [tail, 1 - tail], axis=0).T
    return [
        Interval(float(v), float(low), float(high), len(each), method)
        for v, (low, high) in zip(values, bounds, strict=True)
    ]


def permutation_test(
    a: ArrayLike,
    b: ArrayLike,
    *,
    clusters: Sequence[Hashable] | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> float:
    """Two-sided p-value of "a and b score alike on the same pictures", by flipping signs.

    (k + 1) / (draws + 1), where k flips differ as much as was observed: never 0.
    """
    check_options(draws, 0.5)
    sums, _ = _by_cluster(_paired_difference(a, b), clusters)
    seen = abs(sums.sum()) * (1 - 1e-12)  # equal sums in another order may differ in the last bit
    sums = np.sort(np.abs(sums))  # the flips forget the signs anyway: p(a, b) = p(b, a)
    as_far = 0
    for rows, rng in chunks(draws, len(sums), seed):
        signs = rng.integers(2, size=(rows.stop - rows.start, len(sums))) * 2.0 - 1
        as_far += int((np.abs((signs * sums).sum(1)) >= seen).sum())
    return (as_far + 1) / (draws + 1)


def wilson(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """A share of pictures (values 0 or 1) with Wilson's interval, which 100 % does not collapse."""
    from scipy.stats import norm

    check_options(1, level)
    hits = finite(values)
    if (others := int(((hits != 0) & (hits != 1)).sum())) > 0:
        raise BadData(f"{others} of {len(hits)} values are neither 0 nor 1; use bootstrap_mean.")
    n, share, z = len(hits), float(hits.mean()), float(norm.ppf((1 + level) / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)
    low = middle - half if share > 0 else 0.0  # exact at the edges, where rounding is not
    high = middle + half if share < 1 else 1.0
    return Interval(share, float(low), float(high), n, f"{100 * level:g} % Wilson")


def holm(p_values: ArrayLike) -> Numbers:
    """P-values of N tests, corrected so that one chance finding among all is as rare as each says.

    Holm 1979: the k-th smallest times N - k + 1, never below the one before it, at most 1. (N,)
    """
    values = finite(p_values)
    if values.min() < 0 or values.max() > 1:
        raise BadData(f"P-values span {values.min():g} to {values.max():g}, but they are shares.")
    order = np.argsort(values, kind="stable")
    risen = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(risen, 1)
    return corrected


def _paired_difference(a: ArrayLike, b: ArrayLike) -> Numbers:
    first, second = finite(a), finite(b)
    if len(first) != len(second):
        raise BadData(
            f"{len(first)} scores cannot be paired with {len(second)}; score the same pictures."
        )
    return first - second


def _by_cluster(scores: Numbers, clusters: Sequence[Hashable] | None) -> tuple[Numbers, Numbers]:
    """Sum and size of each cluster, (K,) each, in an order that only these numbers decide."""
    if clusters is None:
        return np.sort(scores), np.ones_like(scores)
    rows = _places(clusters, len(scores))
    sizes = np.bincount(rows, weights=np.ones_like(scores))
    order = np.argsort(scores)  # so that a sum has the same rounding in any order of pictures
    sums = np.bincount(rows[order], weights=scores[order])
    order = np.lexsort((sizes, sums))
    return np.asarray(sums[order], np.float64), np.asarray(sizes[order], np.float64)


def _sums_by_cluster(each: Numbers, clusters: Sequence[Hashable] | None) -> Numbers:
    """Rows (N, F) added up by cluster, in an order that only these numbers decide."""
    order = np.lexsort(each.T)  # so that a sum has the same rounding in any order of pictures
    if clusters is None:
        return np.asarray(each[order])
    rows = _places(clusters, len(each))
    sums = np.zeros((rows.max() + 1, each.shape[1]))
    np.add.at(sums, rows[order], each[order])
    return np.asarray(sums[np.lexsort(sums.T)])


def _places(clusters: Sequence[Hashable], count: int) -> NDArray[np.int64]:
    """The number of each picture's cluster, (N,); those of None are alone in theirs."""
    if len(clusters) != count:
        raise BadData(f"{count} scores came with {len(clusters)} cluster names; give one each.")
    numbers: dict[Hashable, int] = {}
    keys = (("alone", i) if name is None else ("of", name) for i, name in enumerate(clusters))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])
