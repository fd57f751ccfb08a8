"""Sets of pictures by their features, who is in them, and fair comparisons of two sets."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadData
from portrayal.core.seeds import numpy_rng

HALVES, LARGEST = 60, 500  # draws of half-sampling, persons in each


@dataclass(frozen=True)
class Crowd:
    """Features (N, D) of a set, and who is in each picture."""

    features: NDArray[np.float32]
    units: list[Hashable]
    missing: int = 0  # pictures without features

    def part(self, units: set[Hashable], *, inside: bool = True) -> "Crowd":
        """The pictures of these units, or those of all others."""
        kept = [index for index, unit in enumerate(self.units) if (unit in units) == inside]
        return Crowd(self.features[kept], [self.units[index] for index in kept])


def halves(units: Sequence[Hashable], seed: int) -> set[Hashable]:
    """Half of the units, drawn by the seed; the order of the pictures does not matter."""
    ordered = sorted(set(units), key=repr)
    drawn = numpy_rng(seed, "halves").permutation(len(ordered))[: (len(ordered) + 1) // 2]
    return {ordered[index] for index in drawn}


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


def half_sampling(
    measure: Callable[[Crowd, Crowd], dict[str, float]],
    fake: Crowd,
    real: Crowd,
    half: set[Hashable],
    *,
    seed: int,
    draws: int = HALVES,
) -> dict[str, float]:
    """Standard errors from halves of the persons, drawn without repeats (Politis and Romano 1994).

    A bootstrap repeats pictures, whose nearest neighbour is then their copy: its intervals held the
    truth in 60 to 92 % of simulations, these in 91 to 100 %. At most LARGEST persons are drawn.
    """
    of_fakes, of_reals = set(fake.units), set(real.units)
    strata: dict[tuple[bool, bool, bool], list[Hashable]] = {}
    for unit in sorted(of_fakes | of_reals, key=repr):
        strata.setdefault((unit in half, unit in of_fakes, unit in of_reals), []).append(unit)
    share = min(0.5, LARGEST / len(of_fakes | of_reals))
    rng = numpy_rng(seed, "half sampling")
    values: dict[str, list[float]] = {}
    for _ in range(draws):
        kept = {
            units[place]
            for units in strata.values()
            for place in rng.choice(len(units), max(1, round(share * len(units))), replace=False)
        }
        try:
            found = measure(fake.part(kept), real.part(kept))
        except BadData:  # too few for so many neighbours: no interval
            return {}
        for key, value in found.items():
            values.setdefault(key, []).append(value)
    factor = math.sqrt(share / (1 - share))
    return {key: float(np.std(found, ddof=1)) * factor for key, found in values.items()}


def first_of_each(crowd: Crowd) -> list[int]:
    """The place of one picture per unit, in an order that hangs on the units alone."""
    places: dict[Hashable, int] = {}
    for place, unit in enumerate(crowd.units):
        kept = places.setdefault(unit, place)
        if crowd.features[place].tobytes() < crowd.features[kept].tobytes():
            places[unit] = place
    return [places[unit] for unit in sorted(places, key=repr)]
