"""Near-duplicates: what is the same picture, what is not, and that none of them is missed."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from portrayal.core.images import find_pictures, read_pixels
from portrayal.data.duplicates import (
    DISTANCE,
    Groups,
    alike,
    candidates,
    distances,
    join_duplicates,
    look,
)


def same(first, second):
    a, b = look(first), look(second)
    near = distances(np.array([a.bits], np.uint64), np.array([b.bits], np.uint64))[0] <= DISTANCE
    return bool(near) and alike(a.thumbnail, b.thumbnail)


def jpeg(pixels, quality=40):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


CHANGES = {
    "itself": lambda p: p,
    "recompressed": jpeg,
    "half the size": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "brighter": lambda p: np.clip(p * 1.15 + 8, 0, 255).astype(np.uint8),
    "less contrast": lambda p: (p * 0.7 + 30).astype(np.uint8),
    "grey": lambda p: cv2.cvtColor(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    "noisy": lambda p: np.clip(p + np.random.default_rng(0).normal(0, 8, p.shape), 0, 255).astype(
        np.uint8
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_the_same_picture(change, make):
    for index in range(10):
        picture = make.photo(index, 256, 192)
        assert same(picture, CHANGES[change](picture)), index


def test_a_slight_crop_is_the_same_picture(make):
    found = [same(p, p[3:-3, 3:-3]) for p in (make.photo(i, 256, 256) for i in range(20))]
    assert np.mean(found) >= 0.9


def test_different_pictures_are_not_the_same(make):
    looks = [make.photo(index) for index in range(40)]
    assert not any(same(looks[i], looks[j]) for i in range(40) for j in range(i))


def test_a_mirrored_or_inverted_picture_is_another_one(make):
    for index in range(10):
        picture = make.photo(index, 128, 128)
        assert not same(picture, picture[:, ::-1])
        assert not same(picture, 255 - picture)
        assert not alike(look(picture).thumbnail, look(255 - picture).thumbnail)


def test_alike_does_not_depend_on_the_order(make):
    answers = []
    for index in range(20):
        one, two = make.photo(index).astype(float), make.photo(index + 50)
        for share in (0.1, 0.15, 0.2, 0.25, 0.3):
            mixed = look((one * (1 - share) + two * share).astype(np.uint8)).thumbnail
            first = look(make.photo(index)).thumbnail
            answers.append(alike(first, mixed))
            assert alike(first, mixed) == alike(mixed, first)
    assert 0.1 < np.mean(answers) < 0.9


def test_line_drawings_on_white_are_told_apart():
    from portrayal.data.sources.shapes import draw

    drawings = [draw(128, 0, f"shape_{index:06d}") for index in range(60)]
    wrong = [
        (drawings[i].meta["kind"], drawings[j].meta["kind"])
        for i in range(60)
        for j in range(i)
        if drawings[i].meta["kind"] != drawings[j].meta["kind"]
        and same(drawings[i].source, drawings[j].source)
    ]
    assert not wrong


def test_flat_pictures_are_the_same_only_if_they_have_the_same_tone():
    white, grey = (np.full((64, 64, 3), tone, np.uint8) for tone in (255, 128))
    noisy = (white - np.random.default_rng(0).integers(0, 3, white.shape)).astype(np.uint8)
    dot = white.copy()
    dot[20:40, 20:40] = 0
    assert alike(look(white).thumbnail, look(noisy).thumbnail)
    assert not alike(look(white).thumbnail, look(grey).thumbnail)
    assert not alike(look(white).thumbnail, look(dot).thumbnail)
    assert not alike(look(dot).thumbnail, look(white).thumbnail)


def test_distance_is_the_number_of_differing_bits():
    one = np.array([0, 0b1011, 2**64 - 1], np.uint64)
    assert distances(one[:1], one).tolist() == [0, 3, 64]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 120), st.integers(0, 12))
def test_candidates_are_exactly_the_close_pairs(seed, count, limit):
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**63, count, dtype=np.uint64)
    for _ in range(count // 2):  # plant close ones
        a, b = rng.integers(0, count, 2)
        flips = np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, limit + 1, np.uint64))
        hashes[a] = hashes[b] ^ flips
    found = {tuple(sorted(pair)) for pairs in candidates(hashes, limit) for pair in pairs.tolist()}
    table = distances(hashes[:, None], hashes[None])
    wanted = {(i, j) for i in range(count) for j in range(i + 1, count) if table[i, j] <= limit}
    assert found == wanted


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40))
def test_groups_are_the_connected_components_named_by_their_smallest(joins):
    groups = Groups(20)
    for a, b in joins:
        groups.join(a, b)
    label = list(range(20))
    for _ in range(20):
        for a, b in joins:
            label[a] = label[b] = min(label[a], label[b])
    assert groups.roots().tolist() == label


def test_roots_do_not_change_when_groups_are_joined_later():
    groups = Groups(4)
    before = groups.roots()
    groups.join(0, 3)
    assert before.tolist() == [0, 1, 2, 3]


def test_chains_of_copies_become_one_group(make):
    pictures = [make.photo(0), jpeg(make.photo(0)), make.photo(1), jpeg(make.photo(0), 70)]
    looks = [look(picture) for picture in pictures]
    groups = Groups(4)
    hashes = np.array([each.bits for each in looks], np.uint64)
    join_duplicates(groups, hashes, lambda index: looks[index].thumbnail)
    assert groups.roots().tolist() == [0, 0, 2, 0]


def test_real_sets_hold_no_false_pair(shared):
    for folder, known in (("faces", 0), ("sketches/sketch", 0), ("sketches/photo", 0)):
        looks = [look(read_pixels(path)) for path in find_pictures(shared / "data" / folder)]
        groups = Groups(len(looks))
        hashes = np.array([each.bits for each in looks], np.uint64)
        join_duplicates(groups, hashes, lambda index, looks=looks: looks[index].thumbnail)
        assert (np.bincount(groups.roots()) > 1).sum() == known, folder
