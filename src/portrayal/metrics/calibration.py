"""Is a recogniser as right as it is sure? NumPy only.

Confidences (N,) are probabilities of the answer given, `right` (N,) whether it was the true one.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portrayal.core.errors import BadData, BadOption
from portrayal.core.seeds import numpy_rng
from portrayal.metrics.resampling import Numbers

BINS = 15


def calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """ECE (Naeini et al. 2015; Guo et al. 2017, eq. 3): mean |accuracy - confidence| over bins.

    Bins of equal width, weighted by their pictures. It is never below 0 and of few pictures never
    near it: put `expected_error` beside it.

    >>> calibration_error([0.8] * 5, [1, 1, 1, 1, 0]), calibration_error([1.0, 1.0], [1, 0])
    (0.0, 0.5)
    """
    sure, hits = _checked(confidence, right, bins)
    gaps = np.bincount(_bins(sure, bins), weights=hits - sure, minlength=bins)
    return float(np.abs(gaps).sum().round(12) / len(sure))


def expected_error(
    confidence: ArrayLike, bins: int = BINS, *, draws: int = 1000, seed: int = 0
) -> float:
    """The mean ECE of a perfectly calibrated recogniser that is as sure as this one."""
    sure, _ = _checked(confidence, np.zeros(len(np.atleast_1d(confidence))), bins)
    sure = np.sort(sure)
    rng = numpy_rng(seed, "calibration")
    errors = [calibration_error(sure, rng.random(len(sure)) < sure, bins) for _ in range(draws)]
    return float(np.mean(errors))


def _bins(sure: Numbers, bins: int) -> NDArray[np.int64]:
    """The bin of each confidence; 1 belongs to the last."""
    return np.minimum((sure * bins).astype(np.int64), bins - 1)


def _checked(confidence: ArrayLike, right: ArrayLike, bins: int) -> tuple[Numbers, Numbers]:
    sure, hits = np.asarray(confidence, np.float64), np.asarray(right, np.float64)
    if sure.ndim != 1 or not len(sure) or sure.shape != hits.shape:
        raise BadData(
            f"Calibration needs (N,) confidences and as many answers, got {sure.shape} and "
            f"{hits.shape}."
        )
    if not ((sure >= 0) & (sure <= 1)).all() or not np.isin(hits, (0, 1)).all():
        raise BadData(
            f"Confidences must lie in 0..1 and answers be right (1) or wrong (0), but they span "
            f"{sure.min():g} to {sure.max():g} and {hits.min():g} to {hits.max():g}."
        )
    if bins < 1:
        raise BadOption(f"{bins} bins are none; take 15.")
    return sure, hits
