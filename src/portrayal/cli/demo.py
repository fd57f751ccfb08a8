"""`portrayal demo`: the main job end to end on generated shapes, with the commands shown."""

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

PICTURES = {"count": "1200", "size": "64", "seed": "0"}  # of `prepare shapes`
PRESET = "quick_64"
TRAINING = {"steps": "900", "learning_rate": "5e-4"}  # `train --set`; for two minutes on two cores
METRICS = ("l1", "psnr", "ssim", "class_colour")
GOAL = 0.9  # share of held-out outlines that come out filled with the colour of their class


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for the data and the run. E.g. --out demo")
    ] = Path("demo"),
) -> None:
    """Run the whole way once on generated shapes: about two minutes on two cores.

    Draws outlines of five classes of things, trains pix2pix to colour them, scores held-out ones
    and writes a report. Every command is shown, ready to be used on pictures of your own. Stopped
    half-way, the same command goes on where it was.

    Example: portrayal demo --out demo
    """
    started = time.monotonic()
    perform(commands(out, PICTURES, TRAINING))
    typer.echo(f"\n{summary(out)}\nAll of it took {time.monotonic() - started:.0f} s.")


def commands(
    out: Path, pictures: Mapping[str, str], training: Mapping[str, str]
) -> list[list[str]]:
    """The three command lines of the main job, as words after `portrayal`."""
    data, run = str(out / "data"), str(out / "run")
    drawn = [word for name, value in pictures.items() for word in (f"--{name}", value)]
    chosen = [word for name, value in training.items() for word in ("--set", f"{name}={value}")]
    return [
        ["prepare", "shapes", *drawn, "--out", data],
        ["train", "pix2pix", data, "--out", run, "--preset", PRESET, *chosen],
        ["evaluate", run, *(word for name in METRICS for word in ("--metric", name))],
    ]


def perform(
    lines: Sequence[Sequence[str]], run: Callable[[Sequence[str]], int] | None = None
) -> None:
    """Show and run command lines in order; the first that fails ends it with its exit code."""
    from portrayal.cli import answer

    for words in lines:
        typer.secho(f"\n$ portrayal {shlex.join(words)}", bold=True)
        with typed(words):
            if code := (run or answer)(words):
                raise typer.Exit(code)


@contextmanager
def typed(words: Sequence[str]) -> Iterator[None]:
    """Let runs and reports record the command as a person would have typed it."""
    before = sys.argv
    sys.argv = [before[0], *words]
    try:
        yield
    finally:
        sys.argv = before


def summary(out: Path) -> str:
    """The number that the demo is about, and where to look."""
    from portrayal.core.runs import read_json

    scores: list[dict[str, Any]] = read_json(out / "run" / "results.json")["scores"]
    found = {score["answer"]: score for score in scores if score["metric"] == "class_colour"}
    score = found["translation"]
    reached = "" if score["value"] >= GOAL else f" (expected: at least {GOAL:.0%})"
    return (
        f"{score['value']:.1%} of {score['n']} held-out outlines came out filled with the colour "
        f"of their class, 95 % interval {score['low']:.1%} to {score['high']:.1%}{reached}.\n"
        f"Report: {out / 'run' / 'report.html'}"
    )
