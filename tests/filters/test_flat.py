"""Flat colours: what they flatten, what they keep, and each constant has its effect."""

import cv2
import numpy as np
import pytest

from portrayal.core.errors import BadOption
from portrayal.filters import filters
from portrayal.filters.flat import joined

FLAT = ["flat_regions", "flat_shift", "flat_smooth", "flat_flow"]


def halves(noise, amount=16):
    """Two noisy halves, around 60 and around 180."""
    pixels = 60 - amount // 2 + noise(64, 64) % amount
    pixels[:, 32:] += 120
    return pixels


@pytest.mark.parametrize("name", ["flat_regions", "flat_shift", "flat_smooth"])
def test_grain_goes_and_the_edge_stays(name, noise):
    pixels = halves(noise)
    done = filters[name](pixels).astype(float)
    for side in (slice(0, 28), slice(36, 64)):
        assert done[:, side].std() < 0.5 * pixels[:, side].std()
        assert done[:, side].mean() == pytest.approx(pixels[:, side].mean(), abs=2)
    assert done[:, 33].mean() - done[:, 30].mean() > 100


@pytest.mark.parametrize("name", FLAT)
def test_a_plane_stays_a_plane(name):
    plane = np.full((48, 40, 3), (200, 90, 30), np.uint8)
    assert np.abs(filters[name](plane).astype(int) - plane).max() <= 1


@pytest.mark.parametrize("name", FLAT)
def test_lines_only_darken_and_more_so_when_stronger(name, scene):
    pixels = scene(96, 96)
    light = [filters[name](pixels, lines=lines) for lines in (0, 0.5, 1)]
    assert light[0].mean() > light[1].mean() > light[2].mean()
    assert (light[1] <= light[0]).all() and (light[2] <= light[1]).all()


def test_regions_have_few_colours_and_fewer_when_more_is_merged(scene):
    pixels = scene(96, 96)
    counts = [
        len(np.unique(filters["flat_regions"](pixels, merge=merge).reshape(-1, 3), axis=0))
        for merge in (0, 5, 20)
    ]
    assert counts[0] > counts[1] > counts[2]
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10 * counts[2]


def test_neighbours_are_joined_by_distance_the_most_alike_first_by_hand():
    grey = np.repeat(np.array([[0, 10, 26, 255]], np.uint8), 4, axis=0)
    pixels = np.repeat(grey[:, :, None], 3, axis=2)
    labels = np.repeat(np.arange(4)[None], 4, axis=0)
    light = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, :, 0]
    near, far = light[1] - light[0], light[2] - light[1]
    assert near < far  # so 0 and 10 join first; their mean is then further from 26 than 10 was
    assert len(np.unique(joined(labels, pixels, near - 0.1))) == 4
    assert joined(labels, pixels, far + 0.1)[0].tolist() == [0, 0, 1, 2]
    further = light[2] - (light[0] + light[1]) / 2
    assert joined(labels, pixels, further + 0.1)[0].tolist() == [0, 0, 0, 1]


def test_regions_that_do_not_touch_stay_apart():
    labels = np.array([[0, 1, 2]] * 3)
    pixels = np.repeat(np.array([[40, 255, 40]] * 3, np.uint8)[:, :, None], 3, axis=2)
    assert len(np.unique(joined(labels, pixels, 5))) == 3


def test_detail_lets_the_picture_through(scene):
    pixels = scene(64, 64)
    distance = [
        np.abs(filters["flat_regions"](pixels, detail=detail).astype(float) - pixels).mean()
        for detail in (0, 0.5, 1)
    ]
    assert distance[0] > distance[1] > distance[2]


def test_guided_smoothing_by_its_formula_on_one_plane_of_noise(noise):
    pixels = noise(40, 40)
    x = pixels / 255
    mean, square = cv2.blur(x, (5, 5)), cv2.blur(x * x, (5, 5))
    a = (square - mean**2) / (square - mean**2 + 0.1**2)
    expected = cv2.blur(a, (5, 5)) * x + cv2.blur((1 - a) * mean, (5, 5))
    done = filters["flat_smooth"](pixels, radius=2, edge=0.1, repeats=1)
    assert np.abs(done - expected * 255).max() <= 0.6


def test_flow_makes_a_soft_edge_sharp():
    ramp = np.full((64, 64, 3), 40, np.uint8)
    ramp[:, 26:38] = np.linspace(40, 220, 12)[None, :, None]
    ramp[:, 38:] = 220
    steepest = [
        np.abs(np.diff(p[32, :, 0].astype(int))).max()
        for p in (ramp, filters["flat_flow"](ramp, repeats=6, strength=1))
    ]
    assert steepest[1] > 3 * steepest[0]


def test_tone_by_hand():
    pixels = np.full((8, 8, 3), (51, 102, 204), np.uint8)
    tone = filters["tone"]
    assert np.array_equal(tone(pixels), pixels)
    assert tone(pixels, gamma=2)[0, 0].tolist() == [10, 41, 163]  # 0.2, 0.4, 0.8 squared
    assert tone(pixels, contrast=0.5)[0, 0].tolist() == [89, 115, 166]
    assert tone(pixels, red=0.1, blue=-0.1)[0, 0].tolist() == [76, 102, 178]
    assert tone(pixels, saturation=0)[0, 0].tolist() == [98, 98, 98]  # 0.299 R + 0.587 G + 0.114 B
    assert np.array_equal(tone(pixels, local=0.5), pixels)  # a plane has no surroundings


def test_local_contrast_moves_away_from_the_surroundings():
    pixels = np.full((60, 60, 3), 100, np.uint8)
    pixels[25:35, 25:35] = 150
    assert filters["tone"](pixels, local=0.4)[30, 30, 0] > 155


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("flat_regions", {"cell": 1}),
        ("flat_regions", {"merge": -1}),
        ("flat_regions", {"detail": 2}),
        ("flat_regions", {"lines": 1.5}),
        ("flat_shift", {"space": 0}),
        ("flat_shift", {"colour": 255.5}),
        ("flat_smooth", {"radius": 0}),
        ("flat_smooth", {"edge": 0}),
        ("flat_smooth", {"repeats": 99}),
        ("flat_flow", {"sigma": 0}),
        ("flat_flow", {"strength": 2}),
        ("flat_flow", {"width": 0, "lines": 1}),
        ("tone", {"gamma": 0}),
        ("tone", {"contrast": -1}),
        ("tone", {"red": 2}),
    ],
)
def test_a_constant_out_of_range_is_one_line_with_its_value(name, options, scene):
    with pytest.raises(BadOption, match=f"{next(iter(options))} is .*must be") as caught:
        filters[name](scene(16, 16), **options)
    assert "\n" not in str(caught.value)
