"""A photographed drawing comes back as the drawing: white paper, full ink, one thickness."""

import cv2
import numpy as np
import pytest
from drawn import apart, drawing, photographed

from portrayal.core.errors import BadOption
from portrayal.filters.freehand import (
    clean_drawing,
    depths,
    drawing_of,
    middle_lines,
    usual_width,
    wide_areas,
)


def width_of(page):
    return usual_width(depths((page[:, :, 0] < 128).astype(np.uint8)))


@pytest.mark.parametrize("width", [2, 4, 7])
@pytest.mark.parametrize("seed", range(2))
def test_a_photographed_drawing_comes_back_as_the_clean_one(width, seed):
    page = drawing(width)
    photo = photographed(page, seed)
    assert apart(photo, page) > 0.2
    assert apart(clean_drawing(photo), clean_drawing(page)) < 0.003
    assert apart(clean_drawing(photo, stroke=0), page) < 0.01


@pytest.mark.parametrize("stroke", [0.0, 2.0, 3.0, 5.0])
def test_cleaning_a_clean_drawing_changes_next_to_nothing(stroke):
    once = clean_drawing(drawing(3), stroke=stroke)
    assert apart(clean_drawing(once, stroke=stroke), once) < 0.004


def test_as_drawn_leaves_a_clean_drawing_to_the_bit():
    assert np.array_equal(clean_drawing(drawing(5), stroke=0), drawing(5))


@pytest.mark.parametrize("width", range(1, 10))
def test_strokes_of_any_width_get_the_same(width):
    done = clean_drawing(drawing(width), stroke=3)
    assert width_of(done) == 3
    assert apart(done, clean_drawing(drawing(3), stroke=3)) < 0.008


def test_a_stroke_means_the_same_at_every_size():
    assert width_of(clean_drawing(drawing(3), stroke=4)) == pytest.approx(4, abs=1)
    assert width_of(clean_drawing(drawing(7, 512), stroke=4)) == pytest.approx(8, abs=1)
    assert width_of(clean_drawing(drawing(9, 1280), stroke=4)) == pytest.approx(20, abs=3)


def test_a_filled_area_stays_filled_and_in_place():
    page = drawing(3)
    cv2.circle(page, (60, 190), 16, (0, 0, 0), -1)
    done = clean_drawing(page)
    disc = cv2.circle(np.zeros((256, 256), np.uint8), (60, 190), 14, 1, -1) > 0
    assert done[disc].max() == 0


def test_a_speck_goes_and_a_dot_of_the_pen_stays():
    page = drawing(5)
    page[240, 20] = 0
    cv2.circle(page, (240, 240), 3, (0, 0, 0), -1)
    done = clean_drawing(page)
    assert done[235:246, 15:26].min() == 255
    assert done[240, 240, 0] == 0


@pytest.mark.parametrize("stroke", [-1, 0.2, 33, float("nan")])
def test_a_stroke_out_of_range_is_one_line(stroke):
    with pytest.raises(BadOption, match="stroke is"):
        clean_drawing(drawing(3), stroke=stroke)


def test_middle_lines_of_a_bar_are_its_middle_row():
    bar = np.zeros((11, 30), np.uint8)
    bar[3:8, 4:26] = 1
    rows, columns = np.nonzero(middle_lines(bar))
    assert set(rows) == {5}
    assert len(columns) == len(set(columns)) and len(columns) >= 16


def test_middle_lines_agree_with_skimage():
    from skimage.morphology import skeletonize

    mask = (drawing(7)[:, :, 0] < 128).astype(np.uint8)
    ours, theirs = middle_lines(mask), skeletonize(mask > 0)
    away = cv2.distanceTransform(1 - theirs.astype(np.uint8), cv2.DIST_L2, 5)
    assert away[ours > 0].max() <= 2
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.1)


def test_wide_areas_are_where_a_disc_fits():
    mask = np.zeros((60, 60), np.uint8)
    mask[5:8] = 1
    cv2.circle(mask, (30, 35), 12, 1, -1)
    found = wide_areas(mask, 6)
    assert found[:10].sum() == 0
    assert found[35, 30] == 1 and found.sum() == pytest.approx(mask[15:].sum(), rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_depths_of_some_pieces_are_the_same_without_the_other_pieces(seed):
    rng = np.random.default_rng(seed)
    blobs = cv2.GaussianBlur(rng.standard_normal((70, 50)), (0, 0), 1.5)
    mask = (blobs > np.quantile(blobs, 0.6)).astype(np.uint8)
    count, places = cv2.connectedComponents(mask, connectivity=8)
    kept = (mask * (places > count // 2)).astype(np.uint8)
    assert 0 < kept.sum() < mask.sum()
    assert np.array_equal(depths(mask) * kept, depths(kept))
    assert np.array_equal(depths(mask) > 0, mask > 0)


def test_depths_count_pixels_to_the_paper_and_beyond_the_sheet_is_paper():
    mask = np.ones((5, 7), np.uint8)
    assert depths(mask)[2].tolist() == [1, 2, 3, 3, 3, 2, 1]
    assert depths(mask)[:, 3].tolist() == [1, 2, 3, 2, 1]


@pytest.mark.parametrize("degrees", [25, 40, 70])
def test_where_strokes_meet_at_a_sharp_angle_is_no_filled_area(degrees):
    page = np.full((400, 400, 3), 255, np.uint8)
    end = 40 + 300 * np.tan(np.radians(degrees) / 2)
    for x in (-end, end):
        cv2.line(page, (200, 60), (round(200 + x), 360), (0, 0, 0), 24, cv2.LINE_AA)
    ink = drawing_of(page, stroke=3)[:, :, 0] < 128
    thickest = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 5).max()
    assert thickest <= 1.6 * 3 * 400 / 256 / 2 + 1


def test_a_filled_circle_between_two_strokes_stays_filled():
    page = np.full((400, 400, 3), 255, np.uint8)
    cv2.line(page, (20, 200), (380, 200), (0, 0, 0), 6, cv2.LINE_AA)
    cv2.circle(page, (200, 200), 20, (0, 0, 0), -1, cv2.LINE_AA)
    ink = drawing_of(page, stroke=3)[:, :, 0] < 128
    circle = np.hypot(*np.mgrid[-200:200, -200:200]) < 18
    assert ink[circle].mean() > 0.98


def test_a_dot_twice_as_wide_as_the_strokes_stays_unless_two_strokes_meet_in_it():
    def middle_of(strokes: list[tuple[int, int]]) -> float:
        page = np.full((400, 400, 3), 255, np.uint8)
        cv2.rectangle(page, (20, 20), (380, 380), (0, 0, 0), 10)
        for end in strokes:
            cv2.line(page, (200, 200), end, (0, 0, 0), 10)
        cv2.circle(page, (200, 200), 11, (0, 0, 0), -1)
        ink = drawing_of(page, stroke=3)[:, :, 0] < 128
        return ink[np.hypot(*np.mgrid[-200:200, -200:200]) < 8].mean()

    assert middle_of([]) > 0.95
    assert middle_of([(200, 300)]) > 0.95
    assert middle_of([(150, 300), (250, 300)]) < 0.9


def test_dust_does_not_make_strokes_look_wide():
    """The usual width is that of strokes, not of the many specks that go."""
    page = drawing(7)
    dust = np.random.default_rng(0).random((64, 64)) < 0.25
    page[::4, ::4][dust] = 0
    assert apart(clean_drawing(page), clean_drawing(drawing(7))) < 0.006


def test_what_is_a_speck_depends_on_the_pen():
    thin, thick = drawing(2), drawing(9)
    for page in (thin, thick):
        page[239:242, 19:22] = 0
    assert clean_drawing(thin)[235:246, 15:26].min() < 128
    assert clean_drawing(thick)[235:246, 15:26].min() == 255


def test_an_area_may_go_on_beyond_the_sheet():
    mask = np.zeros((40, 40), np.uint8)
    mask[:5] = 1  # the visible rest of what may be wide
    assert wide_areas(mask, 4).sum() == mask.sum()
    assert wide_areas(mask[::-1].copy(), 4).sum() == mask.sum()
    assert wide_areas(np.roll(mask, 10, 0), 4).sum() == 0


def test_a_filled_area_keeps_its_tone():
    page = drawing(3)
    cv2.circle(page, (60, 190), 16, (90, 90, 90), -1)
    inside = clean_drawing(page)[180:200, 50:70]
    assert 60 < inside.mean() < 130


@pytest.mark.parametrize("shape", [(128, 256), (256, 128)])
def test_a_stroke_is_a_share_of_the_short_side(shape):
    page = np.full((*shape, 3), 255, np.uint8)
    cv2.circle(page, (shape[1] // 2, shape[0] // 2), 40, (0, 0, 0), 3, cv2.LINE_AA)
    assert width_of(clean_drawing(page, stroke=10)) == pytest.approx(5, abs=0.5)


def test_a_large_scan_is_cleaned_at_1024_pixels_of_its_short_side():
    page = np.full((1024, 1088, 3), 255, np.uint8)
    page[300:900, 200:800] = cv2.resize(drawing(5), (600, 600))
    large = page.repeat(2, 0).repeat(2, 1)
    done = clean_drawing(large, stroke=0)
    wanted = clean_drawing(page, stroke=0)
    wanted = cv2.resize(wanted, large.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    assert done.shape == large.shape
    assert np.abs(done.astype(int) - wanted).max() <= 1
