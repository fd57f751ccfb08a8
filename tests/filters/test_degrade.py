"""Graded damage: strength 0 is nothing at all, more strength is more harm, a seed fixes it."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from portrayal.core.errors import BadOption
from portrayal.filters import filters
from portrayal.filters.degrade import DAMAGES

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
NAMES = [damage.__name__ for damage in DAMAGES]
SEEDED = ["noise", "occlusion", "low_light", "shift", "rotation"]


def harm(before, after):
    """Mean absolute change of levels."""
    return float(np.abs(before.astype(float) - after).mean())


@pytest.mark.parametrize("name", NAMES)
def test_strength_zero_changes_nothing_to_the_bit(name, noise):
    pixels = noise(33, 47)
    assert np.array_equal(filters[name](pixels, strength=0), pixels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_harm_grows_with_strength(name, seed, scene):
    pixels = scene(96, 80, seed=seed)
    more = {"seed": seed} if name in SEEDED else {}
    harms = [harm(pixels, filters[name](pixels, strength=s, **more)) for s in STRENGTHS]
    assert all(low < high for low, high in pairwise(harms)), harms


@pytest.mark.parametrize("name", SEEDED)
def test_another_seed_is_another_damage_and_the_same_seed_the_same(name, scene):
    pixels = scene(64, 64)
    first, again = (filters[name](pixels, strength=1, seed=1) for _ in range(2))
    others = [filters[name](pixels, strength=1, seed=seed) for seed in range(2, 8)]
    assert np.array_equal(first, again)
    assert any(not np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_0_to_1_is_one_line(name, strength, scene):
    with pytest.raises(BadOption, match=r"strength is .*must be 0"):
        filters[name](scene(16, 16), strength=strength)


def test_noise_has_the_deviation_it_says():
    plane = np.full((128, 128, 3), 128, np.uint8)
    for strength in (0.2, 0.6):
        spread = (filters["noise"](plane, strength=strength) - 128.0).std()
        assert spread == pytest.approx(strength * 0.25 * 255, rel=0.03)


def test_blur_is_the_gaussian_it_says(noise):
    pixels = noise(64, 96)
    assert np.array_equal(
        filters["blur"](pixels, strength=0.5), cv2.GaussianBlur(pixels, (0, 0), 1.0)
    )


@pytest.mark.parametrize("name", ["blur", "occlusion", "shift", "rotation"])
def test_a_strength_means_the_same_at_every_size(name, scene):
    harms = [
        harm(picture, filters[name](picture, strength=1))
        for picture in (scene(side, side, seed=2) for side in (64, 256))
    ]
    assert harms[0] == pytest.approx(harms[1], rel=0.15)


def test_occlusion_hides_a_quarter_at_most_and_the_weaker_lies_in_the_stronger(noise):
    pixels = noise(100, 100) // 2  # below the grey of the rectangle
    masks = [
        (filters["occlusion"](pixels, strength=s, seed=3) == 128).all(axis=2) for s in STRENGTHS[1:]
    ]
    assert masks[-1].mean() == pytest.approx(0.25, abs=0.01)
    assert masks[0].mean() == pytest.approx(0.0625, abs=0.01)
    assert all((weak <= strong).all() for weak, strong in pairwise(masks))
    outside = ~masks[-1]
    done = filters["occlusion"](pixels, strength=1, seed=3)
    assert np.array_equal(done[outside], pixels[outside])


def test_low_light_leaves_a_sixteenth_of_the_light():
    plane = np.full((64, 64, 3), 240, np.uint8)
    assert filters["low_light"](plane, strength=1).mean() == pytest.approx(15, abs=0.3)
    assert filters["low_light"](plane, strength=0.5).mean() == pytest.approx(60, abs=0.3)


def test_shift_moves_by_an_eighth_and_rotation_turns_by_thirty_degrees():
    dot = np.zeros((96, 96, 3), np.uint8)
    dot[46:50, 46:50] = 255  # the middle is 47.5
    weight = filters["shift"](dot, strength=1, seed=5)[:, :, 0].astype(float)
    y, x = np.mgrid[:96, :96]
    moved = np.hypot(
        (y * weight).sum() / weight.sum() - 47.5, (x * weight).sum() / weight.sum() - 47.5
    )
    assert moved == pytest.approx(12, abs=0.1)
    assert harm(dot, filters["rotation"](dot, strength=1)) < 2  # the middle stays
    bar = np.zeros((97, 97, 3), np.uint8)
    bar[47:50] = 255
    for seed in range(4):
        turned = filters["rotation"](bar, strength=1, seed=seed)[:, :, 0]
        angle = np.degrees(np.arctan2(*(np.argmax(turned[:, [68, 28]], axis=0) @ [[1], [-1]], 40)))
        assert abs(float(angle[0])) == pytest.approx(30, abs=2)


def test_grey_at_full_strength_has_equal_channels_and_keeps_the_lightness(scene):
    pixels = scene(32, 32)
    done = filters["grey"](pixels, strength=1)
    assert (done == done[:, :, :1]).all()
    assert np.abs(done[:, :, 0] - cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(int)).max() <= 1


def test_jpeg_keeps_red_red():
    red = np.zeros((32, 32, 3), np.uint8)
    red[:, :, 0] = 200
    assert np.abs(filters["jpeg"](red, strength=0.5).astype(int) - red).max() < 12


def test_downscale_keeps_an_eighth_of_the_pixels(noise):
    pixels = noise(64, 64)
    done = filters["downscale"](pixels, strength=1)
    small = cv2.resize(pixels, (8, 8), interpolation=cv2.INTER_AREA)
    assert np.array_equal(done, cv2.resize(small, (64, 64), interpolation=cv2.INTER_LINEAR))
