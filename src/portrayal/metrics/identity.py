"""Is it still the same person? Verification by similarity scores. NumPy only.

A score says how alike two pictures are; larger is more alike (hand over cosines, not distances).
Genuine pairs, (N,), show one person; impostor pairs, (M,), two. Pairs count as independent: where
one person has many, give a few of each, or the intervals come out too narrow.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portrayal.core.errors import BadData, BadOption
from portrayal.core.seeds import numpy_rng
from portrayal.metrics.statistics import Interval, wilson

Numbers = NDArray[np.float64]
LEAST_FALSE_ACCEPTS = 10  # impostor pairs that must lie above a threshold for it to mean anything


@dataclass(frozen=True)
class Verification:
    """How well a threshold on the score tells genuine pairs from impostors."""

    tar: dict[float, Interval]  # share of genuine pairs accepted, by the share of impostors let in
    thresholds: dict[float, float]  # by the same shares; a pair above its threshold is accepted
    eer: Interval  # where as many impostors are let in as genuine pairs are turned away
    auc: Interval  # how often a genuine pair scores above an impostor, ties half
    genuine: int
    impostor: int


def verification(
    genuine: ArrayLike,
    impostor: ArrayLike,
    *,
    fars: tuple[float, ...] = (1e-2, 1e-3),
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Verification:
    """TAR at each FAR, EER and AUC with their intervals.

    A FAR below 10 / M is refused: a threshold that fewer than 10 impostors pass is chance.
    """
    ours, others = _scores("genuine", genuine), _scores("impostor", impostor)
    if draws < 1 or not 0 < level < 1:
        raise BadOption(f"{draws} draws at level {level} give no interval; take 10000 and 0.95.")
    for far in fars:
        _refuse_rare(far, len(others))
    tails = (1 - level) / 2, (1 + level) / 2
    method = f"{100 * level:g} %, {draws} draws of genuine pairs and threshold, seed {seed}"
    tar = {}
    for far in fars:
        low, high = np.quantile(_tar_draws(ours, others, far, draws, seed), tails)
        tar[far] = Interval(_tar(ours, others, far), float(low), float(high), len(ours), method)
    low, high = (_eer_bound(ours, others, tail, draws, seed) for tail in tails)
    eer = Interval(equal_error_rate(ours, others), low, high, len(ours), method)
    thresholds = {far: float(others[_place(far, len(others))]) for far in fars}
    return Verification(tar, thresholds, eer, _auc(ours, others, level), len(ours), len(others))


def equal_error_rate(genuine: ArrayLike, impostor: ArrayLike) -> float:
    """The rate at which both errors are equal; between two thresholds on the line between them."""
    ours = _scores("genuine", genuine)[::-1]  # ascending
    others = _scores("impostor", impostor)[::-1]
    steps = np.unique(np.concatenate([ours, others]))
    turned_away = np.concatenate([[0.0], np.searchsorted(ours, steps, "right") / len(ours)])
    let_in = np.concatenate([[1.0], 1 - np.searchsorted(others, steps, "right") / len(others)])
    gap = turned_away - let_in  # rises from -1 to 1
    after = int((gap >= 0).argmax())
    share = gap[after] / (gap[after] - gap[after - 1])
    return float(turned_away[after] + share * (turned_away[after - 1] - turned_away[after]))


def rank_hits(similarity: ArrayLike, truth: ArrayLike, gallery: ArrayLike, k: int = 1) -> Numbers:
    """1 where the right person is among the `k` nearest of the gallery, else 0. (N,)

    `similarity` (N, G) compares N pictures of the people `truth` (N,) with those of `gallery` (G,).
    A stranger who scores the same stands before the right person: a constant score finds nobody.
    """
    scores = np.asarray(similarity, np.float64)
    people, owners = np.asarray(truth), np.asarray(gallery)
    if scores.ndim != 2 or scores.shape != (len(people), len(owners)) or 0 in scores.shape:
        raise BadData(
            f"Similarities of shape {scores.shape} do not fit {len(people)} pictures and a gallery "
            f"of {len(owners)}; give one row per picture and one column per gallery picture."
        )
    if np.isnan(scores).any():
        raise BadData(f"{np.isnan(scores).sum()} similarities are NaN; leave those pictures out.")
    if k < 1:
        raise BadOption(f"There is no rank {k}; take 1 or 5.")
    right = people[:, None] == owners[None]  # (N, G)
    if (missing := int((~right.any(1)).sum())) > 0:
        raise BadData(f"{missing} of {len(people)} people are not in the gallery; add them.")
    best = np.where(right, scores, -np.inf).max(1)
    before = [
        len(set(owners[~mine & (row >= top)].tolist()))
        for row, mine, top in zip(scores, right, best, strict=True)
    ]
    return (np.array(before) < k).astype(np.float64)


def _scores(which: str, values: ArrayLike) -> Numbers:
    """Finite scores, highest first."""
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or len(scores) == 0:
        raise BadData(f"The {which} scores have shape {scores.shape}; give one score per pair.")
    if (bad := int((~np.isfinite(scores)).sum())) > 0:
        raise BadData(
            f"{bad} of {len(scores)} {which} scores are not finite; count pictures without a face "
            "as failures, not as NaN."
        )
    return np.sort(scores)[::-1]


def _refuse_rare(far: float, impostors: int) -> None:
    if not 0 < far < 1:
        raise BadOption(f"A false accept rate of {far:g} is no share; take 0.001.")
    if far * impostors < LEAST_FALSE_ACCEPTS * (1 - 1e-9):
        needed = int(np.ceil(LEAST_FALSE_ACCEPTS / far * (1 - 1e-9)))
        least = np.ceil(1e6 * LEAST_FALSE_ACCEPTS / impostors) / 1e6
        raise BadData(
            f"A false accept rate of {far:g} needs {needed} impostor pairs, but there are "
            f"{impostors}; add pairs, or take {least:g} or more."
        )


def _place(far: float, impostors: int) -> int:
    """Which impostor score, from the top, is the threshold: at most `far` of them lie above it."""
    return min(int(far * impostors + 1e-9), impostors - 1)


def _accepted(genuine: Numbers, threshold: Numbers) -> Numbers:
    """How many genuine scores (highest first) lie above each threshold."""
    return len(genuine) - np.searchsorted(genuine[::-1], threshold, "right").astype(np.float64)


def _tar(genuine: Numbers, impostor: Numbers, far: float) -> float:
    threshold = impostor[_place(far, len(impostor))]
    return float(_accepted(genuine, threshold) / len(genuine))


def _tar_draws(genuine: Numbers, impostor: Numbers, far: float, draws: int, seed: int) -> Numbers:
    """TARs that the same data could have given.

    The bootstrap of the threshold is exact and needs no resampling: the score at place p of a
    resample is the score at place M u, with u ~ Beta(p + 1, M - p). The share of genuine pairs
    above it is drawn from its Jeffreys posterior, which 100 % does not collapse.
    """
    rng = numpy_rng(seed, "verification")
    n, m, place = len(genuine), len(impostor), _place(far, len(impostor))
    u = rng.beta(place + 1, m - place, draws)
    hits = _accepted(genuine, impostor[np.minimum((u * m).astype(np.int64), m - 1)])
    return rng.beta(hits + 0.5, n - hits + 0.5)


def _eer_bound(genuine: Numbers, impostor: Numbers, tail: float, draws: int, seed: int) -> float:
    """The rate e that a share `tail` of the draws has its equal error rate below.

    A draw has it below e exactly if, at the threshold that lets in e, it turns away less than e.
    """
    low, high = 0.0, 1.0
    while high - low > 1e-5:
        middle = (low + high) / 2
        below = 1 - _tar_draws(genuine, impostor, middle, draws, seed) <= middle
        low, high = (low, middle) if below.mean() >= tail else (middle, high)
    return (low + high) / 2


def _auc(genuine: Numbers, impostor: Numbers, level: float) -> Interval:
    """Area under the curve with DeLong's interval on the logit scale, so that it stays in 0..1."""
    from scipy.stats import norm

    n, m = len(genuine), len(impostor)
    above = _wins(genuine, impostor)  # share of impostors below each genuine pair
    below = 1 - _wins(impostor, genuine)
    auc, z = float(above.mean()), float(norm.ppf((1 + level) / 2))
    method = f"{100 * level:g} % DeLong"
    if min(n, m) == 1:
        return Interval(auc, np.nan, np.nan, n, method)
    if auc in (0.0, 1.0):  # no spread seen: as sure as the smaller set allows
        edge = wilson(np.full(min(n, m), auc), level=level)
        return Interval(auc, edge.low, edge.high, n, edge.method)
    error = np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m)
    half = z * error / (auc * (1 - auc))
    low, high = (1 / (1 + np.exp(-(np.log(auc / (1 - auc)) + side * half))) for side in (-1, 1))
    return Interval(auc, float(low), float(high), n, method)


def _wins(ours: Numbers, others: Numbers) -> Numbers:
    """Share of the others that each of ours beats, ties half; both highest first."""
    rising = others[::-1]
    return np.asarray(
        (np.searchsorted(rising, ours, "left") + np.searchsorted(rising, ours, "right"))
        / (2 * len(others)),
        np.float64,
    )
