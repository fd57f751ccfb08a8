"""The page of robustness.json: one file, opens offline. Equal files give equal bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from portrayal.core.errors import BadData
from portrayal.core.images import read_pixels
from portrayal.core.runs import write_atomically
from portrayal.reports.gallery import Shot, embedded
from portrayal.reports.pages import templates
from portrayal.reports.plots import Box, Chart, chart
from portrayal.reports.results import Score, decimals, with_interval
from portrayal.reports.robust import Robustness, SetScores, Worst, headline, title_of

HEADINGS = {
    "own": "In distribution",
    "folder": "Pictures of others",
    "photos": "Other photos, the same filter",
    "filter": "Other filters",
    "damage": "Damage",
}


@dataclass(frozen=True)
class Line:
    """One set in one metric, as printed."""

    name: str
    texts: dict[str, str]
    judgement: str
    reason: str
    tone: str
    n: str
    note: str


@dataclass(frozen=True)
class Table:
    """One metric over the sets of one kind."""

    title: str
    arrow: str
    lines: list[tuple[str, list[Line]]] = field(default_factory=list)  # heading, its sets


def write_page(folder: Path, found: Robustness) -> Path:
    """Write folder/robustness.html."""
    path = folder / "robustness.html"
    write_atomically(path, page(folder, found))
    return path


def page(folder: Path, found: Robustness) -> str:
    """The whole page as a string."""
    content = {
        "name": folder.absolute().name,
        "found": found,
        "headline": headline(found),
        "tables": [table(found, metric) for metric in found.metrics],
        "curves": curves(found, found.ranked_by),
        "more_curves": [
            (metric, curves(found, metric)) for metric in found.metrics if metric != found.ranked_by
        ],
        "worst": [(s, [(w, strip(folder, w)) for w in s.worst]) for s in found.sets if s.worst],
        "ranked_by": title_of(found, found.ranked_by),
    }
    return templates().get_template("robust.html").render(**content)


def table(found: Robustness, metric: str) -> Table:
    """One metric, sets by kind; damage at its strongest, the rest is in the curves."""
    strongest = max((s.strength or 0 for s in found.sets), default=0)
    shown = [s for s in found.sets if s.strength is None or s.strength == strongest]
    scores = [score for s in shown for score in s.scores if score.metric == metric]
    better = scores[0].better if scores else "lower"
    digits = decimals(scores)
    lines = {
        heading: [line(s, metric, digits) for s in shown if s.kind == kind and s.score(metric)]
        for kind, heading in HEADINGS.items()
    }
    kept = [(heading, each) for heading, each in lines.items() if each]
    return Table(title_of(found, metric), "↑" if better == "higher" else "↓", kept)


def line(found: SetScores, metric: str, digits: int) -> Line:
    """One row: translation, input itself, verdict, drop."""
    ours, theirs, drop = found.score(metric), found.score(metric, "input"), found.drop(metric)
    texts = {
        key: with_interval(score, digits) if score else ""
        for key, score in (("translation", ours), ("input", theirs), ("drop", drop))
    }
    judgement, _, reason = found.verdict(metric).partition(", ")
    if theirs is None:
        judgement, reason = "no truth", "against the input: what is kept"
    tone = {"better": "good", "worse": "bad"}.get(judgement.split(" ")[0], "")
    count = ours.count if ours else ""
    return Line(found.name, texts, judgement, reason, tone, count, found.note)


def curves(found: Robustness, metric: str) -> list[Chart]:
    """Score over strength for every kind of damage, all on one scale."""
    plain = next((s for s in found.sets if s.kind == "own" and s.score(metric)), None)
    groups = dict.fromkeys(s.group for s in found.sets if s.group)
    if plain is None:
        return []
    steps = {group: [plain, *(s for s in found.sets if s.group == group)] for group in groups}
    scores = [s for sets in steps.values() for each in sets for s in both(each, metric)]
    ends = [end for s in scores for end in (s.value, s.low, s.high) if end is not None]
    if not ends:
        return []
    room = 0.06 * (max(ends) - min(ends)) or 0.5
    limits = (max(0.0, min(ends) - room) if min(ends) >= 0 else min(ends) - room, max(ends) + room)
    return [curve(group, sets, metric, limits) for group, sets in steps.items()]


def both(found: SetScores, metric: str) -> Iterator[Score]:
    """The translation's score and the input's."""
    return (s for a in ("translation", "input") if (s := found.score(metric, a)))


def curve(group: str, sets: Sequence[SetScores], metric: str, limits: tuple[float, float]) -> Chart:
    """Translation and input over strength; the faint lines are the bounds of the intervals."""
    x = [each.strength or 0.0 for each in sets]
    names = {"translation": "translation", "input": "input itself"}
    series = {
        name: [measured(each, metric, answer, "value") for each in sets]
        for answer, name in names.items()
    }
    drawn = chart(group.replace("_", " "), x, series, limits=limits, x_label="strength")
    box = Box(x[0], x[-1], *limits)
    lines = []
    for drawn_line, answer in zip(drawn.lines, names, strict=True):
        bounds = (
            np.array([measured(each, metric, answer, end) for each in sets])
            for end in ("low", "high")
        )
        paths = "".join(box.path(np.array(x), bound) for bound in bounds)
        lines.append(replace(drawn_line, raw=paths))
    return replace(drawn, lines=lines)


def measured(found: SetScores, metric: str, answer: str, end: str) -> float:
    """A value or a bound, NaN where there is none."""
    score = found.score(metric, answer)
    value = getattr(score, end) if score else None
    return float("nan") if value is None else float(value)


def strip(folder: Path, worst: Worst) -> Shot:
    """The embedded strip of one of the worst pictures; empty where its file is gone."""
    try:
        return embedded(worst.name, read_pixels(folder / worst.file), cells=worst.cells)
    except (BadData, OSError):
        return Shot(worst.name)
