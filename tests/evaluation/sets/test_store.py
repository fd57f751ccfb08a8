import numpy as np
import pytest

from portrayal.core.images import pixels_hash
from portrayal.evaluation.sets.networks import Extractor
from portrayal.evaluation.sets.store import features_of, shelf


class Counting:
    """Features that are easy to know, counted; `until` pictures, then an interruption."""

    def __init__(self, until=10**9):
        self.calls, self.until = 0, until

    def __call__(self, pixels):
        self.calls += 1
        if self.calls > self.until:
            raise KeyboardInterrupt
        mean = np.float32(pixels.mean())
        return None if mean < 1 else np.array([mean, mean / 3], np.float32)


def extractor(of):
    return Extractor("squeezenet1_1", "ab" * 32, of)


@pytest.fixture
def pictures(noise):
    return [noise(8, 8, seed) for seed in range(6)] + [np.zeros((8, 8, 3), np.uint8)]


def ask(pictures, of, folder, hashes=None):
    reads = [lambda picture=picture: picture for picture in pictures]
    return features_of(reads, hashes or [None] * len(pictures), extractor(of), folder)


def same(one, other):
    return all((a is b is None) or np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_second_look_computes_nothing_and_is_the_same_to_the_bit(pictures, tmp_path):
    of = Counting()
    first = ask(pictures, of, tmp_path)
    assert of.calls == 7 and first[6] is None
    hashes = [pixels_hash(picture) for picture in pictures]
    assert same(first, ask(pictures, of, tmp_path, hashes)) and of.calls == 7
    assert same(first[::-1], ask(pictures[::-1], of, tmp_path)) and of.calls == 7


def test_equal_pictures_are_computed_once(pictures, tmp_path):
    of = Counting()
    found = ask([pictures[0], pictures[0].copy()], of, tmp_path)
    assert of.calls == 1 and np.array_equal(*found)


def test_a_damaged_shard_is_computed_again(pictures, tmp_path):
    of = Counting()
    first = ask(pictures, of, tmp_path)
    for path in shelf(tmp_path, extractor(of)).iterdir():
        path.write_bytes(path.read_bytes()[:-3])
    assert same(first, ask(pictures, of, tmp_path)) and of.calls == 14


def test_what_was_done_before_an_interruption_is_kept(pictures, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        ask(pictures, Counting(until=3), tmp_path)
    of = Counting()
    ask(pictures, of, tmp_path)
    assert of.calls < 7


def test_another_network_has_its_own_shelf(pictures, tmp_path):
    ask(pictures, Counting(), tmp_path)
    of = Counting()
    reads = [lambda: pictures[0]]
    features_of(reads, [None], Extractor("squeezenet1_1", "cd" * 32, of), tmp_path)
    assert of.calls == 1
