"""`portrayal probe`: does a run look where it should, or at a badge in a corner?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrayal.cli.options import RunData

if TYPE_CHECKING:
    from portrayal.reports.results import Section


def probe(
    run: Annotated[Path, typer.Argument(help="Run folder. E.g. runs/faces")],
    split: Annotated[str, typer.Option(help="Whose inputs. E.g. --split val")] = "test",
    pictures: Annotated[
        int, typer.Option(help="How many inputs, spread over the split. E.g. --pictures 40")
    ] = 12,
    badge: Annotated[
        Path | None,
        typer.Option(help="Picture pasted into corners; a smiley if none. E.g. --badge logo.png"),
    ] = None,
    patch: Annotated[
        int | None,
        typer.Option(help="Its side in pixels; none: an eighth of the picture. E.g. --patch 32"),
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help="newest, best_METRIC or a step. E.g. --checkpoint best_ssim")
    ] = "newest",
    data: RunData = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps. E.g. --device cpu")] = "auto",
    seed: Annotated[int, typer.Option(help="Of places and intervals. E.g. --seed 1")] = 0,
) -> None:
    """Look for shortcuts: does a badge in a corner change the whole picture?

    Corners of held-out inputs are covered, and a badge is pasted into them; so are random places
    inside. A corner that changes the rest of the picture far more than those is what the network
    learnt instead of the task. Writes RUN/probe.json and the heat map RUN/probe.png.

    Examples: portrayal probe runs/faces
    portrayal probe runs/faces --badge logo.png --patch 24
    """
    from portrayal.cli.progress import bar, say, warn
    from portrayal.core.images import read_pixels
    from portrayal.evaluation.traps.shortcuts import probe_run

    found = probe_run(
        run,
        split=split,
        count=pictures,
        badge=read_pixels(badge) if badge else None,
        patch=patch,
        checkpoint=checkpoint,
        data=data,
        device=device,
        seed=seed,
        bar=bar,
        note=warn,
    )
    show(found.section)
    for verdict in found.verdicts:
        say(verdict)
    say(f"Heat map: {run / 'probe.png'}   all numbers: {run / 'probe.json'}")


def show(section: "Section") -> None:
    """The table: place, change in levels, and how many times that of other places."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(caption=section.note, box=box.SIMPLE)
    for heading in ("patch", "place", "change elsewhere", "times anywhere else", ""):
        table.add_column(heading, no_wrap=True)
    for patch, place, *numbers, word in section.rows:
        table.add_row(
            str(patch), str(place), interval(numbers[:3]), interval(numbers[3:]), str(word)
        )
    Console().print(table)


def interval(cells: "list[str | float | None]") -> str:
    """`0.34 [0.21, 0.46]`, without bounds where there are none."""
    value, low, high = (f"{cell:.2f}" if isinstance(cell, float) else "" for cell in cells)
    return f"{value} \\[{low}, {high}]" if low and high else value
