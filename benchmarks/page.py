"""What `portrayal serve` adds to a translation: POST of a 256 x 256 picture less the model's time.

    python benchmarks/page.py                  a model that answers at once
    python benchmarks/page.py --run runs/faces a trained one, by the engine that `serve` takes

A real server on a real socket, one client in the same process, one connection. Each round sends a
picture and gives the same pixels to the same model in this process; their difference is the
overhead of that round. Where it goes is what the server's own Server-Timing header says; http is
the rest. The goal of the median is 10 ms.
"""

import argparse
import http.client
import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from portrayal.core.environment import environment
from portrayal.core.images import Pixels, encode, read_pixels
from portrayal.inference.translator import Translator
from portrayal.web.app import serving_app
from portrayal.web.connections import server_of
from portrayal.web.limits import Limits
from portrayal.web.models import Model, load_models
from portrayal.web.shell import listening_on

KINDS = {"png": "image/png", "jpeg": "image/jpeg"}


def at_once() -> Model:
    """A model whose answer is its input."""
    recipe: Any = SimpleNamespace(multiple=4, translate=lambda source, **_: source)
    about = {"files": {"weights.safetensors": "0" * 64}}
    forward = Translator(recipe, {"recipe": "pix2pix", "config": {}, "data": {}}, about)
    return Model("identity", forward, None, False, None, False, 0, threading.Lock())


def picture(size: int) -> Pixels:
    """A smooth picture with a little grain, which compresses like a photo."""
    y, x = np.mgrid[:size, :size] / size
    waves = np.stack([np.sin(7 * x + 3 * y), np.cos(5 * y - 2 * x), np.sin(9 * x * y)], 2)
    grain = np.random.default_rng(0).normal(0, 2, waves.shape)
    return np.clip(127.5 + 90 * waves + grain, 0, 255).astype(np.uint8)


def posted(client: http.client.HTTPConnection, content: bytes, kind: str) -> dict[str, float]:
    """Milliseconds of one request, and of its parts as the server saw them."""
    started = time.perf_counter()
    client.request("POST", f"/api/translate?format={kind}", content, {"content-type": KINDS[kind]})
    answer = client.getresponse()
    body = answer.read()
    whole = 1000 * (time.perf_counter() - started)
    if answer.status != 200:
        raise SystemExit(f"{answer.status}: {body.decode()}")
    parts = dict(part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
    inside = {name: float(value) for name, value in parts.items()}
    return {"whole": whole, **inside, "http": whole - sum(inside.values())}


def rounds(model: Model, address: tuple[str, int], options: argparse.Namespace) -> dict[str, Any]:
    """Lists of milliseconds, one of each kind per round."""
    client = http.client.HTTPConnection(*address)
    pixels = picture(options.size)
    content = encode(pixels, ".png" if options.format == "png" else ".jpg")
    pixels, how = read_pixels(content), model.how()
    rows: list[dict[str, float]] = []
    for turn in range(options.rounds + 10):  # the first settle engines and threads
        row = posted(client, content, options.format)
        started = time.perf_counter()
        model.forward.translate(pixels, how)
        row["alone"] = 1000 * (time.perf_counter() - started)
        row["overhead"] = row["whole"] - row["alone"]
        rows += [row] if turn >= 10 else []
    return {name: [row[name] for row in rows] for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--run", type=Path, help="a trained run; a model that answers at once if not given")
    add("--size", type=int, default=256)
    add("--format", choices=[*KINDS], default="png")
    add("--rounds", type=int, default=200)
    add("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    made = load_models({"run": options.run}) if options.run else {"identity": at_once()}
    limits = Limits(per_minute=1_000_000)
    app = serving_app([options.run] if options.run else [], made, limits)
    listening = listening_on("127.0.0.1", 0)  # as `serve` does
    server = server_of(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    found = rounds(next(iter(made.values())), listening.getsockname(), options)
    for name, values in found.items():
        low, middle, high = np.percentile(values, [25, 50, 95])
        print(f"{name:10} p50 {middle:7.2f} ms   p25 {low:7.2f}   p95 {high:7.2f}")
    if options.json:
        options.json.write_text(json.dumps({"environment": environment(), "rounds": found}))
    server.should_exit = True
    thread.join(10)
    app.state.line.close()


if __name__ == "__main__":
    main()
