"""The options of `portrayal translate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

if TYPE_CHECKING:
    from portrayal.inference.translator import Translator

Run = Annotated[
    Path, Argument(help="Run folder, or user/name[@revision] of a hub. E.g. runs/faces")
]
Input = Annotated[
    str,
    Argument(metavar="INPUT", help="Picture, folder, video, or - for standard input. E.g. photos"),
]
Out = Annotated[
    str, Option(help="Folder, picture or video; - for standard output. E.g. --out painted")
]
Checkpoint = Annotated[
    str, Option(help="newest, best_METRIC or a step. E.g. --checkpoint best_ssim")
]
Resize = Annotated[
    bool,
    Option("--resize", help="Shrink to the training size, enlarge the answer. E.g. --resize"),
]
Suffix = Annotated[
    Literal["png", "jpg", "webp", "keep"],
    Option("--format", help="Of the outputs; keep: that of the input. E.g. --format jpg"),
]
Quality = Annotated[int, Option(min=1, max=100, help="Of JPEG and WebP. E.g. --quality 90")]
Reverse = Annotated[
    bool, Option("--reverse", help="The other way, where a recipe has one. E.g. --reverse")
]
Seed = Annotated[int, Option(min=0, help="Of dropout, where it stays on. E.g. --seed 1")]
Tile = Annotated[int, Option(min=1, help="Longer pictures go in blended tiles. E.g. --tile 512")]
Overlap = Annotated[
    int | None, Option(min=0, help="Of tiles; none: an eighth of one. E.g. --overlap 64")
]
BatchSize = Annotated[
    int | None, Option(min=1, help="Tiles at once; none: the pixels of one. E.g. --batch 8")
]
Device = Annotated[str, Option(help="auto, cpu, cuda, cuda:1, mps. E.g. --device cpu")]
Engine = Annotated[
    str,
    Option(
        help="auto (the quickest exact one), torch, onnx, openvino; inexact: openvino:bf16, "
        "onnx:int8, openvino:int8. E.g. --engine openvino"
    ),
]
Shard = Annotated[str, Option(help="Part I of N, for array jobs. E.g. --shard 1/8")]
Overwrite = Annotated[
    bool, Option("--overwrite", help="Replace also files that are not ours. E.g. --overwrite")
]
KeepExif = Annotated[
    bool, Option("--keep-exif", help="Keep camera data, GPS included. E.g. --keep-exif")
]
Mark = Annotated[bool, Option(help="Mark outputs as generated. E.g. --no-provenance")]
Limit = Annotated[float, Option(min=0, help="Megapixels of a picture. E.g. --limit 200")]
Drawing = Annotated[
    bool,
    Option(
        "--drawing", help="A scan or photo of a drawing: even light, one stroke. E.g. --drawing"
    ),
]
Stroke = Annotated[
    float,
    Option(help="Of --drawing, in 1/256 of the short side; 0: as drawn. E.g. --stroke 2"),
]
ShowInput = Annotated[
    bool,
    Option("--show-input", help="Also write what the network got. E.g. --show-input"),
]
Snapshots = Annotated[
    int,
    Option(min=0, max=1000, help="Of a search, written beside each answer. E.g. --snapshots 4"),
]
Steady = Annotated[
    bool,
    Option("--steady", help="Less flicker, of a video or frames named in order. E.g. --steady"),
]


def refuse_mixed(piped: bool, drawing: bool, stroke: float, show_input: bool) -> None:
    """One line for options that do not go together."""
    from portrayal.core.errors import BadOption

    if piped and show_input:
        raise BadOption("--show-input writes beside the output: it needs INPUT and --out as files.")
    if stroke != 3 and not drawing:
        raise BadOption(f"--stroke {stroke:g} is of drawings: add --drawing.")
    if not (stroke == 0 or 0.5 <= stroke <= 32):
        raise BadOption(f"--stroke is {stroke:g}, but must be 0 (as drawn) or 0.5 to 32.")


def refuse_snapshots(count: int, unfit: bool) -> None:
    """One line where snapshots have no place."""
    from portrayal.core.errors import BadOption

    if count and unfit:
        raise BadOption("--snapshots are of single pictures: not of videos, --steady and pipes.")


def refuse_no_search(translator: "Translator") -> None:
    """One line where a model answers at once."""
    from portrayal.core.errors import BadOption
    from portrayal.inference.snapshots import searches

    if not searches(translator):
        recipe = translator.config["recipe"]
        raise BadOption(f"A {recipe} model answers at once: --snapshots are of a search.")
