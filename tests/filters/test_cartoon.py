"""Filters: photo -> cartoon or drawing. Every entry of the catalogue is tested by existing."""

import cv2
import numpy as np
import pytest

from portrayal.core.errors import BadOption
from portrayal.filters import filters
from portrayal.filters.sketch import xdog_of

SIZES = [(64, 64), (96, 64), (65, 97), (2, 50), (50, 3), (7, 5), (1, 1), (1, 9)]

# cartoon(scene(64, 96, seed=5)): black pixels, and every sixteenth pixel
STORED_EDGES = 629
STORED_PIXELS = np.array(
    [
        [168, 137, 114],
        [175, 146, 128],
        [174, 150, 135],
        [163, 160, 151],
        [141, 167, 163],
        [129, 170, 167],
        [174, 139, 118],
        [175, 145, 126],
        [170, 152, 139],
        [135, 162, 154],
        [163, 121, 106],
        [225, 47, 16],
        [220, 90, 61],
        [0, 0, 0],
        [136, 158, 145],
        [96, 165, 157],
        [104, 135, 123],
        [225, 47, 16],
        [0, 0, 0],
        [132, 142, 80],
        [95, 173, 33],
        [85, 169, 81],
        [42, 167, 165],
        [23, 175, 174],
    ]
).reshape((4, 6, 3))


def beyeler(pixels: np.ndarray) -> np.ndarray:
    """The spec's pipeline, constant by constant, for sides that are multiples of four."""
    colour = cv2.pyrDown(cv2.pyrDown(pixels))
    for _ in range(7):
        colour = cv2.bilateralFilter(colour, 9, 9, 7)
    colour = cv2.pyrUp(cv2.pyrUp(colour))
    grey = cv2.medianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), 7)
    edges = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 2)
    return colour & edges[:, :, None]


@pytest.mark.parametrize("name", list(filters))
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_filter_keeps_the_shape_and_repeats_itself(name, size, scene):
    pixels = scene(*size)
    before = pixels.copy()
    done = filters[name](pixels)
    assert done.shape == (*size, 3) and done.dtype == np.uint8
    assert np.array_equal(done, filters[name](pixels))
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("name", list(filters))
def test_every_filter_takes_a_view_that_is_not_contiguous(name, scene):
    pixels = scene(48, 40)
    turned = pixels.swapaxes(0, 1)
    assert np.array_equal(filters[name](turned), filters[name](np.ascontiguousarray(turned)))


@pytest.mark.parametrize("size", [(384, 256), (64, 64), (60, 100)], ids=str)
def test_cartoon_is_beyelers_pipeline_to_the_bit(size, scene):
    pixels = scene(*size)
    assert np.array_equal(filters["cartoon"](pixels), beyeler(pixels))


def test_cartoon_of_a_known_picture_stays_what_it_is(scene):
    done = filters["cartoon"](scene(64, 96, seed=5))
    assert int((done == 0).all(axis=2).sum()) == STORED_EDGES
    assert np.abs(done[4::16, 4::16].astype(int) - STORED_PIXELS).max() <= 1  # SIMD may round


def test_cartoon_has_black_edges_at_a_step_and_none_on_a_plane():
    plane = np.full((64, 64, 3), 120, np.uint8)
    assert np.array_equal(filters["cartoon"](plane), plane)
    step = plane.copy()
    step[:, 32:] = 240
    black = (filters["cartoon"](step) == 0).all(axis=2)
    assert black[:, 27:33].any(axis=1).all() and not black[:, :24].any()
    assert not black[:, 40:].any()


def test_every_constant_of_cartoon_matters(scene):
    pixels = scene(64, 64)
    plain = filters["cartoon"](pixels)
    for name, value in {
        "levels": 1,
        "bilateral_repeats": 1,
        "d": 3,
        "sigma_color": 60,
        "sigma_space": 1,
        "median": 3,
        "block": 15,
        "c": 6,
        "method": "gaussian",
    }.items():
        assert not np.array_equal(plain, filters["cartoon"](pixels, **{name: value})), name


def test_perturbed_is_cartoon_with_the_other_constants(scene):
    pixels = scene(96, 64)
    other = {"levels": 1, "bilateral_repeats": 14, "median": 5, "block": 11, "c": 4}
    expected = filters["cartoon"](pixels, **other, method="gaussian")
    assert np.array_equal(filters["cartoon_perturbed"](pixels), expected)
    assert not np.array_equal(filters["cartoon"](pixels), expected)


def test_red_and_blue_weigh_differently_so_the_order_of_channels_is_right():
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :, 0] = 255
    assert filters["xdog"](pixels, epsilon=0.2).min() == 255  # red is 0.30 bright
    assert filters["xdog"](pixels[:, :, ::-1], epsilon=0.2).max() < 255  # blue is 0.11


@pytest.mark.parametrize("colours", [2, 5, 10])
def test_poster_without_lines_has_that_many_colours(colours, scene):
    flat = filters["cartoon_poster"](scene(80, 120), colours=colours, lines=0)
    assert len(np.unique(flat.reshape(-1, 3), axis=0)) == colours


def test_posters_few_colours_are_those_of_the_picture():
    pixels = np.zeros((60, 60, 3), np.uint8)
    pixels[:, :20], pixels[:, 20:40], pixels[:, 40:] = (200, 30, 30), (30, 200, 30), (30, 30, 200)
    flat = filters["cartoon_poster"](pixels, colours=3, lines=0)
    assert np.abs(flat[30, [5, 30, 55]].astype(int) - pixels[30, [5, 30, 55]]).max() <= 2


def test_posters_colours_are_the_means_of_their_areas(noise):
    pixels = 40 + noise(64, 64) % 40
    pixels[:, 32:] += 120
    flat = filters["cartoon_poster"](pixels, colours=2, lines=0, smoothing=0)
    assert np.abs(flat[0, [0, 63]] - [[59.5], [179.5]]).max() < 3


def test_stronger_lines_are_darker_and_only_lines_change(scene):
    pixels = scene(96, 96)
    light = [filters["cartoon_poster"](pixels, lines=lines) for lines in (0, 0.5, 1)]
    assert light[0].mean() > light[1].mean() > light[2].mean()
    assert (light[1] <= light[0]).all() and (light[2] <= light[1]).all()
    assert (light[2] == light[0]).all(axis=2).mean() > 0.5


def test_pencil_is_invert_blur_invert_divide(scene):
    pixels = scene(50, 70)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    for kernel, sigma in ((21, 3.5), (7, 0)):  # 0: OpenCV's own table for small kernels
        blurred = 255 - cv2.GaussianBlur(255 - grey, (kernel, kernel), sigma).astype(float)
        quotient = np.divide(grey * 256.0, blurred, out=np.zeros(grey.shape), where=blurred > 0)
        done = filters["pencil"](pixels, kernel=kernel)
        assert np.array_equal(done[:, :, 0], np.rint(quotient).clip(0, 255).astype(np.uint8))
        assert (done == done[:, :, :1]).all()


def test_pencil_leaves_a_plane_white_and_draws_the_dark_side_of_a_step():
    plane = np.full((40, 40, 3), 90, np.uint8)
    assert (filters["pencil"](plane) == 255).all()
    plane[:, 20:] = 200
    done = filters["pencil"](plane)[20, :, 0]
    assert done[19] < 200 and done[25] == 255 and done[2] == 255


def test_xdog_by_hand_on_planes_and_its_formula_on_noise(noise):
    plane = np.full((20, 20), 0.6, np.float32)
    assert (xdog_of(plane, 0.8, 20, 1.6, 0.5, 10) == 1).all()
    dark = 1 + np.tanh(10 * (0.6 - 0.7))
    assert np.allclose(xdog_of(plane, 0.8, 20, 1.6, 0.7, 10), dark, atol=1e-4)
    grey = noise(30, 30)[:, :, 0].astype(np.float32) / 255
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (0.8, 0.8 * 1.6))
    sharp = 21 * fine - 20 * coarse
    expected = np.where(sharp >= 0.5, 1, 1 + np.tanh(3 * (sharp - 0.5)))
    assert np.allclose(xdog_of(grey, 0.8, 20, 1.6, 0.5, 3), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cartoon", {"median": 4}),
        ("cartoon", {"block": 1}),
        ("cartoon", {"levels": -1}),
        ("cartoon", {"method": "median"}),
        ("cartoon_poster", {"colours": 1}),
        ("cartoon_poster", {"lines": 1.5}),
        ("pencil", {"kernel": 20}),
        ("xdog", {"sigma": 0}),
        ("photocopy", {"sigma": 0}),
        ("photocopy", {"threshold": 2}),
        ("edges", {"high": 10}),
        ("edges", {"width": 0}),
    ],
)
def test_a_constant_out_of_range_is_one_line_with_its_value(name, options, scene):
    with pytest.raises(BadOption, match=f"{next(iter(options))} is .*must be") as caught:
        filters[name](scene(16, 16), **options)
    assert "\n" not in str(caught.value)
