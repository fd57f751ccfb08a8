"""Which picture is shown when: every one once per epoch, the same for any number of processes."""

import threading
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from portrayal.core.devices import Ranks
from portrayal.core.errors import BadData, BadOption
from portrayal.core.images import signed
from portrayal.data.batch import Batch
from portrayal.data.dataset import Pair
from portrayal.data.sampler import index_at, prefetched, training_batches


@dataclass
class Made:
    """Pairs without files: number i is grey i with one white pixel, its target 100 more."""

    count: int
    odd: int | None = None  # the index of a pair of another size
    folder: Path = Path("made")

    def require_pairs(self, who: str) -> None:
        """These are pairs."""

    def __len__(self) -> int:
        return self.count

    def size(self) -> tuple[int, int]:
        return 4, 6

    def pair(self, index: int) -> Pair:
        source = np.full((4, 8 if index == self.odd else 6, 3), index, np.uint8)
        source[0, 0] = 255
        return Pair(f"picture {index}", source, source + 100, {})


def batches(count: int = 7, batch: int = 3, seed: int = 0, **more: object):
    options = {"enlarge": 1.5, "flip": True, "ranks": Ranks(), "workers": 1, **more}
    return training_batches(Made(count), batch, seed, **options)


def taken(stream, count: int) -> list[Batch]:
    found = list(islice(stream, count))
    stream.close()
    return found


def all_equal(some_batches: list[Batch], others: list[Batch]) -> bool:
    return all(equal(a, b) for a, b in zip(some_batches, others, strict=True))


def equal(a: Batch, b: Batch) -> bool:
    return (
        a.names == b.names and torch.equal(a.source, b.source) and torch.equal(a.target, b.target)
    )


@given(some.integers(1, 40), some.integers(0, 2**40), some.integers(0, 5))
def test_every_epoch_shows_every_pair_once(count, seed, epoch):
    shown = [index_at(epoch * count + i, count, seed) for i in range(count)]
    assert sorted(shown) == list(range(count))


def test_every_epoch_and_every_seed_has_an_order_of_its_own():
    orders = {
        tuple(index_at(epoch * 20 + i, 20, seed) for i in range(20))
        for epoch in range(3)
        for seed in range(3)
    }
    assert len(orders) == 9


def test_batches_straddle_epochs_without_losing_a_pair():
    shown = [name for batch in taken(batches(7, 3)(0), 7) for name in batch.names]
    for epoch in range(3):
        assert sorted(shown[7 * epoch : 7 * epoch + 7]) == [f"picture {i}" for i in range(7)]


def test_a_batch_may_be_larger_than_the_split():
    shown = taken(batches(2, 5)(0), 2)
    assert [len(batch.names) for batch in shown] == [5, 5]
    assert {name for batch in shown for name in batch.names} == {"picture 0", "picture 1"}


def test_a_batch_holds_the_named_pictures_as_signed_tensors():
    batch = taken(batches(enlarge=1.0, flip=False)(0), 1)[0]
    assert batch.source.shape == batch.target.shape == (3, 3, 4, 6)
    assert batch.source.dtype == torch.float32
    for name, source, target in zip(batch.names, batch.source, batch.target, strict=True):
        pair = Made(7).pair(int(name.split()[1]))
        assert torch.equal(source, signed(pair.source))
        assert torch.equal(target, signed(pair.target))


@pytest.mark.parametrize("first", [1, 2, 5])
def test_a_resumed_stream_is_the_unbroken_one(first):
    whole, resumed = taken(batches()(0), 8), taken(batches()(first), 8 - first)
    assert all_equal(whole[first:], resumed)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_the_shares_of_all_processes_make_the_batch_of_one(count):
    whole = taken(batches(batch=6)(0), 5)
    shares = [taken(batches(batch=6, ranks=Ranks(r, count))(0), 5) for r in range(count)]
    for step, batch in enumerate(whole):
        together = [share[step] for share in shares]
        names = [name for share in together for name in share.names]
        sources = torch.cat([share.source for share in together])
        targets = torch.cat([share.target for share in together])
        assert equal(batch, Batch(sources, targets, names))


def test_a_batch_that_cannot_be_shared_names_the_next_one_that_can():
    with pytest.raises(BadOption) as caught:
        batches(batch=5, ranks=Ranks(0, 2))
    said = "A batch of 5 cannot be shared equally by 2 processes: --set batch=6"
    assert str(caught.value) == said


def test_the_number_of_workers_changes_nothing():
    one, *others = (taken(batches(workers=workers)(2), 6) for workers in (0, 1, 4))
    for other in others:
        assert all_equal(one, other)


def test_another_seed_gives_other_batches():
    a, b = (taken(batches(20, 20, seed=seed, enlarge=1.0, flip=False)(0), 1)[0] for seed in (0, 1))
    assert sorted(a.names) == sorted(b.names)
    assert a.names != b.names


def test_a_picture_of_another_size_than_the_first_is_named_with_both_sizes():
    options = {"enlarge": 1.0, "flip": False, "ranks": Ranks(), "workers": 1}
    stream = training_batches(Made(3, odd=2), 3, 0, **options)(0)
    with pytest.raises(BadOption) as caught:
        next(stream)
    assert str(caught.value) == (
        "made: 'picture 2' is 8 x 4 pixels, but the first picture is 6 x 4. Prepare the pictures "
        "with --size."
    )


def test_an_error_in_a_worker_reaches_the_consumer_at_its_step():
    def load(step: int) -> Batch:
        if step == 3:
            raise BadData("picture is gone")
        return Batch(torch.zeros(1), torch.zeros(1), [str(step)])

    stream = prefetched(load, 0, workers=2)
    assert [batch.names for batch in islice(stream, 3)] == [["0"], ["1"], ["2"]]
    with pytest.raises(BadData, match="picture is gone"):
        next(stream)
    assert not [t for t in threading.enumerate() if t.name.startswith("pictures")]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_stream_reads_ahead_a_little_and_stops_when_it_is_closed(workers):
    asked = []

    def load(step: int) -> Batch:
        asked.append(step)
        return Batch(torch.zeros(1), torch.zeros(1), [str(step)])

    stream = prefetched(load, 10, workers)
    for step in (10, 11):
        assert next(stream).names == [str(step)]
    started = time.monotonic()
    stream.close()
    assert time.monotonic() - started < 2
    assert not [t for t in threading.enumerate() if t.name.startswith("pictures")]
    assert sorted(asked) == list(range(10, 10 + len(asked)))
    assert 2 <= len(asked) <= 2 + 2 * max(1, workers)


def test_a_closed_stream_does_not_load_what_was_only_queued():
    gate, asked = threading.Event(), []

    def load(step: int) -> Batch:
        asked.append(step)
        if step:
            gate.wait(10)
        return Batch(torch.zeros(1), torch.zeros(1), [str(step)])

    stream = prefetched(load, 0, workers=2)
    next(stream)
    threading.Timer(0.2, gate.set).start()
    stream.close()
    assert set(asked) <= {0, 1, 2}, "what was in work ended, step 3 was never begun"


def test_slow_pictures_are_read_side_by_side():
    together, most, lock = 0, 0, threading.Lock()

    def load(step: int) -> Batch:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.05)
        with lock:
            together -= 1
        return Batch(torch.zeros(1), torch.zeros(1), [str(step)])

    taken(prefetched(load, 0, workers=3), 4)
    assert most == 3


def test_a_batch_moves_to_its_place_whole():
    batch = taken(batches()(0), 1)[0]
    moved = batch.to(torch.device("cpu"), torch.channels_last)
    assert moved.source.is_contiguous(memory_format=torch.channels_last)
    assert moved.target.is_contiguous(memory_format=torch.channels_last)
    assert equal(batch, moved)
