"""All engines of `translate`, interleaved in one run: 256 x 256, batch 1, medians of whole calls.

    python benchmarks/translate.py                     U-Net 256 and ResNet 9, untrained weights
    python benchmarks/translate.py --run runs/faces    a trained run: also PSNR of each engine

PSNR is against PyTorch in float32. Untrained networks have no training pictures to calibrate on, so
8-bit engines are measured with --run only, or on random pictures for their time.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from portrayal.core.devices import choose_place
from portrayal.core.environment import environment
from portrayal.inference.calibration import quantised, source_of, split_pictures
from portrayal.inference.engines import EXACT, INEXACT
from portrayal.inference.load import load
from portrayal.inference.onnx_graph import onnx_model
from portrayal.inference.runtimes import OWN, OpenVino, open_onnx
from portrayal.networks import networks


def opened(generator: Any, sources: list[Any]) -> dict[str, Any]:
    """Every engine by name."""
    model = onnx_model(generator)
    content = model.SerializeToString()
    lower = quantised(model, sources).SerializeToString()
    eager = torch.inference_mode()(generator)
    return {
        "torch": eager,
        "onnx": open_onnx(content),
        "openvino": OpenVino(content),
        "openvino:bf16": OpenVino(content, bfloat16=True),
        "onnx:int8": open_onnx(lower),
        "openvino:int8": OpenVino(lower),
    }


def compare(name: str, generator: Any, sources: list[Any], rounds: int) -> list[dict[str, Any]]:
    """Medians, ratios round by round against eager, and PSNR of what is made."""
    engines = opened(generator.eval(), sources)
    assert list(engines) == [*EXACT, *INEXACT]
    pictures = [torch.from_numpy(source) for source in sources]
    taken: dict[str, list[float]] = {engine: [] for engine in engines}
    errors: dict[str, list[float]] = {engine: [] for engine in engines}
    for turn in range(OWN + 1 + rounds):
        picture = pictures[turn % len(pictures)]
        answers = {}
        for engine, network in engines.items():
            started = time.perf_counter()
            answers[engine] = network(picture)
            if turn > OWN:
                taken[engine].append(time.perf_counter() - started)
        for engine, answer in answers.items():
            errors[engine].append(float(((answer - answers["torch"]) / 2).square().mean()))
    rows = []
    for engine, seconds in taken.items():
        ratio = statistics.median(a / b for a, b in zip(taken["torch"], seconds, strict=True))
        error = statistics.mean(errors[engine])
        decibels = float(-10 * torch.tensor(max(error, 1e-10)).log10())
        median = 1000 * statistics.median(seconds)
        print(f"{name:12} {engine:14} {median:7.1f} ms  {ratio:5.2f} x eager  {decibels:5.1f} dB")
        rows.append({"network": name, "engine": engine, "seconds": seconds, "ratio": ratio})
        rows[-1]["psnr"] = decibels
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="a trained run with its dataset")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(choose_place("cpu", "float32").describe())
    if options.run:
        translator = load(options.run, device="cpu")
        multiple, recipe = translator.recipe.multiple, translator.recipe
        found = split_pictures(translator, options.run, "val", 16)
        sources = [source_of(picture, multiple) for picture in found]
        rows = compare(options.run.name, recipe.exportable(), sources, options.rounds)  # type: ignore[attr-defined]
    else:
        noise = [(torch.rand(1, 3, 256, 256) * 2 - 1).numpy() for _ in range(4)]
        rows = [
            row
            for name in ("unet_256", "resnet_9")
            for row in compare(name, networks[name](), noise, options.rounds)
        ]
    if options.json:
        facts = {"environment": environment(threads=options.threads), "rows": rows}
        options.json.write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
