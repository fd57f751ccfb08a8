"""`portrayal study`: let people judge pictures without knowing whose they are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrayal.cli.study_options import (
    BestBy,
    Checks,
    Consent,
    Data,
    Device,
    Folders,
    Input,
    Items,
    Kind,
    Levels,
    Out,
    Practice,
    Question,
    Real,
    Reference,
    Runs,
    Seconds,
    Seed,
    ShowInput,
    ShowReference,
    Size,
    Split,
    Title,
    Trials,
    Ways,
    refuse_mixed,
)

if TYPE_CHECKING:
    from portrayal.evaluation.study.material import Material

app = typer.Typer(
    help="Let people judge pictures blindly: make, serve and count a study.\n\n"
    "Example: portrayal study create study --runs runs/a --runs runs/b",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
)


@app.command()
def create(
    out: Out,
    runs: Runs = None,
    folders: Folders = None,
    kind: Kind = "choice",
    best_by: BestBy = None,
    split: Split = "test",
    ways: Ways = None,
    items: Items = None,
    trials: Trials = None,
    practice: Practice = 2,
    checks: Checks = 3,
    show_input: ShowInput = False,
    show_reference: ShowReference = False,
    seconds: Seconds = None,
    size: Size = None,
    input: Input = None,
    reference: Reference = None,
    real: Real = None,
    data: Data = None,
    question: Question = None,
    title: Title = "Looking at pictures",
    consent: Consent = None,
    levels: Levels = "not at all,a little,somewhat,mostly,completely",
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Make a study folder of runs or of folders of pictures.

    Pictures get blinded names; names, sides and order are drawn from the seed and balanced.
    key.json says whose is whose: it is never served, keep it to yourself.

    Example: portrayal study create study --runs runs/a --runs runs/b --best-by l1
    """
    from portrayal.cli.progress import bar, warn
    from portrayal.evaluation.study.create import CONSENT, Wanted
    from portrayal.evaluation.study.create import create as created
    from portrayal.evaluation.study.material import of_folders

    refuse_mixed(runs, folders, input, reference, real)
    if folders:
        material = of_folders(folders, input=input, reference=reference, real=real)
    else:
        material = material_of_runs(runs or [], best_by, split, data, device)
    wanted = Wanted(
        kind=kind,
        ways=ways,
        items=items,
        trials=trials,
        practice=practice,
        checks=checks,
        show_input=show_input or input is not None,
        show_reference=show_reference or reference is not None,
        seconds=seconds,
        size=size,
        question=question,
        title=title,
        consent=read_consent(consent) if consent else CONSENT,
        levels=tuple(part.strip() for part in levels.split(",") if part.strip()),
        seed=seed,
    )
    made = created(out, material, wanted, bar=bar, note=warn)
    each = made.trials + practice + checks
    typer.echo(
        f"{len(material.models)} models, {len(made.of('scored'))} motifs, {each} trials each"
    )
    typer.echo(f"Wrote {out}. Next: portrayal study serve {out}")


@app.command()
def serve(
    study: Annotated[Path, typer.Argument(help="Study folder. E.g. studies/faces")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all. E.g. --host 0.0.0.0")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 = a free one. E.g. --port 80")
    ] = 8600,
    voters: Annotated[int, typer.Option(min=1, help="At most. E.g. --voters 200")] = 10_000,
) -> None:
    """Serve a study: people join by its link and vote in their browser.

    Votes go to STUDY/votes.sqlite, on the disk before they are acknowledged. No address is stored
    or logged. Stop with Ctrl-C and start again at any time: nothing is lost.

    Example: portrayal study serve studies/faces
    """
    from portrayal.cli.progress import say
    from portrayal.core.errors import MissingPart

    try:
        from portrayal.web.shell import serve as listen
        from portrayal.web.study import study_app
    except ModuleNotFoundError as error:
        raise MissingPart(
            f"{error.name} is not installed. Get it with: pip install 'portrayal[web]'"
        ) from None

    served = study_app(study, most=voters)
    listen(served, host, port, lambda url: say(f"Send people to {url} (Ctrl-C stops)"))


@app.command()
def results(
    study: Annotated[
        Path, typer.Argument(help="Study folder, or a CSV of votes. E.g. studies/faces")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder; STUDY/results if not given. E.g. --out results")
    ] = None,
    allow: Annotated[
        int, typer.Option(min=0, help="Failed checks a voter may have. E.g. --allow 1")
    ] = 0,
    into_runs: Annotated[
        bool, typer.Option("--into-runs", help="Into their reports, too. E.g. --into-runs")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the intervals. E.g. --seed 1")] = 0,
) -> None:
    """Count the votes: shares, strengths, which differences hold, agreement.

    Voters who failed more than --allow checks are left out, and it is said. Writes votes.html,
    which opens offline, votes.svg, votes.json, scores.csv and votes.csv. A CSV has the columns
    voter and chosen, and if known votes (a count) and item.

    Example: portrayal study results studies/faces
    """
    from portrayal.cli.progress import warn
    from portrayal.cli.votes import show
    from portrayal.core.runs import write_json
    from portrayal.evaluation.study.polls import read_poll, votes_csv
    from portrayal.evaluation.study.results import count
    from portrayal.reports.votes_page import write_votes

    poll = read_poll(study)
    found = count(poll, allow=allow, seed=seed)
    place = out or (study / "results" if study.is_dir() else study.with_suffix(""))
    page = write_votes(place, found, votes_csv(poll))
    show(found)
    if into_runs:
        for run in runs_of(study):
            if not run.is_dir():
                warn(f"{run} is gone and gets no votes.")
                continue
            write_json(run / "votes.json", found.model_dump(mode="json"))
            typer.echo(f"Wrote {run / 'votes.json'}: portrayal report {run} shows it")
    typer.echo(f"Wrote {page}: open it in a browser")


def material_of_runs(
    runs: list[Path], best_by: str | None, split: str, data: Path | None, device: str
) -> "Material":
    """Translations of a split by each run, at the checkpoint that is best if asked for."""
    from portrayal.cli.progress import warn
    from portrayal.evaluation.study.material import of_runs

    checkpoint = f"best_{best_by}" if best_by else "newest"
    return of_runs(runs, checkpoint=checkpoint, split=split, data=data, device=device, note=warn)


def read_consent(path: Path) -> str:
    """The text people agree to."""
    from portrayal.core.errors import BadData

    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path} cannot be read as text: {error}.") from None
    if not text:
        raise BadData(f"{path} is empty: people cannot agree to nothing.")
    return text


def runs_of(study: Path) -> list[Path]:
    """The runs a study was made of."""
    from portrayal.core.errors import BadOption
    from portrayal.evaluation.study.plan import read_key

    facts = read_key(study)["facts"].values() if study.is_dir() else ()
    runs = [Path(each["run"]) for each in facts if "run" in each]
    if not runs:
        raise BadOption("--into-runs needs a study that was made of --runs.")
    return runs
