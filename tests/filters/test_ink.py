"""Paper, its light and its noise are no ink; faint strokes are. Nothing drawn is refused."""

import cv2
import numpy as np
import pytest
from drawn import apart, drawing, photographed

from portrayal.core.errors import BadData
from portrayal.filters.freehand import clean_drawing, drawing_of
from portrayal.filters.ink import even_light, ink_of, strokes_among, without_grain


def levels(sheet):
    return np.repeat(sheet.clip(0, 255).astype(np.uint8)[:, :, None], 3, 2)


def test_a_shadow_across_the_sheet_is_no_ink():
    photo = photographed(drawing(4)).astype(float)
    ramp = 1 - 0.3 / (1 + np.exp((np.arange(256) - 128) / 8))  # the soft edge of a hand's shadow
    shaded = (photo * ramp[None, :, None]).astype(np.uint8)
    assert apart(clean_drawing(shaded), clean_drawing(drawing(4))) < 0.006


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


def test_light_is_a_surface_that_ink_does_not_pull_down():
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    light = (180 + 40 * x - 20 * y + 10 * x * y).astype(np.float32)
    inked = light.copy()
    inked[20:30, 5:60] = 20
    assert np.abs(even_light(inked) - light).max() < 0.5


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


def test_noise_of_the_paper_leaves_no_ink():
    rng = np.random.default_rng(1)
    for deviation in (6, 12):
        page = drawing(5).astype(float) * 0.8 + 25 + rng.normal(0, deviation, (256, 256, 1))
        done = clean_drawing(page.clip(0, 255).astype(np.uint8), stroke=0)
        far = cv2.erode(drawing(5), np.ones((9, 9), np.uint8))[:, :, 0] == 255
        assert (done[far] < 255).mean() < 0.002


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


def lit(sheet, seed=0, deviation=4.0):
    """A sheet in light that falls off unevenly to its corners, with noise."""
    height, width = sheet.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = (0.8 - 0.25 / (1 + np.exp((0.8 - x - 0.2 * y) / 0.15))) * (1 - 0.1 * (x * x + y * y))
    return levels(sheet * light + np.random.default_rng(seed).normal(0, deviation, sheet.shape))


def lined(height=300, width=400, tone=150.0):
    """Ruled paper."""
    sheet = np.full((height, width), 240.0)
    sheet[15::15] = tone
    return sheet


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("turns", range(4))
def test_an_empty_sheet_is_refused_wherever_its_light_falls_off(seed, turns):
    with pytest.raises(BadData, match="empty"):
        drawing_of(np.rot90(lit(np.full((256, 320), 230.0), seed), turns).copy())


def test_a_pencil_line_of_one_pixel_is_seen_in_noise():
    for seed in range(4):
        sheet = np.full((256, 256), 230.0)
        cv2.rectangle(sheet, (60, 60), (180, 190), 150, 1)
        ink = drawing_of(lit(sheet, seed, 6.0), stroke=0)[:, :, 0] < 200
        assert ink[60, 60:181].mean() > 0.8
        assert ink[:50].mean() < 0.001


def test_a_faint_line_is_no_less_seen_where_the_noise_is_a_third_of_it():
    sheet = np.full((256, 256), 230.0)
    cv2.rectangle(sheet, (60, 60), (180, 190), 175, 2)
    photo = levels(sheet + np.random.default_rng(0).normal(0, 16, sheet.shape))
    ink = drawing_of(photo, stroke=0)[:, :, 0] < 200
    assert ink[60, 60:181].mean() > 0.6


def test_ruled_paper_is_empty_until_something_is_drawn_on_it():
    with pytest.raises(BadData, match="empty"):
        drawing_of(lit(lined()))
    sheet = lined()
    cv2.circle(sheet, (200, 150), 60, 60, 3)
    assert drawing_of(lit(sheet)).min() == 0


@pytest.mark.parametrize("rows", [(150,), (100, 200)])
def test_one_or_two_level_lines_are_a_drawing(rows):
    sheet = np.full((300, 400), 240.0)
    sheet[list(rows)] = 60
    assert drawing_of(lit(sheet)).min() == 0


def test_three_level_strokes_in_the_middle_are_a_drawing():
    sheet = np.full((300, 400), 240.0)
    sheet[[100, 150, 200], 40:360] = 60
    assert drawing_of(lit(sheet)).min() == 0


def test_pieces_shorter_than_3_percent_of_the_short_side_are_no_strokes():
    mask = np.zeros((200, 300), np.uint8)
    mask[50, 50:55] = mask[90, 90:96] = mask[120:126, 120] = 1
    wanted = mask.copy()
    wanted[50] = 0
    assert np.array_equal(strokes_among(mask), wanted)


def test_grain_goes_and_lines_of_one_pixel_stay_in_four_directions():
    dark = np.zeros((40, 40), np.float32)
    dark[5, 5:12] = dark[20:30, 8] = 1
    for step in range(8):
        dark[20 + step, 20 + step] = dark[10 + step, 36 - step] = 1
    grainy = dark.copy()
    grainy[15, 3] = grainy[37, 10] = 0.8
    kept = without_grain(grainy)
    assert kept[15, 3] == 0 and kept[37].max() == 0
    assert (dark - kept).clip(0).sum() <= 8  # the ends of the lines
    assert np.array_equal(
        without_grain(np.full((9, 7), 0.3, np.float32)), np.full((9, 7), np.float32(0.3))
    )
