"""The pix2pix step at 256 pixels against a plain one, interleaved in one run on whatever is here.

    python benchmarks/train_step.py                      batch 1, and ours at larger batches
    python benchmarks/train_step.py --losses 300         do both learn the same? (minutes)

Plain: the same networks and losses, eager float32, separate passes, torch's default Adam, ordinary
convolutions everywhere. Both are U-Net 256 and PatchGAN 70 of width 64 on random pictures.
Prints seconds as medians with the range, ratios pair by pair, counted FLOPs, and the share of the
device's own convolution peak and copy bandwidth, measured in the same run.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from portrayal.core.devices import Place, choose_place
from portrayal.core.environment import environment
from portrayal.data.batch import Batch
from portrayal.networks import blocks
from portrayal.networks.patchgan import patch_70
from portrayal.networks.unet import unet_256
from portrayal.recipes.pix2pix import Config, Pix2pix
from portrayal.training.settings import Settings

Step = Callable[[Batch], dict[str, Tensor]]
PAPER_STEPS = 6803 * 200  # the first report: 15 hours on an RTX 2070


def plain_step(place: Place, size: int = 256) -> Step:
    """Isola's step as a first reading of the paper would write it."""
    assert size == 256
    generator, discriminator = unet_256().to(place.device), patch_70().to(place.device)
    adam_g = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    adam_d = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
    bce = nn.BCEWithLogitsLoss()

    def step(batch: Batch) -> dict[str, Tensor]:
        fake = generator(batch.source)
        adam_d.zero_grad()
        real_logits = discriminator(torch.cat([batch.source, batch.target], 1))
        fake_logits = discriminator(torch.cat([batch.source, fake.detach()], 1))
        loss_real = bce(real_logits, torch.ones_like(real_logits))
        loss_fake = bce(fake_logits, torch.zeros_like(fake_logits))
        ((loss_real + loss_fake) / 2).backward()
        adam_d.step()
        discriminator.requires_grad_(False)
        adam_g.zero_grad()
        logits = discriminator(torch.cat([batch.source, fake], 1))
        l1 = (fake - batch.target).abs().mean()
        (bce(logits, torch.ones_like(logits)) + 100 * l1).backward()
        adam_g.step()
        discriminator.requires_grad_(True)
        return {"l1": l1.detach(), "loss_D": ((loss_real + loss_fake) / 2).detach()}

    return ordinary_convolutions(step)


def ordinary_convolutions(step: Step) -> Step:
    """The same step without our products of matrices."""

    def with_ordinary(batch: Batch) -> dict[str, Tensor]:
        few, blocks.FEW_POSITIONS = blocks.FEW_POSITIONS, 0
        try:
            return step(batch)
        finally:
            blocks.FEW_POSITIONS = few

    return with_ordinary


def our_step(place: Place) -> Step:
    """One step of `portrayal train pix2pix`, as it chooses for this device."""
    recipe = Pix2pix(Config(), Settings(), place)
    return lambda batch: recipe.step(batch, 0.0)


def pictures(count: int, place: Place, seed: int = 0) -> Batch:
    """Smooth random pairs, fixed by the seed."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 16, 16, generator=rng) * 2 - 1
    source = F.interpolate(coarse, 256, mode="bilinear")
    batch = Batch(source, source.flip(1).contiguous(), ["random"] * count)
    return batch.to(place.device, place.memory_format)


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """Wall time of one call, the device's queue emptied before and after."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def interleaved(works: dict[str, Callable[[], Any]], rounds: int, device: torch.device):
    """Times by name: one warm-up, then A B C A B C ..., so that drift of the machine cancels."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            taken = seconds(work, device)
            if turn:
                times[name].append(taken)
    return times


def flops(step: Step, batch: Batch) -> int:
    """Multiplications and additions of the convolutions and products in one step."""
    with FlopCounterMode(display=False) as counter:
        step(batch)
    return counter.get_total_flops()


def peaks(place: Place, rounds: int) -> dict[str, float]:
    """Best measured GFLOP/s of a large convolution and GB/s of a large copy."""
    device, found = place.device, {}
    count = 64 if device.type == "cuda" else 4
    for dtype in (torch.float32, torch.bfloat16):
        layer = nn.Conv2d(256, 256, 3, padding=1, device=device, dtype=dtype)
        picture = torch.randn(count, 256, 64, 64, device=device, dtype=dtype)
        work = 2 * 9 * 256 * 256 * 64 * 64 * count
        with torch.no_grad():
            best = min(seconds(lambda: layer(picture), device) for _ in range(rounds + 2))  # noqa: B023
        found[f"convolution {dtype}".replace("torch.", "")] = work / best / 1e9
    if device.type == "cuda":
        a = torch.randn(8192, 8192, device=device, dtype=torch.bfloat16)
        best = min(seconds(lambda: a @ a, device) for _ in range(rounds + 2))
        found["matrix bfloat16"] = 2 * 8192**3 / best / 1e9
    block = torch.empty(54_413_955, device=device)
    room = torch.empty_like(block)
    best = min(seconds(lambda: room.copy_(block), device) for _ in range(rounds + 2))
    found["copy GB/s"] = 2 * block.nbytes / best / 1e9
    return found


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def compare_speed(place: Place, rounds: int, batches: list[int]) -> dict[str, Any]:
    """Times and ratios at batch 1, and ours per picture at larger batches."""
    one = pictures(1, place)
    plain, ours = plain_step(Place(place.device)), our_step(place)
    work = flops(plain, one)
    works = {"plain, batch 1": lambda: plain(one), "ours, batch 1": lambda: ours(one)}
    for count in batches:
        batch = pictures(count, place)
        works[f"ours, batch {count}"] = lambda batch=batch: ours(batch)
    times = interleaved(works, rounds, place.device)
    base = times["plain, batch 1"]
    top = peaks(place, rounds)
    print(
        f"one step: {work / 1e9:.1f} GFLOP; peaks: "
        + ", ".join(f"{k} {v:.0f}" for k, v in top.items())
    )
    result: dict[str, Any] = {"gflop": work / 1e9, "peaks": top, "rows": []}
    for name, taken in times.items():
        count = int(name.rsplit(" ", 1)[1])
        ratios = [a / (b / count) for a, b in zip(base, taken, strict=True)]
        rate = work * count / statistics.median(taken) / 1e9
        print(
            f"{name:16} {spread(taken)} s, {spread(ratios)} x plain per picture, {rate:.0f} GFLOP/s"
        )
        result["rows"].append(
            {"name": name, "seconds": taken, "times_plain": ratios, "gflop_per_s": rate}
        )
    best = max(result["rows"], key=lambda row: statistics.median(row["times_plain"]))
    per_picture = statistics.median(base) / statistics.median(best["times_plain"])
    single = statistics.median(times["ours, batch 1"])
    print(
        f"6,803 pairs x 200 epochs: {PAPER_STEPS * single / 3600:.1f} h at batch 1, "
        f"{PAPER_STEPS * per_picture / 3600:.1f} h at the best batch (the report: 15 h)"
    )
    return result


def compare_losses(place: Place, steps: int) -> dict[str, Any]:
    """Mean distance of the L1 curves: ours to plain, beside plain to plain with another seed."""
    curves: dict[str, list[float]] = {}
    for name, seed, build in (
        ("plain, seed 0", 0, lambda: plain_step(Place(place.device))),
        ("plain, seed 1", 1, lambda: plain_step(Place(place.device))),
        ("ours, seed 0", 0, lambda: our_step(place)),
    ):
        torch.manual_seed(seed)
        step, curves[name] = build(), []
        for index in range(steps):
            curves[name].append(float(step(pictures(1, place, index))["l1"]))
        print(
            f"{name}: mean L1 of the last third {statistics.mean(curves[name][-steps // 3 :]):.4f}"
        )
    first, other, ours = curves.values()
    noise = statistics.mean(abs(a - b) for a, b in zip(first, other, strict=True))
    change = statistics.mean(abs(a - b) for a, b in zip(first, ours, strict=True))
    print(f"mean distance of L1: {change:.5f} ours to plain, {noise:.5f} between two seeds")
    return {"steps": steps, "ours_to_plain": change, "seed_to_seed": noise}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batches", type=int, nargs="*", default=[2, 4, 8])
    parser.add_argument("--losses", type=int, default=0, help="compare the losses of so many steps")
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    place = choose_place()
    print(place.describe())
    found = (
        compare_losses(place, options.losses)
        if options.losses
        else compare_speed(place, options.rounds, options.batches)
    )
    if options.json:
        with open(options.json, "w") as file:  # noqa: PTH123
            json.dump({"environment": environment(place=place.describe()), **found}, file, indent=1)


if __name__ == "__main__":
    main()
