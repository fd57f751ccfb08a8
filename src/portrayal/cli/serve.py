"""`portrayal serve`: pages and an API for trained models."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Engine = Literal["auto", "torch", "onnx", "openvino", "openvino:bf16", "onnx:int8", "openvino:int8"]
Runs = Annotated[list[Path], typer.Argument(help="Run folders, or folders of runs. E.g. runs")]


def serve(
    runs: Runs,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all. E.g. --host 0.0.0.0")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 = a free one. E.g. --port 80")
    ] = 8000,
    max_megabytes: Annotated[
        float, typer.Option(min=0.001, help="Of a request. E.g. --max-megabytes 20")
    ] = 10,
    max_megapixels: Annotated[
        float, typer.Option(min=0.001, help="Of a picture. E.g. --max-megapixels 50")
    ] = 24,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="For one answer, in work. E.g. --seconds 60")
    ] = 30,
    job_seconds: Annotated[
        float, typer.Option(min=0.1, help="For a job or a batch. E.g. --job-seconds 60")
    ] = 600,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Pictures in work at once. E.g. --workers 2")
    ] = 4,
    waiting: Annotated[
        int, typer.Option(min=0, help="Pictures that may wait. E.g. --waiting 4")
    ] = 16,
    per_minute: Annotated[
        int, typer.Option(min=0, help="Pictures per address; 0 = any. E.g. --per-minute 0")
    ] = 60,
    engine: Annotated[
        Engine, typer.Option(help="auto = the quickest exact one. E.g. --engine torch")
    ] = "auto",
    checkpoint: Annotated[
        str, typer.Option(help="newest, best_METRIC or a step. E.g. --checkpoint best_ssim")
    ] = "newest",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda. E.g. --device cpu")] = "auto",
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Trust X-Forwarded-For. E.g. --behind-proxy")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="No line per request. E.g. --quiet")
    ] = False,
) -> None:
    """Serve trained models: a page to translate pictures, the runs, and an API.

    Uploads stay in memory and leave no trace; answers carry no EXIF or GPS and say that they are
    generated. Only this machine is listened to, unless --host says otherwise. The API is described
    at /api. Stop with Ctrl-C.

    Example: portrayal serve runs/faces
    """
    from portrayal.cli.progress import say
    from portrayal.core.errors import MissingPart

    try:
        from portrayal.web.app import serving_app
        from portrayal.web.guards import LOCAL
        from portrayal.web.limits import Limits
        from portrayal.web.models import find_runs, load_models
        from portrayal.web.shell import serve as listen
    except ModuleNotFoundError as error:
        raise MissingPart(
            f"{error.name} is not installed. Get it with: pip install 'portrayal[web]'"
        ) from None

    limits = Limits(
        megabytes=max_megabytes,
        megapixels=max_megapixels,
        seconds=seconds,
        job_seconds=job_seconds,
        workers=workers,
        waiting=waiting,
        per_minute=per_minute,
    )
    models = load_models(
        find_runs(runs), device=device, checkpoint=checkpoint, engine=engine, note=say
    )
    here_only = host in LOCAL and not behind_proxy
    app = serving_app(
        runs,
        models,
        limits,
        hosts=LOCAL if here_only else None,
        behind_proxy=behind_proxy,
        note=None if quiet else say,
    )
    try:
        listen(app, host, port, lambda url: say(f"Open {url} (Ctrl-C stops)"))
    finally:
        app.state.line.close()
