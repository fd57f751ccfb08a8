import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from torch import Tensor

from portrayal.core.errors import BadData, UnknownName
from portrayal.core.images import unit
from portrayal.core.palette import CLASS_COLOURS
from portrayal.data.sources.shapes import draw
from portrayal.metrics.semantic import class_colour, lab

CLASSES = list(CLASS_COLOURS)


def square(colour: tuple[int, int, int] | None) -> Tensor:
    """A black outline on white, (3, 32, 32) unit, filled with a colour or left empty."""
    picture = torch.ones(3, 32, 32)
    picture[:, 8:24, 8:24] = 0
    fill = torch.tensor(colour or (255, 255, 255)) / 255
    picture[:, 9:23, 9:23] = fill[:, None, None]
    return picture


def scores(fakes: list[Tensor], targets: list[Tensor], classes: list[str]) -> list[float]:
    return class_colour(torch.stack(fakes), torch.stack(targets), classes).tolist()


TRUTHS = [square(CLASS_COLOURS[name]) for name in CLASSES]


def test_lab_agrees_with_scikit_image():
    colours = torch.rand(500, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    colours = torch.cat([colours, colours / 50, torch.eye(3), torch.ones(1, 3), torch.zeros(1, 3)])
    np.testing.assert_allclose(lab(colours).numpy(), rgb2lab(colours.numpy()), atol=0.01)


def test_the_truth_itself_is_right_in_every_class():
    assert scores(TRUTHS, TRUTHS, CLASSES) == [1.0] * 5


def test_an_outline_left_empty_is_wrong_in_every_class():
    assert scores([square(None)] * 5, TRUTHS, CLASSES) == [0.0] * 5


@pytest.mark.parametrize("level", [0, 25, 50, 75, 128, 200, 255])
def test_grey_of_any_lightness_is_wrong_in_every_class(level):
    assert scores([square((level, level, level))] * 5, TRUTHS, CLASSES) == [0.0] * 5


def test_the_colour_of_another_class_is_wrong():
    shifted = TRUTHS[1:] + TRUTHS[:1]
    assert scores(shifted, TRUTHS, CLASSES) == [0.0] * 5


def test_a_fill_a_little_off_or_noisy_is_right():
    rng = torch.Generator().manual_seed(0)
    noisy = [(t + 0.1 * torch.randn(t.shape, generator=rng)).clamp(0, 1) for t in TRUTHS]
    darker = [0.85 * truth for truth in TRUTHS]
    assert scores(noisy, TRUTHS, CLASSES) == [1.0] * 5
    assert scores(darker, TRUTHS, CLASSES) == [1.0] * 5


def test_a_shape_less_than_half_filled_is_wrong():
    left = [truth.clone() for truth in TRUTHS]
    for picture in left:
        picture[:, 9:23, 14:23] = 1.0
    assert scores(left, TRUTHS, CLASSES) == [0.0] * 5


def test_lines_inside_are_no_filling_wherever_they_are():
    """A mean would call orange with a third of black lines brown."""
    lined = [truth.clone() for truth in TRUTHS]
    for picture in lined:
        picture[:, 9:23:3] = 0.0
    assert scores(lined, TRUTHS, CLASSES) == [1.0] * 5
    mean = TRUTHS[3][:, 9:23, 9:23] * 0.55
    brown = TRUTHS[3].clone()
    brown[:, 9:23, 9:23] = mean
    assert scores([brown], [TRUTHS[3]], [CLASSES[3]]) == [0.0], "dark orange is a filling, of brown"


def test_a_shape_full_of_lines_is_not_filled():
    for rows, right in ((3, 0.0), (4, 1.0)):  # of 14: less and more than a quarter
        drawn = [truth.clone() for truth in TRUTHS]
        for picture in drawn:
            picture[:, 9 + rows : 23, 9:23] = 0.0
        assert scores(drawn, TRUTHS, CLASSES) == [right] * 5


def test_as_much_of_another_colour_is_wrong():
    for other, right in ((7, 0.0), (6, 1.0)):  # rows of 14
        drawn = [truth.clone() for truth in TRUTHS]
        for place, picture in enumerate(drawn):
            colour = torch.tensor(CLASS_COLOURS[CLASSES[place - 1]]) / 255
            picture[:, 9 : 9 + other, 9:23] = colour[:, None, None]
        assert scores(drawn, TRUTHS, CLASSES) == [right] * 5


def test_only_the_filled_area_counts():
    stray = [truth.clone() for truth in TRUTHS]
    for picture in stray:
        picture[:, :8] = torch.tensor([0.0, 1.0, 1.0])[:, None, None]
    assert scores(stray, TRUTHS, CLASSES) == [1.0] * 5


def test_drawn_shapes_are_right_themselves_and_wrong_as_outlines():
    items = [draw(48, 0, f"shape_{index:06d}") for index in range(200)]
    painted = [unit(item.target) for item in items]
    outlines = [unit(item.source) for item in items]
    classes = [item.meta["class"] for item in items]
    assert set(classes) == set(CLASSES)
    assert np.mean(scores(painted, painted, classes)) == 1.0
    assert np.mean(scores(outlines, painted, classes)) == 0.0


def test_the_dark_line_around_the_fill_does_not_count():
    for name, truth in zip(CLASSES, TRUTHS, strict=True):
        outlined, blue = truth.clone(), truth.clone()
        line = 0.45 * torch.tensor(CLASS_COLOURS[name]) / 255
        outlined[:, 8:24, 8:11] = line[:, None, None]
        blue[:, 8:24, 8:11] = torch.tensor([0.0, 0.0, 1.0])[:, None, None]
        assert scores([blue], [outlined], [name]) == [1.0]


def test_neighbours_do_not_matter():
    fakes = [TRUTHS[0], square(None), TRUTHS[2]]
    assert scores(fakes, TRUTHS[:3], CLASSES[:3]) == [1.0, 0.0, 1.0]
    assert scores(fakes[1:2], TRUTHS[1:2], CLASSES[1:2]) == [0.0]


def test_bad_input_is_one_line():
    with pytest.raises(UnknownName, match=r"No class named 'trees'. Did you mean 'tree'"):
        scores(TRUTHS[:1], TRUTHS[:1], ["trees"])
    with pytest.raises(BadData, match="2 pictures came with 1 class names"):
        scores(TRUTHS[:2], TRUTHS[:2], ["tree"])
    with pytest.raises(BadData, match="1 of 2 truths hold no pixel of their class"):
        scores(TRUTHS[:2], [TRUTHS[0], square(None)], CLASSES[:2])
    with pytest.raises(BadData, match="translations span"):
        scores([2 * t for t in TRUTHS], TRUTHS, CLASSES)
    grey = torch.rand(1, 1, 32, 32)
    with pytest.raises(BadData, match="RGB"):
        class_colour(grey, grey, ["tree"])
