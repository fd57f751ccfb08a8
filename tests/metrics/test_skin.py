"""Skin tone and colour against numbers by hand, scikit-image and the pixels of a face."""

import math

import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab

from portrayal.core.images import unit
from portrayal.metrics import metrics
from portrayal.metrics.semantic import lab
from portrayal.metrics.skin import (
    LEAST,
    TONES,
    ciede2000,
    ita,
    median_colour,
    signed_shift,
    skin_colour_difference,
    skin_of,
    skin_tone_shift,
    tone_name,
)


@pytest.fixture(scope="module")
def face():
    """A photograph with a face, (1, 3, 256, 256) unit."""
    return unit(np.ascontiguousarray(data.astronaut()[:256, 96:352]))[None]


def in_lab(picture, change):
    """The picture after `change` of its CIELAB pixels (H, W, 3)."""
    changed = change(rgb2lab(picture[0].permute(1, 2, 0).double().numpy()))
    return torch.from_numpy(lab2rgb(changed)).permute(2, 0, 1)[None].clamp(0, 1)


def test_ita_by_hand():
    colours = torch.tensor([[70.0, 5, 20], [50, 0, 10], [30, 9, 20], [60, 0, 10]]).double()
    assert ita(colours).tolist() == pytest.approx([45, 0, -45, 45])
    assert ita(torch.tensor([62.0, 8, 17])).item() == pytest.approx(
        math.degrees(math.atan(12 / 17)), abs=1e-5
    )
    blue = ita(torch.tensor([[70.0, 0, 1e-9], [70, 0, 0], [70, 0, -1]]).double())
    assert blue.tolist() == pytest.approx([90, 90, 90 + math.degrees(math.atan(1 / 20))])


@pytest.mark.parametrize(
    ("angle", "name"),
    [
        (90, "very light"),
        (55.01, "very light"),
        (55, "light"),
        (41, "intermediate"),
        (28, "tan"),
        (10, "brown"),
        (0, "brown"),
        (-30, "brown"),
        (-30.01, "dark"),
        (-120, "dark"),
        (math.nan, "unknown"),
    ],
)
def test_the_bins_are_those_of_the_specification(angle, name):
    assert tone_name(angle) == name
    assert len(TONES) == 6


def test_ciede2000_agrees_with_scikit_image_on_all_kinds_of_colours():
    rng = np.random.default_rng(0)
    one = np.stack([rng.uniform(0, 100, 5000), *rng.uniform(-100, 100, (2, 5000))], -1)
    near = rng.random((5000, 1)) < 0.5
    two = np.where(near, one + rng.normal(0, 5, one.shape), one[::-1])
    one[:50, 1:] = 0  # greys
    two[25:75, 1:] = 0
    ours = ciede2000(torch.from_numpy(one), torch.from_numpy(two))
    np.testing.assert_allclose(ours, deltaE_ciede2000(one, two), atol=1e-9)
    assert ciede2000(torch.from_numpy(one), torch.from_numpy(one)).abs().max() < 1e-6


def test_ciede2000_of_published_pairs():
    """Sharma, Wu and Dalal 2005, table 1, pairs 1, 7 and 17."""
    one = torch.tensor([[50, 2.6772, -79.7751], [50, 0, 0], [50, 2.5, 0]]).double()
    two = torch.tensor([[50, 0, -82.7485], [50, -1, 2], [73, 25, -18]]).double()
    assert ciede2000(one, two).tolist() == pytest.approx([2.0425, 2.3669, 27.1492], abs=5e-5)


TURNED = [50, *(20 * math.cos(math.radians(180.5)), 20 * math.sin(math.radians(180.5)))]


def test_ciede2000_agrees_on_near_greys_and_on_opposite_hues():
    one = np.array(
        [[50, 0.5, 0.2], [50, 0.01, -0.3], [40, 20, 0], [60, -30, 0], [55, 0, 8], [50, 20, 0]]
    )
    two = np.array(
        [[50, -0.3, 0.6], [51, 0.2, 0.1], [45, -20, 0], [61, 10, 0], [50, 0, -8], TURNED]
    )
    ours = ciede2000(torch.from_numpy(one), torch.from_numpy(two))
    np.testing.assert_allclose(ours, deltaE_ciede2000(one, two), atol=1e-9)


def test_lab_agrees_with_scikit_image():
    colours = np.random.default_rng(1).random((2000, 3))
    np.testing.assert_allclose(lab(torch.from_numpy(colours)), rgb2lab(colours), atol=0.01)


def test_skin_is_found_in_the_face_and_nowhere_else(face):
    skin = skin_of(face[0])
    assert skin.dtype == torch.bool and skin.shape == (256, 256)
    rows, columns = np.nonzero(skin.numpy())
    assert 2000 < len(rows) < 25000
    assert rows.max() - rows.min() < 150 and columns.max() - columns.min() < 150
    assert 20 < np.median(rows) < 200 and 60 < np.median(columns) < 200


def test_a_picture_of_its_own_tone_has_no_shift(face):
    assert skin_tone_shift(face, face).tolist() == [0]
    assert skin_colour_difference(face, face).item() == pytest.approx(0, abs=1e-9)


def test_a_lighter_picture_has_a_shift_above_0_of_the_size_that_its_pixels_say(face):
    skin = skin_of(face[0]).numpy()
    seen = np.median(rgb2lab(face[0].permute(1, 2, 0).double().numpy())[skin], axis=0)
    lighter = in_lab(face, lambda pixels: pixels + np.array([6, 0, 0]))
    before, after = (math.degrees(math.atan2(seen[0] + up - 50, seen[2])) for up in (0, 6))
    assert signed_shift(lighter, face.double()).item() == pytest.approx(after - before, abs=0.3)
    assert after - before > 5
    darker = in_lab(face, lambda pixels: pixels - np.array([6, 0, 0]))
    assert signed_shift(darker, face.double()).item() < -5
    assert skin_tone_shift(darker, face.double()).item() > 5
    assert 4 < skin_colour_difference(lighter, face.double()).item() < 7


def test_both_are_measured_where_the_second_has_skin(face):
    """A translation that turns skin green is measured there, not where it kept some skin."""
    green = face.clone()
    skin = skin_of(face[0])
    green[0][:, skin] = torch.tensor([0.1, 0.8, 0.2])[:, None]
    wanted = lab(torch.tensor([0.1, 0.8, 0.2]).double())
    assert torch.allclose(median_colour(green[0], skin), wanted, atol=1e-6)
    assert skin_colour_difference(green, face).item() > 30


@pytest.mark.parametrize("name", ["skin_tone_shift", "skin_colour_difference"])
def test_no_face_no_skin_and_grey_give_no_value_and_the_card_says_why(name, face):
    none = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    grey = face.mean(1, keepdim=True)
    for picture in (none, grey, grey.expand(-1, 3, -1, -1)):
        assert metrics[name](picture, picture).isnan().all()
    assert str(LEAST) in metrics.card(name).missing and "no face" in metrics.card(name).missing
    assert metrics[name](none[:0], none[:0]).shape == (0,)


def test_99_skin_pixels_are_too_few_and_100_are_enough(face):
    for count in (LEAST - 1, LEAST):
        skin = torch.zeros(256, 256, dtype=torch.bool)
        skin.view(-1)[:count] = True
        assert bool(median_colour(face[0], skin).isfinite().all()) == (count == LEAST)


@pytest.mark.parametrize("name", ["skin_tone_shift", "skin_colour_difference"])
def test_pictures_are_scored_alone(name, face):
    lighter = (face * 1.15).clamp(0, 1)
    blank = torch.full_like(face, 0.5)
    fake, real = torch.cat([lighter, blank, face]), torch.cat([face, blank, lighter])
    whole = metrics[name](fake, real)
    alone = [metrics[name](fake[i : i + 1], real[i : i + 1]).item() for i in range(3)]
    assert whole[[0, 2]].tolist() == [alone[0], alone[2]]
    assert math.isnan(alone[1]) and whole[1].isnan()
    assert whole.dtype == torch.float64
