"""`portrayal export`: a run becomes an ONNX file or a folder for a hub."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Run = Annotated[Path, typer.Argument(help="Run folder. E.g. runs/faces")]
To = Annotated[Literal["onnx", "hub"], typer.Option("--to", help="What to write. E.g. --to onnx")]
Out = Annotated[Path, typer.Option(help="File or folder to write. E.g. --out faces.onnx")]
Precision = Annotated[
    Literal["float32", "float16", "int8"],
    typer.Option(help="Of an ONNX file; its cost is measured. E.g. --precision int8"),
]
Checkpoint = Annotated[
    str, typer.Option(help="newest, best_METRIC or a step. E.g. --checkpoint best_ssim")
]
Reverse = Annotated[
    bool, typer.Option("--reverse", help="The other direction, as ONNX. E.g. --reverse")
]
Data = Annotated[
    Path | None, typer.Option(help="The run's dataset, if it moved. E.g. --data datasets/faces")
]
Licence = Annotated[
    str, typer.Option(help="Of the weights, in the model card. E.g. --licence cc-by-4.0")
]


def export(
    run: Run,
    to: To,
    out: Out,
    precision: Precision = "float32",
    checkpoint: Checkpoint = "newest",
    reverse: Reverse = False,
    data: Data = None,
    licence: Licence = "other",
) -> None:
    """Write a run's model as an ONNX file or as a folder for a hub.

    onnx: any number of pictures of any size; compared with PyTorch at five sizes, and nothing is
    written where they differ by more than 1e-4 (exit code 1). float16 and int8 say what they cost
    in quality on validation pictures. hub: safetensors, config and a model card with the run's
    scores; portrayal.load reads the folder.

    Examples: portrayal export runs/faces --to onnx --out faces.onnx --precision int8
    portrayal export runs/faces --to hub --out faces-hub --licence cc-by-4.0
    """
    from portrayal.cli.progress import say, warn
    from portrayal.core.errors import BadOption
    from portrayal.inference.load import load

    translator = load(run, device="cpu", checkpoint=checkpoint, note=warn)
    if to == "hub":
        from portrayal.export.hub import export_hub

        if precision != "float32" or reverse:
            raise BadOption("--precision and --reverse are for --to onnx; a hub folder holds all.")
        export_hub(translator, run, out, licence=licence)
        say(f"Wrote {out}; read {out / 'README.md'} before you publish it.")
        return
    from portrayal.export.onnx import Differs, export_onnx

    if out.suffix != ".onnx":
        raise BadOption(f"--out {out} must end in .onnx.")
    try:
        off = export_onnx(translator, run, out, precision, reverse=reverse, data=data, note=say)
    except Differs as error:
        warn(str(error))
        raise typer.Exit(1) from None
    size = out.stat().st_size / 1e6
    say(f"float32 differs from PyTorch by at most {off:.1e} at five sizes")
    say(f"Wrote {out}, {precision}, {size:.1f} MB")
