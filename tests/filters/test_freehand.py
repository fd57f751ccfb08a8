"""A photographed drawing comes back as the drawing: white paper, full ink, one thickness."""

import cv2
import numpy as np
import pytest

from portrayal.core.errors import BadData, BadOption
from portrayal.filters.freehand import (
    clean_drawing,
    depths,
    drawing_of,
    even_light,
    ink_of,
    middle_lines,
    usual_width,
    wide_areas,
)


def drawing(width, side=256):
    """A circle, a line and a triangle, black on white."""
    scale = side / 256
    page = np.full((side, side, 3), 255, np.uint8)
    corners = (np.array([[180, 30], [230, 30], [205, 90]]) * scale).astype(np.int32)
    cv2.circle(page, (int(100 * scale), int(110 * scale)), int(60 * scale), 0, width, cv2.LINE_AA)
    ends = [tuple((np.array(p) * scale).astype(int).tolist()) for p in ((20, 220), (230, 200))]
    cv2.line(page, *ends, 0, width, cv2.LINE_AA)
    cv2.polylines(page, [corners], True, 0, width, cv2.LINE_AA)
    page[:] = page[:, :, :1]
    return page


def photographed(page, seed=0):
    """Yellow paper, weak ink, light from one side, noise, JPEG."""
    height, width = page.shape[:2]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = (0.55 + 0.4 * x * (0.5 + 0.5 * y))[:, :, None] * np.array([1, 0.93, 0.7])
    noise = np.random.default_rng(seed).normal(0, 5, page.shape)
    levels = ((40 + page / 255 * 215) * light + noise).clip(0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def apart(one, other):
    """Mean difference, 1 is white against black."""
    return float(np.abs(one.astype(float) - other).mean() / 255)


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


def test_a_shadow_across_the_sheet_is_no_ink():
    photo = photographed(drawing(4)).astype(float)
    ramp = 1 - 0.3 / (1 + np.exp((np.arange(256) - 128) / 8))  # the soft edge of a hand's shadow
    shaded = (photo * ramp[None, :, None]).astype(np.uint8)
    assert apart(clean_drawing(shaded), clean_drawing(drawing(4))) < 0.006


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


@pytest.mark.parametrize(
    "page", [np.full((64, 80, 3), 255, np.uint8), None], ids=["white", "photo"]
)
def test_an_empty_sheet_is_refused_with_the_numbers_and_cleaned_to_white(page):
    page = photographed(np.full((256, 256, 3), 255, np.uint8)) if page is None else page
    assert (clean_drawing(page) == 255).all()
    with pytest.raises(BadData, match=r"empty: 0\.\d\d% of its pixels .* 6% darker .* 0\.05%"):
        drawing_of(page)


def test_a_drawing_is_not_refused():
    assert np.array_equal(drawing_of(drawing(3)), clean_drawing(drawing(3)))


@pytest.mark.parametrize("stroke", [-1, 0.2, 33, float("nan")])
def test_a_stroke_out_of_range_is_one_line(stroke):
    with pytest.raises(BadOption, match="stroke is"):
        clean_drawing(drawing(3), stroke=stroke)


def test_light_is_a_surface_that_ink_does_not_pull_down():
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    light = (180 + 40 * x - 20 * y + 10 * x * y).astype(np.float32)
    inked = light.copy()
    inked[20:30, 5:60] = 20
    assert np.abs(even_light(inked) - light).max() < 0.5


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


def test_faint_lines_stay_beside_hair_that_covers_much_of_the_sheet():
    """Shading is no noise of the paper and no light: a portrait keeps its eyes and its mouth."""
    rng = np.random.default_rng(0)
    sheet = np.full((250, 200), 248.0)
    hatched = np.zeros(sheet.shape, bool)
    hatched[40:, :45], hatched[40:, 155:], hatched[40:60] = True, True, True
    hair = rng.choice([40.0, 110.0], sheet.shape)
    sheet[hatched] = hair[hatched]
    sheet[150:153, 80:120] = 150  # a mouth
    sheet += rng.normal(0, 1, sheet.shape)
    pixels = np.repeat(sheet.clip(0, 255).astype(np.uint8)[:, :, None], 3, 2)
    for stroke in (0.0, 3.0):
        drawing = drawing_of(pixels, stroke=stroke)[:, :, 0]
        assert (drawing[151, 84:116] < 128).all()
        assert (drawing[100:140, 70:130] == 255).all()
        assert (drawing[:30] == 255).all()
        assert drawing[42:58].mean() < 100


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


def test_noise_of_the_paper_leaves_no_ink():
    rng = np.random.default_rng(1)
    for deviation in (6, 12):
        page = drawing(5).astype(float) * 0.8 + 25 + rng.normal(0, deviation, (256, 256, 1))
        done = clean_drawing(page.clip(0, 255).astype(np.uint8), stroke=0)
        far = cv2.erode(drawing(5), np.ones((9, 9), np.uint8))[:, :, 0] == 255
        assert (done[far] < 255).mean() < 0.002


def levels(sheet):
    return np.repeat(sheet.clip(0, 255).astype(np.uint8)[:, :, None], 3, 2)


def test_a_hairline_stays_though_a_few_specks_of_the_paper_are_brighter():
    sheet = np.full((256, 256), 220.0)
    sheet[np.random.default_rng(0).random(sheet.shape) < 0.12] += 20
    sheet[20, 20:230] = 150
    ink = ink_of(levels(sheet))[0]
    assert ink[20, 30:220].mean() > 0.9
    assert ink[100:].max() < 0.1


def test_a_hairline_and_the_shading_stay_where_most_of_the_sheet_is_shaded():
    rng = np.random.default_rng(0)
    sheet = np.full((256, 256), 230.0)
    shaded = rng.random(sheet.shape) < 0.65
    sheet[shaded] = rng.uniform(200, 230, shaded.sum())
    sheet[20, 20:230] = 90
    ink = ink_of(levels(sheet))[0]
    assert ink[20, 30:220].mean() > 0.95
    assert ink[25:35].mean() > 0.2


@pytest.mark.parametrize(("tone", "drawn"), [(190, True), (215, False)])
def test_a_pale_stroke_is_drawn_if_it_is_clearly_darker_than_what_is_around(tone, drawn):
    page = np.full((256, 256, 3), 255, np.uint8)
    page[60:200, :100] = 0
    page[80:180, 160:164] = tone
    done = clean_drawing(page)[85:175, 156:168, 0]
    assert (done.min(axis=1) < 128).all() == drawn
    assert (done == 255).all() == (not drawn)


def test_light_is_that_of_the_paper_where_a_dark_area_covers_30_percent():
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    light = (200 + 30 * x + 10 * y).astype(np.float32)
    inked = light.copy()
    inked[:, :19] *= 0.5
    assert np.abs(even_light(inked) - light).max() < 0.5


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
