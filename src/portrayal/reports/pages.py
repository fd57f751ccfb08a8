"""The report: one page, one file, no request to anywhere. Equal files give equal bytes."""

import shlex
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from portrayal.core.errors import UnknownName
from portrayal.core.runs import write_atomically
from portrayal.reports.collect import Run, collect
from portrayal.reports.curves import training_charts, validation_charts, window_text
from portrayal.reports.facts import data_facts, environment_facts, run_costs, setting_groups
from portrayal.reports.gallery import film, groups
from portrayal.reports.results import (
    Score,
    comparison,
    decimals,
    number,
    standing,
    verdict,
    with_interval,
)


@dataclass(frozen=True)
class Whisker:
    """A mean and its interval in percent of the row's own axis."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TableRow:
    """One metric: the translator's score, the input's, and their difference."""

    title: str
    better: str
    protocol: str
    n: int
    texts: dict[str, str] = field(default_factory=dict)
    whiskers: dict[str, Whisker] = field(default_factory=dict)
    judgement: str = ""
    reason: str = ""
    tone: str = ""  # good, bad or empty


def write_report(
    folder: Path, out: Path | None = None, metric: str | None = None
) -> tuple[Path, str]:
    """Write the report of a run folder. Returns where it is, and its verdict."""
    run = collect(folder)
    if metric and run.results and metric not in run.results.metrics():
        raise UnknownName("scored metric", metric, run.results.metrics())
    place = out or folder / "report.html"
    write_atomically(place, page(run, metric))
    return place, headline(run)


def page(run: Run, metric: str | None = None) -> str:
    """The whole page as a string."""
    table = score_table(run)
    settings = setting_groups(run)
    content: dict[str, Any] = {
        "run": run,
        "recipe": _text(run.config.get("recipe")),
        "preset": _text(run.config.get("preset")),
        "data_name": _data_name(run),
        "date": (run.results.time if run.results else _text(run.config.get("started")))[:10],
        "verdict": headline(run),
        "standing": standing(run.results) if run.results else "",
        "table": table,
        "has_input": any("input" in row.texts for row in table),
        "protocols": any(row.protocol for row in table),
        "groups": groups(run, metric),
        "film": film(run),
        "validation": validation_charts(run),
        "validated": validated(run),
        "training": training_charts(run),
        "window": window_text(run),
        "settings": settings,
        "marked": any(fact.changed for _, facts in settings for fact in facts),
        "data": data_facts(run),
        "environment": environment_facts(run),
        "costs": run_costs(run),
        "commands": commands(run),
    }
    return templates().get_template("report.html").render(**content, gaps=run.gaps)


def headline(run: Run) -> str:
    """The verdict, or how far the run is."""
    if run.results:
        return verdict(run.results)
    if not run.log:
        return "This run has not logged a step yet."
    last = run.log[-1]
    epoch = f" (epoch {last['epoch']:.1f})" if "epoch" in last else ""
    return f"Not scored yet: training has reached step {last['step']:,.0f}{epoch}."


def score_table(run: Run) -> list[TableRow]:
    """Scores for reading: texts with equal digits, and whiskers on a shared axis per metric."""
    if run.results is None:
        return []
    rows = []
    for metric in run.results.metrics():
        found = {s.answer: s for s in run.results.scores if s.metric == metric}
        first = found.get("translation") or next(iter(found.values()))
        judgement, _, reason = comparison(run.results, metric).partition(", ")
        pair = [score for score in found.values() if score.answer != "difference"]
        digits = {"difference": decimals([s for s in found.values() if s not in pair])}
        shared = decimals(pair)
        texts = {
            str(answer): with_interval(score, digits[answer] if score not in pair else shared)
            for answer, score in found.items()
        }
        rows.append(
            TableRow(
                f"{first.name}{f' ({first.unit})' if first.unit else ''}",
                first.better,
                first.protocol,
                first.n,
                texts,
                whiskers(pair),
                judgement,
                reason,
                {"better": "good", "worse": "bad"}.get(judgement.split(" ")[0], ""),
            )
        )
    return rows


def whiskers(scores: list[Score]) -> dict[str, Whisker]:
    """Translation and input on one axis that holds both intervals; empty if one is infinite."""
    values = [v for s in scores for v in (s.value, s.low, s.high)]
    known = [v for v in values if v is not None]
    if len(known) < len(values) or not known:
        return {}
    low, high = min(known), max(known)
    span = (high - low) or 1.0

    def share(value: float | None) -> float:
        return round(6 + 88 * ((value or 0.0) - low) / span, 2)

    return {s.answer: Whisker(share(s.value), share(s.low), share(s.high)) for s in scores}


def validated(run: Run) -> str:
    """How many pictures the validation scores stand on."""
    data, settings = run.config.get("data"), run.config.get("settings")
    known = data.get("counts") if isinstance(data, dict) else None
    there = known.get("val") if isinstance(known, dict) else None
    most = settings.get("validate_pictures") if isinstance(settings, dict) else None
    if not isinstance(there, int):
        return ""
    return f"{min(there, most) if isinstance(most, int) else there:,} validation pictures"


def commands(run: Run) -> list[tuple[str, str]]:
    """What was typed to get here."""
    typed = [
        ("Prepare", run.manifest.get("command")),
        ("Train", run.config.get("command") or run.environment.get("command")),
        ("Evaluate", run.results.command if run.results else None),
    ]
    shown = [(title, _text(command)) for title, command in typed if _text(command)]
    return [*shown, ("Report", f"portrayal report {shlex.quote(run.name)}")] if shown else []


def _data_name(run: Run) -> str:
    data = run.config.get("data")
    path = data.get("path") if isinstance(data, dict) else None
    return Path(path).name if isinstance(path, str) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


@cache
def templates() -> jinja2.Environment:
    """The templates of all pages."""
    folder = files("portrayal.reports") / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,  # names of pictures come from strangers
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["grouped"] = lambda value: f"{value:,.0f}"
    environment.filters["number"] = number
    return environment
