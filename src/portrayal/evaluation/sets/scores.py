"""One score of two sets, by the name of its metric, with an interval where there is a valid one.

KID and MMD: jackknife, persons left out of both sets at once. 1-NN, precision and its kin: halves
of the persons, drawn without repeats. FID and biased MMD have none: they move with the number of
pictures, so that what a part of the pictures scores says little of the whole.
"""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial

import numpy as np

from portrayal.evaluation.sets.crowds import (
    HALVES,
    Crowd,
    balanced,
    first_of_each,
    half_sampling,
    strangers,
)
from portrayal.metrics import metrics
from portrayal.metrics.neighbours import OneNN, one_nn
from portrayal.metrics.permutation import mmd_p_value
from portrayal.metrics.statistics import wilson

Half = set[Hashable]
Measure = Callable[[Crowd, Crowd, Half, int], dict[str, float]]
KERNELS = ("kid", "mmd")
SUPPORT = ("precision", "recall", "density", "coverage")
METHOD = f"95 % from {HALVES} half-samples of the subjects"
PAIRED = "1-NN against the truths of the same inputs: a perfect translator gets 0 here, not 0.5"
WORDS = {  # of values beside a metric's own: what title and protocol add
    "one_nn_fake": (", translations", ""),
    "one_nn_real": (", real", ""),
    "one_nn_paired": (", own truths", PAIRED),
}


@dataclass(frozen=True)
class Estimate:
    """A value, its bounds (NaN where none is valid), and what its title and protocol add."""

    name: str  # of the metric's card
    key: str
    value: float
    low: float = math.nan
    high: float = math.nan
    method: str = ""
    words: str = ""
    protocol: str = ""
    n: int = 0  # translations, real pictures, if not all of the sets
    m: int = 0


def estimates(name: str, fake: Crowd, real: Crowd, half: Half, *, seed: int) -> list[Estimate]:
    """The values that one metric gives for two sets; the first one is the metric itself."""
    if name == "one_nn":
        return measured(name, neighbours, fake, real, half, seed)
    if name in SUPPORT:
        return measured(name, partial(support_of, name), fake, real, half, seed)
    if name in KERNELS:
        found = metrics[name](fake.features, real.features, units=(fake.units, real.units))
        value = found.interval()
        method = f"{metrics.card(name).title}: {value.method}"
        return [Estimate(name, name, value.value, value.low, value.high, method)]
    return biased(name, fake, real, half)


def biased(name: str, fake: Crowd, real: Crowd, half: set[Hashable]) -> list[Estimate]:
    """The value of all pictures, and that of halves, which compares with real against real."""
    folds = strangers(fake, real, half)
    if len(folds) == 1:  # no person in both: any half will do
        units = {unit for crowd in (fake, real) for unit in sorted(set(crowd.units), key=repr)[::2]}
        folds = [(f.part(units, inside=True), r.part(units, inside=True)) for f, r in folds]
    values = [float(metrics[name](f.features, r.features)) for f, r in folds]
    n, m = len(folds[0][0].units), len(folds[0][1].units)
    whole = float(metrics[name](fake.features, real.features))
    halves = Estimate(
        name,
        f"{name}_halves",
        float(np.mean(values)),
        words=", halves",
        n=n,
        m=m,
        protocol=f"{metrics.card(name).protocol}; here of halves without a common person",
    )
    return [Estimate(name, name, whole), halves]


def measured(
    name: str, measure: Measure, fake: Crowd, real: Crowd, half: Half, seed: int
) -> list[Estimate]:
    """What `measure` gives of strangers, with the interval of half-sampling."""
    n = sum(len(balanced(*fold, seed)[0]) for fold in strangers(fake, real, half))
    errors = half_sampling(lambda a, b: measure(a, b, half, seed), fake, real, half, seed=seed)
    found = []
    for key, value in measure(fake, real, half, seed).items():
        low, high = bounds(value, errors.get(key, math.nan), n, share=name != "density")
        words, protocol = WORDS.get(key, ("", ""))
        protocol = protocol or f"{metrics.card(name).protocol}; against other subjects"
        method = f"neighbours: {METHOD}"
        found.append(Estimate(name, key, value, low, high, method, words, protocol, n, n))
    return found


def bounds(value: float, error: float, n: int, *, share: bool) -> tuple[float, float]:
    """95 % around the value; Wilson's where no half differs: 100 % of few is not certain."""
    if not math.isfinite(error):
        return math.nan, math.nan
    if error == 0 and share and value in (0, 1):
        interval = wilson(np.full(n, value))
        return interval.low, interval.high
    top = 1.0 if share else math.inf
    return max(0.0, value - 1.96 * error), min(top, value + 1.96 * error)


def support_of(name: str, fake: Crowd, real: Crowd, half: Half, seed: int) -> dict[str, float]:
    """Precision and its kin against pictures of other persons: a translation lies near its own
    truth, however bad it is.
    """
    values = []
    for ours, theirs in strangers(fake, real, half):
        one, other = balanced(ours, theirs, seed)
        values.append(metrics[name](ours.features[one], theirs.features[other]))
    return {name: float(np.concatenate(values).mean())}


def neighbours(fake: Crowd, real: Crowd, half: Half, seed: int) -> dict[str, float]:
    """1-NN accuracy against real pictures of other persons, and against the truths if these are
    in both sets. As many translations as real pictures, so that chance is near 0.5.
    """
    folds: list[OneNN] = []
    for ours, theirs in strangers(fake, real, half):
        one, other = balanced(ours, theirs, seed)
        folds.append(one_nn(ours.features[one], theirs.features[other]))
    fakes = np.concatenate([fold.fakes for fold in folds])
    reals = np.concatenate([fold.reals for fold in folds])
    found = {
        "one_nn": float(np.concatenate([fakes, reals]).mean()),
        "one_nn_fake": float(fakes.mean()),
        "one_nn_real": float(reals.mean()),
    }
    if set(fake.units) & set(real.units):
        found["one_nn_paired"] = one_nn(fake.features, real.features).overall
    return found


def two_sample_p(
    fake: Crowd, real: Crowd, half: set[Hashable], *, seed: int, draws: int = 1000
) -> tuple[float, int, int]:
    """p of "one distribution" and how many pictures of each: other persons, one picture each."""
    ours, theirs = strangers(fake, real, half)[0]
    one, other = (first_of_each(crowd) for crowd in (ours, theirs))
    p = mmd_p_value(ours.features[one], theirs.features[other], draws=draws, seed=seed)
    return p, len(one), len(other)
