"""Strengths of models from forced choices: Bradley and Terry 1952, Luce 1959 for more than two.

The chance that a model is chosen among those shown is exp(its strength) / the sum of exp(theirs).
A choice among n is one observation, not n - 1 won duels: that would make intervals too narrow.

Shapes: T votes, N models. `offered` (T, N) says which were shown, `chosen` (T,) which was taken.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portrayal.core.errors import BadData
from portrayal.metrics.statistics import Interval

Numbers = NDArray[np.float64]
STEPS = 200  # of Newton; a handful is enough


@dataclass(frozen=True)
class Strengths:
    """Log-odds per model, (N,), that sum to 0, with their covariance and 95 % bounds.

    `penalised` says that some model never won, never lost or was never compared with others: then
    no finite maximum exists, and each model gets half a win and half a defeat against a phantom of
    average strength (Davidson and Solomon 1973), which makes it finite.
    """

    values: Numbers
    covariance: Numbers  # (N, N)
    low: Numbers
    high: Numbers
    quantile: float
    penalised: bool
    method: str
    n: int

    def log_odds(self, first: int, second: int) -> Interval:
        """How much stronger `first` is than `second`."""
        value = float(self.values[first] - self.values[second])
        error = self.error(first, second)
        half = self.quantile * error
        return Interval(value, value - half, value + half, self.n, self.method)

    def error(self, first: int, second: int) -> float:
        """Standard error of the difference of two strengths."""
        contrast = np.zeros(len(self.values))
        contrast[first] += 1
        contrast[second] -= 1
        variance = contrast @ self.covariance @ contrast
        return float(np.sqrt(np.maximum(variance, 0)))  # rounding may be below 0; NaN stays


def strengths(
    offered: ArrayLike,
    chosen: ArrayLike,
    *,
    voters: Sequence[Hashable] | None = None,
    level: float = 0.95,
) -> Strengths:
    """Maximum likelihood by Newton's method; Wald intervals.

    With `voters` the votes of one person may depend on each other: sandwich covariance over voters
    and a t quantile of their number - 1. One voter tells nothing about others: bounds are NaN.
    """
    from scipy.stats import norm, t

    shown, taken = checked(offered, chosen)
    rows, counts, inverse = _counted(shown, taken)
    penalised = not _connected(*rows)
    theta, hessian = _fit(*rows, counts, penalised)
    covariance = _inverse(hessian)
    quantile, method = float(norm.ppf((1 + level) / 2)), f"{100 * level:g} % Wald"
    if voters is not None:
        names = {name: number for number, name in enumerate(dict.fromkeys(voters))}
        places = np.array([names[name] for name in voters])
        slopes = (_slopes(theta, *rows))[inverse]
        covariance = _sandwich(covariance, slopes, places, len(names))
        quantile = float(t.ppf((1 + level) / 2, len(names) - 1)) if len(names) > 1 else np.nan
        method += f", sandwich over {len(names)} voters"
    half = quantile * np.sqrt(np.diagonal(covariance))
    if penalised:
        method += ", penalised by half a win and half a defeat each"
    return Strengths(
        theta, covariance, theta - half, theta + half, quantile, penalised, method, len(taken)
    )


def of_wins(wins: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Votes (offered, chosen) of a table (N, N) that counts how often row beat column."""
    table = np.asarray(wins, np.int64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.min() < 0:
        raise BadData(f"Wins are a square table of counts, but this one is {table.shape}.")
    if np.diagonal(table).any():
        raise BadData("A model cannot win against itself; the diagonal of wins must be 0.")
    first, second = (np.repeat(index.ravel(), table.ravel()) for index in np.indices(table.shape))
    offered = np.zeros((len(first), len(table)), bool)
    offered[np.arange(len(first)), first] = offered[np.arange(len(first)), second] = True
    return offered, first.astype(np.int64)


def checked(offered: ArrayLike, chosen: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Both as arrays; refuses votes for what was not shown and choices without a choice."""
    shown, taken = np.asarray(offered, bool), np.asarray(chosen, np.int64)
    if shown.ndim != 2 or taken.shape != shown.shape[:1] or not len(taken):
        raise BadData(
            f"Votes need offered (T, N) and chosen (T,), but got {shown.shape} and {taken.shape}."
        )
    if taken.min() < 0 or taken.max() >= shown.shape[1]:
        raise BadData(f"A vote names model {taken.max()}, but there are {shown.shape[1]}.")
    if not shown[np.arange(len(taken)), taken].all():
        raise BadData("A vote was given to a model that was not shown.")
    if (few := int((shown.sum(1) < 2).sum())) > 0:
        raise BadData(f"{few} of {len(taken)} votes had fewer than two models to choose from.")
    return shown, taken


def _counted(
    shown: NDArray[np.bool_], taken: NDArray[np.int64]
) -> tuple[tuple[NDArray[np.bool_], NDArray[np.int64]], Numbers, NDArray[np.int64]]:
    """Distinct votes, how often each was given, and which of them every vote is."""
    rows = np.column_stack([shown.astype(np.int64), taken])
    distinct, inverse, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    return (distinct[:, :-1].astype(bool), distinct[:, -1]), counts.astype(float), inverse.ravel()


def _connected(shown: NDArray[np.bool_], taken: NDArray[np.int64]) -> bool:
    """Ford's condition: from every model a chain of wins leads to every other one."""
    from scipy.sparse.csgraph import connected_components

    beat = np.zeros((shown.shape[1], shown.shape[1]))
    for row, winner in zip(shown, taken, strict=True):
        beat[winner] += row
    np.fill_diagonal(beat, 0)
    return bool(connected_components(beat, directed=True, connection="strong")[0] == 1)


def _chances(theta: Numbers, shown: NDArray[np.bool_]) -> Numbers:
    """The chance of each model in each vote, (T, N); 0 where it was not shown."""
    raised = np.where(shown, theta, -np.inf)
    weights = np.exp(raised - raised.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _slopes(theta: Numbers, shown: NDArray[np.bool_], taken: NDArray[np.int64]) -> Numbers:
    """The gradient of every vote's log-likelihood, (T, N)."""
    slopes = -_chances(theta, shown)
    slopes[np.arange(len(taken)), taken] += 1
    return slopes


def _likelihood(
    theta: Numbers,
    shown: NDArray[np.bool_],
    taken: NDArray[np.int64],
    counts: Numbers,
    penalised: bool,
) -> float:
    chances = _chances(theta, shown)[np.arange(len(taken)), taken]
    with np.errstate(divide="ignore"):
        value = float((counts * np.log(chances)).sum())
    half = -0.5 * (np.logaddexp(0, theta) + np.logaddexp(0, -theta)).sum() if penalised else 0.0
    return value + float(half)


def _fit(
    shown: NDArray[np.bool_], taken: NDArray[np.int64], counts: Numbers, penalised: bool
) -> tuple[Numbers, Numbers]:
    """The strengths that sum to 0, and minus the second derivative there."""
    theta = np.zeros(shown.shape[1])
    best = _likelihood(theta, shown, taken, counts, penalised)
    for _ in range(STEPS):
        slope, hessian = _derivatives(theta, shown, taken, counts, penalised)
        step = _inverse(hessian) @ slope
        size = 1.0
        while (
            next_best := _likelihood(theta + size * step, shown, taken, counts, penalised)
        ) < best - 1e-9 * abs(best) and size > 1e-6:
            size /= 2
        theta = theta + size * step
        theta -= theta.mean()
        best = next_best
        if np.abs(size * step).max() < 1e-12:
            break
    return theta, _derivatives(theta, shown, taken, counts, penalised)[1]


def _derivatives(
    theta: Numbers,
    shown: NDArray[np.bool_],
    taken: NDArray[np.int64],
    counts: Numbers,
    penalised: bool,
) -> tuple[Numbers, Numbers]:
    """Gradient (N,) and minus the second derivative (N, N)."""
    chances = _chances(theta, shown)
    slope = counts @ _slopes(theta, shown, taken)
    weighted = chances * counts[:, None]
    hessian = np.diag(weighted.sum(0)) - weighted.T @ chances
    if penalised:
        won = 1 / (1 + np.exp(-theta))
        slope += 0.5 - won
        hessian += np.diag(won * (1 - won))
    return slope, hessian


def _inverse(hessian: Numbers) -> Numbers:
    """The inverse among strengths that sum to 0: adding a constant to all changes no choice."""
    count = len(hessian)
    inside = np.eye(count) - 1 / count
    projected = inside @ hessian @ inside
    return np.asarray(np.linalg.inv(projected + 1 / count) - 1 / count)


def _sandwich(inverse: Numbers, slopes: Numbers, places: NDArray[np.int64], voters: int) -> Numbers:
    """The covariance if only voters, not votes, are independent (Huber 1967; Liang, Zeger 1986)."""
    if voters == 1:
        return np.full_like(inverse, np.nan)
    sums = np.zeros((voters, slopes.shape[1]))
    np.add.at(sums, places, slopes)
    moved = sums @ inverse
    return np.asarray(moved.T @ moved * voters / (voters - 1))
