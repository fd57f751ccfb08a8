"""Two processes train what one would, and resume to the bit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from portrayal.core.devices import Place, Ranks
from portrayal.data.batch import Batch
from portrayal.recipes import cyclegan
from portrayal.recipes.pix2pix import Config, Pix2pix
from portrayal.training.loop import train
from portrayal.training.reading import read_weights
from portrayal.training.settings import Settings
from portrayal.training.shares import file_of

GLOBAL, STEPS = 4, 10
NARROW = {"generator": "unet_64", "discriminator": "patch_16", "width": 4, "discriminator_width": 4}


def batches_of(ranks: Ranks, stop: int):
    """This rank's share of the global batch of every step."""

    def batches(first: int) -> Iterator[Batch]:
        for step in range(first, stop):
            rng = torch.Generator().manual_seed(step)
            source = torch.rand(GLOBAL, 3, 64, 64, generator=rng) * 2 - 1
            share = slice(
                ranks.rank * GLOBAL // ranks.count, (ranks.rank + 1) * GLOBAL // ranks.count
            )
            yield Batch(source[share], source.flip(1)[share], [f"{step}"] * GLOBAL)

    return batches


def work(rank: int, count: int, run: Path, stop: int, exact: bool) -> None:
    """Train one rank until `stop`, as after a kill when it is not the last step."""
    torch.set_num_threads(1)
    if count > 1:
        store = f"file://{run}_store_{stop}"
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=count)
    ranks = Ranks(rank, count)
    torch.manual_seed(0)
    options = {"norm": "instance", "dropout": 0.0} if exact else {}
    settings = Settings(save_every=5, batch=GLOBAL)
    recipe = Pix2pix(Config(**NARROW, **options), settings, Place(torch.device("cpu")))
    batches = batches_of(ranks, stop)
    train(recipe, batches, run, settings, steps=STEPS, epoch_steps=5, ranks=ranks)
    if count > 1:
        dist.barrier()
        dist.destroy_process_group()


def trained(run: Path, count: int, stops: list[int], exact: bool = True) -> dict[str, torch.Tensor]:
    for stop in stops:
        mp.spawn(work, (count, run, stop, exact), nprocs=count)
    return read_weights(run)[0]


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tmp_path):
    one, two = trained(tmp_path / "one", 1, [STEPS]), trained(tmp_path / "two", 2, [STEPS])
    assert one.keys() == two.keys()
    off = {k: float((v - two[k]).abs().max()) for k, v in one.items() if v.is_floating_point()}
    # a bias before a normalisation cancels: its gradient is pure rounding, which Adam blows up
    cancelled = {k for k in off if k.endswith("bias") and off[k] > 1e-5}
    assert cancelled <= {k for k in off if ".0.bias" not in k and "last" not in k}
    assert all(value < 1e-5 for name, value in off.items() if name not in cancelled), off


@pytest.mark.slow
def test_two_processes_resume_to_the_bit(tmp_path):
    whole = trained(tmp_path / "whole", 2, [STEPS], exact=False)
    broken = trained(tmp_path / "broken", 2, [7, STEPS], exact=False)
    assert all(torch.equal(whole[k], broken[k]) for k in whole)


CYCLES = {"generator": "resnet_6", "discriminator": "patch_16", "width": 2, "pool": 1000}


def cycles(rank: int, count: int, run: Path, stop: int) -> None:
    """The same with CycleGAN, whose pools are too large to draw an earlier fake."""
    torch.set_num_threads(1)
    if count > 1:
        store = f"file://{run}_store_{stop}"
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=count)
    ranks, settings = Ranks(rank, count), Settings(save_every=2, batch=GLOBAL)
    torch.manual_seed(0)
    config = cyclegan.Config(**CYCLES, discriminator_width=2)
    recipe = cyclegan.CycleGAN(config, settings, Place(torch.device("cpu")))
    train(recipe, batches_of(ranks, stop), run, settings, steps=6, epoch_steps=5, ranks=ranks)
    if count > 1:
        dist.barrier()
        dist.destroy_process_group()


def pools(run: Path) -> list[torch.Tensor]:
    """Fakes of all steps as they were shown, those of both processes side by side."""
    end = run / "checkpoints/00000006"
    files = [path for path in (end / "training.pt", end / file_of(1)) if path.exists()]
    kept = [torch.load(path, weights_only=True)["pool"]["pictures"] for path in files]
    share = GLOBAL // len(kept)
    parts = [torch.stack(each).unflatten(0, (-1, share)) for each in kept]
    return list(torch.cat(parts, 1).flatten(0, 1))


def assert_close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    """Equal but for the order of sums; a bias before a normalisation cancels and may drift."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        if value.is_floating_point() and (value.ndim > 1 or "last" in name):
            assert float((value - other[name]).abs().max()) < 1e-4, name


@pytest.mark.slow
def test_cyclegan_in_two_processes_learns_and_shows_what_one_does(tmp_path):
    for count in (1, 2):
        mp.spawn(cycles, (count, tmp_path / f"{count}", 6), nprocs=count)
    assert_close(*(read_weights(tmp_path / name)[0] for name in ("1", "2")))
    alone, shared = pools(tmp_path / "1"), pools(tmp_path / "2")
    assert len(alone) == len(shared) == 6 * GLOBAL
    apart = torch.tensor([[float((a - b).abs().mean()) for b in shared] for a in alone])
    assert apart.diagonal().max() < 2e-3, "rounding, which Adam enlarges"
    assert (apart.argmin(1) == torch.arange(len(alone))).all(), "the same order of pictures"
    assert (apart + torch.eye(len(alone))).min() > 10 * apart.diagonal().max()


@pytest.mark.slow
def test_one_then_two_then_one_process_go_on_from_each_other(tmp_path):
    mp.spawn(cycles, (1, tmp_path / "whole", 6), nprocs=1)
    for count, stop in ((1, 2), (2, 4), (1, 6)):
        mp.spawn(cycles, (count, tmp_path / "changing", stop), nprocs=count)
    assert_close(*(read_weights(tmp_path / name)[0] for name in ("whole", "changing")))
