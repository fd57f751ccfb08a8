"""Curves of several runs in one plot, each over its own steps or epochs."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from portrayal.reports.collect import Row, Run
from portrayal.reports.curves import NOT_TERMS
from portrayal.reports.plots import (
    Box,
    Chart,
    Line,
    epoch_window,
    labelled,
    moving_mean,
    nice_ticks,
    tick_text,
    value_range,
)

Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]  # name -> x, y


def overlay(
    title: str, series: Series, *, note: str = "", x_label: str = "step", window: int = 1
) -> Chart:
    """One plot of several lines; a name without points keeps its place, so colours stay the same.

    `window` smooths over that many points, 0 over about an epoch each.
    """
    smooth = {}
    for name, (x, y) in series.items():
        width = window or epoch_window([float(v) for v in x] or [0.0])
        smooth[name] = moving_mean(np.asarray(y, np.float64), max(1, width))
    ends = [float(v) for x, _ in series.values() for v in x]
    box = Box(min(ends), max(ends), *value_range(smooth, smooth, {}))
    lines = []
    for name, (x, _) in series.items():
        if not len(x):
            lines.append(Line(name, ""))
            continue
        steps = np.asarray(x, np.float64)
        path, points = box.path(steps, smooth[name]), box.points(steps, smooth[name])
        lines.append(Line(name, path, points=points))
    return Chart(
        title,
        lines,
        [(box.left(tick), tick_text(tick)) for tick in nice_ticks(box.x0, box.x1)],
        [(box.top(tick), text) for tick, text in labelled(nice_ticks(box.low, box.high, 4))],
        in_words(title, series, x_label),
        note,
        x_label,
    )


def in_words(title: str, series: Series, x_label: str) -> str:
    """The plot for those who do not see it."""
    parts = [f"{name} ends at {y[-1]:.3g}" for name, (_, y) in series.items() if len(y)]
    return f"{title} over {x_label}: {'; '.join(parts)}."


def validation_overlays(runs: Mapping[str, Run], arrows: Mapping[str, str]) -> list[Chart]:
    """One plot per validated metric; `arrows` says which way is better."""
    label, scale = x_axis(runs)
    metrics = dict.fromkeys(m for run in runs.values() for row in run.scores for m in row["scores"])
    charts = []
    for metric in metrics:
        series = {}
        for name, run in runs.items():
            rows = [row for row in run.scores if metric in row["scores"]]
            x = [row["step"] * scale[name] for row in rows]
            series[name] = (x, [row["scores"][metric] for row in rows])
        charts.append(overlay(metric, series, note=arrows.get(metric, ""), x_label=label))
    return charts


def training_overlays(runs: Mapping[str, Run]) -> list[Chart]:
    """One plot per logged number, smoothed over about an epoch."""
    label, scale = x_axis(runs)
    hidden = set(NOT_TERMS) - {"rate"}
    keys = dict.fromkeys(k for run in runs.values() for row in run.log for k in row)
    charts = []
    for key in keys:
        if key in hidden:
            continue
        series = {}
        for name, run in runs.items():
            rows = [row for row in run.log if key in row]
            x = [row["step"] * scale[name] for row in rows]
            series[name] = (x, [row[key] for row in rows])
        charts.append(overlay(key, series, x_label=label, window=1 if key == "rate" else 0))
    return charts


def x_axis(runs: Mapping[str, Run]) -> tuple[str, dict[str, float]]:
    """Epochs where every run with curves knows them, else steps: the label, and steps -> axis."""
    scale = {name: epochs_per_step(run.log) for name, run in runs.items()}
    drawn = [name for name, run in runs.items() if run.log or run.scores]
    if all(math.isfinite(scale[name]) for name in drawn):
        return "epoch", scale
    return "step", dict.fromkeys(runs, 1.0)


def epochs_per_step(log: Sequence[Row]) -> float:
    """How much of an epoch one step is; NaN if the log does not say."""
    last = log[-1] if log else {}
    step, epoch = last.get("step", 0.0), last.get("epoch", math.nan)
    return epoch / step if step > 0 else math.nan
