"""What votes of people say: shares with chance, pairs and agreement.

Shapes: T votes, N models, `offered` (T, N), `chosen` (T,), `voters` (T,) names. Two questions that
are easily taken for one: would *these* voters decide the same way again (votes taken as
independent), and would *other* voters (whole voters resampled or flipped)? Both are answered.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portrayal.core.errors import BadData
from portrayal.metrics.statistics import (
    Interval,
    bootstrap_mean,
    bootstrap_sums,
    holm,
    permutation_test,
    wilson,
)
from portrayal.metrics.strengths import checked

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """How often one model was chosen, of the times it was shown."""

    votes: int
    shown: int
    chance: float  # mean of 1/n over the choices it was in
    same_voters: Interval  # Wilson
    other_voters: Interval  # bootstrap over voters
    p_chance: float  # exact binomial against chance; votes taken as independent


@dataclass(frozen=True)
class Pair:
    """Two models against each other; p-values are corrected for all pairs (Holm)."""

    first: int
    second: int
    values: tuple[float, float]  # votes for each where both were shown, or means
    p_same: float  # votes taken as independent
    p_other: float  # signs of whole voters flipped


def shares(
    offered: ArrayLike,
    chosen: ArrayLike,
    voters: Sequence[Hashable],
    *,
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> list[Share]:
    """Each model's share of the choices it was in."""
    from scipy.stats import binomtest

    shown, taken = checked(offered, chosen)
    chance = 1 / shown.sum(1)
    found = []
    for model in range(shown.shape[1]):
        rows = np.flatnonzero(shown[:, model]).tolist()
        if not rows:
            raise BadData(f"Model {model + 1} of {shown.shape[1]} was never shown.")
        hits = (taken[rows] == model).astype(float)
        who = [voters[row] for row in rows]
        luck = float(chance[rows].mean())
        spread = bootstrap_mean(hits, clusters=who, draws=draws, seed=seed, level=level)
        p = binomtest(int(hits.sum()), len(hits), luck).pvalue
        votes = int(hits.sum())
        found.append(Share(votes, len(hits), luck, wilson(hits, level=level), spread, float(p)))
    return found


def pairs(
    offered: ArrayLike,
    chosen: ArrayLike,
    voters: Sequence[Hashable],
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> list[Pair]:
    """All pairs of models, over the choices in which both were shown.

    Same voters: of the votes for either, is one half for each (exact binomial)? Other voters: sign
    flips of each voter's difference. K voters cannot give a p-value below 2 / 2^K.
    """
    from scipy.stats import binomtest

    shown, taken = checked(offered, chosen)
    found = []
    for first, second in combinations(range(shown.shape[1]), 2):
        rows = np.flatnonzero(shown[:, first] & shown[:, second]).tolist()
        hits = [(taken[rows] == model).astype(float) for model in (first, second)]
        one, two = (int(each.sum()) for each in hits)
        same = float(binomtest(one, one + two).pvalue) if one + two else 1.0
        who = [voters[row] for row in rows]
        other = permutation_test(*hits, clusters=who, draws=draws, seed=seed) if who else 1.0
        found.append(Pair(first, second, (one, two), same, other))
    return corrected(found)


def rated_pairs(
    values: ArrayLike,
    models: ArrayLike,
    voters: Sequence[Hashable],
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> list[Pair]:
    """All pairs of models by values (T,) of single pictures: ratings, or 1 for judged real.

    Same voters: Fisher's exact test of two values, Mann and Whitney's of more. Other voters: sign
    flips of the difference of each voter's two means, over voters who saw both.
    """
    scores, of = np.asarray(values, float), np.asarray(models, np.int64)
    who = np.array([str(name) for name in voters])
    found = []
    for first, second in combinations(range(int(of.max()) + 1), 2):
        ours, theirs = scores[of == first], scores[of == second]
        means = [
            (ours_of.mean(), theirs_of.mean())
            for name in sorted(set(who))
            if len(ours_of := scores[(of == first) & (who == name)])
            and len(theirs_of := scores[(of == second) & (who == name)])
        ]
        columns = list(zip(*means, strict=True))
        other = permutation_test(*columns, draws=draws, seed=seed) if means else 1.0
        both = (float(ours.mean()), float(theirs.mean()))
        found.append(Pair(first, second, both, _apart(ours, theirs), other))
    return corrected(found)


def corrected(found: Sequence[Pair]) -> list[Pair]:
    """The same pairs with p-values corrected for their number."""
    if not found:
        return []
    same = holm([pair.p_same for pair in found])
    other = holm([pair.p_other for pair in found])
    return [
        Pair(pair.first, pair.second, pair.values, float(p), float(q))
        for pair, p, q in zip(found, same, other, strict=True)
    ]


def smallest_p(voters: int) -> float:
    """The smallest p-value that flips of so many voters can give.

    >>> smallest_p(3)
    0.25
    """
    return float(min(1.0, 2.0 ** (1 - voters)))


def fleiss_kappa(
    counts: ArrayLike, *, level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Interval:
    """Agreement beyond chance of raters over subjects, counts (S, K): 1 perfect, 0 chance.

    Fleiss 1971; subjects may have different numbers of raters, those with fewer than two say
    nothing. The interval resamples subjects. NaN if all raters always took the same category.
    """
    table = np.asarray(counts, float)
    if table.ndim != 2 or table.min(initial=0) < 0:
        raise BadData(f"Agreement needs counts of subjects by categories, not {table.shape}.")
    raters = table.sum(1)
    table, raters = table[raters >= 2], raters[raters >= 2]
    if not len(table):
        return Interval(np.nan, np.nan, np.nan, 0, "no picture was judged twice")
    agreed = (table * (table - 1)).sum(1) / (raters * (raters - 1))
    parts = np.column_stack([agreed, np.ones(len(table)), table])
    if len(np.flatnonzero(table.sum(0))) < 2:
        return Interval(np.nan, np.nan, np.nan, len(table), "only one category was ever taken")
    found = bootstrap_sums(parts, _kappa, level=level, draws=draws, seed=seed)[0]
    method = found.method.replace("pictures", "judged pictures")
    return Interval(found.value, found.low, found.high, found.n, method)


def _kappa(sums: Numbers) -> Numbers:
    """Kappa (D, 1) of rows [agreement, subjects, votes per category]."""
    seen = sums[:, 0] / sums[:, 1]
    by_category = sums[:, 2:] / sums[:, 2:].sum(1, keepdims=True)
    chance = (by_category**2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        kappa = (seen - chance) / (1 - chance)
    return np.asarray(np.where(chance < 1, kappa, 1.0)[:, None])


def _apart(ours: Numbers, theirs: Numbers) -> float:
    from scipy.stats import fisher_exact, mannwhitneyu

    if not len(ours) or not len(theirs):
        return 1.0
    if set(np.unique(np.concatenate([ours, theirs]))) <= {0.0, 1.0}:
        table = [[int(v.sum()), int(len(v) - v.sum())] for v in (ours, theirs)]
        return float(fisher_exact(table).pvalue)
    return float(mannwhitneyu(ours, theirs).pvalue)
