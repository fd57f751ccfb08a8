"""Every process keeps its own pool: saved, restored and, with another number of them, told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from portrayal.core.devices import Place, Ranks
from portrayal.data.batch import Batch
from portrayal.recipes.paired import Config, Paired
from portrayal.training.checkpoint import save
from portrayal.training.loop import train
from portrayal.training.pool import Pool
from portrayal.training.reading import read_weights
from portrayal.training.restoring import restore
from portrayal.training.settings import Settings
from portrayal.training.shares import file_of

GLOBAL, STEPS = 4, 8
NARROW = {"generator": "resnet_6", "discriminator": "patch_16", "width": 2}


def filled(number: float) -> Pool:
    pool = Pool(3)
    pool.exchange(torch.full((2, 3, 2, 2), float(number)))
    return pool


def content(pool: Pool) -> list[float]:
    return [float(picture[0, 0, 0]) for picture in pool.pictures]


def written(run: Path, count: int) -> None:
    others = [{"pool": filled(rank).state_dict()} for rank in range(1, count)]
    save(run, {"pool": filled(0)}, {"step": 1}, others=others)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_every_rank_gets_its_own_pool_back(tmp_path, rank):
    written(tmp_path, 3)
    pool, notes = Pool(3), []
    assert restore(tmp_path, {"pool": pool}, notes.append, Ranks(rank, 3))["step"] == 1
    assert content(pool) == [rank, rank]
    assert notes == []


def test_with_more_processes_the_new_ones_start_empty_and_the_first_says_so(tmp_path):
    written(tmp_path, 1)
    pools, notes = [Pool(3) for _ in range(3)], []
    for rank, pool in enumerate(pools):
        restore(tmp_path, {"pool": pool}, notes.append, Ranks(rank, 3))
    assert [content(pool) for pool in pools] == [[0, 0], [], []]
    folder = tmp_path / "checkpoints" / "00000001"
    assert notes == [f"{folder} was saved by 1 process: in 2 of the 3, pool starts empty."]


def test_with_fewer_processes_the_rest_is_dropped_and_said(tmp_path):
    written(tmp_path, 3)
    notes: list[str] = []
    pool = Pool(3)
    restore(tmp_path, {"pool": pool}, notes.append)
    assert content(pool) == [0, 0]
    assert notes[0].endswith("was saved by 3 processes: what 2 of them kept in pool is dropped.")


def test_a_run_without_pools_says_nothing(tmp_path):
    save(tmp_path, {}, {"step": 1})
    notes: list[str] = []
    restore(tmp_path, {}, notes.append, Ranks(0, 2))
    assert notes == []


def share_of(ranks: Ranks, stop: int):
    """This rank's share of the global batch of every step."""

    def batches(first: int) -> Iterator[Batch]:
        for step in range(first, stop):
            rng = torch.Generator().manual_seed(step)
            source = torch.rand(GLOBAL, 3, 32, 32, generator=rng) * 2 - 1
            mine = source[ranks.rank :: ranks.count]
            yield Batch(mine, mine.flip(1), [f"{step}"] * len(mine))

    return batches


def work(rank: int, count: int, run: Path, stop: int) -> None:
    """Train one rank until `stop`, as after a kill when it is not the last step."""
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{run}_store_{stop}", rank=rank, world_size=count
    )
    torch.manual_seed(0)
    settings = Settings(save_every=4, batch=GLOBAL)
    config = Config(**NARROW, discriminator_width=2, pool=5)
    recipe = Paired(config, settings, Place(torch.device("cpu")))
    ranks = Ranks(rank, count)
    train(recipe, share_of(ranks, stop), run, settings, steps=STEPS, epoch_steps=5, ranks=ranks)
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_with_pools_resume_to_the_bit(tmp_path):
    for name, stops in (("whole", [STEPS]), ("broken", [6, STEPS])):
        for stop in stops:
            mp.spawn(work, (2, tmp_path / name, stop), nprocs=2)
    whole, broken = (read_weights(tmp_path / name)[0] for name in ("whole", "broken"))
    assert all(torch.equal(whole[key], broken[key]) for key in whole)
    ends = [tmp_path / n / "checkpoints" / f"{STEPS:08d}" for n in ("whole", "broken")]
    pools = [torch.load(end / file_of(1), weights_only=True)["pool"]["pictures"] for end in ends]
    assert len(pools[0]) == 5
    assert all(map(torch.equal, *pools))
