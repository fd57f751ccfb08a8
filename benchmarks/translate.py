"""All engines of `translate`, interleaved in one run: 256 x 256, batch 1, medians of whole calls.

    python benchmarks/translate.py                            U-Net 256, ResNet 9, untrained
    python benchmarks/translate.py --run runs/faces --pictures datasets/faces/test --keep 0 1 2 3
    python benchmarks/translate.py --folder 300               pictures per second of a whole folder

PSNR is against PyTorch in float32, of whole pictures. With --run the pictures are held out (a split
with source/ and target/), 8 bits are calibrated on training pictures as `translate` does it, and
the change of SSIM and LPIPS to the truth is printed with its 95 % interval. --keep N also tries N
convolutions in float at either end. Ratios are taken round by round, so that drift cancels.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from portrayal.core.devices import choose_place
from portrayal.core.environment import environment
from portrayal.core.images import encode_png, find_pictures, pixels_of, read_pixels, unit_of
from portrayal.export.onnx import rounded
from portrayal.inference.calibration import PICTURES, outer, quantised, source_of, split_pictures
from portrayal.inference.engines import EXACT, INEXACT, LARGE, WIDE
from portrayal.inference.jobs import find_jobs
from portrayal.inference.load import load
from portrayal.inference.onnx_graph import onnx_model
from portrayal.inference.quantising import convolutions
from portrayal.inference.runtimes import OWN, OpenVino, open_onnx
from portrayal.inference.streams import translate_files
from portrayal.inference.translator import Translator
from portrayal.metrics import metrics
from portrayal.metrics.statistics import bootstrap_mean
from portrayal.networks import networks

Engines = dict[str, Callable[[torch.Tensor], torch.Tensor]]


def smooth(count: int, size: int, seed: int = 0) -> list[Any]:
    """Smooth random pictures with a little grain: (1, 3, size, size) signed."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 16, 16, generator=rng) * 1.8 - 0.9
    grain = torch.randn(count, 3, size, size, generator=rng) * 0.02
    made = (F.interpolate(coarse, size, mode="bicubic") + grain).clamp(-1, 1)
    return [picture[None].numpy() for picture in made]


def opened(
    generator: Any, multiple: int, calibration: list[Any], names: list[str], keep: list[int]
) -> Engines:
    """The engines of those names; 8 bits once more for each number of layers kept in float."""
    model = onnx_model(generator, multiple=multiple)
    wide = WIDE if min(calibration[0].shape[2:]) >= LARGE else None  # as the engines do it
    content = onnx_model(generator, multiple=multiple, winograd=wide).SerializeToString()
    plain = model.SerializeToString()
    every = {
        "torch": lambda: torch.inference_mode()(generator),
        "onnx": lambda: open_onnx(content),
        "openvino": lambda: OpenVino(content),
        "openvino:bf16": lambda: OpenVino(plain, bfloat16=True),
    }
    engines: Engines = {name: every[name]() for name in every if name in names}
    layers = convolutions(model)
    ends = {f", keep {n}": layers[:n] + layers[len(layers) - n :] for n in keep}
    for label, kept in {"": outer(model), **ends}.items():
        if not any(name.endswith("int8") for name in names):
            break
        lower = quantised(model, calibration, kept).SerializeToString()
        if "onnx:int8" in names and not label:
            engines["onnx:int8"] = open_onnx(lower)
        if "openvino:int8" in names:
            engines[f"openvino:int8{label}"] = OpenVino(lower, bfloat16=True)
    return engines


def times_of(engines: Engines, sources: list[torch.Tensor], rounds: int) -> dict[str, list[float]]:
    """Seconds of every engine in every round, A B C A B C, after all have settled.

    Each answers once unmeasured in its turn: the threads of the engine before it still spin.
    """
    taken: dict[str, list[float]] = {name: [] for name in engines}
    for turn in range(OWN + 1 + rounds):
        for name, network in engines.items():
            network(sources[turn % len(sources)])
            started = time.perf_counter()
            network(sources[turn % len(sources)])
            if turn > OWN:
                taken[name].append(time.perf_counter() - started)
    return taken


def scores(metric: str, answers: list[torch.Tensor], truths: list[torch.Tensor]) -> list[float]:
    """The metric of each answer, in 256 steps, to its truth."""
    measure = metrics[metric]
    return [float(measure(rounded(a), t)) for a, t in zip(answers, truths, strict=True)]


def quality_of(
    engines: Engines, sources: list[torch.Tensor], truths: list[torch.Tensor], names: list[str]
) -> dict[str, dict[str, Any]]:
    """PSNR against float32 and the change of each metric to the truth, by engine."""
    exact = [engines["torch"](source) for source in sources]
    base = {name: scores(name, exact, truths) for name in names}
    found: dict[str, dict[str, Any]] = {}
    for engine, network in engines.items():
        answers = [network(source) for source in sources]
        errors = [float(((a - b) / 2).square().mean()) for a, b in zip(answers, exact, strict=True)]
        found[engine] = {"psnr": float(-10 * np.log10(max(statistics.mean(errors), 1e-10)))}
        for name in names:
            changes = np.subtract(scores(name, answers, truths), base[name])
            change = bootstrap_mean(changes)
            found[engine][name] = [change.value, change.low, change.high]
            found[engine][f"{name} by picture"] = changes.tolist()
    print(
        f"{len(sources)} pictures; PyTorch to the truth:",
        *(f"{n} {np.mean(base[n]):.4f}" for n in base),
    )
    return found


def compare(
    title: str,
    engines: Engines,
    sources: list[Any],
    truths: list[Any],
    options: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Print and return one row per engine."""
    pictures = [torch.from_numpy(source) for source in sources]
    real = [(torch.from_numpy(truth) + 1) / 2 for truth in truths]
    taken = times_of(engines, pictures, options.rounds)
    quality = quality_of(engines, pictures, real, options.metrics if truths else [])
    rows = []
    for name, seconds in taken.items():
        ratios = [a / b for a, b in zip(taken["torch"], seconds, strict=True)]
        row = {"network": title, "engine": name, "seconds": seconds, "ratios": ratios}
        rows.append({**row, **quality[name]})
        milliseconds = [1000 * second for second in seconds]
        print(
            f"{title:10} {name:22} {spread(milliseconds, 1)} ms  {spread(ratios, 2)} x eager  "
            f"{quality[name]['psnr']:5.1f} dB"
            + "".join(
                f"  {m} {quality[name][m][0]:+.4f} ({quality[name][m][1]:+.4f} to "
                f"{quality[name][m][2]:+.4f})"
                for m in (options.metrics if truths else [])
            ),
            flush=True,
        )
    exact = [row for row in rows if row["engine"] in EXACT]
    best = min(exact, key=lambda row: statistics.median(row["seconds"]))
    ratio = statistics.median(best["ratios"])
    print(f"{title:10} auto takes {best['engine']}: {ratio:.2f} x eager")
    return rows


def spread(values: list[float], digits: int) -> str:
    """Median with the range of its middle half."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:7.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def folder_rate(
    name: str, network: Any, multiple: int, pictures: list[Any], options: argparse.Namespace
) -> dict[str, Any]:
    """Pictures per second of `translate` on a folder, and of its engine alone, turn by turn."""
    recipe: Any = SimpleNamespace(multiple=multiple, translate=lambda source, **_: network(source))
    about = {"files": {"weights.safetensors": "0" * 64}}
    translator = Translator(recipe, {"recipe": "pix2pix", "config": {}, "data": {}}, about)
    turns, rates = 4, []
    each = options.folder // turns
    batches = {1: 1, options.batch: options.batch}
    with tempfile.TemporaryDirectory() as place:
        for turn in range(turns + 1):  # the first warms up
            source, out = Path(place) / f"in{turn}", Path(place) / f"out{turn}"
            source.mkdir()
            for index in range(each if turn else 2 * options.batch * OWN):
                pixels = pixels_of(unit_of(torch.from_numpy(pictures[index % len(pictures)][0])))
                (source / f"{index:05d}.png").write_bytes(encode_png(pixels))
            started = time.perf_counter()
            done = sum(
                o.kind == "done" for o in translate_files(translator, find_jobs(source, out))
            )
            rate = {"folder": done / (time.perf_counter() - started)}
            for batch in batches:
                group = torch.from_numpy(np.concatenate(pictures * batch)[:batch])
                started, count = time.perf_counter(), 0
                while count < (each if turn else OWN * batch):
                    network(group)
                    count += batch
                rate[f"batch {batch}"] = count / (time.perf_counter() - started)
            rates += [rate] if turn else []
    parts = [r["folder"] / max(v for k, v in r.items() if k != "folder") for r in rates]
    medians = {key: statistics.median(r[key] for r in rates) for key in rates[0]}
    print(
        f"{name}: "
        + ", ".join(f"{key} {value:.1f}/s" for key, value in medians.items())
        + f"; share of the engine's own best rate {spread(parts, 2)}",
        flush=True,
    )
    return {"name": name, "rates": rates}


def of_run(options: argparse.Namespace) -> tuple[str, Any, list[Any], list[Any], list[Any], int]:
    """Name, generator, calibration, sources, truths and multiple of a trained run."""
    translator = load(options.run, device="cpu")
    recipe: Any = translator.recipe
    found = split_pictures(translator, options.run, "train", PICTURES, data=options.data)
    calibration = [source_of(picture, recipe.multiple) for picture in found]
    sides: list[list[Any]] = []
    for side in ("source", "target"):
        place = options.pictures / side
        paths = list(find_pictures(place)) if place.is_dir() else []
        paths = paths[options.skip : options.skip + options.count]
        sides.append([source_of(read_pixels(path), recipe.multiple) for path in paths])
    if not sides[0]:
        raise SystemExit(f"{options.pictures}/source holds no pictures.")
    generator = recipe.exportable().eval()
    return options.run.name, generator, calibration, *sides, recipe.multiple  # type: ignore[return-value]


def untrained(name: str, options: argparse.Namespace) -> tuple[Any, ...]:
    """The same of a network with fresh weights."""
    pictures = smooth(4, options.size)
    multiple = int(name.partition("_")[2]) if name.startswith("unet") else 4
    return name, networks[name]().eval(), pictures, pictures, [], multiple


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--networks", nargs="*", default=["unet_256", "resnet_9"])
    add("--engines", nargs="*", default=[*EXACT, *INEXACT], choices=[*EXACT, *INEXACT])
    add("--keep", nargs="*", type=int, default=[], help="also with so many kept in float, each end")
    add("--run", type=Path, help="a trained run, instead of the networks")
    add("--data", type=Path, help="its dataset, where it moved")
    add("--pictures", type=Path, help="held-out pictures: a folder with source/ and target/")
    add("--count", type=int, default=32, help="how many of them")
    add("--skip", type=int, default=0, help="the first so many, if a method was chosen on them")
    add("--metrics", nargs="*", default=["ssim", "lpips_squeeze"], help="against the truth")
    add("--folder", type=int, default=0, help="rate of a folder of so many pictures instead")
    add("--batch", type=int, default=16, help="of the engine alone, beside 1")
    add("--size", type=int, default=256)
    add("--rounds", type=int, default=15)
    add("--threads", type=int, default=torch.get_num_threads())
    add("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    torch.set_num_threads(options.threads)
    print(choose_place("cpu", "float32").describe(), f"{options.threads} threads")
    rows: list[Any] = []
    if options.run:
        options.pictures = options.pictures or (options.data or Path()) / "test"
    for each in [of_run(options)] if options.run else [untrained(n, options) for n in options.networks]:  # fmt: skip  # noqa: E501
        name, generator, calibration, sources, truths, multiple = each
        wanted = ["torch", *options.engines] if not options.folder else options.engines
        engines = opened(generator, multiple, calibration, wanted, options.keep)
        if options.folder:
            for engine, network in engines.items():
                title = f"{name} {engine}"
                rows.append(folder_rate(title, network, multiple, sources, options))
        else:
            rows += compare(name, engines, sources, truths, options)
    if options.json:
        facts = {"environment": environment(threads=options.threads), "rows": rows}
        options.json.write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
