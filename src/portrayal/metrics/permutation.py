"""A test of "both sets come from one distribution": the kernel distance under mixed-up labels.

Shapes as in distribution.py: N translations, M real pictures, D features.
"""

from typing import Literal

import torch
from torch import Tensor

from portrayal.core.errors import BadOption
from portrayal.core.seeds import numpy_rng
from portrayal.metrics.kernels import bandwidth_of, discrepancy, drawn
from portrayal.metrics.sets import (
    PAIRS,
    Features,
    Kernel,
    centred,
    feature_sets,
    gaussian,
    gaussian_rows,
    in_fixed_order,
    pieces,
)


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
    s = bandwidth_of(fakes, reals, bandwidth)
    seen = discrepancy(
        gaussian, gaussian_rows(fakes, s), gaussian_rows(reals, s), "", pairs
    ).unbiased
    rows = gaussian_rows(in_fixed_order(torch.cat([fakes, reals])), s)
    labels = rows.new_zeros(n + m, draws)  # 1 where a mixture calls a row fake
    rng = numpy_rng(seed, "permute")
    for draw in range(draws):
        labels[drawn(rng, n + m, n), draw] = 1
    mixed = _unbiased_of_labels(gaussian, rows, labels, pairs)
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
