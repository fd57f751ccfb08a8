"""`portrayal export`: a run becomes an ONNX file, a page for browsers or a folder for a hub."""

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from portrayal.cli.options import RunData

Run = Annotated[Path, typer.Argument(help="Run folder. E.g. runs/faces")]
To = Annotated[
    Literal["onnx", "browser", "hub"], typer.Option("--to", help="What to write. E.g. --to onnx")
]
Out = Annotated[Path, typer.Option(help="File or folder to write. E.g. --out faces.onnx")]
Precision = Annotated[
    Literal["float32", "float16", "int8"],
    typer.Option(help="Of the ONNX model; its cost is measured. E.g. --precision int8"),
]
Checkpoint = Annotated[
    str, typer.Option(help="newest, best_METRIC or a step. E.g. --checkpoint best_ssim")
]
Reverse = Annotated[
    bool, typer.Option("--reverse", help="The other direction, as ONNX. E.g. --reverse")
]
Licence = Annotated[
    str, typer.Option(help="Of the weights, as people are told. E.g. --licence cc-by-4.0")
]
Runtime = Annotated[
    Path | None,
    typer.Option(help="Folder with onnxruntime-web, instead of npm. E.g. --runtime node_modules"),
]
Tolerance = Annotated[
    float,
    typer.Option(
        min=0, max=1e-4, help="Largest difference from PyTorch (-1..1). E.g. --tolerance 1e-5"
    ),
]


def export(
    run: Run,
    to: To,
    out: Out,
    precision: Precision = "float32",
    checkpoint: Checkpoint = "newest",
    reverse: Reverse = False,
    data: RunData = None,
    licence: Licence = "other",
    runtime: Runtime = None,
    tolerance: Tolerance = 1e-4,
) -> None:
    """Write a run's model as ONNX, as a page for browsers or as a folder for a hub.

    onnx: any number of pictures of any size; compared with PyTorch at five sizes, and nothing is
    written where they differ by more than --tolerance (exit code 1). float16 and int8 say what
    they cost in quality on validation pictures. browser: a folder for any static web server; its
    page translates on the visitor's own machine and uploads nothing. npm fetches onnxruntime-web,
    of one checked version. hub: safetensors, config and a model card with the run's scores;
    portrayal.load reads the folder.

    Examples: portrayal export runs/faces --to onnx --out faces.onnx --precision int8
    portrayal export runs/faces --to browser --out faces-page
    portrayal export runs/faces --to hub --out faces-hub --licence cc-by-4.0
    """
    from portrayal.cli.progress import say, warn
    from portrayal.core.errors import BadOption
    from portrayal.inference.load import load

    if runtime and to != "browser":
        raise BadOption("--runtime is for --to browser.")
    translator = load(run, device="cpu", checkpoint=checkpoint, note=warn)
    if to == "hub":
        from portrayal.export.hub import export_hub

        if precision != "float32" or reverse:
            raise BadOption("--precision and --reverse are not for --to hub, which holds all.")
        export_hub(translator, run, out, licence=licence)
        say(f"Wrote {out}; read {out / 'README.md'} before you publish it.")
        return
    how = partial(checked, reverse=reverse, data=data, tolerance=tolerance, note=say)
    if to == "browser":
        from portrayal.export.browser import export_browser

        how(export_browser, translator, run, out, precision, licence=licence, runtime=runtime)
        size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 1e6
        say(f"Wrote {out}, {size:.1f} MB. To try it: {served(out)}")
        return
    from portrayal.export.onnx import export_onnx

    if out.suffix != ".onnx":
        raise BadOption(f"--out {out} must end in .onnx.")
    how(export_onnx, translator, run, out, precision)
    say(f"Wrote {out}, {precision}, {out.stat().st_size / 1e6:.1f} MB")


def checked(write: Callable[..., float], *told: Any, **more: Any) -> None:
    """Write by that function; exit code 1 where the model differs from PyTorch."""
    from portrayal.cli.progress import say, warn
    from portrayal.export.onnx import Differs

    try:
        off = write(*told, **more)
    except Differs as error:
        warn(str(error))
        raise typer.Exit(1) from None
    say(f"float32 differs from PyTorch by at most {off:.1e} at five sizes")


def served(folder: Path) -> str:
    """A command line that serves the folder on this machine."""
    return f"python3 -m http.server --bind 127.0.0.1 --directory {shlex.quote(str(folder))} 8000"
