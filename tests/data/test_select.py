"""Selection: what counts as grey, as a small face, as unknown, and the reason given."""

import numpy as np
import pytest

from portrayal.core.errors import BadOption
from portrayal.core.images import encode, find_pictures, read_pixels
from portrayal.data.select import face_share, face_verdict, grey_verdict, greyness, is_grey
from portrayal.features.faces import Face


def grey_of(pixels: np.ndarray) -> np.ndarray:
    return np.round(pixels.mean(axis=2, keepdims=True)).astype(np.uint8).repeat(3, axis=2)


def test_spread_is_the_mean_of_max_minus_min():
    pixels = np.array([[[10, 20, 40], [5, 5, 5]]], np.uint8)
    assert greyness(pixels).spread == 15


def test_grey_pictures_are_grey_and_colour_pictures_are_not(scene):
    for seed in range(5):
        assert is_grey(grey_of(scene(90, 70, seed))) and not is_grey(scene(90, 70, seed))


def test_a_cast_of_up_to_three_levels_is_still_grey(scene):
    pixels = np.zeros((8, 8, 3), np.uint8)
    for cast, grey in ((3, True), (4, False)):
        pixels[:, :, 0] = cast
        assert is_grey(pixels) is grey


def test_tinted_scans_are_grey_even_after_jpeg(scene):
    tone = grey_of(scene(120, 120)) / 255
    for tinted in (tone * [1, 0.9, 0.7], tone ** [0.8, 1, 1.4], tone * 0.9 + [0.1, 0.05, 0]):
        pixels = (tinted * 255).round().clip(0, 255).astype(np.uint8)
        assert greyness(pixels).spread > 3
        assert is_grey(pixels) and is_grey(read_pixels(encode(pixels, ".jpg", quality=90)))


def test_a_drawing_of_two_flat_colours_is_not_a_tinted_scan():
    pixels = np.full((64, 64, 3), 255, np.uint8)
    pixels[20:40, 20:40] = (220, 30, 30)
    assert greyness(pixels).explained > 0.99 and not is_grey(pixels)


def test_one_pixel_and_thin_pictures_have_an_answer(noise):
    for size in ((1, 1), (1, 300), (300, 1)):
        assert is_grey(grey_of(noise(*size)))
        assert isinstance(is_grey(noise(*size)), bool)


def test_real_grey_pictures_are_found_and_real_faces_are_not(shared):
    grey = [is_grey(read_pixels(p)) for p in find_pictures(shared / "data" / "grayscale")]
    faces = list(find_pictures(shared / "data" / "faces"))[::5]
    assert all(grey) and len(grey) == 120
    assert not any(is_grey(read_pixels(path)) for path in faces)


def test_the_share_is_that_of_the_largest_face(noise):
    pixels = noise(50, 100)
    faces = [Face(0, 0, 10, 10, 1.0), Face(0, 0, 50, 20, 0.1)]
    assert face_share(pixels, lambda _: faces) == 0.2
    assert face_share(pixels, lambda _: []) is None


@pytest.mark.parametrize(
    ("grey", "rule", "reason"),
    [
        (True, "keep", None),
        (False, "keep", None),
        (True, "reject", "grey picture"),
        (False, "reject", None),
        (True, "only", None),
        (False, "only", "not a grey picture"),
    ],
)
def test_grey_rules(grey, rule, reason):
    assert grey_verdict(grey, rule) == reason


SMALL, LARGE = "face takes less than 0.1 of the picture", "face takes 0.1 of the picture or more"


@pytest.mark.parametrize(
    ("share", "rule", "unknown", "reason"),
    [
        (0.05, "keep", "keep", None),
        (0.05, "reject", "keep", SMALL),
        (0.10, "reject", "keep", None),
        (0.10, "only", "keep", LARGE),
        (0.05, "only", "keep", None),
        (None, "reject", "keep", None),  # unknown is not small
        (None, "only", "keep", None),
        (None, "keep", "reject", "no face found"),
        (None, "reject", "only", None),
        (0.5, "keep", "only", "a face was found"),
        (0.5, "keep", "reject", None),
    ],
)
def test_face_rules(share, rule, unknown, reason):
    assert face_verdict(share, rule, 0.10, unknown) == reason


def test_a_rule_that_does_not_exist_is_refused():
    with pytest.raises(BadOption, match="The rule is 'drop', but must be keep, reject or only"):
        grey_verdict(True, "drop")
    with pytest.raises(BadOption, match="The rule is 'drop'"):
        face_verdict(0.5, "keep", 0.1, "drop")
