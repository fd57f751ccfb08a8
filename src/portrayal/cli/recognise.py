"""`portrayal recognise`: train a small recogniser on real pictures, for scores of translations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrayal.core.errors import BadOption

if TYPE_CHECKING:
    from portrayal.evaluation.recognition.recogniser import Recogniser

Data = Annotated[Path, typer.Argument(help="Dataset folder. E.g. datasets/faces")]
Out = Annotated[Path, typer.Option(help="File to write. E.g. --out class.safetensors")]
Column = Annotated[
    str | None, typer.Option(help="Column of metadata.jsonl to recognise. E.g. --column class")
]
Labels = Annotated[
    bool, typer.Option("--labels", help="Recognise the class of every pixel. E.g. --labels")
]
Bins = Annotated[
    int | None, typer.Option(help="Cut a column of numbers into as many classes. E.g. --bins 3")
]
Network = Annotated[
    str | None,
    typer.Option(help="segmenter, classifier, or one from --with. E.g. --network classifier"),
]
Width = Annotated[int | None, typer.Option(help="Channels of its first layer. E.g. --width 16")]


def recognise(
    data: Data,
    out: Out,
    column: Column = None,
    labels: Labels = False,
    bins: Bins = None,
    steps: Annotated[int, typer.Option(help="Updates. E.g. --steps 1000")] = 300,
    batch: Annotated[int, typer.Option(help="Pictures per step. E.g. --batch 32")] = 8,
    size: Annotated[int, typer.Option(help="Longest side it sees. E.g. --size 256")] = 128,
    width: Width = None,
    network: Network = None,
    seed: Annotated[int, typer.Option(help="Fixes order and weights. E.g. --seed 1")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps. E.g. --device cpu")] = "auto",
) -> None:
    """Train a small recogniser on the real target pictures of a dataset.

    It learns a column (class, gender, glasses, ...) or, with --labels, the class of every pixel
    from SPLIT/labels/NAME.png; generated shapes need no such files. It is trained on train, its
    accuracy on val is printed and kept in the file. About a minute; Ctrl-C leaves no file behind.

    Examples: portrayal recognise data/shapes --column class --out class.safetensors
    portrayal recognise data/shapes --labels --out maps.safetensors
    """
    if labels == (column is not None):
        raise BadOption("Say what to recognise: either --column NAME or --labels.")
    if labels and bins is not None:
        raise BadOption("--bins cuts a column of numbers; class maps of --labels have none.")
    if out.suffix != ".safetensors":
        raise BadOption(f"--out {out} must end in .safetensors.")
    from portrayal.cli.progress import bar, say
    from portrayal.evaluation.recognition.lessons import Plan
    from portrayal.evaluation.recognition.recogniser import save_recogniser
    from portrayal.evaluation.recognition.training import train_recogniser

    plan = Plan(steps, batch, size, width, network, seed=seed, device=device)
    recogniser = train_recogniser(data, column, plan, bins=bins, bar=bar)
    save_recogniser(out, recogniser)
    say(outcome(recogniser))
    say(f"Wrote {out}")


def outcome(recogniser: "Recogniser") -> str:
    """What was learned, and how well it is recognised in pictures that were not learned from."""
    about, score = recogniser.about, recogniser.about.held_out
    assert score is not None
    bounds = "" if score.low is None else f" [{score.low:.3f}, {score.high:.3f}]"
    iou = "" if score.class_iou is None else f", class IoU {score.class_iou:.3f}"
    lines = [
        f"Learned {len(about.classes)} classes from {about.pictures} real pictures: "
        f"{', '.join(about.classes)}",
        f"On {score.n} held-out pictures (val): {score.score} {score.value:.3f}{bounds}{iou}; "
        f"guessing the commonest class: {score.chance:.3f}",
    ]
    if score.low is not None and score.low <= score.chance:
        lines.append("It is no better than guessing: do not score translations with it.")
    return "\n".join(lines)
