"""`portrayal report`: the files of a run -> one page that opens offline."""

from pathlib import Path
from typing import Annotated

import typer

from portrayal.cli.options import MovedData, require_dataset


def report(
    run: Annotated[Path, typer.Argument(help="Run folder, finished or not. E.g. runs/faces")],
    out: Annotated[
        Path | None, typer.Option(help="File; RUN/report.html if not given. E.g. --out page.html")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="That ranks best and worst; SSIM if scored. E.g. --metric l1"),
    ] = None,
    data: MovedData = None,
    study: Annotated[
        Path | None,
        typer.Option(help="Study of people, to be shown too. E.g. --study studies/faces"),
    ] = None,
) -> None:
    """Write a run's report: one HTML file that opens offline.

    It reads files only: a run in progress can be looked at, and what is missing is named. Equal
    files give equal bytes. Votes of people stand in it if portrayal study results put them into
    the run, or with --study.

    Example: portrayal report runs/faces --study studies/faces
    """
    from portrayal.reports.pages import write_report

    require_dataset(data)
    place, verdict = write_report(run, out, metric, study=study, data=data)
    typer.echo(verdict)
    typer.echo(f"Wrote {place} ({place.stat().st_size / 1e6:.1f} MB)")
