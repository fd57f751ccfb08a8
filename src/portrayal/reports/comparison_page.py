"""The page of a comparison: one file, opens offline. Equal files give equal bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portrayal.core.runs import write_atomically, write_json
from portrayal.reports.collect import Run, collect
from portrayal.reports.comparison import (
    QUESTIONS,
    Comparison,
    Cost,
    Difference,
    Row,
    as_csv,
    verdict,
)
from portrayal.reports.curves import ARROWS
from portrayal.reports.facts import duration
from portrayal.reports.overlay import training_overlays, validation_overlays
from portrayal.reports.pages import templates
from portrayal.reports.results import Score, number, with_interval
from portrayal.reports.score_tables import Whisker, p_text
from portrayal.reports.strips import strips
from portrayal.reports.votes_plot import people

COLOURS = 8  # of models, in comparison.css


@dataclass(frozen=True)
class Cell:
    """One score as printed."""

    label: str  # of the column
    value: str
    interval: str = ""
    letters: str = ""
    best: bool = False
    note: str = ""  # why pictures are missing


@dataclass(frozen=True)
class Line:
    """One metric: a cell per column and a whisker per model, on one axis."""

    row: Row
    cells: list[Cell]
    whiskers: list[tuple[int, Whisker]]  # colour, place


@dataclass(frozen=True)
class Block:
    """One of the questions."""

    title: str
    lead: str
    columns: list[str]
    lines: list[Line]
    differences: list[tuple[str, str, list[list[str]]]] = field(default_factory=list)


def write_comparison(out: Path, comparison: Comparison, data: Path | None = None) -> Path:
    """Write comparison.json, comparison.csv and comparison.html. Returns the page.

    `data`: where the dataset is, if it is not where the runs say.
    """
    write_json(out / "comparison.json", comparison.model_dump())
    write_atomically(out / "comparison.csv", as_csv(comparison))
    write_atomically(out / "comparison.html", page(comparison, data))
    return out / "comparison.html"


def page(comparison: Comparison, data: Path | None = None) -> str:
    """The whole page as a string."""
    runs = {model.name: collect(Path(model.folder), data) for model in comparison.models}
    arrows = {row.metric: ARROWS[row.better] for row in comparison.rows}
    content: dict[str, Any] = {
        "comparison": comparison,
        "verdict": verdict(comparison),
        "blocks": blocks(comparison),
        "people": people(comparison.votes, list(runs)) if comparison.votes else None,
        "strips": strips(comparison, runs),
        "costs": cost_table(comparison),
        "timings": timings(comparison),
        "validation": validation_overlays(runs, arrows),
        "training": training_overlays(runs),
        "gaps": [*comparison.warnings, *missing(comparison), *unfound(comparison, runs)],
        "colours": COLOURS,
    }
    return templates().get_template("comparison.html").render(**content)


def unfound(comparison: Comparison, runs: Mapping[str, Run]) -> list[str]:
    """That inputs and truths cannot be shown, if no run knows where its dataset is."""
    shots = [shot for strip in strips(comparison, runs) for shot in strip.shots[:2]]
    scored = [run for run in runs.values() if run.results and run.results.kind == "run"]
    if not scored or any(shot.uri for shot in shots):
        return []
    place = next((run.data_folder for run in scored if run.data_folder), None)
    where = f"{place} does not hold them" if place else "their dataset is not where it was"
    return [f"Inputs and truths cannot be shown: {where}. Say where they are: --data FOLDER."]


def blocks(comparison: Comparison) -> list[Block]:
    """Tables of the questions that any metric answers."""
    made = []
    for question, (title, lead) in QUESTIONS.items():
        rows = comparison.of(question)
        if not rows:
            continue
        columns = [model.name for model in comparison.models]
        columns += ["Input itself"] if any(row.input for row in rows) else []
        columns += ["Real pictures"] if any(row.real for row in rows) else []
        lines = [line(row, columns, len(comparison.models)) for row in rows]
        made.append(Block(title, lead, columns, lines, [differences(row) for row in rows]))
    return made


def line(row: Row, columns: Sequence[str], models: int) -> Line:
    """One metric as it is printed; columns after the models are answers to compare with."""
    beside = {"Input itself": row.input, "Real pictures": row.real}
    best = row.best()
    cells, placed = [], []
    for index, name in enumerate(columns):
        score = row.cells.get(name) if index < models else beside[name]
        cells.append(cell(name, score, row, best=index < models and name == (best or [""])[0]))
        if score and index < models:
            placed.append((index % COLOURS + 1, score))
    return Line(row, cells, whiskers(placed))


def cell(label: str, score: Score | None, row: Row, *, best: bool) -> Cell:
    """One score; a dash where there is none."""
    if score is None:
        return Cell(label, "–", note="not scored")
    value, _, interval = with_interval(score, row.digits).partition(" ")
    note = f"{score.missing} without a value" if score.missing else ""
    return Cell(label, value, interval, row.letters.get(label, ""), best, note)


def whiskers(placed: Sequence[tuple[int, Score]]) -> list[tuple[int, Whisker]]:
    """Means and intervals in percent of an axis that holds them all."""
    known = [
        (colour, s.value, s.low, s.high)
        for colour, s in placed
        if s.value is not None and s.low is not None and s.high is not None
    ]
    if not known:
        return []
    low, high = min(row[2] for row in known), max(row[3] for row in known)
    span = (high - low) or 1.0
    return [
        (colour, Whisker(*(round(4 + 92 * (v - low) / span, 2) for v in values)))
        for colour, *values in known
    ]


def differences(row: Row) -> tuple[str, str, list[list[str]]]:
    """Every pair of models in one metric, as printed; or why there is none."""
    return row.name, row.untested, [difference(row, each) for each in row.differences]


def difference(row: Row, each: Difference) -> list[str]:
    """Pair, difference with interval, both p-values, and what holds."""
    digits = row.digits + 1
    low, high = (number(v, digits, sign=True) for v in (each.low, each.high))
    winner = each.first if (each.value > 0) == (row.better == "higher") else each.second
    return [
        f"{each.first} − {each.second}",
        f"{number(each.value, digits, sign=True)} [{low}, {high}]",
        p_text(each.p),
        p_text(each.corrected),
        f"{winner} better" if each.holds else "not told apart",
        f"{each.n:,}",
    ]


def cost_table(comparison: Comparison) -> list[tuple[str, list[tuple[str, str]]]]:
    """Model -> what it costs, in the words of a table."""
    return [(model.name, list(cost_texts(model.cost).items())) for model in comparison.models]


def cost_texts(cost: Cost) -> dict[str, str]:
    """Every figure of a cost, a dash where it is not known."""
    size = f", {cost.size[1]} × {cost.size[0]}" if cost.size else ""
    trained = duration(cost.training_seconds) if cost.training_seconds else "–"
    return {
        "Generator": counted(cost.parameters.get("generator")),
        "All networks": counted(sum(cost.parameters.values()) or None),
        "One translation": f"{counted(cost.flops)}FLOP{size}" if cost.flops else "–",
        "Time per picture": f"{1000 * cost.seconds:,.1f} ms" if cost.seconds else "–",
        "Steps": f"{cost.training_steps:,}" if cost.training_steps else "–",
        "Training": trained,
        "Training, computed": f"{counted(cost.training_flops)}FLOP" if cost.training_flops else "–",
    }


def counted(value: float | None) -> str:
    """A large number with its prefix.

    >>> counted(13_600_000), counted(2.5e9), counted(None)
    ('13.6 M', '2.50 G', '–')
    """
    if value is None:
        return "–"
    for size, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            share = value / size
            return f"{share:.{max(0, 2 - len(str(int(share))) + 1)}f} {prefix}"
    return f"{value:g} "


def timings(comparison: Comparison) -> list[str]:
    """Where the times were taken."""
    cost = [model.cost for model in comparison.models]
    told = [f"Time per picture: median, {c.timing}." for c in cost if c.timing]
    told += [f"Training: {c.training_machine}." for c in cost if c.training_machine]
    return list(dict.fromkeys(told))


def missing(comparison: Comparison) -> list[str]:
    """Which model lacks which score."""
    lacks: dict[str, list[str]] = {}
    for row in comparison.rows:
        for model in comparison.models:
            if model.name not in row.cells:
                lacks.setdefault(model.name, []).append(row.title or row.metric)
    return [
        f"{name} has no score in {', '.join(dict.fromkeys(metrics))}: "
        "portrayal evaluate with --metric adds it."
        for name, metrics in lacks.items()
    ]
