"""The report: one page, one file, no request to anywhere. Equal files give equal bytes."""

import shlex
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
from portrayal.reports.results import number, standing, verdict
from portrayal.reports.score_tables import questions, section_tables
from portrayal.reports.votes import VoteResults, find_votes, study_votes
from portrayal.reports.votes_plot import people

OMITTED = "Left out: "  # begins a warning about a score that could not be computed


def write_report(
    folder: Path,
    out: Path | None = None,
    metric: str | None = None,
    *,
    study: Path | None = None,
    data: Path | None = None,
) -> tuple[Path, str]:
    """Write the report of a run folder. Returns where it is, and its verdict.

    `study` holds the votes of people; without it those that the run folder holds are shown.
    `data`: where its dataset is, if it moved.
    """
    run = collect(folder, data)
    if metric and run.results and metric not in run.results.metrics():
        raise UnknownName("scored metric", metric, run.results.metrics())
    votes = study_votes(study) if study else find_votes(folder)
    place = out or folder / "report.html"
    write_atomically(place, page(run, metric, votes))
    return place, headline(run)


def page(run: Run, metric: str | None = None, votes: VoteResults | None = None) -> str:
    """The whole page as a string."""
    tables = questions(run)
    rows = [row for table in tables for row in table.rows]
    settings = setting_groups(run)
    warnings = run.results.warnings if run.results else []
    content: dict[str, Any] = {
        "run": run,
        "recipe": _text(run.config.get("recipe")),
        "preset": _text(run.config.get("preset")),
        "data_name": _data_name(run),
        "date": (run.results.time if run.results else _text(run.config.get("started")))[:10],
        "verdict": headline(run),
        "standing": standing(run.results) if run.results else "",
        "tables": tables,
        "has_input": any(table.has_input for table in tables),
        "protocols": list({row.title: row for row in rows if row.protocol}.values()),
        "warnings": [text for text in warnings if not text.startswith(OMITTED)],
        "omitted": [text.removeprefix(OMITTED) for text in warnings if text.startswith(OMITTED)],
        "sections": section_tables(run),
        "people": people(votes, [run.name]) if votes else None,
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
    if run.imported:
        return f"{run.imported} Not scored yet."
    if not run.log:
        return "This run has not logged a step yet."
    last = run.log[-1]
    epoch = f" (epoch {last['epoch']:.1f})" if "epoch" in last else ""
    return f"Not scored yet: training has reached step {last['step']:,.0f}{epoch}."


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
        (
            "Import" if run.imported else "Train",
            run.config.get("command") or run.environment.get("command"),
        ),
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
