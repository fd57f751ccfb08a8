"""The error of a kernel distance: what it becomes when one picture, or one person, is left out.

`units` say who is in each picture. A person in both sets (the truth of a translation shows whom its
input shows) leaves both at once. N translations, M real pictures.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from torch import Tensor

from portrayal.metrics.sets import Kernel

Units = tuple[Sequence[Hashable], Sequence[Hashable]]  # of the translations and the real pictures
Sums = tuple[Tensor, Tensor, Tensor, Tensor]  # of the kernel: a fake to fakes, a real to reals,
# a fake to reals, a real to fakes; (N,), (M,), (N,), (M,)


def independent(units: Units) -> bool:
    """Whether no unit has two pictures."""
    every = [*units[0], *units[1]]
    return len(set(every)) == len(every)


def leave_pictures_out(sums: Sums) -> float:
    """Jackknife error of the unbiased value, from each row's sums; NaN below 3 pictures."""
    fakes, reals, to_reals, to_fakes = sums
    n, m = len(fakes), len(reals)
    if min(n, m) <= 2:
        return math.nan
    a, b, c = (float(each.sum()) for each in sums[:3])
    left_n = (a - 2 * fakes) / ((n - 1) * (n - 2)) - 2 * (c - to_reals) / ((n - 1) * m)
    left_m = (b - 2 * reals) / ((m - 1) * (m - 2)) - 2 * (c - to_fakes) / ((m - 1) * n)
    parts = ((k - 1) * left.var(correction=0) for k, left in ((n, left_n), (m, left_m)))
    return math.sqrt(float(sum(parts)))


def leave_units_out(
    kernel: Kernel,
    fake: Tensor,
    real: Tensor,
    sums: Sums,
    units: Units,
) -> float:
    """Jackknife error of the unbiased value when a unit leaves both sets at once.

    Units of the translations alone, of the real ones alone and of both are three strata. NaN if a
    stratum has one unit only.
    """
    places = [grouped(names) for names in units]
    a, b, c = (float(each.sum()) for each in sums[:3])
    strata: dict[tuple[bool, bool], list[float]] = {}
    for unit in dict.fromkeys([*places[0], *places[1]]):
        i, j = (side.get(unit, []) for side in places)
        inside = [float(kernel(rows[k], rows[k]).fill_diagonal_(0).sum()) if k else 0.0
                  for rows, k in ((fake, i), (real, j))]  # fmt: skip
        both = float(kernel(fake[i], real[j]).sum()) if i and j else 0.0
        n, m = len(fake) - len(i), len(real) - len(j)
        if min(n, m) < 2:
            return math.nan
        left_a = a - 2 * float(sums[0][i].sum()) + inside[0]
        left_b = b - 2 * float(sums[1][j].sum()) + inside[1]
        left_c = c - float(sums[2][i].sum()) - float(sums[3][j].sum()) + both
        value = left_a / (n * (n - 1)) + left_b / (m * (m - 1)) - 2 * left_c / (n * m)
        strata.setdefault((bool(i), bool(j)), []).append(value)
    if min(map(len, strata.values())) < 2:
        return math.nan
    return math.sqrt(sum((len(left) - 1) * float(np.var(left)) for left in strata.values()))


def grouped(names: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    """Places of each name, in the order of first appearance."""
    places: dict[Hashable, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return places
