"""Which picture is shown when: every one once per epoch, the same for any number of processes."""

import sys
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
from portrayal.core.images import Pixels, signed
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


@dataclass
class Domains:
    """Unpaired pictures without files: source i is grey i, target i grey 100 + i."""

    sources: int
    targets: int
    folder: Path = Path("made")
    paired: bool = False

    def size(self) -> tuple[int, int]:
        return 4, 6

    def require_domains(self, who: str) -> None:
        if not (self.sources and self.targets):
            raise BadData(f"{who}: empty")

    def domain(self, name: str) -> "OneDomain":
        count = self.sources if name == "source" else self.targets
        return OneDomain(name, count)


@dataclass
class OneDomain:
    name: str
    count: int

    def __len__(self) -> int:
        return self.count

    def row(self, index: int) -> dict[str, object]:
        return {"name": f"{self.name} {index}"}

    def picture(self, index: int) -> Pixels:
        picture = np.full((4, 6, 3), index + (100 if self.name == "target" else 0), np.uint8)
        picture[0, 0] = 255
        return picture


def strangers(sources: int = 7, targets: int = 4, batch: int = 3, seed: int = 0, **more: object):
    options = {"enlarge": 1.5, "flip": True, "ranks": Ranks(), "workers": 1, **more}
    return training_batches(Domains(sources, targets), batch, seed, paired=False, **options)


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
        a.names == b.names
        and a.target_names == b.target_names
        and torch.equal(a.source, b.source)
        and torch.equal(a.target, b.target)
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
        assert equal(batch, Batch(sources, targets, names, names))


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
    assert time.monotonic() - started < 60
    assert not [t for t in threading.enumerate() if t.name.startswith("pictures")]
    assert sorted(asked) == list(range(10, 10 + len(asked)))
    assert 2 <= len(asked) <= 2 + 2 * max(1, workers)


def functions_of(thread: int) -> set[str]:
    """Names of the functions that a thread is in."""
    frame, found = sys._current_frames().get(thread), set()
    while frame:
        found.add(frame.f_code.co_name)
        frame = frame.f_back
    return found


def test_a_closed_stream_does_not_load_what_was_only_queued():
    consumer, asked = threading.get_ident(), []

    def load(step: int) -> Batch:
        asked.append(step)
        while step and "shutdown" not in functions_of(consumer):  # it waits for what is in work
            time.sleep(0.001)
        return Batch(torch.zeros(1), torch.zeros(1), [str(step)])

    stream = prefetched(load, 0, workers=2)
    next(stream)
    stream.close()
    assert set(asked) <= {0, 1, 2}, "what was in work ended, step 3 was never begun"


def test_slow_pictures_are_read_side_by_side():
    together, most, lock, meeting = 0, 0, threading.Lock(), threading.Barrier(3)

    def load(step: int) -> Batch:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        if step < 3:
            meeting.wait(60)
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


def test_the_order_of_pairs_is_what_it_always_was():
    assert [index_at(i, 7, 0) for i in range(9)] == [3, 1, 5, 4, 2, 6, 0, 2, 4]


def test_each_domain_has_its_own_order_and_starts_over_by_itself():
    shown = taken(strangers(7, 4, batch=1)(0), 28)
    sources = [int(batch.names[0].split()[1]) for batch in shown]
    targets = [int(batch.target_names[0].split()[1]) for batch in shown]
    for start in range(0, 28, 7):
        assert sorted(sources[start : start + 7]) == list(range(7))
    for start in range(0, 28, 4):
        assert sorted(targets[start : start + 4]) == list(range(4))
    assert len({tuple(targets[i : i + 4]) for i in range(0, 28, 4)}) > 3


def test_pictures_of_domains_are_those_that_are_named():
    batch = taken(strangers(enlarge=1.0, flip=False)(0), 1)[0]
    assert batch.source.shape == batch.target.shape == (3, 3, 4, 6)
    for side, names, pictures in (
        ("source", batch.names, batch.source),
        ("target", batch.target_names, batch.target),
    ):
        for name, picture in zip(names, pictures, strict=True):
            made = OneDomain(side, 9).picture(int(name.split()[1]))
            assert name.startswith(side)
            assert torch.equal(picture, signed(made))


def test_no_hidden_pairs_source_i_meets_target_i_by_chance_only():
    """Of 20 + 20 pictures 1 in 20 meetings is a true pair: 4000 draws, 5 standard deviations."""
    met = taken(strangers(20, 20, batch=200, enlarge=1.0, flip=False)(0), 20)
    true = sum(
        one.split()[1] == other.split()[1]
        for batch in met
        for one, other in zip(batch.names, batch.target_names, strict=True)
    )
    assert abs(true - 200) < 5 * (4000 * 0.05 * 0.95) ** 0.5


def test_the_changes_of_two_domains_are_drawn_independently():
    """Mirrored or not: all four ways come up about equally often."""
    ways = dict.fromkeys([(False, False), (False, True), (True, False), (True, True)], 0)
    for batch in taken(strangers(5, 5, batch=100, enlarge=1.0)(0), 8):
        for source, target in zip(batch.source, batch.target, strict=True):
            ways[bool(source[0, 0, 0] < 1), bool(target[0, 0, 0] < 1)] += 1
    assert all(abs(count - 200) < 5 * (800 * 0.25 * 0.75) ** 0.5 for count in ways.values()), ways


@pytest.mark.parametrize("first", [1, 2, 5])
def test_a_resumed_stream_of_domains_is_the_unbroken_one(first):
    whole, resumed = taken(strangers()(0), 8), taken(strangers()(first), 8 - first)
    assert all_equal(whole[first:], resumed)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_the_shares_of_two_domains_make_the_batch_of_one_process(count):
    whole = taken(strangers(batch=6)(0), 5)
    shares = [taken(strangers(batch=6, ranks=Ranks(r, count))(0), 5) for r in range(count)]
    for step, batch in enumerate(whole):
        together = [share[step] for share in shares]
        names, targets = (
            [name for share in together for name in getattr(share, key)]
            for key in ("names", "target_names")
        )
        pictures = (
            torch.cat([getattr(s, side) for s in together]) for side in ("source", "target")
        )
        assert equal(batch, Batch(*pictures, names, targets))


def test_another_seed_draws_both_domains_otherwise():
    a, b = (taken(strangers(20, 20, 20, seed=seed)(0), 1)[0] for seed in (0, 1))
    assert a.names != b.names
    assert a.target_names != b.target_names


def test_an_empty_domain_is_refused_before_anything_is_read():
    with pytest.raises(BadData, match="This recipe: empty"):
        strangers(5, 0)


def test_names_of_both_sides_travel_with_a_batch():
    batch = taken(strangers()(0), 1)[0].to(torch.device("cpu"), torch.channels_last)
    assert [len(batch.names), len(batch.target_names)] == [3, 3]
    pairs = taken(batches()(0), 1)[0]
    assert pairs.names == pairs.target_names


@pytest.mark.parametrize("make", [batches, strangers])
def test_tones_change_sources_and_leave_targets_and_names(make):
    plain, toned = (taken(make(20, batch=12, tones=t)(0), 1)[0] for t in (0, 0.8))
    assert (plain.names, plain.target_names) == (toned.names, toned.target_names)
    assert torch.equal(plain.target, toned.target)
    changed = [not torch.equal(a, b) for a, b in zip(plain.source, toned.source, strict=True)]
    assert True in changed and False in changed
