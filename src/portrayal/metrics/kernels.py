"""Kernel distances of two sets of features: KID and MMD with their jackknife.

Shapes as in distribution.py: N translations, M real pictures, D features, sums in float64.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from portrayal.core.errors import BadData, BadOption
from portrayal.core.seeds import numpy_rng
from portrayal.metrics import Card, metrics
from portrayal.metrics.jackknife import Units, independent, leave_pictures_out, leave_units_out
from portrayal.metrics.sets import (
    PAIRS,
    Features,
    Kernel,
    centred,
    cubic,
    feature_sets,
    gaussian,
    gaussian_rows,
    in_fixed_order,
    sums_between,
    sums_within,
)
from portrayal.metrics.statistics import Interval

Bandwidth = float | Literal["pooled", "real"]


@dataclass(frozen=True)
class Discrepancy:
    """A squared maximum mean discrepancy, 0 for equal distributions."""

    unbiased: float  # the one to read; slightly below 0 is normal for sets that are alike
    biased: float  # never below 0, and above it even for equal distributions
    error: float  # standard error of `unbiased` by the jackknife; too large near 0, NaN below 3
    n: int  # translations
    m: int  # real pictures
    kernel: str
    over: str = "pictures"  # what the jackknife leaves out, one at a time

    @property
    def root(self) -> float:
        """Square root of the biased one: what GAN-Metrics prints."""
        return float(np.sqrt(max(0.0, self.biased)))

    def interval(self, level: float = 0.95) -> Interval:
        """`unbiased` with its jackknife interval."""
        from scipy.stats import norm

        half = float(norm.ppf((1 + level) / 2)) * self.error
        method = f"{100 * level:g} % jackknife over the {self.over} of both sets"
        value = self.unbiased
        return Interval(value, value - half, value + half, min(self.n, self.m), method)


@metrics.described(
    Card(
        better="lower",
        needs="sets",
        title="KID",
        protocol="Binkowski et al. 2018: unbiased squared MMD, kernel (x.y / D + 1)^3, all "
        "pictures at once; values below 0 are chance",
    )
)
def kid(
    fake: Features, real: Features, *, units: Units | None = None, pairs: int = PAIRS
) -> Discrepancy:
    """Kernel distance of all pictures with the kernel (x.y / D + 1)^3 (Binkowski et al. 2018).

    `units`: who is in each picture. Then persons are left out, not pictures, for the error.
    """
    return discrepancy(cubic, *feature_sets(fake, real), "(x.y / D + 1)^3", pairs, units)


def kid_of_subsets(
    fake: Features, real: Features, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """The published protocol: unbiased values of random subsets, (subsets,); report their mean.

    Their spread says how far one subset is off, not how far the mean is: subsets overlap.
    """
    fakes, reals = (in_fixed_order(rows) for rows in feature_sets(fake, real))
    if subsets < 1 or not 2 <= size <= min(len(fakes), len(reals)):
        raise BadOption(
            f"{subsets} subsets of {size} cannot be drawn from {len(fakes)} and {len(reals)} "
            "pictures; take fewer, or kid, which uses all pictures at once."
        )
    rng = numpy_rng(seed, "kid")
    values = np.empty(subsets)
    for index in range(subsets):
        few_fakes, few_reals = (rows[drawn(rng, len(rows), size)] for rows in (fakes, reals))
        values[index] = discrepancy(cubic, few_fakes, few_reals, "", PAIRS).unbiased
    return values


def drawn(rng: np.random.Generator, n: int, size: int) -> Tensor:
    """Places of `size` of n rows, each at most once. (size,)"""
    return torch.from_numpy(rng.choice(n, size, replace=False))


@metrics.described(
    Card(
        better="lower",
        needs="sets",
        title="MMD²",
        protocol="Gretton et al. 2012: unbiased squared MMD, Gaussian kernel whose s^2 is the mean "
        "squared distance of any two pictures; values below 0 are chance",
    )
)
def mmd(
    fake: Features,
    real: Features,
    *,
    bandwidth: Bandwidth = "pooled",
    units: Units | None = None,
    pairs: int = PAIRS,
) -> Discrepancy:
    """Kernel distance with exp(-|x - y|^2 / (2 s^2)) (Gretton et al. 2012).

    s^2 is the mean squared distance between any two pictures ("pooled"), or between the real ones,
    each with itself included ("real", as GAN-Metrics does), or s is the number given.
    """
    fakes, reals = centred(*feature_sets(fake, real))
    s = bandwidth_of(fakes, reals, bandwidth)
    name = bandwidth if isinstance(bandwidth, str) else "given"
    kernel = f"Gaussian, s = {s:.6g} ({name})"
    fakes, reals = gaussian_rows(fakes, s), gaussian_rows(reals, s)
    return discrepancy(gaussian, fakes, reals, kernel, pairs, units)


@metrics.described(
    Card(
        better="lower",
        needs="sets",
        title="MMD² (biased)",
        protocol="biased squared MMD, each picture paired with itself too, kernel of MMD²: above 0 "
        "for equal distributions, the more the fewer pictures",
    )
)
def mmd_biased(fake: Features, real: Features, *, bandwidth: Bandwidth = "pooled") -> float:
    """The biased squared distance, at least 0."""
    value: float = mmd(fake, real, bandwidth=bandwidth).biased
    return value


@metrics.described(
    Card(
        better="lower",
        needs="sets",
        title="MMD (biased root)",
        protocol="square root of the biased squared MMD, kernel of MMD²: a distance, above 0 for "
        "equal distributions, the more the fewer pictures",
    )
)
def mmd_root(fake: Features, real: Features, *, bandwidth: Bandwidth = "pooled") -> float:
    """The root of the biased squared distance, at least 0."""
    value: float = mmd(fake, real, bandwidth=bandwidth).root
    return value


@metrics.described(
    Card(
        better="lower",
        needs="sets",
        title="MMD (GAN-Metrics)",
        protocol="Xu et al. 2018 as in their code: square root of the biased squared MMD, Gaussian "
        "kernel whose s^2 is the mean squared distance of two real pictures, each with itself "
        "included; near 0.06 for 200 and 200 pictures of one distribution",
    )
)
def mmd_gan_metrics(fake: Features, real: Features) -> float:
    """What GAN-Metrics prints: biased, its root, the bandwidth of the real pictures alone."""
    value: float = mmd_root(fake, real, bandwidth="real")
    return value


def bandwidth_of(fake: Tensor, real: Tensor, wanted: float | str) -> float:
    """s of the Gaussian kernel."""
    if not isinstance(wanted, str):
        if not 0 < wanted < np.inf:
            raise BadOption(f"A kernel of bandwidth {wanted:g} compares nothing; take 'pooled'.")
        return wanted
    if wanted not in ("pooled", "real"):
        raise BadOption(f"A bandwidth is a number, 'pooled' or 'real', not {wanted!r}.")
    rows = torch.cat([fake, real]) if wanted == "pooled" else real
    if bool((rows == rows[0]).all()):
        raise BadData(f"All {len(rows)} pictures have equal features: there is no bandwidth.")
    itself = int(wanted == "pooled")  # 1: mean of |x_i - x_j|^2 over i != j; 0: over all i, j
    return float((2 * rows.var(0, correction=itself).sum()).sqrt())


def discrepancy(
    kernel: Kernel, fake: Tensor, real: Tensor, name: str, pairs: int, units: Units | None = None
) -> Discrepancy:
    """All values of one kernel; several pictures of a unit are left out together."""
    n, m = len(fake), len(real)
    (fakes, own_a), (reals, own_b) = (sums_within(kernel, rows, pairs) for rows in (fake, real))
    to_reals, to_fakes = sums_between(kernel, fake, real, pairs)  # (N,), (M,)
    sums = (fakes, reals, to_reals, to_fakes)
    a, b, c = (float(each.sum()) for each in sums[:3])
    together = units is not None and not independent(units)
    if units is not None and together:
        error = leave_units_out(kernel, fake, real, sums, units)
    else:
        error = leave_pictures_out(sums)
    return Discrepancy(
        unbiased=a / (n * (n - 1)) + b / (m * (m - 1)) - 2 * c / (n * m),
        biased=(a + float(own_a.sum())) / n**2 + (b + float(own_b.sum())) / m**2 - 2 * c / (n * m),
        error=error,
        n=n,
        m=m,
        kernel=name,
        over="subjects" if together else "pictures",
    )
