"""`portrayal robustness`: how a run holds up on pictures it was not made for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrayal.cli.options import RunData, With

if TYPE_CHECKING:
    from portrayal.reports.robust import Robustness, SetScores

Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=INPUTS[:TRUTHS]",
        help="A folder of inputs, with truths of the same names; without TRUTHS the run's own test "
        "truths are looked through. May be repeated. E.g. --set comics=cartoons:photos",
    ),
]
Photos = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=FOLDER",
        help="Photos that become inputs by the filter of the run's data. May be repeated. "
        "E.g. --photos grey=data/grayscale",
    ),
]
Filters = Annotated[
    str,
    typer.Option(
        help="Filters that make other inputs from the truths: all, none, or names with commas. "
        "E.g. --filters cartoon_poster,pencil"
    ),
]
Damages = Annotated[
    str,
    typer.Option(help="Damage to the inputs: all, none, or names with commas. E.g. --damage noise"),
]
Strengths = Annotated[
    str, typer.Option(help="Of damage, 0 to 1; 0 is always there. E.g. --strengths 0.5,1")
]
Searching = Annotated[
    list[str] | None,
    typer.Option(
        "--search",
        metavar="NAME=VALUE",
        help="Setting of a search; may be repeated. E.g. --search starts=64",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder for the scores, in place of the run. E.g. --out scores"),
]
Pictures = Annotated[
    int | None, typer.Option(min=2, help="Most pictures of every set. E.g. --pictures 50")
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(help="May be repeated; lpips_squeeze, l1 and ssim if not given. E.g. --metric l1"),
]


def robustness(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run. E.g. runs/faces")],
    sets: Sets = None,
    photos: Photos = None,
    filters: Filters = "all",
    damage: Damages = "all",
    strengths: Strengths = "0.25,0.5,0.75,1",
    metric: Metrics = None,
    pictures: Pictures = None,
    split: Annotated[str, typer.Option(help="Split of the run's data. E.g. --split val")] = "test",
    data: RunData = None,
    checkpoint: Annotated[
        str, typer.Option(help="newest, best_METRIC or a step. E.g. --checkpoint best_ssim")
    ] = "newest",
    search: Searching = None,
    out: Out = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps. E.g. --device cpu")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the intervals. E.g. --seed 1")] = 0,
    with_files: With = None,
) -> None:
    """Measure a run on other pictures, other filters and damaged inputs.

    Every set is scored beside its inputs themselves, and against the run's own test pictures. Sets
    that are through are kept in RUN/robustness, so the same command goes on where it stopped. The
    scores are in RUN/robustness.json, the page is RUN/robustness.html; with --out, there. Scores of
    another search (--search) need it.

    Example: portrayal robustness runs/faces --set whitebox=restyled/whitebox --damage none
    """
    from portrayal.cli.progress import bar, warn
    from portrayal.evaluation.robustness.robustness import Wanted
    from portrayal.evaluation.robustness.robustness import robustness as measured
    from portrayal.reports.robust import headline

    wanted = Wanted(
        sets=[set_of(text) for text in sets or ()],
        photos=[(name, Path(place)) for name, place in map(named, photos or ())],
        filters=names(filters),
        damages=names(damage),
        strengths=numbers(strengths),
        metrics=metric,
        pictures=pictures,
        seed=seed,
    )
    found = measured(
        run,
        wanted,
        split=split,
        checkpoint=checkpoint,
        data=data,
        device=device,
        search=search or (),
        out=out,
        bar=bar,
        note=warn,
    )
    show(found)
    typer.echo(headline(found))
    typer.echo(f"Wrote {out or run}/robustness.html: open it in a browser")


def named(text: str) -> tuple[str, str]:
    """`NAME=REST` as (NAME, REST)."""
    from portrayal.core.errors import BadOption

    name, equals, rest = text.partition("=")
    if not (name and equals and rest):
        raise BadOption(f"{text!r} is not NAME=FOLDER, e.g. comics=data/comics/cartoon")
    return name, rest


def set_of(text: str) -> tuple[str, Path, Path | None]:
    """`NAME=INPUTS[:TRUTHS]`; a folder whose name holds a colon is taken as it is."""
    name, rest = named(text)
    inputs, colon, truths = rest.rpartition(":")
    if not (colon and inputs and truths) or Path(rest).is_dir() or len(inputs) == 1:
        return name, Path(rest), None  # one letter and a colon: a drive of Windows
    return name, Path(inputs), Path(truths)


def names(text: str) -> list[str] | None:
    """None for all; commas separate, but a filter's own constants belong to it."""
    if text == "all":
        return None
    found: list[str] = []
    for part in [] if text == "none" else text.split(","):
        if "=" in part and ":" not in part and found:
            found[-1] += f",{part}"
        else:
            found.append(part.strip())
    return found


def numbers(text: str) -> list[float]:
    """Strengths of damage."""
    from portrayal.core.errors import BadOption

    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(0 <= value <= 1 for value in found):
        raise BadOption(f"--strengths {text!r} are not numbers from 0 to 1, e.g. 0.5,1")
    return found


def show(found: "Robustness") -> None:
    """A table of the sets in the metric that ranks them."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from portrayal.reports.results import decimals
    from portrayal.reports.robust import title_of

    metric = found.ranked_by
    scores = [s for each in found.sets for s in each.scores if s.metric == metric]
    caption = f"{title_of(found, metric)}; {found.interval}"
    table = Table(caption=caption, box=box.SIMPLE)
    table.add_column("set", overflow="fold", min_width=12)
    for heading in ("translation", "input itself", "drop"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for each in found.sets:
        table.add_row(*cells(each, metric, min(3, decimals(scores))))  # 80 columns
    Console().print(table)


def cells(found: "SetScores", metric: str, digits: int) -> list[str]:
    """One set as a row."""
    from rich.markup import escape

    from portrayal.reports.robust_page import line

    row = line(found, metric, digits)
    texts = [row.texts[key] for key in ("translation", "input", "drop")]
    return [escape(found.name), *(text.replace(" [", "\n\\[", 1) for text in texts), row.judgement]
