"""Any size comes back at its size: padding, tiles and seams."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from portrayal.core.errors import BadOption
from portrayal.inference.tiles import cut, translate_tiled


def identity(batch):
    return batch


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def through(picture, network=identity, **options):
    options = {"multiple": 4, "tile": 64, **options}
    return translate_tiled([picture], network, **options)[0]


@pytest.mark.parametrize("size", [(1, 1), (3, 2048), (2048, 3), (257, 259), (64, 65), (128, 63)])
@pytest.mark.parametrize("multiple", [1, 4, 64])
def test_identity_returns_every_picture_exactly(size, multiple):
    picture = noise(*size)
    np.testing.assert_array_equal(through(picture, multiple=multiple), picture)


def test_identity_returns_a_camera_picture_exactly_and_quickly():
    picture = noise(2336, 3504)
    started = time.process_time()
    again = translate_tiled([picture], identity, multiple=256)[0]
    np.testing.assert_array_equal(again, picture)
    assert time.process_time() - started < 10


@given(
    length=some.integers(1, 500),
    multiple=some.sampled_from([1, 2, 4, 8, 16]),
    tiles=some.integers(1, 4),
    share=some.floats(0, 0.95),
)
@settings(max_examples=200, deadline=None)
def test_weights_sum_to_one_and_tiles_cover_every_pixel(length, multiple, tiles, share):
    tile = tiles * multiple
    axis = cut(length, multiple=multiple, tile=tile, overlap=int(share * tile))
    total = np.zeros(axis.padded)
    for start, weights in zip(axis.starts, axis.windows, strict=True):
        assert weights.min() >= 0
        total[start : start + axis.tile] += weights
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert axis.before + length + axis.after == axis.padded
    assert axis.tile % multiple == 0
    assert axis.tile <= tile


def test_a_tile_counts_less_toward_its_edge_without_a_jump():
    axis = cut(1000, multiple=4, tile=256, overlap=64)
    steps = np.abs(np.diff(axis.windows[1]))
    assert axis.windows[1][0] < 0.01
    assert axis.windows[1][-1] < 0.01
    assert steps.max() < 0.05


def test_two_tiles_that_disagree_meet_in_a_ramp_and_not_in_an_edge():
    calls = iter([-1.0, 1.0])

    def disagree(batch):
        return torch.full_like(batch, next(calls))

    row = through(noise(64, 112), disagree, overlap=16)[0, :, 0].astype(int)
    assert row[0] == 0
    assert row[-1] == 255
    assert np.diff(row).min() >= 0
    assert np.diff(row).max() < 40


def test_padding_is_a_reflection_and_is_cut_away_again():
    seen = []

    def look(batch):
        seen.append(batch)
        return batch

    picture = noise(5, 6)
    np.testing.assert_array_equal(through(picture, look, multiple=8), picture)
    assert seen[0].shape == (1, 3, 8, 8)
    assert torch.equal(
        seen[0][:, :, 0], seen[0][:, :, 2]
    )  # row 1 of the padded 8 is row 0 of the 5


def test_the_network_only_ever_sees_multiples():
    shapes = set()

    def look(batch):
        shapes.add(batch.shape[2:])
        return batch

    for size in [(1, 1), (258, 258), (260, 260), (70, 900)]:
        through(noise(*size), look, multiple=32, tile=256)
    assert all(side % 32 == 0 and side <= 256 for shape in shapes for side in shape)


def test_batches_of_tiles_and_pictures_give_what_each_gives_alone():
    def position_free(batch):  # a small real network: neighbours matter, the batch does not
        return torch.nn.functional.avg_pool2d(batch, 3, 1, 1)

    pictures = [noise(100, 150, seed) for seed in range(3)]
    alone = [through(picture, position_free) for picture in pictures]
    for batch in (2, 5, 64):
        options = {"multiple": 4, "tile": 64, "batch": batch}
        together = translate_tiled(pictures, position_free, **options)
        np.testing.assert_array_equal(together, alone)


def test_tiles_hide_their_seams_from_a_local_network():
    def blur(batch):
        return torch.nn.functional.avg_pool2d(batch, 3, 1, 1, count_include_pad=False)

    picture = noise(300, 300)
    whole = through(picture, blur, tile=512).astype(int)
    tiled = through(picture, blur, tile=64, overlap=16).astype(int)
    assert np.abs(whole - tiled)[2:-2, 2:-2].max() <= 3  # an unblended seam differs by 100


def test_tiles_bound_what_the_network_sees_of_a_long_picture():
    largest = 0

    def look(batch):
        nonlocal largest
        largest = max(largest, batch.numel())
        return batch

    picture = noise(3, 8192)
    np.testing.assert_array_equal(through(picture, look, tile=1024, batch=1), picture)
    assert largest == 3 * 4 * 1024


@pytest.mark.parametrize("tile", [0, 3, 65])
def test_a_tile_that_is_no_multiple_is_refused_with_one_that_is(tile):
    with pytest.raises(BadOption, match=r"multiples of 4: try --tile (4|64 or 68)\."):
        through(noise(8, 8), tile=tile)


def test_an_overlap_of_a_whole_tile_is_refused():
    with pytest.raises(BadOption, match="use 0 to 63"):
        through(noise(8, 8), overlap=64)
