"""Photocopy and edges: lines where there are some, white where there are none."""

import numpy as np
import pytest

from portrayal.core.errors import UnknownName
from portrayal.filters import filters
from portrayal.filters.varied import NAMED, STYLES, drawn


def step():
    plane = np.full((40, 40, 3), 200, np.uint8)
    plane[:, 20:] = 60
    return plane


@pytest.mark.parametrize("name", ["photocopy", "edges", "pencil"])
def test_a_plane_is_white_whatever_its_tone(name):
    for tone in (30, 128, 255):
        assert (filters[name](np.full((30, 30, 3), tone, np.uint8)) == 255).all()


def test_photocopy_inks_the_dark_side_of_a_step_as_its_formula_says():
    from scipy.ndimage import gaussian_filter1d

    row = step()[20, :, 0] / 255
    darker = gaussian_filter1d(row, 4, mode="mirror") - row
    expected = 255 * (1 - ((darker - 0.03) / 0.05).clip(0, 1))
    done = filters["photocopy"](step())
    assert np.abs(done[20, :, 0] - expected).max() < 4  # OpenCV cuts the Gaussian off earlier
    assert done[20, 20, 0] == 0 and (done[:, :20] == 255).all()
    pale = filters["photocopy"](step(), soft=1)
    assert 0 < pale[20, 20, 0] < 255


def test_edges_are_one_line_of_the_asked_width_in_one_tone():
    for width in (1, 2, 3):
        done = filters["edges"](step(), width=width)
        assert set(np.unique(done)) == {0, 255}
        assert (done[5:35, :, 0] == 0).sum(axis=1).tolist() == [width] * 30
    assert (filters["edges"](step(), low=900, high=1000) == 255).all()


def test_the_new_sketches_are_grey(scene):
    for name in ("photocopy", "edges"):
        done = filters[name](scene(60, 80))
        assert (done == done[:, :, :1]).all() and done.min() < 100 and (done == 255).mean() > 0.5


def test_variants_are_drawn_from_the_chosen_styles_alone_in_equal_shares():
    styles = ("pencil", "xdog", "photocopy", "edges")
    first = [drawn(0, "a", number, styles=styles)[0].split(":")[0] for number in range(400)]
    assert set(first) == set(styles)
    assert all(70 < first.count(style) < 130 for style in styles)
    with pytest.raises(UnknownName, match="Did you mean 'pencil'"):
        drawn(0, "a", 1, styles=("pencils",))


def test_every_style_has_a_name_and_begins_a_recipe_that_its_filter_takes(scene):
    from portrayal.data.options import parse_filter

    assert set(STYLES) <= set(NAMED.values())
    for name in NAMED:
        for number in range(2):
            recipe = drawn(0, name, number, styles=(name,))
            assert name in [text.split(":")[0] for text in recipe]
            parse_filter(recipe[0])(scene(40, 40))
