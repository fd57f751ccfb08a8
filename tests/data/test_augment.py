"""Augmentation: both pictures of a pair alike, and fixed by (seed, position)."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from portrayal.data.augment import jitter, retoned
from portrayal.data.dataset import Pair

SOURCE = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
PAIR = Pair("a", SOURCE, 255 - SOURCE, {"subject": "s"})
NEITHER = {"enlarge": 1.0, "flip": False}
sizes = some.integers(1, 20)


@given(some.integers(0, 2**60), some.integers(0, 2**40))
def test_without_enlarging_and_flipping_a_pair_stays_as_it_is(seed, position):
    after = jitter(PAIR, seed, position, **NEITHER)
    np.testing.assert_array_equal(after.source, PAIR.source)
    np.testing.assert_array_equal(after.target, PAIR.target)
    assert (after.name, after.row) == (PAIR.name, PAIR.row)


@given(sizes, sizes, some.integers(0, 100), some.floats(1, 2), some.booleans())
def test_source_and_target_are_cut_and_mirrored_alike(height, width, position, enlarge, flip):
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    after = jitter(Pair("a", picture, picture, {}), 0, position, enlarge=enlarge, flip=flip)
    assert after.source.shape == picture.shape
    assert after.source.dtype == np.uint8
    assert after.source.flags.c_contiguous and after.target.flags.c_contiguous
    np.testing.assert_array_equal(after.source, after.target)


def test_the_same_position_gives_the_same_pictures_and_others_do_not():
    def change(seed: int, position: int) -> bytes:
        return jitter(PAIR, seed, position, enlarge=1.5, flip=True).source.tobytes()

    assert change(1, 2) == change(1, 2)
    seen = {change(seed, position) for seed in range(3) for position in range(3)}
    assert len(seen) > 6, "two of nine may fall on one of 70 windows"


def test_a_cut_is_a_window_of_the_enlarged_picture_by_hand():
    tall, wide = 12, 18
    large = cv2.resize(SOURCE, (wide, tall), interpolation=cv2.INTER_CUBIC)
    windows = {
        large[top : top + 8, left : left + 12].tobytes(): (top, left)
        for top in range(tall - 8 + 1)
        for left in range(wide - 12 + 1)
    }
    seen = {
        windows[jitter(PAIR, 0, i, enlarge=1.5, flip=False).source.tobytes()] for i in range(500)
    }
    assert seen == set(windows.values()), "every window, the first and the last included"


def test_the_paper_enlarges_256_to_286():
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[:128] = 255
    large = cv2.resize(picture, (286, 286), interpolation=cv2.INTER_CUBIC)
    after = jitter(Pair("a", picture, picture, {}), 0, 3, enlarge=286 / 256, flip=False).source
    tops = [top for top in range(31) if np.array_equal(large[top : top + 256, :256], after)]
    assert len(tops) == 1


def test_half_of_the_pairs_are_mirrored_and_never_upside_down():
    """1,000 fair coins: 500 +- 16, so 440..560 is nearly four of those wide."""
    mirrored = 0
    for position in range(1000):
        after = jitter(PAIR, 0, position, enlarge=1.0, flip=True).source
        assert np.array_equal(after, SOURCE) or np.array_equal(after, SOURCE[:, ::-1])
        mirrored += np.array_equal(after, SOURCE[:, ::-1])
    assert 440 < mirrored < 560


def test_where_it_is_cut_does_not_depend_on_whether_it_may_be_mirrored():
    for position in range(20):
        cut = jitter(PAIR, 0, position, enlarge=1.5, flip=False).source
        both = jitter(PAIR, 0, position, enlarge=1.5, flip=True).source
        assert np.array_equal(both, cut) or np.array_equal(both, cut[:, ::-1])


@pytest.mark.parametrize("enlarge", [1.0, 1.5])
def test_the_given_pictures_are_not_touched(enlarge):
    before = PAIR.source.copy(), PAIR.target.copy()
    for position in range(4):
        jitter(PAIR, 0, position, enlarge=enlarge, flip=True)
    np.testing.assert_array_equal(PAIR.source, before[0])
    np.testing.assert_array_equal(PAIR.target, before[1])


def test_tones_change_half_of_the_sources_in_size_type_and_place():
    source = np.random.default_rng(2).integers(0, 256, (8, 8, 3), np.uint8)
    after = [retoned(source, 0, position, 0.7) for position in range(200)]
    assert all(each.shape == (8, 8, 3) and each.dtype == np.uint8 for each in after)
    changed = sum(each.tobytes() != source.tobytes() for each in after)
    assert 75 < changed < 125
    assert len({each.tobytes() for each in after}) == changed + 1, "each in its own way"


@given(some.integers(0, 2**40), some.integers(0, 1000))
def test_tones_of_strength_0_change_nothing_and_others_the_same_every_time(seed, position):
    assert retoned(SOURCE, seed, position, 0) is SOURCE
    one, two = (retoned(SOURCE, seed, position, 1) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_stronger_tones_are_farther_from_the_source():
    grey = np.full((4, 4, 3), (150, 120, 90), np.uint8)

    def change(strength: float) -> float:
        after = [retoned(grey, 0, position, strength).astype(float) for position in range(300)]
        return float(np.mean([np.abs(each - grey).mean() for each in after]))

    weak, medium, strong = change(0.2), change(0.5), change(1)
    assert 0 < weak < medium < strong
