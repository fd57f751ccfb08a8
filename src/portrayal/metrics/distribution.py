"""Do translations look as if drawn from the real pictures? The Frechet distance of features.

Shapes: N translations, M real pictures, D features of some network, float32 or float64, as tensors
or arrays; all sums run in float64. Like all scores of sets these take features and not pictures:
only the caller knows which network made them. Say "FID" and "KID" of the published Inception
features alone; with another network its name belongs beside the number.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from portrayal.core.errors import BadData
from portrayal.metrics import Card, metrics
from portrayal.metrics.sets import Features, checked_features, refuse_other_lengths


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


@metrics.described(
    Card(
        better="lower",
        needs="sets",
        title="FID",
        protocol="Heusel et al. 2017: Frechet distance of Gaussians, covariances over n - 1; "
        "biased upwards, the more the fewer pictures: compare equal n only",
    )
)
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
