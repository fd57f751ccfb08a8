"""Geometry: any size -> the wanted size, with nothing stretched that should not be."""

import numpy as np
import pytest

from portrayal.core.errors import BadOption
from portrayal.filters.geometry import crop, crop_box, letterbox, squeeze


def disc(height: int, width: int, radius: float) -> np.ndarray:
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.hypot(y - height / 2, x - width / 2) < radius
    return np.where(inside[:, :, None], 0, 255).astype(np.uint8).repeat(3, axis=2)


def extent(pixels: np.ndarray) -> tuple[int, int]:
    dark = pixels[:, :, 0] < 128
    return int(dark.any(axis=1).sum()), int(dark.any(axis=0).sum())


GEOMETRIES = {
    "crop": crop,
    "letterbox": lambda pixels, height, width: letterbox(pixels, height, width)[0],
    "squeeze": squeeze,
}


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("size", [(100, 60), (60, 100), (33, 47), (1, 1), (3, 500)], ids=str)
def test_every_geometry_gives_the_wanted_size(name, size, scene):
    for height, width in ((64, 64), (64, 48), (1, 1), (31, 77)):
        done = GEOMETRIES[name](scene(*size), height, width)
        assert done.shape == (height, width, 3) and done.dtype == np.uint8
        assert done.flags.writeable


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_same_size_changes_nothing(name, noise):
    assert np.array_equal(GEOMETRIES[name](noise(40, 56), 40, 56), noise(40, 56))


def test_a_circle_stays_round_unless_squeezed():
    picture = disc(160, 240, 60)
    assert extent(crop(picture, 80, 80)) == (60, 60)
    assert extent(letterbox(picture, 100, 120)[0]) == (60, 60)
    assert extent(squeeze(picture, 80, 80)) == (60, 40)


def test_crop_keeps_the_middle():
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 255
    assert (crop(picture, 10, 10) == 255).all()
    assert np.array_equal(crop(picture.swapaxes(0, 1), 10, 10), crop(picture, 10, 10))


def test_letterbox_says_where_the_picture_lies_and_pads_with_the_stated_colour():
    done, (x, y, width, height) = letterbox(disc(100, 50, 9), 64, 64, colour=(1, 2, 3))
    assert (x, y, width, height) == (16, 0, 32, 64)
    outside = np.ones((64, 64), bool)
    outside[y : y + height, x : x + width] = False
    assert (done[outside] == (1, 2, 3)).all()
    assert not (done[~outside] == (1, 2, 3)).all(axis=1).any()


def test_shrinking_is_antialiased():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    small = squeeze(stripes, 37, 37)[3:-3, 3:-3]
    assert np.abs(small.astype(int) - 128).max() < 8  # plain sampling would give 0 and 255


def test_crop_box_takes_the_square_with_its_margin(noise):
    picture = noise(100, 120)
    assert np.array_equal(crop_box(picture, (40, 30, 20, 10)), picture[25:45, 40:60])
    assert np.array_equal(crop_box(picture, (40, 30, 20, 20), 0.25), picture[25:55, 35:65])


def test_crop_box_moves_back_inside_and_repeats_the_border_only_when_it_must(noise):
    picture = noise(50, 80)
    assert np.array_equal(crop_box(picture, (-5, -5, 20, 20)), picture[:20, :20])
    assert np.array_equal(crop_box(picture, (70, 45, 20, 20)), picture[30:, 60:])
    tall = crop_box(picture, (10, 0, 60, 50))
    assert tall.shape == (60, 60, 3)
    assert np.array_equal(tall[5:55], picture[:, 10:70])
    assert (tall[:5] == tall[5]).all() and (tall[55:] == tall[54]).all()


def test_sizes_below_one_are_refused(noise):
    for geometry in GEOMETRIES.values():
        with pytest.raises(BadOption, match="The size is 0 x 8"):
            geometry(noise(8, 8), 0, 8)
