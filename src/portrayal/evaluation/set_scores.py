"""One score of two sets, by the name of its metric, with an interval where there is a valid one.

KID and MMD: jackknife, persons left out of both sets at once. Precision and density: bootstrap over
the translations, given the real pictures; recall: over the real ones, given the translations. FID,
biased MMD and coverage have none here: resampling repeats pictures, which these take for closeness.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from portrayal.core.seeds import numpy_rng
from portrayal.metrics import metrics
from portrayal.metrics.neighbours import OneNN, one_nn
from portrayal.metrics.permutation import mmd_p_value
from portrayal.metrics.statistics import Interval, bootstrap_mean, wilson

Numbers = NDArray[np.float64]
KERNELS = ("kid", "mmd")
GIVEN = {
    "precision": "fake",
    "density": "fake",
    "recall": "real",
    "coverage": "real",
}  # which side is resampled
PAIRED = "1-NN against the truths of the same inputs: a perfect translator gets 0 here, not 0.5"


class Crowd(Protocol):
    """Features (N, D) and who is in each picture."""

    @property
    def features(self) -> NDArray[np.float32]:
        """(N, D)."""
        ...

    @property
    def units(self) -> list[Hashable]:
        """Who is in each picture."""
        ...

    def part(self, units: set[Hashable], *, inside: bool) -> "Crowd":
        """The pictures of these units, or those of all others."""
        ...


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


def estimates(
    name: str, fake: Crowd, real: Crowd, half: set[Hashable], *, seed: int, draws: int
) -> list[Estimate]:
    """The values that one metric gives for two sets; the first one is the metric itself."""
    if name == "one_nn":
        return neighbours(fake, real, half, seed=seed, draws=draws)
    if name in KERNELS:
        found = metrics[name](fake.features, real.features, units=(fake.units, real.units))
        return [of_interval(name, name, found.interval(), f"{metrics.card(name).title}: ")]
    if name in GIVEN:
        return [mean_over_strangers(name, fake, real, half, seed=seed, draws=draws)]
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


def mean_over_strangers(
    name: str, fake: Crowd, real: Crowd, half: set[Hashable], *, seed: int, draws: int
) -> Estimate:
    """Precision and its kin against pictures of other persons: a translation lies near its own
    truth, however bad it is. As many translations as real pictures, which these numbers hang on.
    """
    values: list[Numbers] = []
    units: list[Hashable] = []
    n = m = 0
    for ours, theirs in strangers(fake, real, half):
        one, other = balanced(ours, theirs, seed)
        values.append(metrics[name](ours.features[one], theirs.features[other]))
        side, places = (ours, one) if GIVEN[name] == "fake" else (theirs, other)
        units += [side.units[place] for place in places]
        n, m = n + len(one), m + len(other)
    every = np.concatenate(values)
    words = "the real pictures" if GIVEN[name] == "fake" else "the translations"
    protocol = f"{metrics.card(name).protocol}; against pictures of other subjects"
    if name == "coverage":
        return Estimate(name, name, float(every.mean()), protocol=protocol, n=n, m=m)
    interval = mean_of(every, units, seed, draws)
    about = f"{metrics.card(name).title}, given {words}: "
    return of_interval(name, name, interval, about, protocol=protocol, n=n, m=m)


def of_interval(name: str, key: str, interval: Interval, about: str, **more: Any) -> Estimate:
    """An interval as an estimate; `about` says whose method it is."""
    bounds = interval.value, interval.low, interval.high
    return Estimate(name, key, *bounds, method=f"{about}{interval.method}", **more)


def mean_of(values: Numbers, units: Sequence[Hashable], seed: int, draws: int) -> Interval:
    """Bootstrap over pictures, or over persons where any has several."""
    clusters = units if len(set(units)) < len(units) else None
    if clusters is None and np.isin(values, (0, 1)).all():  # 100 % of a few is not certain
        return wilson(values)
    return bootstrap_mean(values, clusters=clusters, seed=seed, draws=draws)


def neighbours(
    fake: Crowd, real: Crowd, half: set[Hashable], *, seed: int, draws: int
) -> list[Estimate]:
    """1-NN accuracy against real pictures of other persons, and against the truths if these are
    in both sets. As many translations as real pictures, so that chance is near 0.5.
    """
    folds: list[OneNN] = []
    who: tuple[list[Hashable], list[Hashable]] = ([], [])
    for ours, theirs in strangers(fake, real, half):
        one, other = balanced(ours, theirs, seed)
        folds.append(one_nn(ours.features[one], theirs.features[other]))
        who[0].extend(ours.units[i] for i in one)
        who[1].extend(theirs.units[i] for i in other)
    fakes = np.concatenate([fold.fakes for fold in folds])
    reals = np.concatenate([fold.reals for fold in folds])
    parts = {
        "one_nn": ("", np.concatenate([fakes, reals]), [*who[0], *who[1]]),
        "one_nn_fake": (", translations", fakes, who[0]),
        "one_nn_real": (", real", reals, who[1]),
    }
    sizes = {"n": len(fakes), "m": len(reals)}
    found = []
    for key, (words, values, units) in parts.items():
        interval = mean_of(values, units, seed, draws)
        found.append(of_interval("one_nn", key, interval, "1-NN: ", words=words, **sizes))
    if set(fake.units) & set(real.units):
        paired = one_nn(fake.features, real.features).overall
        found.append(
            Estimate("one_nn", "one_nn_paired", paired, words=", own truths", protocol=PAIRED)
        )
    return found


def strangers(fake: Crowd, real: Crowd, half: set[Hashable]) -> list[tuple[Crowd, Crowd]]:
    """Both sets as they are if no person is in both; else each half against the other's persons."""
    if not set(fake.units) & set(real.units):
        return [(fake, real)]
    return [
        (fake.part(half, inside=inside), real.part(half, inside=not inside))
        for inside in (True, False)
    ]


def balanced(fake: Crowd, real: Crowd, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of equally many pictures of both; which ones hangs on their units, not their order."""
    size = min(len(fake.units), len(real.units))
    places = []
    for crowd in (fake, real):
        order = sorted(
            range(len(crowd.units)),
            key=[
                (repr(u), f.tobytes()) for u, f in zip(crowd.units, crowd.features, strict=True)
            ].__getitem__,
        )
        drawn = numpy_rng(seed, "balance").permutation(len(order))[:size]
        places.append(np.sort(np.array(order, np.intp)[drawn]))
    return places[0], places[1]


def two_sample_p(
    fake: Crowd, real: Crowd, half: set[Hashable], *, seed: int, draws: int = 1000
) -> tuple[float, int, int]:
    """p of "one distribution" and how many pictures of each: other persons, one picture each."""
    ours, theirs = strangers(fake, real, half)[0]
    one, other = (first_of_each(crowd) for crowd in (ours, theirs))
    p = mmd_p_value(ours.features[one], theirs.features[other], draws=draws, seed=seed)
    return p, len(one), len(other)


def first_of_each(crowd: Crowd) -> list[int]:
    """The place of one picture per unit, in an order that hangs on the units alone."""
    places: dict[Hashable, int] = {}
    for place, unit in enumerate(crowd.units):
        kept = places.setdefault(unit, place)
        if crowd.features[place].tobytes() < crowd.features[kept].tobytes():
            places[unit] = place
    return [places[unit] for unit in sorted(places, key=repr)]
