"""`portrayal compare`: scored runs beside each other, in one table and one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrayal.cli.options import MovedData, With, require_dataset

if TYPE_CHECKING:
    from rich.table import Table

    from portrayal.reports.comparison import Comparison, Cost, Row

FIRST, OTHERS = 24, 18  # characters of a table's first column, and of a model's

Metrics = Annotated[
    list[str] | None,
    typer.Option(help="Only these; may be repeated. E.g. --metric ssim --metric lpips"),
]


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Two or more runs. E.g. runs/a runs/b")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for page and numbers. E.g. --out comparison")
    ] = Path("comparison"),
    metric: Metrics = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Score runs that are not yet. E.g. --evaluate")
    ] = False,
    shared_only: Annotated[
        bool,
        typer.Option("--shared-only", help="Only pictures all runs have. E.g. --shared-only"),
    ] = False,
    cost: Annotated[
        bool, typer.Option(help="Count operations, time a translation. E.g. --no-cost")
    ] = True,
    device: Annotated[str, typer.Option(help="Of the timing. E.g. --device cpu")] = "auto",
    seed: Annotated[int, typer.Option(help="Of tests and intervals. E.g. --seed 1")] = 0,
    data: MovedData = None,
    study: Annotated[
        Path | None,
        typer.Option(help="Study of people, to be shown too. E.g. --study studies/faces"),
    ] = None,
    with_files: With = None,
) -> None:
    """Compare scored runs: one table, one page, and which differences hold.

    All pairs of models are tested on the same pictures in every metric (sign flips of paired
    differences), corrected for the number of tests (Holm). Runs scored on different pictures are
    refused. Writes comparison.html, which opens offline, comparison.json and comparison.csv.

    Example: portrayal compare runs/l1 runs/gan runs/both --out comparison
    """
    from portrayal.cli.progress import bar, warn
    from portrayal.evaluation.comparison.compare import Plan
    from portrayal.evaluation.comparison.compare import compare as compared
    from portrayal.reports.comparison_page import write_comparison
    from portrayal.reports.votes import study_votes

    require_dataset(data)
    votes = study_votes(study) if study else None
    if evaluate:
        evaluate_missing(runs, metric, device, data)
    measure = (lambda run: cost_of_run(run, device)) if cost else None
    comparison = compared(runs, Plan(metric, shared_only, seed), cost=measure, bar=bar)
    for text in comparison.warnings:
        warn(text)
    comparison = comparison.model_copy(update={"votes": votes})
    page = write_comparison(out, comparison, data)
    show(comparison)
    if votes:
        from portrayal.reports.votes_words import headline

        typer.echo(f"People: {headline(votes)}")
    typer.echo(f"Wrote {page}: open it in a browser")


def evaluate_missing(
    runs: list[Path], metric: list[str] | None, device: str, data: Path | None
) -> None:
    """Score the runs that have no scores on the test split."""
    from portrayal.cli.progress import bar, say, warn
    from portrayal.evaluation.evaluate import Request, evaluate_run

    for run in runs:
        if not (run / "results.json").exists():
            say(f"Evaluating {run}")
            evaluate_run(run, Request(metric), data=data, device=device, bar=bar, note=warn)


def cost_of_run(run: Path, device: str) -> "Cost":
    """What a run's model costs; a model that cannot be loaded costs nobody knows what."""
    from portrayal.cli.progress import warn
    from portrayal.core.errors import UserError
    from portrayal.evaluation.comparison.cost import cost_of, model_scored
    from portrayal.reports.comparison import Cost

    try:
        return cost_of(model_scored(run, device=device, note=warn))
    except UserError as error:
        warn(f"The cost of {run} is not known: {error}")
        return Cost()


def show(comparison: "Comparison") -> None:
    """Metrics down, models across, each value above its interval; as many models as fit beside."""
    from rich.console import Console

    from portrayal.reports.comparison import verdict

    console = Console()
    names = [model.name for model in comparison.models]
    each = max(1, (console.width - FIRST) // OTHERS)
    blocks = [names[first : first + each] for first in range(0, len(names), each)]
    for block in blocks:
        console.print(table_of(comparison, block))
    console.print(
        f"{len(comparison.names)} pictures; models that share a letter are not told apart by "
        f"{comparison.test}",
        style="dim",
        markup=False,
        highlight=False,
    )
    for model in comparison.models:
        if model.search:
            typer.echo(f"{model.name}: searched with {model.search}")
    typer.echo(verdict(comparison))


def table_of(comparison: "Comparison", names: list[str]) -> "Table":
    """All metrics of these models."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from portrayal.reports.comparison import QUESTIONS

    table = Table(box=box.SIMPLE)
    table.add_column("metric", overflow="fold", min_width=16)
    for name in names:
        table.add_column(escape(name), justify="right", no_wrap=True)
    for question, (title, _) in QUESTIONS.items():
        rows = comparison.of(question)
        if rows:
            table.add_row(f"[bold]{title}[/bold]")
        for row in rows:
            table.add_row(*cells(row, names))
    return table


def cells(row: "Row", names: list[str]) -> list[str]:
    """One metric: its name, and each model's value with letters above the interval."""
    from rich.markup import escape

    from portrayal.reports.results import with_interval

    arrow = "↑" if row.better == "higher" else "↓"
    texts = []
    for name in names:
        score = row.cells.get(name)
        if score is None:
            texts.append("not scored")
            continue
        value, _, interval = with_interval(score, row.digits).partition(" ")
        texts.append(f"{value} {row.letters.get(name, '')}".rstrip() + f"\n{escape(interval)}")
    return [f"{escape(row.name)} {arrow}", *texts]
