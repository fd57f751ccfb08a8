"""What every interval that draws again needs: checked scores, draws in pieces, the tail to read.

NumPy only; values are one score per picture, (N,).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portrayal.core.errors import BadData, BadOption
from portrayal.core.seeds import numpy_rng

Numbers = NDArray[np.float64]
CHUNK = 2_000_000  # random numbers held at once


def check_options(draws: int, level: float) -> None:
    """Refuse what is no number of draws and no level."""
    if draws < 1:
        raise BadOption(f"{draws} draws are none; take 10000.")
    if not 0 < level < 1:
        raise BadOption(f"An interval of level {level} does not exist; take 0.95.")


def finite(values: ArrayLike) -> Numbers:
    """One finite score per picture as float64, (N,); BadData says which are not."""
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or len(scores) == 0:
        raise BadData(f"An interval needs one score per picture, but got shape {scores.shape}.")
    if (bad := ~np.isfinite(scores)).any():
        raise BadData(
            f"{bad.sum()} of {len(scores)} scores are not finite ({np.isnan(scores).sum()} NaN), "
            f"first at position {int(bad.argmax())}; find out why before averaging them."
        )
    return scores


def chunks(draws: int, units: int, seed: int) -> Iterator[tuple[slice, np.random.Generator]]:
    """Slices of the draws that keep memory bounded, with the one generator of them all."""
    rng = numpy_rng(seed, "resample")
    step = max(1, CHUNK // units)
    for first in range(0, draws, step):
        yield slice(first, min(first + step, draws)), rng


def expanded_tail(level: float, units: int) -> float:
    """The percentile to read so that a mean of few units is covered as often as `level` says."""
    from scipy.stats import norm, t  # here: it takes a moment to load

    quantile = t.ppf((1 - level) / 2, units - 1) * np.sqrt(units / (units - 1))
    return float(norm.cdf(quantile))
