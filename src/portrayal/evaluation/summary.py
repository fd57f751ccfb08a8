"""From scores of single pictures to means with intervals, for translation, input and difference."""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from portrayal.metrics import metrics
from portrayal.metrics.statistics import Interval, bootstrap_mean, wilson
from portrayal.reports.results import Answer, Score


def summarise(
    pictures: Sequence[Mapping[str, Any]], chosen: Sequence[str], *, seed: int, draws: int
) -> tuple[list[Score], str]:
    """Scores of all metrics and answers, and how their intervals were computed."""
    clusters = clusters_of(pictures)
    scores, methods = [], []
    for metric in chosen:
        ours = np.array([row["scores"][metric] for row in pictures])
        answers: dict[Answer, Any] = {"translation": ours}
        if all("input" in row for row in pictures):
            theirs = np.array([row["input"][metric] for row in pictures])
            answers |= {"input": theirs, "difference": ours - theirs}
        for answer, values in answers.items():
            share = answer != "difference" and metrics.card(metric).needs == "classes"
            if share and clusters is None:  # 100 % of a few pictures is not certain, either
                interval = wilson(values)
            else:
                interval = bootstrap_mean(values, clusters=clusters, draws=draws, seed=seed)
            scores.append(described(metric, answer, interval))
            methods.append(interval.method)
    return scores, "; ".join(dict.fromkeys(methods))


def clusters_of(pictures: Sequence[Mapping[str, Any]]) -> list[Hashable] | None:
    """Subjects, if any has several pictures: these are no independent draws."""
    subjects = [row.get("subject") for row in pictures]
    counts = Counter(subject for subject in subjects if subject is not None)
    return [str(s) if s is not None else None for s in subjects] if repeats(counts) else None


def repeats(counts: Mapping[Any, int]) -> bool:
    """Whether anything is there more than once."""
    return any(count > 1 for count in counts.values())


def described(metric: str, answer: Answer, interval: Interval) -> Score:
    """An interval with what its metric's card says."""
    card = metrics.card(metric)
    return Score(
        metric=metric,
        answer=answer,
        value=interval.value,
        low=known(interval.low),
        high=known(interval.high),
        n=interval.n,
        better=card.better,
        title=card.title or metric,
        unit=card.unit,
        protocol=card.protocol,
    )


def known(value: float) -> float | None:
    """None for NaN: the bounds of a lone cluster."""
    return value if math.isfinite(value) else None
