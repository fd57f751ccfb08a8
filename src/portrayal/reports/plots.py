"""Curves as plain numbers for the page: SVG paths and ticks in shares of the plot's box.

The page stretches the SVG and keeps line widths and text as they are, so a plot is legible on a
phone and on paper, and takes its colours from the page, light or dark.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WIDTH, HEIGHT = 1000, 300  # of the SVG's own units
MOST_POINTS = 400  # drawn per line; above it, bins keep their extremes


@dataclass(frozen=True)
class Line:
    """One series, ready to draw: a path in a WIDTH x HEIGHT box, and the points it stands for."""

    name: str
    path: str
    raw: str = ""  # path of the series before smoothing, drawn faintly
    points: list[tuple[float, float, float]] = field(default_factory=list)  # x share, x, y


@dataclass(frozen=True)
class Mark:
    """A highlighted point or a horizontal reference, placed in percent of the box."""

    text: str
    top: float
    left: float | None = None


@dataclass(frozen=True)
class Chart:
    """Everything a template needs for one plot."""

    title: str
    lines: list[Line]
    x_ticks: list[tuple[float, str]]  # percent from the left, text
    y_ticks: list[tuple[float, str]]  # percent from the top, text
    alt: str
    note: str = ""
    x_label: str = "step"
    marks: list[Mark] = field(default_factory=list)
    references: list[Mark] = field(default_factory=list)

    @property
    def lines_json(self) -> str:
        """Names and points for the page's script."""
        lines = [{"name": line.name, "points": line.points} for line in self.lines]
        return json.dumps(lines, separators=(",", ":"))


def moving_mean(values: Floats, window: int) -> Floats:
    """Centred mean over `window` values, over fewer at both ends; NaN counts as absent.

    >>> moving_mean(np.array([0.0, 3.0, 6.0]), 3).tolist()
    [1.5, 3.0, 4.5]
    """
    present = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(present, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(present)])
    index = np.arange(len(values))
    first = np.maximum(index - (window - 1) // 2, 0)
    last = np.minimum(index + window // 2 + 1, len(values))
    many = counts[last] - counts[first]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(many > 0, (sums[last] - sums[first]) / many, np.nan)


def epoch_window(epochs: Sequence[float]) -> int:
    """Logged rows in one epoch (spec 1.8), kept between 3 and an eighth of all rows."""
    span = (epochs[-1] - epochs[0]) if len(epochs) > 1 else 0.0
    rows = round((len(epochs) - 1) / span) if span > 0 else len(epochs)
    return max(1, min(max(rows, 3), len(epochs) // 8))


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers in low..high, about `count` of them.

    >>> nice_ticks(0, 1, 4)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - rough))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def tick_text(value: float) -> str:
    """Short and exact: 0.25, 20k, 1.5M.

    >>> tick_text(0.25), tick_text(20000.0), tick_text(-1500000.0)
    ('0.25', '20k', '−1.5M')
    """
    if 0 < abs(value) < 1e-3:
        digits, power = f"{value:e}".split("e")
        return f"{float(digits):g}e{int(power)}".replace("-", "−")
    for size, suffix in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if suffix == 'k' else size):g}{suffix}".replace("-", "−")
    return f"{value:g}".replace("-", "−")


def labelled(ticks: Sequence[float]) -> list[tuple[float, str]]:
    """Ticks with texts of equal precision.

    >>> labelled([0.4, 0.42])
    [(0.4, '0.40'), (0.42, '0.42')]
    """
    texts = [tick_text(tick) for tick in ticks]
    if any(letter in text for text in texts for letter in "ekM"):
        return list(zip(ticks, texts, strict=True))
    places = max(len(text.partition(".")[2]) for text in texts)
    return [(tick, f"{tick:.{places}f}".replace("-", "−")) for tick in ticks]


def chart(
    title: str,
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    window: int = 1,
    limits: tuple[float, float] | None = None,
    best: tuple[float, str, str] | None = None,
    references: Mapping[str, float] | None = None,
    note: str = "",
    x_label: str = "step",
) -> Chart:
    """A plot of series over x; NaN leaves a gap. `best` is (x, series name, text)."""
    steps = np.asarray(x, dtype=np.float64)
    raw = {name: np.asarray(values, dtype=np.float64) for name, values in series.items()}
    smooth = {name: moving_mean(values, window) for name, values in raw.items()}
    low, high = limits or value_range(raw, smooth, references or {})
    box = Box(float(steps[0]), float(steps[-1]), low, high)
    lines = [
        Line(
            name,
            box.path(steps, smooth[name]),
            box.path(steps, raw[name]) if window > 1 else "",
            box.points(steps, smooth[name]),
        )
        for name in raw
    ]
    return Chart(
        title,
        lines,
        [(box.left(tick), tick_text(tick)) for tick in nice_ticks(box.x0, box.x1)],
        [(box.top(tick), text) for tick, text in labelled(nice_ticks(low, high, 4))],
        _alt(title, steps, smooth, x_label),
        note,
        x_label,
        _best_mark(box, steps, smooth, best) if best else [],
        [Mark(text, box.top(value)) for text, value in (references or {}).items()],
    )


@dataclass(frozen=True)
class Box:
    """Data coordinates -> shares of the plot."""

    x0: float
    x1: float
    low: float
    high: float

    def left(self, x: float) -> float:
        """Percent from the left."""
        return round(100 * (x - self.x0) / (self.x1 - self.x0), 2) if self.x1 > self.x0 else 50.0

    def top(self, y: float) -> float:
        """Percent from the top."""
        return round(100 * (self.high - y) / (self.high - self.low), 2)

    def path(self, x: Floats, y: Floats) -> str:
        """An SVG path in WIDTH x HEIGHT units; a lone point becomes a dot of the line's width."""
        x, y = thin(x, y)
        words, pen = [], "M"
        for px, py in zip(x, y, strict=True):
            if not math.isfinite(py):
                pen = "M"
                continue
            place = f"{self.left(px) * WIDTH / 100:.1f} {self.top(py) * HEIGHT / 100:.1f}"
            words.append(f"{pen}{place}" + ("h0" if pen == "M" else ""))
            pen = "L"
        return "".join(words)

    def points(self, x: Floats, y: Floats) -> list[tuple[float, float, float]]:
        """At most 200 points that the page shows under the pointer."""
        chosen = np.unique(np.linspace(0, len(x) - 1, 200).round().astype(int))
        kept = [i for i in chosen if math.isfinite(y[i])]
        return [(self.left(x[i]), float(x[i]), float(f"{y[i]:.4g}")) for i in kept]


def thin(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """At most MOST_POINTS points: of every bin its smallest and its largest, in their order."""
    if len(x) <= MOST_POINTS:
        return x, y
    kept: set[int] = {0, len(x) - 1}
    for part in np.array_split(np.arange(len(x)), MOST_POINTS // 2):
        values = y[part]
        if np.isfinite(values).any():
            kept |= {int(part[np.nanargmin(values)]), int(part[np.nanargmax(values)])}
        else:
            kept.add(int(part[0]))  # the gap stays a gap
    order = sorted(kept)
    return x[order], y[order]


def value_range(
    raw: Mapping[str, Floats], smooth: Mapping[str, Floats], references: Mapping[str, float]
) -> tuple[float, float]:
    """A range that holds all means and references and 98 % of the raw values."""
    everything = np.concatenate([v[np.isfinite(v)] for v in raw.values()])
    means = np.concatenate([v[np.isfinite(v)] for v in smooth.values()])
    if not len(everything):
        return 0.0, 1.0
    edges = [*np.quantile(everything, [0.01, 0.99]), means.min(), means.max(), *references.values()]
    low, high = float(min(edges)), float(max(edges))
    room = 0.06 * (high - low) or abs(high) * 0.1 or 0.5
    return (max(0.0, low - room) if low >= 0 else low - room), high + room


def _best_mark(
    box: Box, x: Floats, smooth: Mapping[str, Floats], best: tuple[float, str, str]
) -> list[Mark]:
    step, name, text = best
    index = int(np.abs(x - step).argmin())
    value = float(smooth[name][index])
    return [Mark(text, box.top(value), box.left(float(x[index])))] if math.isfinite(value) else []


def _alt(title: str, x: Floats, smooth: Mapping[str, Floats], x_label: str) -> str:
    """The plot in words, for those who do not see it."""
    parts = []
    for name, values in smooth.items():
        present = values[np.isfinite(values)]
        if len(present):
            parts.append(f"{name} from {present[0]:.3g} to {present[-1]:.3g}")
    span = f"{x_label} {tick_text(float(x[0]))} to {tick_text(float(x[-1]))}"
    return f"{title}, {span}: {'; '.join(parts) or 'no values'}."
