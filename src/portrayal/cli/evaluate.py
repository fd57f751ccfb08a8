"""`portrayal evaluate`: scores of a run, or of two folders of pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrayal.cli.options import With

if TYPE_CHECKING:
    from portrayal.evaluation.evaluate import Scored
    from portrayal.reports.results import Score


Answers = Annotated[
    Path, typer.Argument(metavar="RUN|FAKE", help="A run, or a folder of answers. E.g. runs/a")
]
Truths = Annotated[
    Path | None,
    typer.Argument(metavar="REAL", help="Truths of the same names. E.g. data/test/target"),
]
Inputs = Annotated[
    Path | None,
    typer.Option(
        "--input", help="Inputs of two folders, to compare with. E.g. --input data/test/source"
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(help="May be repeated; l1, psnr and ssim if not given. E.g. --metric ssim"),
]
Data = Annotated[
    Path | None, typer.Option(help="The run's dataset, if it moved. E.g. --data datasets/faces")
]
Out = Annotated[
    Path | None, typer.Option(help="Folder for the scores of two folders. E.g. --out scores")
]
Checkpoint = Annotated[
    str, typer.Option(help="newest, best_METRIC or a step. E.g. --checkpoint best_ssim")
]


def evaluate(
    answers: Answers,
    truths: Truths = None,
    split: Annotated[str, typer.Option(help="Split of the run's data. E.g. --split val")] = "test",
    metric: Metrics = None,
    source: Inputs = None,
    out: Out = None,
    data: Data = None,
    checkpoint: Checkpoint = "newest",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps. E.g. --device cpu")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the intervals. E.g. --seed 1")] = 0,
    with_files: With = None,
) -> None:
    """Score a run, or two folders of pictures with the same names.

    Every score has its 95 % interval and stands beside that of the input itself: a translator must
    beat doing nothing. A run keeps its translations in RUN/translations/SPLIT, its scores in
    RUN/results.json, those of single pictures in RUN/pictures.jsonl, the page in RUN/report.html.

    Examples: portrayal evaluate runs/faces
    portrayal evaluate mine/ data/test/target --input data/test/source --metric ssim
    """
    from portrayal.cli.progress import bar, warn
    from portrayal.core.errors import BadOption
    from portrayal.evaluation.evaluate import Request, evaluate_folders, evaluate_run
    from portrayal.reports.pages import write_report

    request = Request(metric, seed)
    if truths:
        if data or checkpoint != "newest" or split != "test":
            raise BadOption("--data, --checkpoint and --split are for runs, not for two folders.")
        show(evaluate_folders(answers, truths, request, source=source, out=out, bar=bar), out)
        return
    if source or out:
        raise BadOption("--input and --out are for two folders; a run knows its own.")
    scored = evaluate_run(
        answers,
        request,
        split=split,
        checkpoint=checkpoint,
        data=data,
        device=device,
        bar=bar,
        note=warn,
    )
    show(scored, answers)
    page, _ = write_report(answers)
    typer.echo(f"Wrote {page}: open it in a browser")


def show(scored: "Scored", folder: Path | None) -> None:
    """The table of scores, and what they say."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from portrayal.reports.results import standing, verdict

    results = scored.results
    table = Table(caption=f"{results.n} pictures; {results.interval}", box=box.SIMPLE)
    against = any(score.answer == "input" for score in results.scores)
    table.add_column("metric", no_wrap=True)
    for heading in ("translation", *(("input itself", "difference") if against else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    for name in results.metrics():
        found = [score for score in results.scores if score.metric == name]
        table.add_row(*cells(found))
    Console().print(table)
    typer.echo(verdict(results))
    if compared := standing(results):
        typer.echo(compared)
    typer.echo(f"Wrote {folder}/results.json" if folder else "--out FOLDER keeps these scores.")


def cells(found: "list[Score]") -> list[str]:
    """One metric as a row: its name, and each value above its interval."""
    from portrayal.reports.results import decimals, with_interval

    first = found[0]
    unit = f" ({first.unit})" if first.unit else ""
    arrow = "↑" if first.better == "higher" else "↓"
    plain = [score for score in found if score.answer != "difference"]
    texts = [
        with_interval(score, decimals(plain if score in plain else [score])) for score in found
    ]
    stacked = [text.replace(" [", "\n\\[", 1) for text in texts]  # \\[: no markup of rich
    return [f"{first.name}{unit} {arrow}", *stacked]
