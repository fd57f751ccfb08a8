"""Generated run folders, written to the contract of core/runs.py, without training anything."""

import json
import math
from pathlib import Path

import cv2
import numpy as np

from portrayal.core.images import Pixels, encode_png
from portrayal.core.runs import append_line, write_json

COLOURS = {"red": (200, 40, 40), "green": (40, 150, 70), "blue": (50, 80, 190)}


def disc(index: int, size: int = 48) -> tuple[Pixels, Pixels]:
    """Outline and filled disc: (size, size, 3) each."""
    rng = np.random.default_rng(index)
    colour = list(COLOURS.values())[index % 3]
    centre = tuple(int(v) for v in rng.integers(size // 3, 2 * size // 3, 2))
    source, target = (np.full((size, size, 3), 255, np.uint8) for _ in range(2))
    cv2.circle(source, centre, size // 4, (20, 20, 20), 1)
    cv2.circle(target, centre, size // 4, colour, -1)
    return source, target


def between(source: Pixels, target: Pixels, share: float) -> Pixels:
    """A translation that is `share` of the way to the truth."""
    mixed = source.astype(float) * (1 - share) + target.astype(float) * share
    return np.round(mixed).astype(np.uint8)


def save(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels, None))


def make_dataset(folder: Path, counts: dict[str, int], size: int = 48) -> Path:
    start = 0
    for split, count in counts.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        for index in range(start, start + count):
            name = f"disc_{index:03d}"
            source, target = disc(index, size)
            save(folder / split / "source" / f"{name}.png", source)
            save(folder / split / "target" / f"{name}.png", target)
            row = {"name": name, "source_file_name": f"source/{name}.png"}
            row |= {"target_file_name": f"target/{name}.png", "subject": f"person {index // 2}"}
            append_line(folder / split / "metadata.jsonl", row)
        start += count
    manifest = {"format": 1, "kind": "paired", "size": [size, size], "counts": counts}
    manifest |= {"options": {"filter": "cartoon", "size": size, "mode": "crop"}, "version": "0.1.0"}
    manifest |= {"command": f"portrayal prepare folder pictures --out {folder.name}"}
    manifest |= {"rejected": {"damaged": 2, "no face": 5}, "sha256": "ab" * 32}
    write_json(folder / "manifest.json", manifest)
    return folder


def make_run(folder: Path, data: Path, *, rows: int = 120, tested: int = 9, size: int = 48) -> Path:
    """A whole run on the dataset `data`, evaluated."""
    folder.mkdir(parents=True)
    settings = {"epochs": 20.0, "batch": 1, "learning_rate": 2e-4, "betas": [0.5, 0.999]}
    config = {"l1": 100.0, "loss": "vanilla", "generator": "unet_256", "labels": {"real": 1.0}}
    summary = {"path": str(data), "sha256": "ab" * 32, "kind": "paired"} | {"size": [size, size]}
    about = {"format": 1, "version": "0.1.0", "recipe": "pix2pix", "preset": "paper"}
    about |= {"config": config, "settings": settings, "started": "2026-01-02T03:04:05"}
    about |= {"data": summary | {"counts": {"train": 20, "val": 4, "test": tested}}}
    about |= {"command": f"portrayal train pix2pix data --out {folder.name} --set l1=100"}
    write_json(folder / "config.json", about)
    versions = {"versions": {"torch": "2.13.0", "numpy": "2.4"}, "device": "cpu, 2 threads"}
    write_json(folder / "environment.json", {**versions, "commit": "abcdef0", "python": "3.11"})
    write_log(folder, rows)
    for number in (10, 30, 100, 300, 1000, rows * 20):
        share = min(1, 0.2 + math.log10(number) / 4)
        triples = [
            (s, between(s, t, share), t) for s, t in (disc(index, size) for index in range(4))
        ]
        sheet = np.full((4 * (size + 4) - 4, 3 * (size + 4) - 4, 3), 255, np.uint8)
        for row, triple in enumerate(triples):
            for column, picture in enumerate(triple):
                top, left = row * (size + 4), column * (size + 4)
                sheet[top : top + size, left : left + size] = picture
        save(folder / "samples" / f"step_{number:08d}.png", sheet)
    write_weights(folder / "checkpoints" / "weights_00000020")
    best = {"step": rows * 20}
    write_json(folder / "checkpoints" / "best_ssim.json", best)
    write_scores(folder, data, tested, size)
    return folder


def write_log(folder: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    with (folder / "log.jsonl").open("w") as log:
        for index in range(1, rows + 1):
            t, noise = index / rows, rng.normal(size=6)
            row = {"step": 20 * index, "epoch": 20 * t, "seconds": 0.6 * 20 * index}
            row |= {"rate": 2e-4 * min(1, 2 - 2 * t)}
            row |= {"loss_D_real": 0.6 * (1 - t / 2) * math.exp(0.4 * noise[0])}
            row |= {"loss_D_fake": 0.55 * (1 - t / 2) * math.exp(0.4 * noise[1])}
            row |= {"p_real": min(0.99, 0.55 + 0.2 * t + 0.08 * noise[2])}
            row |= {"p_fake": max(0.01, 0.45 - 0.2 * t + 0.08 * noise[3])}
            row |= {"adversarial": 1.2 + t + 0.4 * abs(noise[4])}
            row |= {"l1": (0.08 + 0.25 * math.exp(-4 * t)) * math.exp(0.2 * noise[5])}
            log.write(json.dumps(row) + "\n")
            if index % (rows // 12) == 0:
                ssim = 0.72 - 0.4 * math.exp(-4 * t) - 0.04 * max(0, t - 0.8)
                scores = {"l1": 0.06 + 0.1 * math.exp(-3 * t), "psnr": 14 + 6 * t, "ssim": ssim}
                line = {"step": 20 * index, "epoch": 20 * t, "split": "val"}
                append_line(folder / "scores.jsonl", line | {"scores": scores})


def write_weights(folder: Path) -> None:
    """Only the header of a safetensors file: that is all a report reads."""
    shapes = {"generator.down.weight": [64, 3, 4, 4], "generator.norm.running_mean": [64]}
    shapes |= {"discriminator.first.weight": [64, 6, 4, 4], "average.generator.x": [9]}
    header = {k: {"dtype": "F32", "shape": s, "data_offsets": [0, 0]} for k, s in shapes.items()}
    data = json.dumps(header).encode()
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(len(data).to_bytes(8, "little") + data)


def write_scores(folder: Path, data: Path, tested: int, size: int) -> None:
    names = [f"disc_{index:03d}" for index in range(24, 24 + tested)]
    rng = np.random.default_rng(1)
    for index, name in enumerate(names):
        source, target = disc(24 + index, size)
        made = between(source, target, 0.5 + 0.05 * index)
        save(folder / "translations" / "test" / f"{name}.png", made)
        scores = {"l1": 0.09 - 0.005 * index, "psnr": 17 + index / 2, "ssim": 0.6 + index / 40}
        theirs = {"l1": 0.15, "psnr": 12 + rng.normal(), "ssim": 0.55 + 0.01 * rng.normal()}
        append_line(folder / "pictures.jsonl", {"name": name, "scores": scores, "input": theirs})
    write_json(folder / "results.json", results_of(tested, str(data)))


def results_of(n: int, data: str = "data") -> dict[str, object]:
    """results.json as `portrayal evaluate` writes it."""
    numbers = {
        "l1": ("L1", "lower", "", (0.071, 0.066, 0.076), (0.151, 0.139, 0.163)),
        "psnr": ("PSNR", "higher", "dB", (18.9, 18.3, 19.5), (12.1, 11.5, 12.8)),
        "ssim": ("SSIM", "higher", "", (0.713, 0.694, 0.733), (0.552, 0.531, 0.574)),
    }
    protocols = {
        "l1": "mean absolute difference of RGB in 0..1",
        "psnr": "10 log10 (1 / mean squared error), RGB in 0..1, per picture",
        "ssim": "Wang 2004, 11 x 11 Gaussian, sigma 1.5, border cropped",
    }
    scores = []
    for metric, (title, better, unit, ours, theirs) in numbers.items():
        gap = tuple(a - b for a, b in zip(ours, theirs, strict=True))
        answers = {"translation": ours, "input": theirs, "difference": (gap[0], min(gap), max(gap))}
        for answer, (value, low, high) in answers.items():
            scores.append(
                {"metric": metric, "title": title, "better": better, "unit": unit, "n": n}
                | {"answer": answer, "value": value, "low": low, "high": high}
                | {"protocol": protocols[metric]}
            )
    facts = {"format": 1, "kind": "run", "split": "test", "n": n, "scores": scores, "seed": 0}
    facts |= {"interval": "95 % bootstrap over pictures, 10000 draws, seed 0", "seconds": 12.5}
    facts |= {"data": {"path": data, "sha256": "ab" * 32}, "command": "portrayal evaluate run"}
    facts |= {"model": {"hash": "cd" * 32, "checkpoint": "newest", "step": 2400}}
    return facts | {"version": "0.1.0", "commit": None, "machine": "cpu", "time": "2026-01-02"}
