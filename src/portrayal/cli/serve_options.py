"""The options of `portrayal serve`."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

Kind = Literal["auto", "torch", "onnx", "openvino", "openvino:bf16", "onnx:int8", "openvino:int8"]
Runs = Annotated[list[Path], Argument(help="Run folders, or folders of runs. E.g. runs")]
Host = Annotated[str, Option(help="Address to listen on; 0.0.0.0 for all. E.g. --host 0.0.0.0")]
Port = Annotated[int, Option(min=0, max=65535, help="0 = a free one. E.g. --port 80")]
MaxMegabytes = Annotated[float, Option(min=0.001, help="Of a request. E.g. --max-megabytes 20")]
MaxMegapixels = Annotated[float, Option(min=0.001, help="Of a picture. E.g. --max-megapixels 50")]
Seconds = Annotated[float, Option(min=0.1, help="For one answer, in work. E.g. --seconds 60")]
JobSeconds = Annotated[float, Option(min=0.1, help="For a job or a batch. E.g. --job-seconds 60")]
Workers = Annotated[int, Option(min=1, max=64, help="Pictures in work at once. E.g. --workers 2")]
Waiting = Annotated[int, Option(min=0, help="Pictures that may wait. E.g. --waiting 4")]
PerMinute = Annotated[int, Option(min=0, help="Pictures per address; 0 = any. E.g. --per-minute 0")]
Engine = Annotated[Kind, Option(help="auto = the quickest exact one. E.g. --engine torch")]
Checkpoint = Annotated[
    str, Option(help="newest, best_METRIC or a step. E.g. --checkpoint best_ssim")
]
Device = Annotated[str, Option(help="auto, cpu, cuda. E.g. --device cpu")]
BehindProxy = Annotated[
    bool, Option("--behind-proxy", help="Trust X-Forwarded-For. E.g. --behind-proxy")
]
Quiet = Annotated[bool, Option("--quiet", help="No line per request. E.g. --quiet")]
