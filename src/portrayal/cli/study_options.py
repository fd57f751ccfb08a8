"""The options of `portrayal study create`."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

Out = Annotated[Path, Argument(help="Folder of the study. E.g. studies/faces")]
Kind = Annotated[
    Literal["choice", "real_or_fake", "rating"], Option(help="E.g. --kind real_or_fake")
]
Runs = Annotated[
    list[Path] | None, Option(help="A run; repeat it. E.g. --runs runs/a --runs runs/b")
]
Folders = Annotated[
    list[Path] | None,
    Option(help="A folder of pictures; repeat it. E.g. --folders a --folders b"),
]
BestBy = Annotated[
    str | None,
    Option(help="Each run's best checkpoint by this validation score. E.g. --best-by l1"),
]
Ways = Annotated[int | None, Option(min=2, help="Pictures per choice; all models. E.g. --ways 2")]
Items = Annotated[int | None, Option(min=1, help="Motifs, drawn; all of them. E.g. --items 50")]
Trials = Annotated[
    int | None, Option(min=1, help="Votes per person; one per motif. E.g. --trials 40")
]
Seconds = Annotated[float | None, Option(help="Pictures are shown no longer. E.g. --seconds 1")]
Size = Annotated[int | None, Option(min=8, help="Longer side, pixels. E.g. --size 256")]
Input = Annotated[Path | None, Option(help="Inputs, of --folders. E.g. --input sketches")]
Reference = Annotated[
    Path | None, Option(help="Reference pictures, of --folders. E.g. --reference photos")
]
Real = Annotated[Path | None, Option(help="Real pictures, of --folders. E.g. --real photos")]
Data = Annotated[
    Path | None, Option(help="Dataset of the runs, if it moved. E.g. --data datasets/faces")
]
Consent = Annotated[
    Path | None, Option(help="Text file to agree to; a plain one. E.g. --consent consent.txt")
]
Practice = Annotated[int, Option(min=0, help="Trials that do not count. E.g. --practice 0")]
Checks = Annotated[int, Option(min=0, help="Trials with a plain answer. E.g. --checks 0")]
ShowInput = Annotated[bool, Option("--show-input", help="Beside the others. E.g. --show-input")]
ShowReference = Annotated[
    bool, Option("--show-reference", help="Truth or --reference. E.g. --show-reference")
]
Question = Annotated[str | None, Option(help='Other words. E.g. --question "Which is sharper?"')]
Title = Annotated[str, Option(help='Of the pages. E.g. --title "Faces"')]
Levels = Annotated[str, Option(help="Of a rating, lowest first. E.g. --levels bad,fair,good")]
Split = Annotated[str, Option(help="Of the runs' dataset. E.g. --split val")]
Device = Annotated[str, Option(help="For the runs. E.g. --device cpu")]
Seed = Annotated[int, Option(help="Of names, sides and order. E.g. --seed 1")]


def refuse_mixed(runs: list[Path] | None, folders: list[Path] | None, *beside: Path | None) -> None:
    """One line for options that do not go together; `beside` are folders of inputs and the like."""
    from portrayal.core.errors import BadOption

    if bool(runs) == bool(folders):
        raise BadOption("A study is made of --runs or of --folders; give one of them, repeated.")
    if runs and any(beside):
        raise BadOption("--input, --reference and --real are for --folders; runs have theirs.")
