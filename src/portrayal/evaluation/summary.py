"""From scores of single pictures to means with intervals, for translation, input and difference."""

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portrayal.core.errors import BadData
from portrayal.evaluation.choice import Choice
from portrayal.metrics import metrics
from portrayal.metrics.statistics import Interval, bootstrap_mean, wilson
from portrayal.reports.results import Answer, Question, Score

Numbers = NDArray[np.float64]
Pictures = Sequence[Mapping[str, Any]]


@dataclass
class Summary:
    """Scores, how their intervals were computed, and what had to be left out."""

    scores: list[Score] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def interval(self) -> str:
        """All methods, each once."""
        return "; ".join(dict.fromkeys(self.methods))


def summarise(
    pictures: Pictures,
    choice: Choice,
    *,
    seed: int,
    draws: int,
    refused: Mapping[str, str] = MappingProxyType({}),
) -> Summary:
    """Scores of all metrics of pictures: fidelity, then content, then the known half.

    `refused`: why a metric refused pictures, by its name.
    """
    summary = Summary()
    without: dict[str, list[str]] = {}
    questions: list[tuple[Question, str]] = [("fidelity", name) for name in choice.pictures]
    questions += [("content", name) for name in choice.content]
    questions += [("known", name) for name in choice.known]
    for question, metric in questions:
        answers = dict(answers_of(pictures, metric, question))
        if not answers:
            continue
        ours = answers["translation"]
        if (found := int(np.isfinite(ours).sum())) < 2:
            because = refused.get(metric) or metrics.card(metric).missing
            said = f"{found} of {len(ours)} pictures have a value"
            said += f" ({because.rstrip('.')})" if because else ""
            if metric in choice.asked:
                raise BadData(
                    f"{metric}: {said}; an interval needs at least 2. Leave --metric {metric} out."
                )
            without.setdefault(said, []).append(metric)
            continue
        for answer, values in answers.items():
            if np.isfinite(values).any():
                interval = interval_of(metric, answer, values, pictures, seed, draws)
                missing = len(values) - interval.n
                score = described(metric, answer, question, interval, missing)
                why = {"why": refused[metric].rstrip(".")} if missing and metric in refused else {}
                summary.scores.append(score.model_copy(update=why))
                summary.methods.append(interval.method)
    for said, names in without.items():
        summary.warnings.append(f"Left out: {', '.join(dict.fromkeys(names))}. Only {said}.")
    return summary


def answers_of(
    pictures: Pictures, metric: str, question: Question
) -> Iterator[tuple[Answer, Numbers]]:
    """Values (N,) of the translation, and of the input and the difference where it is known.

    NaN where a picture has no value; the difference is that of pictures which have both.
    """
    key = "scores" if question == "fidelity" else question
    if not all(key in row for row in pictures):
        return
    ours = values_of(pictures, key, metric)
    yield "translation", ours
    if question == "fidelity" and all("input" in row for row in pictures):
        theirs = values_of(pictures, "input", metric)
        yield "input", theirs
        yield "difference", ours - theirs


def values_of(pictures: Pictures, key: str, metric: str) -> Numbers:
    """One number per picture, NaN for None. (N,)"""
    values = (row[key][metric] for row in pictures)
    return np.array([math.nan if value is None else value for value in values], np.float64)


def interval_of(
    metric: str, answer: Answer, values: Numbers, pictures: Pictures, seed: int, draws: int
) -> Interval:
    """The mean over the pictures that have a value, with its interval."""
    kept = np.isfinite(values)
    clusters = clusters_of([row for row, keep in zip(pictures, kept, strict=True) if keep])
    share = answer != "difference" and metrics.card(metric).needs == "classes"
    if share and clusters is None:  # 100 % of a few pictures is not certain, either
        return wilson(values[kept])
    return bootstrap_mean(values[kept], clusters=clusters, draws=draws, seed=seed)


def clusters_of(pictures: Pictures) -> list[Hashable] | None:
    """Subjects, if any has several pictures: these are no independent draws."""
    subjects = [row.get("subject") for row in pictures]
    counts = Counter(subject for subject in subjects if subject is not None)
    return [str(s) if s is not None else None for s in subjects] if repeats(counts) else None


def repeats(counts: Mapping[Any, int]) -> bool:
    """Whether anything is there more than once."""
    return any(count > 1 for count in counts.values())


def described(
    metric: str, answer: Answer, question: Question, interval: Interval, missing: int = 0
) -> Score:
    """An interval with what its metric's card says."""
    card = metrics.card(metric)
    return Score(
        metric=metric,
        answer=answer,
        question=question,
        value=interval.value,
        low=known(interval.low),
        high=known(interval.high),
        n=interval.n,
        missing=missing,
        why=card.missing if missing else "",
        better=card.better,
        title=card.title or metric,
        unit=card.unit,
        protocol=card.protocol,
    )


def known(value: float) -> float | None:
    """None for NaN: the bounds of a lone cluster."""
    return value if math.isfinite(value) else None
