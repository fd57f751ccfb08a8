"""The scores of a sweep's trials as columns of a table and as series of marks for plots."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from portrayal.reports.results import Score, decimals, interval_text, number, with_interval
from portrayal.reports.sweeping import Point, Sweep, Trial

ABOUT = {"fidelity": "", "content": " to the input", "domain": "", "known": " of the known half"}


@dataclass(frozen=True)
class Column:
    """A heading, and what it says of a trial."""

    title: str
    text: Callable[[Trial], str]
    chosen: bool = False  # whether it orders the table


@dataclass(frozen=True)
class Mark:
    """A value with its interval; without one, all three are the same."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Series:
    """One score of all trials that have it, by their names."""

    name: str  # as it was asked for
    title: str
    marks: dict[str, Mark]

    def text(self, mark: Mark) -> str:
        """A value as printed, with its interval if it has one."""
        if mark.low < mark.high:
            return interval_text(mark.value, mark.low, mark.high)
        return number(mark.value, spread_digits([each.value for each in self.marks.values()]))


def spread_digits(values: Sequence[float]) -> int:
    """Digits after the point that tell the scores apart."""
    span = max(values) - min(values) if values else 0.0
    return min(6, max(2, 2 - math.floor(math.log10(span)))) if span > 0 else 4


def series_of(sweep: Sweep) -> list[Series]:
    """Every score that some trial has; of training's own count the one that orders the trials."""
    if not sweep.scores:
        scored = [(trial.name, trial.score) for trial in sweep.trials]
        marks = {name: Mark(s, s, s) for name, s in scored if s is not None}
        return [Series(sweep.metric, sweep.metric, marks)] if marks else []
    found = []
    for name in sweep.scores:
        scores = of_all(sweep, name)
        marks = {trial: mark for trial, each in scores.items() if (mark := mark_of(each))}
        if marks:
            found.append(Series(name, title_of(next(iter(scores.values()))), marks))
    return found


def leading(sweep: Sweep, series: Sequence[Series]) -> Series | None:
    """The one that orders the trials, or the first there is."""
    ordering = [each for each in series if each.name == sweep.metric]
    return next(iter([*ordering, *series]), None)


def of_all(sweep: Sweep, name: str) -> dict[str, Score]:
    """One score of every trial that has it."""
    return {trial.name: trial.scores[name] for trial in sweep.trials if name in trial.scores}


def mark_of(score: Score) -> Mark | None:
    """Where a score lies; None if it has no value."""
    if score.value is None:
        return None
    low, high = (score.value if bound is None else bound for bound in (score.low, score.high))
    return Mark(score.value, low, high)


def title_of(score: Score) -> str:
    """A metric, what it compares with, its unit and its better direction."""
    unit = f" ({score.unit})" if score.unit else ""
    arrow = "↑" if score.better == "higher" else "↓"
    return f"{score.name}{ABOUT[score.question]}{unit} {arrow}"


def columns(sweep: Sweep) -> list[Column]:
    """What a table says of each trial: the scores asked for, or the best and the last of one."""
    if sweep.scores:
        return [scored_column(sweep, name) for name in sweep.scores]
    values = [trial.score for trial in sweep.trials if trial.score is not None]
    digits = spread_digits(values)

    def point(pick: Callable[[Trial], Point | None], *, step: bool = False) -> Callable[..., str]:
        def text(trial: Trial) -> str:
            found = pick(trial)
            if found is None:
                return "–"
            return str(found.step) if step else number(found.value, digits)

        return text

    return [
        Column("best", point(lambda trial: trial.best)),
        Column("at step", point(lambda trial: trial.best, step=True)),
        Column("last", point(lambda trial: trial.last)),
    ]


def scored_column(sweep: Sweep, name: str) -> Column:
    """One score with its interval, and n, in digits that suit all trials."""
    scores = of_all(sweep, name)
    digits = decimals(list(scores.values()))

    def text(trial: Trial) -> str:
        score = trial.scores.get(name)
        return "–" if score is None else f"{with_interval(score, digits)} n = {score.count}"

    title = title_of(next(iter(scores.values()))) if scores else name
    return Column(title, text, chosen=name == sweep.metric)


def protocols(sweep: Sweep) -> list[tuple[str, str]]:
    """How each score was computed, by its title."""
    firsts = [next(iter(found.values())) for n in sweep.scores if (found := of_all(sweep, n))]
    return [(title_of(s), "; ".join(filter(None, (s.protocol, s.network)))) for s in firsts]
