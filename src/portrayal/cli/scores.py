"""The tables that `portrayal evaluate` prints."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from portrayal.evaluation.evaluate import Scored
    from portrayal.reports.results import Answer, Question, Results, Score, Section

LONGEST = 40  # rows of a table in the terminal
HEADINGS: "dict[Answer, str]" = {
    "translation": "translation",
    "input": "input itself",
    "difference": "difference",
}
HEADINGS |= {"real": "real"}
QUESTIONS: "dict[Question, str]" = {
    "fidelity": "Fidelity: is it like its truth?",
    "content": "Content: did it keep what its input shows?",
    "known": "Known half: did it draw its input again, beside its answer?",
    "domain": "Domain: as a set, is it like the real pictures?",
}


def show(scored: "Scored", folder: Path | None) -> None:
    """Warnings, a table per question, those beside them, and what they say."""
    from rich.console import Console

    from portrayal.cli.progress import warn
    from portrayal.reports.results import standing, verdict

    results, console = scored.results, Console()
    for warning in results.warnings:
        warn(warning)
    several = len({score.question for score in results.scores}) > 1
    for question, title in QUESTIONS.items():
        if table := question_table(results, question):
            table.title = title if several else None
            console.print(table)
    for section in results.sections:
        console.print(section_table(section))
    typer.echo(f"{results.n} pictures; {results.interval}")
    typer.echo(verdict(results))
    if compared := standing(results):
        typer.echo(compared)
    typer.echo(f"Wrote {folder}/results.json" if folder else "--out FOLDER keeps these scores.")


def question_table(results: "Results", question: "Question") -> "Table | None":
    """The scores that answer one question; None if there are none."""
    from rich import box
    from rich.table import Table

    scores = [score for score in results.scores if score.question == question]
    if not scores:
        return None
    answers = [answer for answer in HEADINGS if any(s.answer == answer for s in scores)]
    table = Table(box=box.SIMPLE, title_justify="left")
    table.add_column("metric", overflow="fold")
    for answer in answers:
        table.add_column(HEADINGS[answer], justify="right", no_wrap=True)
    for name in dict.fromkeys(score.metric for score in scores):
        found = {score.answer: score for score in scores if score.metric == name}
        table.add_row(*cells([found.get(answer) for answer in answers]))
    return table


def cells(found: "list[Score | None]") -> list[str]:
    """One metric as a row: its name, and each value above its interval."""
    from rich.markup import escape

    from portrayal.reports.results import decimals, with_interval

    there = [score for score in found if score]
    first = there[0]
    unit = f" ({first.unit})" if first.unit else ""
    arrow = "↑" if first.better == "higher" else "↓"
    plain = [score for score in there if score.answer != "difference"]
    texts = [
        with_interval(score, decimals(plain if score in plain else [score])) if score else "–"
        for score in found
    ]
    few = min(there, key=lambda score: score.n)
    counted = f"\n[dim]{few.n:,} of {few.n + few.missing:,}[/dim]" if few.missing else ""
    return [f"{escape(first.name + unit)} {arrow}{counted}", *(stacked(text) for text in texts)]


def section_table(section: "Section") -> "Table":
    """A table of its own, with its note below; a long one only begins here."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from portrayal.reports.score_tables import printed

    head, numeric, rows = printed(section)
    more = len(rows) - LONGEST
    note = section.note if more <= 0 else f"{more} more rows in the report. {section.note}"
    table = Table(box=box.SIMPLE, title=section.title, title_justify="left")
    table.caption, table.caption_justify = escape(note), "left"
    for heading, right in zip(head, numeric, strict=True):
        table.add_column(escape(heading), justify="right" if right else "left", overflow="fold")
    for row in rows[:LONGEST]:
        table.add_row(*(stacked(cell) for cell in row))
    return table


def stacked(text: str) -> str:
    """A value above its interval, safe from rich's markup."""
    from rich.markup import escape

    value, bracket, bounds = text.partition(" [")
    if not bracket or not bounds.endswith("]"):
        return escape(text)
    return f"{escape(value)}\n\\[{bounds}"
