"""Do translations look as if drawn from the real pictures? Distances between two sets of features.

Shapes: N translations, M real pictures, D features of some network, float32 or float64, as tensors
or arrays; all sums run in float64. These are plain functions and no entries of the catalogue: a
metric there takes pictures, while these take what a network made of them, and only the caller knows
which network that was. Say "FID" and "KID" of the published Inception features alone; with another
network its name belongs beside the number.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from portrayal.core.errors import BadData, BadOption
from portrayal.core.seeds import numpy_rng
from portrayal.metrics.sets import (
    PAIRS,
    Features,
    Kernel,
    centred,
    checked_features,
    cubic,
    feature_sets,
    gaussian,
    in_fixed_order,
    own_values,
    pieces,
    refuse_other_lengths,
    sums_between,
    sums_within,
)
from portrayal.metrics.statistics import Interval


@dataclass(frozen=True, eq=False)
class Moments:
    """What a Gaussian keeps of a set; sets counted apart can be merged."""

    n: int
    mean: Tensor  # (D,)
    scatter: Tensor  # (D, D) sum of outer products of the deviations from the mean

    @property
    def covariance(self) -> Tensor:
        """Unbiased, divided by n - 1. (D, D)"""
        return self.scatter / (self.n - 1)


def moments(features: Features, *, rows: int = 4096) -> Moments:
    """Mean and scatter of (N, D) features, `rows` at a time, in float64."""
    total: Moments | None = None
    checked = checked_features("pictures", features, least=1)
    for first in range(0, len(checked), rows):
        chunk = checked[first : first + rows].double()
        strays = chunk - chunk.mean(0)
        part = Moments(len(chunk), chunk.mean(0), strays.T @ strays)
        total = merged(total, part) if total else part
    assert total is not None  # there is at least one row
    return total


def merged(a: Moments, b: Moments) -> Moments:
    """The moments of both sets together (Chan, Golub and LeVeque 1979)."""
    n, apart = a.n + b.n, b.mean - a.mean
    scatter = a.scatter + b.scatter + torch.outer(apart, apart) * (a.n * b.n / n)
    return Moments(n, a.mean + apart * (b.n / n), scatter)


def fid(fake: Features, real: Features) -> float:
    """Frechet distance of the Gaussians with the moments of both sets (Heusel et al. 2017).

    Biased: two samples of one distribution score above 0, the more the fewer pictures there are
    and the longer the features. Compare equal numbers only; below about 2048 pictures read `kid`.
    """
    return frechet(moments(fake), moments(real))


def frechet(a: Moments, b: Moments) -> float:
    """|mean a - mean b|^2 + trace(A + B - 2 (A B)^(1/2)) of the covariances A and B, at least 0.

    With A = R R' and B = S S', the eigenvalues of A B are the squares of the singular values of
    R'S: no square root of a matrix, which fails where pictures are fewer than features.
    """
    refuse_other_lengths(len(a.mean), len(b.mean))
    if min(a.n, b.n) < 2:
        raise BadData(f"{min(a.n, b.n)} picture has no covariance; take 2 or more in each set.")
    shared = torch.linalg.svdvals(_root(a.covariance).T @ _root(b.covariance)).sum()
    spread = a.covariance.trace() + b.covariance.trace() - 2 * shared
    return max(0.0, float((a.mean - b.mean).square().sum() + spread))


def _root(covariance: Tensor) -> Tensor:
    """R with R R' = covariance and a column for each direction that has any spread. (D, rank)"""
    values, vectors = torch.linalg.eigh(covariance)
    noise = values.abs().max() * len(values) * torch.finfo(values.dtype).eps
    kept = values > noise
    root: Tensor = vectors[:, kept] * values[kept].sqrt()
    return root


@dataclass(frozen=True)
class Discrepancy:
    """A squared maximum mean discrepancy, 0 for equal distributions."""

    unbiased: float  # the one to read; slightly below 0 is normal for sets that are alike
    biased: float  # never below 0, and above it even for equal distributions
    error: float  # standard error of `unbiased` by the jackknife; too large near 0, NaN below 3
    n: int  # translations
    m: int  # real pictures
    kernel: str

    @property
    def root(self) -> float:
        """Square root of the biased one: what GAN-Metrics prints."""
        return float(np.sqrt(max(0.0, self.biased)))

    def interval(self, level: float = 0.95) -> Interval:
        """`unbiased` with its jackknife interval."""
        from scipy.stats import norm

        half = float(norm.ppf((1 + level) / 2)) * self.error
        method = f"{100 * level:g} % jackknife over both sets"
        value = self.unbiased
        return Interval(value, value - half, value + half, min(self.n, self.m), method)


def kid(fake: Features, real: Features, *, pairs: int = PAIRS) -> Discrepancy:
    """Kernel distance of all pictures with the kernel (x.y / D + 1)^3 (Binkowski et al. 2018)."""
    return _discrepancy(cubic, *feature_sets(fake, real), "(x.y / D + 1)^3", pairs)


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
        few_fakes, few_reals = (rows[_draw(rng, len(rows), size)] for rows in (fakes, reals))
        values[index] = _discrepancy(cubic, few_fakes, few_reals, "", PAIRS).unbiased
    return values


def _draw(rng: np.random.Generator, n: int, size: int) -> Tensor:
    return torch.from_numpy(rng.choice(n, size, replace=False))


def mmd(
    fake: Features,
    real: Features,
    *,
    bandwidth: float | Literal["pooled", "real"] = "pooled",
    pairs: int = PAIRS,
) -> Discrepancy:
    """Kernel distance with exp(-|x - y|^2 / (2 s^2)) (Gretton et al. 2012).

    s^2 is the mean squared distance between any two pictures ("pooled"), or between the real ones,
    each with itself included ("real", as GAN-Metrics does), or s is the number given.
    """
    fakes, reals = centred(*feature_sets(fake, real))
    s = _bandwidth(fakes, reals, bandwidth)
    name = bandwidth if isinstance(bandwidth, str) else "given"
    return _discrepancy(gaussian(s), fakes, reals, f"Gaussian, s = {s:.6g} ({name})", pairs)


def mmd_p_value(
    fake: Features,
    real: Features,
    *,
    bandwidth: float | Literal["pooled"] = "pooled",  # a kernel that knows the labels is no test
    draws: int = 1000,
    seed: int = 0,
    pairs: int = PAIRS,
) -> float:
    """One-sided p-value of "both sets come from one distribution", by mixing up the labels.

    (k + 1) / (draws + 1), where k mixtures have an unbiased MMD^2 as large as the one seen.
    """
    if draws < 1:
        raise BadOption(f"{draws} draws are none; take 1000.")
    fakes, reals = centred(*feature_sets(fake, real))
    n, m = len(fakes), len(reals)
    kernel = gaussian(_bandwidth(fakes, reals, bandwidth))
    seen = _discrepancy(kernel, fakes, reals, "", pairs).unbiased
    rows = in_fixed_order(torch.cat([fakes, reals]))
    labels = rows.new_zeros(n + m, draws)  # 1 where a mixture calls a row fake
    rng = numpy_rng(seed, "permute")
    for draw in range(draws):
        labels[_draw(rng, n + m, n), draw] = 1
    mixed = _unbiased_of_labels(kernel, rows, labels, pairs)
    slack = 1e-12 * (1 + abs(seen))  # the same split in another order may differ in the last bit
    return (int((mixed >= seen - slack).sum()) + 1) / (draws + 1)


def _unbiased_of_labels(kernel: Kernel, rows: Tensor, labels: Tensor, pairs: int) -> Tensor:
    """Unbiased MMD^2 of each way (N + M, draws) to call N rows fake. (draws,)"""
    n = int(labels[:, 0].sum())
    m = len(rows) - n
    of_fakes: Tensor = labels.new_zeros(labels.shape[1])
    touching, everything = torch.zeros_like(of_fakes), torch.zeros_like(of_fakes)
    for i in pieces(len(rows), len(rows), pairs):
        block = kernel(rows[i], rows)
        block[torch.arange(len(block)), torch.arange(i.start, i.stop)] = 0
        of_fakes += (labels[i] * (block @ labels)).sum(0)
        touching += block.sum(1) @ labels[i]
        everything += block.sum()
    between = touching - of_fakes
    of_reals = everything - 2 * touching + of_fakes
    within = of_fakes / (n * (n - 1)) + of_reals / (m * (m - 1))
    return within - 2 * between / (n * m)


def _bandwidth(fake: Tensor, real: Tensor, wanted: float | str) -> float:
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


def _discrepancy(kernel: Kernel, fake: Tensor, real: Tensor, name: str, pairs: int) -> Discrepancy:
    n, m = len(fake), len(real)
    fakes, reals = sums_within(kernel, fake, pairs), sums_within(kernel, real, pairs)
    to_reals, to_fakes = sums_between(kernel, fake, real, pairs)  # (N,), (M,)
    a, b, c = (float(sums.sum()) for sums in (fakes, reals, to_reals))
    own_a, own_b = (float(own_values(kernel, rows).sum()) for rows in (fake, real))
    error = np.nan
    if min(n, m) > 2:
        left_n = (a - 2 * fakes) / ((n - 1) * (n - 2)) - 2 * (c - to_reals) / ((n - 1) * m)
        left_m = (b - 2 * reals) / ((m - 1) * (m - 2)) - 2 * (c - to_fakes) / ((m - 1) * n)
        parts = ((k - 1) * left.var(correction=0) for k, left in ((n, left_n), (m, left_m)))
        error = float(sum(parts)) ** 0.5
    return Discrepancy(
        unbiased=a / (n * (n - 1)) + b / (m * (m - 1)) - 2 * c / (n * m),
        biased=(a + own_a) / n**2 + (b + own_b) / m**2 - 2 * c / (n * m),
        error=error,
        n=n,
        m=m,
        kernel=name,
    )
