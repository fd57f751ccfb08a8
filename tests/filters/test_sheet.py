"""A photo of a sheet on a desk, and of a blackboard: what is drawn on it, and nothing else."""

import cv2
import numpy as np
import pytest

from portrayal.core.errors import BadData
from portrayal.filters.freehand import drawing_of
from portrayal.filters.sheet import sheet_alone, sheet_of


def page(paper=190, pen=50, size=300):
    """A circle on paper."""
    picture = np.full((size, size, 3), paper, np.uint8)
    cv2.circle(picture, (size // 2, size // 2), size // 4, (pen, pen, pen), 5, cv2.LINE_AA)
    return picture


def on_a_desk(picture, degrees=6.0, desk=(90, 60, 40), fall=0.4):
    """The page turned on a desk of half its size more, in light that falls off to the right."""
    side = picture.shape[0]
    wide = side * 3 // 2
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), degrees, 1)
    turn[:, 2] += (wide - side) / 2
    photo = cv2.warpAffine(picture, turn, (wide, wide), borderValue=desk)
    noise = np.random.default_rng(0).normal(0, 3, photo.shape)
    light = (1 - fall * np.linspace(0, 1, wide))[None, :, None]
    return (photo * light + noise).clip(0, 255).astype(np.uint8)


def ring(size, radius, width):
    """Where a circle in the middle has its line, with room on both sides."""
    away = np.hypot(*(np.mgrid[:size, :size] - (size - 1) / 2))
    return np.abs(away - radius) < width


@pytest.mark.parametrize("degrees", [0, 6, -25, 44])
def test_of_a_sheet_on_a_desk_only_the_drawing_is_ink(degrees):
    ink = drawing_of(on_a_desk(page(), degrees))[:, :, 0] < 128
    assert ink[ring(450, 75, 8)].mean() > 0.2
    assert ink[~ring(450, 75, 8)].mean() < 0.001


def test_the_sheet_is_found_where_it_is():
    photo = on_a_desk(np.full((300, 300, 3), 200, np.uint8), 0, fall=0)
    sheet = sheet_of(photo)
    truth = np.zeros((450, 450), bool)
    truth[75:375, 75:375] = True
    assert sheet is not None and (sheet.astype(bool) ^ truth).mean() < 0.02


@pytest.mark.parametrize(
    "picture",
    [
        page(),
        page(255, 0),
        on_a_desk(page(), desk=(170, 170, 170), fall=0),
        (page() * np.linspace(1, 0.3, 300)[None, :, None]).astype(np.uint8),
        np.full((9, 300, 3), 80, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
    ],
)
def test_without_a_sheet_that_stands_out_the_picture_stays_as_it_is(picture):
    assert sheet_of(picture) is None
    assert sheet_alone(picture) is picture


def test_a_dark_area_of_the_drawing_is_no_desk():
    hair = page()
    hair[:90] = 30
    assert sheet_of(hair) is None


def test_a_drawn_frame_is_no_edge_of_a_sheet():
    framed = page(255)
    cv2.rectangle(framed, (15, 15), (285, 285), (0, 0, 0), 12)
    assert sheet_of(framed) is None


def test_chalk_on_a_blackboard_is_ink():
    ink = drawing_of(page(45, 225))[:, :, 0] < 128
    assert ink[ring(300, 75, 5)].mean() > 0.2
    assert not ink[~ring(300, 75, 8)].any()


def test_an_empty_blackboard_is_refused():
    with pytest.raises(BadData, match="empty"):
        drawing_of(np.full((64, 64, 3), 40, np.uint8))
