"""`portrayal evaluate`: scores of a run, or of two folders of pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrayal.cli.options import RunData, SetSearch, With

if TYPE_CHECKING:
    from portrayal.evaluation.evaluate import Scored


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
    typer.Option(help="May be repeated; usual ones if not given. E.g. --metric ssim --metric kid"),
]
Full = Annotated[bool, typer.Option("--full", help="All whose weights are here. E.g. --full")]
Features = Annotated[
    str | None,
    typer.Option(help="Network of KID, FID, 1-NN ...; the first found. E.g. --features resnet34"),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        help="Column to compare groups of, or skin_tone; may be repeated. E.g. --by gender"
    ),
]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--table",
        help="leak, memorisation, discriminator, history (its training), verification, skin, "
        "sift or floor; may be repeated. E.g. --table leak",
    ),
]
RecogniserFile = Annotated[
    Path | None, typer.Option(help="Recogniser to ask, too. E.g. --recogniser pose.safetensors")
]
Unpaired = Annotated[
    bool, typer.Option("--unpaired", help="Names differ: compare sets only. E.g. --unpaired")
]
Reverse = Annotated[
    bool, typer.Option("--reverse", help="Score the way back, target to source. E.g. --reverse")
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the scores: of two folders, or of a run's other search or checkpoint. "
        "E.g. --out scores"
    ),
]
Checkpoint = Annotated[
    str, typer.Option(help="newest, best_METRIC or a step. E.g. --checkpoint best_ssim")
]


def evaluate(
    answers: Answers,
    truths: Truths = None,
    split: Annotated[str, typer.Option(help="Split of the run's data. E.g. --split val")] = "test",
    metric: Metrics = None,
    full: Full = False,
    features: Features = None,
    by: By = None,
    table: Tables = None,
    recogniser: RecogniserFile = None,
    source: Inputs = None,
    unpaired: Unpaired = False,
    out: Out = None,
    data: RunData = None,
    checkpoint: Checkpoint = "newest",
    reverse: Reverse = False,
    overrides: SetSearch = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps. E.g. --device cpu")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the intervals. E.g. --seed 1")] = 0,
    with_files: With = None,
) -> None:
    """Score a run, or two folders of pictures with the same names.

    Three questions: fidelity (like its truth?), content (did it keep what its input shows?) and
    domain (as a set, like the real pictures?). Every score has its 95 % interval where there is a
    valid one, and stands beside that of the input itself: a translator must beat doing nothing. A
    run keeps its translations in RUN/translations/SPLIT, its scores in RUN/results.json, those of
    single pictures in RUN/pictures.jsonl, the page in RUN/report.html. With --set a model that
    searches is scored by another search, with --out: all of this goes there, for `compare` too.

    Examples: portrayal evaluate runs/faces --full --by gender
    portrayal evaluate mine/ data/test/target --input data/test/source --metric ssim --metric kid
    """
    from portrayal.cli.progress import bar, warn
    from portrayal.cli.scores import show
    from portrayal.core.errors import BadOption
    from portrayal.evaluation.evaluate import Request, evaluate_folders, evaluate_run

    more = {"by": by or (), "tables": table or (), "recogniser": recogniser}
    request = Request(metric, seed, full=full, features=features, **more)  # type: ignore[arg-type]
    if truths:
        if data or reverse or overrides or checkpoint != "newest" or split != "test":
            raise BadOption(
                "--data, --checkpoint, --reverse, --set and --split are for runs, not for two "
                "folders."
            )
        pairs = {"source": source, "paired": not unpaired, "out": out}
        show(evaluate_folders(answers, truths, request, **pairs, bar=bar), out)  # type: ignore[arg-type]
        return
    if source or unpaired:
        raise BadOption("--input and --unpaired are for two folders; a run knows its own.")
    scored = evaluate_run(
        answers,
        request,
        split=split,
        checkpoint=checkpoint,
        data=data,
        reverse=reverse,
        device=device,
        search=overrides or (),
        out=out,
        bar=bar,
        note=warn,
    )
    report(scored, out or answers)


def report(scored: "Scored", run: Path) -> None:
    """The table, and the page beside it."""
    from portrayal.cli.scores import show
    from portrayal.reports.pages import write_report

    show(scored, run)
    page, _ = write_report(run)
    typer.echo(f"Wrote {page}: open it in a browser")
