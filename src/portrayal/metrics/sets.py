"""Two sets of feature vectors: what they must be, and sums over all pairs in bounded memory.

N translations ("fake"), M real pictures, D features each; everything is computed in float64. The
order of the rows and the size of the pieces change no result beyond rounding.
"""

from collections.abc import Callable, Iterator
from itertools import product
from math import isqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from portrayal.core.errors import BadData

Features = Tensor | NDArray[np.floating[Any]]
Kernel = Callable[[Tensor, Tensor], Tensor]  # (N, D), (M, D) -> (N, M)
PAIRS = 4_194_304  # pairs held at once: 32 MB in float64
TILE = 1024  # rows of a tile of pairs: larger ones waste half of each on the diagonal


def feature_sets(fake: Features, real: Features, *, least: int = 2) -> tuple[Tensor, Tensor]:
    """Both sets as float64, (N, D) and (M, D); BadData says what else they are."""
    one = checked_features("translations", fake, least).double()
    two = checked_features("real pictures", real, least).double()
    refuse_other_lengths(one.shape[1], two.shape[1])
    return one, two


def checked_features(which: str, features: Features, least: int = 2) -> Tensor:
    """Finite float features (N, D) of at least `least` pictures, as a tensor of their own type."""
    rows = features if isinstance(features, Tensor) else _tensor(which, np.asarray(features))
    if rows.dtype not in (torch.float32, torch.float64):
        raise BadData(
            f"The features of the {which} are {str(rows.dtype).removeprefix('torch.')}, but "
            "float32 or float64 is needed; hand over what a network computed, not pictures."
        )
    if rows.dim() != 2 or rows.shape[1] == 0:
        raise BadData(
            f"The features of the {which} have shape {tuple(rows.shape)}, but (N, D) is needed; "
            "average maps over their pixels first."
        )
    if len(rows) < least:
        raise BadData(f"{len(rows)} {which} are too few for this score; it takes {least} or more.")
    if not bool(torch.stack(rows.aminmax()).isfinite().all()):
        bad = int((~rows.isfinite()).any(1).sum())
        raise BadData(
            f"{bad} of the {len(rows)} {which} have features that are not finite; find out why "
            "before comparing sets."
        )
    return rows.detach()


def _tensor(which: str, features: NDArray[Any]) -> Tensor:
    if features.dtype.kind not in "fiub":
        raise BadData(
            f"The features of the {which} are {features.dtype} of shape {features.shape}, but "
            "numbers (N, D) are needed; hand over what a network computed."
        )
    return torch.tensor(features)


def refuse_other_lengths(fake: int, real: int) -> None:
    """Refuse features of two lengths: they come from two networks."""
    if fake != real:
        raise BadData(
            f"The translations have {fake} features each, but the real pictures {real}; compute "
            "both with one network."
        )


def in_fixed_order(rows: Tensor) -> Tensor:
    """The same rows (N, D) sorted by their bytes, so that a draw by position forgets the files."""
    plain = np.ascontiguousarray(rows.cpu().numpy())
    keys = plain.view(np.dtype((np.void, plain.itemsize * plain.shape[1])))[:, 0]
    return rows[torch.from_numpy(np.argsort(keys, kind="stable")).to(rows.device)]


def centred(fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Both sets moved so that the mean of all rows is 0: distances stay, digits are won."""
    middle = (fake.sum(0) + real.sum(0)) / (len(fake) + len(real))
    return fake - middle, real - middle


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """|a - b|^2 of all pairs, (..., N, D), (..., M, D) -> (..., N, M)."""
    of_a, of_b = a.square().sum(-1)[..., :, None], b.square().sum(-1)[..., None, :]
    return (a @ b.mT).mul_(-2).add_(of_a).add_(of_b).clamp_(min=0)


def cubic(a: Tensor, b: Tensor) -> Tensor:
    """KID's kernel of all pairs, (N, D), (M, D) -> (N, M)."""
    return (a @ b.mT).div_(a.shape[-1]).add_(1).pow_(3)


def gaussian_rows(rows: Tensor, s: float) -> Tensor:
    """What `gaussian` takes: x / s, and |x|^2 / (2 s^2) once instead of per pair. (N, D + 1)"""
    scaled = rows / s
    return torch.cat([scaled, scaled.square().sum(1, keepdim=True) / 2], 1)


def gaussian(a: Tensor, b: Tensor) -> Tensor:
    """exp(-|x - y|^2 / (2 s^2)) of all pairs of `gaussian_rows`, (N, D + 1), (M, D + 1)."""
    return (a[:, :-1] @ b[:, :-1].T).sub_(a[:, -1:]).sub_(b[:, -1]).clamp_(max=0).exp_()


def pieces(rows: int, columns: int, pairs: int = PAIRS) -> Iterator[slice]:
    """Slices of the rows, so that each holds about `pairs` pairs with all columns."""
    step = max(1, pairs // max(1, columns))
    return (slice(first, min(first + step, rows)) for first in range(0, rows, step))


def tiles(rows: Tensor, pairs: int) -> list[slice]:
    """Slices of the rows, any two of which make at most `pairs` pairs."""
    return list(pieces(len(rows), 1, min(TILE, isqrt(pairs))))


def sums_between(kernel: Kernel, a: Tensor, b: Tensor, pairs: int) -> tuple[Tensor, Tensor]:
    """Sums of the kernel over all pairs of one row of `a`, (N,), and of one row of `b`, (M,)."""
    of_a, of_b = a.new_zeros(len(a)), b.new_zeros(len(b))
    for i, j in product(tiles(a, pairs), tiles(b, pairs)):
        block = kernel(a[i], b[j])
        of_a[i] += block.sum(1)
        of_b[j] += block.sum(0)
    return of_a, of_b


def sums_within(kernel: Kernel, a: Tensor, pairs: int) -> tuple[Tensor, Tensor]:
    """Sums of a symmetric kernel over all other rows, and its value of a row with itself. (N,)"""
    sums, own = a.new_zeros(len(a)), a.new_zeros(len(a))
    cut = tiles(a, pairs)
    for place, i in enumerate(cut):
        block = kernel(a[i], a[i])
        own[i] = block.diag()
        sums[i] += block.fill_diagonal_(0).sum(1)
        for j in cut[place + 1 :]:  # each pair of tiles once, for both
            block = kernel(a[i], a[j])
            sums[i] += block.sum(1)
            sums[j] += block.sum(0)
    return sums, own
