"""Rows of a recogniser's tables: scores of many pictures, and how their intervals are drawn."""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from portrayal.evaluation.progress import Bar, opened
from portrayal.evaluation.recognition.recogniser import Recogniser
from portrayal.evaluation.summary import known
from portrayal.inference.ahead import THREADS, ahead
from portrayal.metrics.statistics import Interval, bootstrap_mean, wilson
from portrayal.reports.results import Section

HEAD = ["score", "pictures", "value", "low", "high", "n"]
SIDES = {"fake": "translation", "source": "input", "target": "real"}
Cells = list[str | float | None]
Out = TypeVar("Out")


@dataclass(frozen=True)
class Draws:
    """How intervals are drawn."""

    seed: int = 0
    draws: int = 10_000
    clusters: list[Hashable] | None = field(default=None)

    def options(self) -> dict[str, Any]:
        """As arguments of the functions of metrics/statistics.py."""
        return {"clusters": self.clusters, "draws": self.draws, "seed": self.seed}


def section(key: str, recogniser: Recogniser, rows: list[Cells], note: str) -> Section:
    """A table of a recogniser's scores, with what it is and how good it was when it was made."""
    about = recogniser.about
    what = f"column {about.column}" if about.column else "class of each pixel"
    score = about.held_out
    made = (
        f"Its own {score.score} on {score.n} held-out real pictures was {score.value:.3f}, "
        f"guessing gets {score.chance:.3f}. "
        if score
        else ""
    )
    return Section(
        key=key,
        title=f"Recogniser: {what}",
        note=f"{recogniser.label}. {made}{note}",
        head=HEAD,
        rows=rows,
    )


def share(hits: Sequence[float] | NDArray[np.float64], how: Draws) -> Interval:
    """A share of pictures: Wilson's interval, or of several pictures per subject a bootstrap."""
    return wilson(hits) if how.clusters is None else bootstrap_mean(hits, **how.options())


def cells(score: str, pictures: str, interval: Interval) -> Cells:
    """One row of the table."""
    bounds = known(interval.low), known(interval.high)
    return [score, pictures, interval.value, *bounds, float(interval.n)]


def over_pictures(look: Callable[[int], Out], count: int, bar: Bar | None) -> list[Out]:
    """What `look` finds in each picture, in order, by several threads."""
    found = []
    with opened(bar, "Recognising", count) as advance, ThreadPoolExecutor(THREADS) as pool:
        for one in ahead(pool, look, range(count)):
            found.append(one)
            advance(1)
    return found
