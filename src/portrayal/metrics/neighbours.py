"""Who is whose nearest neighbour? 1-NN accuracy, and precision, recall, density and coverage.

Shapes: N translations, M real pictures, D features, as in distribution.py. Results keep one value
per picture, so that statistics.bootstrap_mean gives their intervals, by subject where there are
several pictures of one.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics import Card, metrics
from portrayal.metrics.sets import (
    PAIRS,
    Features,
    centred,
    feature_sets,
    pieces,
    squared_distances,
)

Numbers = NDArray[np.float64]
ROUNDING = 1e-10  # of a squared distance, relative


@dataclass(frozen=True, eq=False)
class OneNN:
    """Leave-one-out accuracy of the nearest neighbour as a judge of fake or real."""

    fakes: Numbers  # (N,) 1 where the nearest other picture is fake too, .5 for a tie, else 0
    reals: Numbers  # (M,) 1 where the nearest other picture is real too

    @property
    def overall(self) -> float:
        """1: the sets can be told apart; near `chance`: they cannot; 0: each has its copy."""
        return float(np.concatenate([self.fakes, self.reals]).mean())

    @property
    def fake(self) -> float:
        """Accuracy on the translations; low where they imitate single real pictures."""
        return float(self.fakes.mean())

    @property
    def real(self) -> float:
        """Accuracy on the real pictures; low where translations surround them."""
        return float(self.reals.mean())

    @property
    def chance(self) -> float:
        """What `overall` is on average for two samples of one distribution; just below .5."""
        n, m = len(self.fakes), len(self.reals)
        return (n * (n - 1) + m * (m - 1)) / ((n + m) * (n + m - 1))


@metrics.described(
    Card(
        better="lower",
        needs="sets",
        title="1-NN accuracy",
        protocol="Lopez-Paz and Oquab 2017: leave-one-out, translations against real pictures of "
        "other subjects (halves); just below 0.5 cannot be told apart, 1 can",
    )
)
def one_nn(fake: Features, real: Features, *, pairs: int = PAIRS) -> OneNN:
    """Classify each picture by its nearest neighbour among all others (Lopez-Paz and Oquab 2017).

    Hand over real pictures of other subjects. Against the truths of the same inputs the reading is
    another: a perfect translator scores 0 there, since each picture's nearest is its own partner.
    """
    fakes, reals = feature_sets(fake, real)
    near_fakes, near_reals = centred(fakes, reals)
    values = []
    for rows, others, a, b in (
        (fakes, reals, near_fakes, near_reals),
        (reals, fakes, near_reals, near_fakes),
    ):
        within = _exact(rows, rows[_nearest(a, a, True, pairs)])
        across = _exact(rows, others[_nearest(a, b, False, pairs)])
        values.append(_numbers((within < across).double() + 0.5 * (within == across)))
    return OneNN(*values)


def _nearest(a: Tensor, b: Tensor, same: bool, pairs: int) -> Tensor:
    """Place in `b` of the row nearest to each row of `a`; itself excepted if they are the same."""
    found = torch.empty(len(a), dtype=torch.long, device=a.device)
    for i in pieces(len(a), len(b), pairs):
        found[i] = _to_all(a, b, i, same).argmin(1)
    return found


def _exact(a: Tensor, b: Tensor) -> Tensor:
    """|a - b|^2 row by row, where copies are at 0 and not at a rounding error. (N,)"""
    return (a - b).square().sum(1)


def _to_all(a: Tensor, b: Tensor, i: slice, same: bool) -> Tensor:
    """Squared distances from a piece of `a` to all of `b`; a row is infinitely far from itself."""
    block = squared_distances(a[i], b)
    if same:
        block[torch.arange(len(block)), torch.arange(i.start, i.stop)] = torch.inf
    return block


@dataclass(frozen=True, eq=False)
class Support:
    """How far translations and real pictures cover each other, one value per picture.

    Precision and recall: Kynkaanniemi et al. 2019 (there k = 3). Density and coverage: Naeem et al.
    2020 (there k = 5).
    """

    precise: Numbers  # (N,) 1 where a translation lies in the ball of any real picture
    recalled: Numbers  # (M,) 1 where a real picture lies in the ball of any translation
    dense: Numbers  # (N,) how many balls of real pictures hold it, by k; above 1 in dense places
    covered: Numbers  # (M,) 1 where the ball of a real picture holds any translation
    k: int

    @property
    def precision(self) -> float:
        """Share of translations that look real."""
        return float(self.precise.mean())

    @property
    def recall(self) -> float:
        """Share of real pictures that could be translations."""
        return float(self.recalled.mean())

    @property
    def density(self) -> float:
        """Precision that no single outlier among the real pictures raises; 1 for equal sets."""
        return float(self.dense.mean())

    @property
    def coverage(self) -> float:
        """Share of real pictures with a translation nearby."""
        return float(self.covered.mean())


def support(fake: Features, real: Features, *, k: int = 5, pairs: int = PAIRS) -> Support:
    """Precision, recall, density and coverage with balls that reach the k-th neighbour.

    A ball holds its surface, as in the papers; programs that leave it out differ for copies only.
    """
    fakes, reals = centred(*feature_sets(fake, real))
    if k < 1:
        raise BadOption(f"There is no neighbour number {k}; take k = 5.")
    if min(len(fakes), len(reals)) <= k:
        raise BadData(
            f"{min(len(fakes), len(reals))} pictures have no neighbour number {k}; take more "
            "pictures or a smaller k."
        )
    reach_fake, reach_real = (_reach(rows, k, pairs) for rows in (fakes, reals))
    precise, dense = fakes.new_zeros(2, len(fakes))
    recalled, covered = reals.new_zeros(2, len(reals))
    for i in pieces(len(fakes), len(reals), pairs):
        distance = _to_all(fakes, reals, i, False)
        in_real, in_fake = distance <= reach_real, distance <= reach_fake[i, None]
        dense[i] = in_real.double().sum(1) / k
        precise[i] = in_real.any(1).double()
        covered[in_real.any(0)] = 1
        recalled[in_fake.any(0)] = 1
    return Support(_numbers(precise), _numbers(recalled), _numbers(dense), _numbers(covered), k)


@metrics.described(
    Card(
        better="higher",
        needs="sets",
        title="Precision (k = 3)",
        protocol="Kynkaanniemi et al. 2019: share of translations in the 3-neighbour ball of any "
        "real picture",
    )
)
def precision(fake: Features, real: Features, *, k: int = 3) -> Numbers:
    """1 for each translation that looks real. (N,)"""
    return support(fake, real, k=k).precise


@metrics.described(
    Card(
        better="higher",
        needs="sets",
        title="Recall (k = 3)",
        protocol="Kynkaanniemi et al. 2019: share of real pictures in the 3-neighbour ball of any "
        "translation",
    )
)
def recall(fake: Features, real: Features, *, k: int = 3) -> Numbers:
    """1 for each real picture that could be a translation. (M,)"""
    return support(fake, real, k=k).recalled


@metrics.described(
    Card(
        better="higher",
        needs="sets",
        title="Density (k = 5)",
        protocol="Naeem et al. 2020: 5-neighbour balls of real pictures around a translation, by "
        "5; 1 for equal distributions",
    )
)
def density(fake: Features, real: Features, *, k: int = 5) -> Numbers:
    """How many balls hold each translation, by k. (N,)"""
    return support(fake, real, k=k).dense


@metrics.described(
    Card(
        better="higher",
        needs="sets",
        title="Coverage (k = 5)",
        protocol="Naeem et al. 2020: share of real pictures whose 5-neighbour ball holds a "
        "translation",
    )
)
def coverage(fake: Features, real: Features, *, k: int = 5) -> Numbers:
    """1 for each real picture with a translation nearby. (M,)"""
    return support(fake, real, k=k).covered


def _numbers(values: Tensor) -> Numbers:
    return np.asarray(values.cpu().numpy(), np.float64)


def _reach(rows: Tensor, k: int, pairs: int) -> Tensor:
    """Squared distance to the k-th nearest other row, and a rounding more. (N,)"""
    reach = rows.new_empty(len(rows))
    for i in pieces(len(rows), len(rows), pairs):
        reach[i] = _to_all(rows, rows, i, True).kthvalue(k, dim=1).values
    size = rows.square().sum(1)  # distances are differences of these, and as exact
    return reach * (1 + ROUNDING) + 1e-14 * size
