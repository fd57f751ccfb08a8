"""The page of a sweep: trials by validation score, and the score against every varied setting."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portrayal.reports.collect import collect
from portrayal.reports.curves import ARROWS
from portrayal.reports.pages import templates
from portrayal.reports.plots import labelled, nice_ticks, tick_text
from portrayal.reports.results import number
from portrayal.reports.score_tables import QuestionTable, questions
from portrayal.reports.sweeping import Sweep, Trial, results_of_test

MOST_TICKS = 9
EDGE = 6.0  # percent of a plot left free at either end


@dataclass(frozen=True)
class Dot:
    """One trial in a plot, in percent of the box."""

    left: float
    top: float
    text: str
    best: bool


@dataclass(frozen=True)
class Scatter:
    """Score against one setting."""

    title: str
    dots: list[Dot]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    mean: str  # SVG path through the means of listed values
    alt: str


@dataclass(frozen=True)
class Axis:
    """One upright axis of the parallel lines."""

    name: str
    left: float
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class Parallel:
    """All trials as lines over all settings, the score last."""

    axes: list[Axis]
    paths: list[tuple[str, str, float, bool]]  # SVG path, name, opacity, best


def page(sweep: Sweep, out: Path) -> str:
    """The whole page as a string."""
    scored = [trial for trial in sweep.ranked() if trial.score is not None]
    best = sweep.best
    tested = [trial.name for trial in sweep.trials if trial.tested]
    content: dict[str, Any] = {
        "sweep": sweep,
        "name": out.resolve().name,
        "ranked": sweep.ranked(),
        "best": best,
        "digits": spread_digits(
            [point for t in scored for point in (t.score,) if point is not None]
        ),
        "scatters": [scatter(sweep, v.name, scored) for v in sweep.varied] if scored else [],
        "parallel": parallel(sweep, scored) if len(scored) > 1 and len(sweep.varied) > 1 else None,
        "arrow": ARROWS[sweep.better],
        "tested": tested,
        "test": tested_table(out / best.name) if best and best.tested else [],
        "done": sum(trial.state in ("finished", "failed") for trial in sweep.trials),
    }
    return templates().get_template("sweep.html").render(**content)


def tested_table(folder: Path) -> list[QuestionTable]:
    """Test scores of the chosen trial."""
    return questions(collect(folder)) if results_of_test(folder) else []


def spread_digits(values: Sequence[float]) -> int:
    """Digits after the point that tell the scores apart."""
    span = max(values) - min(values) if values else 0.0
    return min(6, max(2, 2 - math.floor(math.log10(span)))) if span > 0 else 4


def numbers(texts: Sequence[str]) -> list[float] | None:
    """Single numbers, or None if any is something else."""
    try:
        found = [float(text) for text in texts]
    except ValueError:
        return None
    return found if all(map(math.isfinite, found)) else None


def places(texts: Sequence[str]) -> tuple[dict[str, float], list[tuple[float, str]]]:
    """Text of a value -> percent along an axis, and its ticks.

    Numbers lie where they belong, by factors if they span ten times or more; words at even steps.
    """
    unique = list(dict.fromkeys(texts))
    values = numbers(unique)
    if values is None:
        share = {text: spot(i, 0, len(unique) - 1) for i, text in enumerate(unique)}
        return share, [(share[text], text) for text in unique]
    log = min(values) > 0 and max(values) >= 10 * min(values)
    scale = math.log10 if log else float
    low, high = scale(min(values)), scale(max(values))
    share = {text: spot(scale(v), low, high) for text, v in zip(unique, values, strict=True)}
    if len(unique) <= MOST_TICKS:
        return share, sorted((share[text], text) for text in unique)
    if log:
        powers = range(math.ceil(low), math.floor(high) + 1)
        return share, [(spot(p, low, high), tick_text(10.0**p)) for p in powers]
    ticks = nice_ticks(low, high)
    return share, [(spot(tick, low, high), text) for tick, text in labelled(ticks)]


def spot(value: float, low: float, high: float) -> float:
    """Percent of an axis, a little away from its ends."""
    return round(EDGE + (100 - 2 * EDGE) * (value - low) / (high - low), 2) if high > low else 50.0


def score_axis(scored: Sequence[Trial]) -> tuple[float, float, list[tuple[float, str]]]:
    """Lowest and highest score, and ticks in percent from the top."""
    values = [trial.score for trial in scored if trial.score is not None]
    low, high = min(values), max(values)
    ticks = [(100 - spot(t, low, high), text) for t, text in labelled(nice_ticks(low, high, 4))]
    return low, high, ticks


def scatter(sweep: Sweep, name: str, scored: Sequence[Trial]) -> Scatter:
    """The score of every trial against one setting."""
    order = next((v.values for v in sweep.varied if v.name == name), [])
    used = [trial.values[name] for trial in scored]
    along, x_ticks = places([text for text in order if text in used] or used)
    low, high, y_ticks = score_axis(scored)
    first = sweep.best.name if sweep.best else ""
    dots, by_value = [], dict[str, list[float]]()
    for trial in scored:
        value, text = trial.score or 0.0, trial.values[name]
        by_value.setdefault(text, []).append(value)
        about = f"{trial.name}: {number(value, spread_digits([low, high]))}"
        dots.append(Dot(along[text], 100 - spot(value, low, high), about, trial.name == first))
    mean = ""
    if order and len(by_value) > 1:
        middle = {text: sum(v) / len(v) for text, v in by_value.items()}
        ends = sorted((along[text], 100 - spot(value, low, high)) for text, value in middle.items())
        mean = "M" + "L".join(f"{10 * x:.1f} {3 * y:.1f}" for x, y in ends)
    alt = f"{sweep.metric} against {name}: {'; '.join(dot.text for dot in dots[:20])}."
    return Scatter(name, dots, x_ticks, y_ticks, mean, alt)


def parallel(sweep: Sweep, scored: Sequence[Trial]) -> Parallel:
    """Every trial as a line over the settings to its score; the better, the darker."""
    names = [variable.name for variable in sweep.varied]
    low, high, score_ticks = score_axis(scored)
    lefts = [round(EDGE + (100 - 2 * EDGE) * i / len(names), 2) for i in range(len(names) + 1)]
    axes, heights = [], list[Mapping[str, float]]()
    for name, left in zip(names, lefts, strict=False):
        order = next((v.values for v in sweep.varied if v.name == name), [])
        used = [trial.values[name] for trial in scored]
        along, ticks = places([text for text in order if text in used] or used)
        heights.append(along)
        axes.append(Axis(name, left, [(100 - share, text) for share, text in ticks]))
    axes.append(Axis(sweep.metric, lefts[-1], score_ticks))
    paths = []
    for rank, trial in reversed(list(enumerate(scored))):
        tops = [100 - along[trial.values[n]] for along, n in zip(heights, names, strict=True)]
        tops.append(100 - spot(trial.score or 0.0, low, high))
        ends = zip(lefts, tops, strict=True)
        path = "M" + "L".join(f"{10 * x:.1f} {3 * y:.1f}" for x, y in ends)
        opacity = round(1 - 0.75 * rank / max(1, len(scored) - 1), 2)
        paths.append((path, trial.name, opacity, rank == 0))
    return Parallel(axes, paths)
