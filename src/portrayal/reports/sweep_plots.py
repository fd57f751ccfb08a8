"""The plots of a sweep: each score against each varied setting, one score against another, and all
settings together. Numbers only, in percent of the box; the page draws them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portrayal.reports.plots import HEIGHT, WIDTH, labelled, nice_ticks, tick_text
from portrayal.reports.sweep_scores import Mark, Series
from portrayal.reports.sweeping import Sweep, Trial

MOST_TICKS = 9
EDGE = 6.0  # percent of a plot left free at either end
Ticks = list[tuple[float, str]]


@dataclass(frozen=True)
class Dot:
    """One trial in a plot, in percent of the box."""

    left: float
    top: float
    text: str
    best: bool
    label: str = ""  # printed beside it


@dataclass(frozen=True)
class Scatter:
    """A dot per trial: a score against a setting, or against another score."""

    title: str  # of the axis along
    y_title: str
    dots: list[Dot]
    x_ticks: Ticks
    y_ticks: Ticks
    mean: str  # SVG path through the means of listed values
    bars: str  # SVG path of the intervals
    alt: str


@dataclass(frozen=True)
class Axis:
    """One upright axis of the parallel lines."""

    name: str
    left: float
    ticks: Ticks


@dataclass(frozen=True)
class Parallel:
    """All trials as lines over all settings, the score last."""

    axes: list[Axis]
    paths: list[tuple[str, str, float, bool]]  # SVG path, name, opacity, best


@dataclass(frozen=True)
class Scale:
    """A score along one side of a plot, its intervals inside."""

    low: float
    high: float

    @classmethod
    def of(cls, series: Series) -> "Scale":
        """From the lowest to the highest bound."""
        marks = series.marks.values()
        return cls(min(mark.low for mark in marks), max(mark.high for mark in marks))

    def share(self, value: float) -> float:
        """Percent from the left, or from the bottom."""
        return spot(value, self.low, self.high)

    def top(self, value: float) -> float:
        """Percent from the top."""
        return 100 - self.share(value)

    def ticks(self) -> Ticks:
        """Round numbers, by percent from the left."""
        return [(self.share(t), text) for t, text in labelled(nice_ticks(self.low, self.high, 4))]

    def ticks_up(self) -> Ticks:
        """The same by percent from the top."""
        return [(100 - share, text) for share, text in self.ticks()]


def scatter(sweep: Sweep, series: Series, name: str) -> Scatter:
    """A score of every trial that has it against one setting."""
    scored = [trial for trial in sweep.ranked() if trial.name in series.marks]
    along, x_ticks = places(listed(sweep, name, scored))
    scale = Scale.of(series)
    dots, bars, by_value = [], [], dict[str, list[float]]()
    for trial in scored:
        mark, text = series.marks[trial.name], trial.values[name]
        by_value.setdefault(text, []).append(mark.value)
        about = f"{trial.name}: {series.text(mark)}"
        dots.append(Dot(along[text], scale.top(mark.value), about, is_best(sweep, trial)))
        bars.append(upright(along[text], mark, scale))
    mean = ""
    if ordered(sweep, name) and len(by_value) > 1:
        middle = {text: sum(values) / len(values) for text, values in by_value.items()}
        mean = line(sorted((along[text], scale.top(value)) for text, value in middle.items()))
    alt = alternative(f"{series.title} against {name}", dots)
    return Scatter(name, series.title, dots, x_ticks, scale.ticks_up(), mean, "".join(bars), alt)


def trade_off(sweep: Sweep, one: Series, other: Series) -> Scatter | None:
    """Two scores against each other, one dot per trial that has both, named; None if none has."""
    trials = [t for t in sweep.ranked() if t.name in one.marks and t.name in other.marks]
    if not trials:
        return None
    upwards, along = Scale.of(one), Scale.of(other)
    dots, bars = [], []
    for trial in trials:
        y, x = one.marks[trial.name], other.marks[trial.name]
        about = f"{trial.name}: {one.text(y)}, {other.text(x)}"
        left, top = along.share(x.value), upwards.top(y.value)
        dots.append(Dot(left, top, about, is_best(sweep, trial), trial.name))
        bars.append(upright(left, y, upwards) + level(top, x, along))
    alt = alternative(f"{one.title} against {other.title}", dots)
    ticks = along.ticks(), upwards.ticks_up()
    return Scatter(other.title, one.title, dots, *ticks, "", "".join(bars), alt)


def is_best(sweep: Sweep, trial: Trial) -> bool:
    """Whether validation chooses this one."""
    return sweep.best is not None and sweep.best.name == trial.name


def alternative(what: str, dots: Sequence[Dot]) -> str:
    """A plot in words."""
    return f"{what}: {'; '.join(dot.text for dot in dots[:20])}."


def upright(left: float, mark: Mark, scale: Scale) -> str:
    """An interval as an upright line."""
    if mark.low == mark.high:
        return ""
    return line([(left, scale.top(mark.low)), (left, scale.top(mark.high))])


def level(top: float, mark: Mark, scale: Scale) -> str:
    """An interval as a level line."""
    if mark.low == mark.high:
        return ""
    return line([(scale.share(mark.low), top), (scale.share(mark.high), top)])


def line(points: Sequence[tuple[float, float]]) -> str:
    """An SVG path through points in percent."""
    return "M" + "L".join(f"{WIDTH * x / 100:.1f} {HEIGHT * y / 100:.1f}" for x, y in points)


def ordered(sweep: Sweep, name: str) -> list[str]:
    """The listed values of a setting; none of a range."""
    return next((v.values for v in sweep.varied if v.name == name), [])


def listed(sweep: Sweep, name: str, trials: Sequence[Trial]) -> list[str]:
    """The values of a setting that these trials have, as they were listed."""
    used = [trial.values[name] for trial in trials]
    return [text for text in ordered(sweep, name) if text in used] or used


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


def parallel(sweep: Sweep, series: Series) -> Parallel:
    """Every trial as a line over the settings to its score; the better, the darker."""
    scored = [trial for trial in sweep.ranked() if trial.name in series.marks]
    names = [variable.name for variable in sweep.varied]
    scale = Scale.of(series)
    lefts = [round(EDGE + (100 - 2 * EDGE) * i / len(names), 2) for i in range(len(names) + 1)]
    axes, heights = [], list[Mapping[str, float]]()
    for name, left in zip(names, lefts, strict=False):
        along, ticks = places(listed(sweep, name, scored))
        heights.append(along)
        axes.append(Axis(name, left, [(100 - share, text) for share, text in ticks]))
    axes.append(Axis(series.title, lefts[-1], scale.ticks_up()))
    paths = []
    for rank, trial in reversed(list(enumerate(scored))):
        tops = [100 - along[trial.values[n]] for along, n in zip(heights, names, strict=True)]
        tops.append(scale.top(series.marks[trial.name].value))
        opacity = round(1 - 0.75 * rank / max(1, len(scored) - 1), 2)
        paths.append((line(list(zip(lefts, tops, strict=True))), trial.name, opacity, rank == 0))
    return Parallel(axes, paths)
