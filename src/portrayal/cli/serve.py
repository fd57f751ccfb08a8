"""`portrayal serve`: pages and an API for trained models."""

from portrayal.cli.options import SetSearch
from portrayal.cli.serve_options import (
    BehindProxy,
    Checkpoint,
    Device,
    Engine,
    Host,
    JobSeconds,
    MaxMegabytes,
    MaxMegapixels,
    PerMinute,
    Port,
    Quiet,
    Runs,
    Seconds,
    Waiting,
    Workers,
)


def serve(
    runs: Runs,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    max_megabytes: MaxMegabytes = 10,
    max_megapixels: MaxMegapixels = 24,
    seconds: Seconds = 30,
    job_seconds: JobSeconds = 600,
    workers: Workers = 4,
    waiting: Waiting = 16,
    per_minute: PerMinute = 60,
    engine: Engine = "auto",
    checkpoint: Checkpoint = "newest",
    device: Device = "auto",
    overrides: SetSearch = None,
    behind_proxy: BehindProxy = False,
    quiet: Quiet = False,
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
        find_runs(runs),
        device=device,
        checkpoint=checkpoint,
        engine=engine,
        search=overrides or (),
        note=say,
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
