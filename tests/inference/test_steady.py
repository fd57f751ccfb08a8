"""Answers that hold still where the input only moves."""

import math

import cv2
import numpy as np
import pytest

from portrayal.inference.steady import Before, flicker, mean_of, motion, steadied, steady


def clip(noise, frames=8, height=96, width=128):
    """Shapes that move over ground that moves; each frame has noise of its own."""
    rng = np.random.default_rng(0)
    ground = rng.uniform(0, 255, (height, 2 * width, 3)).astype(np.float32)
    ground = (cv2.GaussianBlur(ground, (0, 0), 4) - 127) * 6 + 127
    for i in range(frames):
        frame = ground[:, 2 * i : 2 * i + width].copy()
        cv2.circle(frame, (20 + 5 * i, 50), 16, (230, 60, 40), -1)
        cv2.rectangle(
            frame, (100 - 4 * i, 10 + 3 * i), (120 - 4 * i, 30 + 3 * i), (30, 90, 220), -1
        )
        yield (frame + rng.normal(0, noise, frame.shape)).clip(0, 255).astype(np.uint8)


def sharpened(frame):
    """A model in whose answers noise grows fivefold."""
    picture = frame.astype(np.float32)
    return (
        (picture + 4 * (picture - cv2.GaussianBlur(picture, (0, 0), 1))).clip(0, 255).astype("u1")
    )


def off(one, other):
    pairs = zip(one, other, strict=True)
    return np.mean([np.abs(a.astype(float) - b.astype(float)).mean() for a, b in pairs])


def test_flicker_falls_to_less_than_half_and_answers_change_less_than_they_flickered():
    frames = list(clip(noise=1))
    answers = [sharpened(frame) for frame in frames]
    made = list(steady(zip(frames, answers, strict=True)))
    after = mean_of(each.flicker for each in made)
    before = mean_of(each.flicker_before for each in made)
    assert after < 0.45 * before
    pixels = [each.pixels for each in made]
    assert off(pixels, answers) < 0.7 * before  # 3.8 levels of 255


def test_the_first_frame_and_one_of_another_size_stay_as_they_are(scene):
    frame, answer = scene(40, 50), scene(40, 50, seed=1)
    first = steadied(None, frame, answer)
    assert np.array_equal(first.pixels, answer) and math.isnan(first.flicker)
    other = Before(scene(40, 52), scene(40, 52), scene(40, 52))
    assert np.array_equal(steadied(other, frame, answer).pixels, answer)


def test_a_cut_to_another_scene_is_not_blended(scene):
    before = Before(*(np.full((64, 64, 3), 20, np.uint8),) * 3)
    answer = scene(64, 64)
    assert np.array_equal(
        steadied(before, np.full((64, 64, 3), 220, np.uint8), answer).pixels, answer
    )


def test_motion_leads_back_to_where_a_thing_was(scene):
    whole = scene(80, 120, seed=3)
    back, seen = motion(whole[:, :100], whole[:, 4:104])
    inside = np.s_[16:-16, 16:-16]
    assert np.abs(np.median(back[inside], axis=(0, 1)) - [4, 0]).max() < 0.3
    assert seen[inside].mean() > 0.9


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (16, 16), (17, 600), (600, 20)])
def test_any_size_has_a_motion(noise, size):
    back, seen = motion(noise(*size), noise(*size, seed=1))
    assert back.shape == (*size, 2) and seen.shape == size
    assert np.isfinite(back).all() and seen.min() >= 0 and seen.max() <= 1


def test_large_frames_are_sought_small_and_their_flow_is_that_of_the_whole(scene):
    whole = cv2.resize(scene(120, 160, seed=3), (1640, 1230))
    back, _ = motion(whole[:, :1600], whole[:, 20:1620])
    assert np.abs(np.median(back, axis=(0, 1)) - [20, 0]).max() < 1


def test_flicker_by_hand():
    answer = np.full((2, 2, 3), 10, np.uint8)
    earlier = answer.astype(np.float32)
    earlier[0, 0] = 16
    seen = np.ones((2, 2), np.float32)
    assert flicker(answer, earlier, seen) == 1.5
    seen[0, 0] = 0
    assert flicker(answer, earlier, seen) == 0
    assert math.isnan(flicker(answer, earlier, 0 * seen))
    assert math.isnan(mean_of([math.nan])) and mean_of([1.0, math.nan, 3.0]) == 2
