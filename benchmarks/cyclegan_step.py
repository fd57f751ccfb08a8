"""The CycleGAN step at 128 pixels against a plain one, interleaved in one run on whatever is here.

    python benchmarks/cyclegan_step.py                   batch 1, and ours at larger batches
    python benchmarks/cyclegan_step.py --losses 100      do both learn the same? (minutes)

Plain: the same networks and losses, eager float32, separate passes, torch's own InstanceNorm,
reflection and Adam. Both are two ResNets of nine blocks and two PatchGANs 70 of width 64, LSGAN,
cycle 10, identity 5 and pools of 50, on random pictures. Prints seconds as medians with the range,
ratios pair by pair, and counted FLOPs. `--compile` adds the same step with torch.compile.
"""

import argparse
import itertools
import json
import random
import statistics
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from train_step import Step, flops, interleaved, spread

from portrayal.core.devices import Place, choose_place
from portrayal.core.environment import environment
from portrayal.data.batch import Batch
from portrayal.networks.blocks import InstanceNorm
from portrayal.networks.patchgan import patch_70
from portrayal.networks.resnet import Reflect, resnet_9
from portrayal.recipes.cyclegan import BASE, CycleGAN
from portrayal.training.settings import Settings

SIZE = 128


def ordinary(module: nn.Module) -> nn.Module:
    """The same network of torch's own layers."""
    for name, child in module.named_children():
        if isinstance(child, InstanceNorm):
            setattr(module, name, nn.InstanceNorm2d(child.num_features))
        elif isinstance(child, Reflect):
            setattr(module, name, nn.ReflectionPad2d(child.padding))
        else:
            ordinary(child)
    return module


def plain_pool(capacity: int = 50):
    """The paper's pool, for batches of one."""
    stored: list[Tensor] = []

    def exchange(fake: Tensor) -> Tensor:
        fake = fake.detach()
        if len(stored) < capacity:
            stored.append(fake)
            return fake
        if random.random() < 0.5:
            return fake
        index = random.randrange(capacity)
        earlier, stored[index] = stored[index], fake
        return earlier

    return exchange


def plain_step(place: Place) -> Step:
    """Zhu's step as a first reading of the paper would write it."""
    g, f = (ordinary(resnet_9()).to(place.device) for _ in range(2))
    d_y, d_x = (ordinary(patch_70(3, norm="instance")).to(place.device) for _ in range(2))
    both_g = itertools.chain(g.parameters(), f.parameters())
    both_d = [*d_y.parameters(), *d_x.parameters()]
    adam_g = torch.optim.Adam(both_g, 2e-4, (0.5, 0.999))
    adam_d = torch.optim.Adam(both_d, 2e-4, (0.5, 0.999))
    pool_y, pool_x = plain_pool(), plain_pool()

    def lsgan(logits: Tensor, wanted: float) -> Tensor:
        return F.mse_loss(logits, torch.full_like(logits, wanted))

    def judged(d: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        return (lsgan(d(real), 1.0) + lsgan(d(fake), 0.0)) / 2

    def step(batch: Batch) -> dict[str, Tensor]:
        x, y = batch.source, batch.target
        fake_y, fake_x = g(x), f(y)
        for parameter in both_d:
            parameter.requires_grad_(False)
        adam_g.zero_grad()
        cycle = F.l1_loss(f(fake_y), x) + F.l1_loss(g(fake_x), y)
        identity = F.l1_loss(g(y), y) + F.l1_loss(f(x), x)
        fooled = lsgan(d_y(fake_y), 1.0) + lsgan(d_x(fake_x), 1.0)
        (fooled + 10 * cycle + 5 * identity).backward()
        adam_g.step()
        for parameter in both_d:
            parameter.requires_grad_(True)
        adam_d.zero_grad()
        loss = judged(d_y, y, pool_y(fake_y)) + judged(d_x, x, pool_x(fake_x))
        loss.backward()
        adam_d.step()
        return {"cycle": cycle.detach(), "identity": identity.detach(), "loss_D": loss.detach()}

    return step


def our_step(place: Place) -> Step:
    """One step of `portrayal train cyclegan`, as it chooses for this device."""
    recipe = CycleGAN(BASE, Settings(), place)

    def step(batch: Batch) -> dict[str, Tensor]:
        terms = recipe.step(batch, 0.0)
        return {
            "cycle": terms["cycle"] + terms["cycle_reverse"],
            "identity": terms["identity"] + terms["identity_reverse"],
            "loss_D": sum(value for name, value in terms.items() if name.startswith("loss_D")) / 2,
        }

    return step


def pictures(count: int, place: Place, seed: int = 0) -> Batch:
    """Smooth random pictures of two domains, fixed by the seed."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(2 * count, 3, 16, 16, generator=rng) * 2 - 1
    source, target = F.interpolate(coarse, SIZE, mode="bilinear").chunk(2)
    batch = Batch(source, target.abs() * 2 - 1, ["random"] * count)
    return batch.to(place.device, place.memory_format)


def compare_speed(place: Place, rounds: int, batches: list[int], compiled: bool) -> dict[str, Any]:
    """Times and ratios at batch 1, and ours per picture at larger batches."""
    one = pictures(1, place)
    plain, ours = plain_step(Place(place.device)), our_step(place)
    work = flops(plain, one)
    works = {"plain, batch 1": lambda: plain(one), "ours, batch 1": lambda: ours(one)}
    if compiled:
        faster = our_step(Place(place.device, place.dtype, place.channels_last, compile=True))
        works["compiled, batch 1"] = lambda: faster(one)
    for count in batches:
        batch = pictures(count, place)
        works[f"ours, batch {count}"] = lambda batch=batch: ours(batch)
    times = interleaved(works, rounds, place.device)
    print(f"one step: {work / 1e9:.1f} GFLOP")
    rows = []
    for name, taken in times.items():
        count = int(name.rsplit(" ", 1)[1])
        ratios = [a / (b / count) for a, b in zip(times["plain, batch 1"], taken, strict=True)]
        rate = work * count / statistics.median(taken) / 1e9
        print(
            f"{name:18} {spread(taken)} s, {spread(ratios)} x plain per picture, {rate:.0f} GFLOP/s"
        )
        rows.append({"name": name, "seconds": taken, "times_plain": ratios, "gflop_per_s": rate})
    return {"gflop": work / 1e9, "rows": rows}


def compare_losses(place: Place, steps: int) -> dict[str, Any]:
    """Mean distance of the loss curves: ours to plain, beside plain to plain with another seed."""
    curves: dict[str, list[dict[str, float]]] = {}
    for name, seed, build in (
        ("plain, seed 0", 0, lambda: plain_step(Place(place.device))),
        ("plain, seed 1", 1, lambda: plain_step(Place(place.device))),
        ("ours, seed 0", 0, lambda: our_step(place)),
    ):
        torch.manual_seed(seed)
        step, curves[name] = build(), []
        for index in range(steps):
            losses = step(pictures(1, place, index))
            curves[name].append({key: float(value) for key, value in losses.items()})
    first, other, ours = curves.values()
    found: dict[str, Any] = {"steps": steps}
    for key in first[0]:
        means = [statistics.mean(row[key] for row in c[-steps // 3 :]) for c in curves.values()]
        noise = statistics.mean(abs(a[key] - b[key]) for a, b in zip(first, other, strict=True))
        change = statistics.mean(abs(a[key] - b[key]) for a, b in zip(first, ours, strict=True))
        print(
            f"{key}: last third {' '.join(f'{mean:.4f}' for mean in means)} ({', '.join(curves)}); "
            f"mean distance {change:.5f} ours to plain, {noise:.5f} between two seeds"
        )
        found[key] = {"ours_to_plain": change, "seed_to_seed": noise}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, nargs="*", default=[4])
    parser.add_argument("--losses", type=int, default=0, help="compare the losses of so many steps")
    parser.add_argument("--compile", action="store_true", help="and our step compiled (slow start)")
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    place = choose_place()
    print(place.describe())
    found = (
        compare_losses(place, options.losses)
        if options.losses
        else compare_speed(place, options.rounds, options.batches, options.compile)
    )
    if options.json:
        with open(options.json, "w") as file:  # noqa: PTH123
            json.dump({"environment": environment(place=place.describe()), **found}, file, indent=1)


if __name__ == "__main__":
    main()
