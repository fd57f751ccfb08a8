"""Whom a translation is held against: its own truth or input, or another subject's, drawn."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import cv2
import numpy as np

from portrayal.core.errors import BadData
from portrayal.core.images import Pixels
from portrayal.core.seeds import numpy_rng
from portrayal.evaluation.answers import Answers
from portrayal.evaluation.progress import Bar, opened
from portrayal.inference.ahead import THREADS, ahead
from portrayal.metrics.statistics import Interval, bootstrap_mean

Out = TypeVar("Out")
NO_OTHERS = "More than half of the pictures show one subject, so there is no floor."


def reference(answers: Answers, index: int) -> Pixels:
    """What the translation should keep to: its truth, or its input where there are no pairs."""
    side = "target" if answers.paired else "source"
    pictures = answers.pictures(index)
    if side not in pictures:
        raise BadData(
            "Translations without truths are compared with their inputs, which are not known here; "
            "say where they are: --input FOLDER."
        )
    return pictures[side]


def subjects(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who is on each picture: the column `subject`, else `group`, else everybody is another."""
    found = []
    for row in rows:
        named = [column for column in ("subject", "group", "name") if row.get(column) is not None]
        found.append(f"{named[0]} {row[named[0]]}")
    return found


def other_subjects(people: Sequence[Hashable], seed: int) -> list[int] | None:
    """For each picture one of another subject, all different; None if one has more than half.

    The pictures stand in a circle, drawn from the seed, each subject's side by side; who is one
    largest subject further on is a stranger to everybody.
    """
    drawn = numpy_rng(seed, "other subjects").permutation(len(people))
    first: dict[Hashable, int] = {}
    for place, index in enumerate(drawn):
        first.setdefault(people[index], place)
    circle = sorted((int(index) for index in drawn), key=lambda index: first[people[index]])
    sizes: dict[Hashable, int] = {}
    for person in people:
        sizes[person] = sizes.get(person, 0) + 1
    step = max(sizes.values(), default=0)
    if 2 * step > len(people) or not people:
        return None
    others = [0] * len(people)
    for place, index in enumerate(circle):
        others[index] = circle[(place + step) % len(circle)]
    return others


def like(pixels: Pixels, other: Pixels) -> Pixels:
    """The first picture at the size of the other one: strangers may differ in size."""
    if pixels.shape == other.shape:
        return pixels
    size = (other.shape[1], other.shape[0])
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def each(work: Callable[[int], Out], count: int, title: str, bar: Bar | None) -> list[Out]:
    """`work` on 0 .. count - 1 by several threads, in order, under a progress display."""
    results = []
    with opened(bar, title, count) as advance, ThreadPoolExecutor(THREADS) as pool:
        for result in ahead(pool, work, range(count)):
            results.append(result)
            advance(1)
    return results


def mean_of(
    values: Sequence[float], seed: int, clusters: Sequence[Hashable] | None = None
) -> Interval | None:
    """Bootstrap mean of those that have a value; None if none has."""
    kept = np.isfinite(np.asarray(values, np.float64))
    if not kept.any():
        return None
    groups = None if clusters is None else [c for c, k in zip(clusters, kept, strict=True) if k]
    return bootstrap_mean(np.asarray(values)[kept], clusters=groups, seed=seed)


def bounds(interval: Interval | None) -> list[str | float | None]:
    """Value, low and high as a table holds them."""
    if interval is None:
        return [None, None, None]
    numbers = (interval.value, interval.low, interval.high)
    return [float(number) if np.isfinite(number) else None for number in numbers]
