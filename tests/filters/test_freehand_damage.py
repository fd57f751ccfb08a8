"""Imitated freehand: graded, fixed by a seed, nothing at strength 0."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from portrayal.core.errors import BadOption
from portrayal.filters import filters
from portrayal.filters.freehand import depths, middle_lines, usual_width
from portrayal.filters.freehand_damage import STROKE_DAMAGES, pieces_of

NAMES = [damage.__name__ for damage in STROKE_DAMAGES]
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def house(side=256, width=4):
    """A house with a sun: strokes that meet and strokes that do not."""
    page = np.full((side, side), 255, np.uint8)
    lines = [(60, 120, 60, 220), (60, 220, 180, 220), (180, 220, 180, 120), (60, 120, 180, 120)]
    for line in [*lines, (60, 120, 120, 60), (120, 60, 180, 120)]:
        x0, y0, x1, y1 = (round(v * side / 256) for v in line)
        cv2.line(page, (x0, y0), (x1, y1), 0, width, cv2.LINE_AA)
    middle, radius = (round(215 * side / 256), round(40 * side / 256)), round(24 * side / 256)
    cv2.circle(page, middle, radius, 0, width, cv2.LINE_AA)
    return np.repeat(page[:, :, None], 3, axis=2)


def harm(before, after):
    return float(np.abs(before.astype(float) - after).mean())


def ink(page):
    return float((255.0 - page).sum())


@pytest.mark.parametrize("name", NAMES)
def test_strength_zero_changes_nothing_to_the_bit(name, noise):
    for pixels in (noise(33, 47), house()):
        assert np.array_equal(filters[name](pixels, strength=0, seed=3), pixels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_harm_grows_with_strength(name, seed):
    harms = [harm(house(), filters[name](house(), strength=s, seed=seed)) for s in STRENGTHS]
    assert all(low < high for low, high in pairwise(harms)), harms
    assert harms[-1] < 60  # still a drawing


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_is_another_damage_and_the_same_seed_the_same(name):
    first, again = (filters[name](house(), strength=1, seed=1) for _ in range(2))
    others = [filters[name](house(), strength=1, seed=seed) for seed in range(2, 8)]
    assert np.array_equal(first, again)
    assert any(not np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_0_to_1_is_one_line(name, strength):
    with pytest.raises(BadOption, match=r"strength is .*must be 0"):
        filters[name](house(64), strength=strength)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(2))
def test_an_empty_sheet_has_no_stroke_to_lose(name, seed):
    sheet = np.full((40, 60, 3), 250, np.uint8)
    done = filters[name](sheet, strength=1, seed=seed)
    assert np.array_equal(done, sheet) is (name != "stroke_extra")


@pytest.mark.parametrize("name", ["stroke_wobble", "stroke_breaks", "stroke_thickness"])
def test_a_strength_means_the_same_at_every_size(name):
    small, large = (
        harm(page, filters[name](page, strength=1, seed=1))
        for page in (house(128, 2), house(512, 8))
    )
    assert small == pytest.approx(large, rel=0.5)


@pytest.mark.parametrize("name", ["stroke_breaks", "stroke_missing"])
def test_what_is_taken_away_is_paper_and_the_rest_is_untouched(name):
    done = filters[name](house(), strength=0.5, seed=2)
    changed = done != house()
    assert (done[changed] == 255).all() and changed.any()


def test_missing_strokes_are_about_the_share_it_says():
    left = [ink(filters["stroke_missing"](house(), strength=1, seed=s)) for s in range(6)]
    assert 1 - np.mean(left) / ink(house()) == pytest.approx(0.6, abs=0.08)


def test_extra_strokes_add_ink_of_the_drawings_own_colour_and_leave_its_own():
    page = np.where(house() < 128, np.array([20, 40, 160]), 250).astype(np.uint8)
    done = filters["stroke_extra"](page, strength=1, seed=1)
    assert ink(done) > ink(page) * 1.1
    assert ((done == [20, 40, 160]).all(axis=2) >= (page == [20, 40, 160]).all(axis=2)).all()
    assert len(np.unique(done[done[:, :, 0] < 30], axis=0)) < 40


def test_weaker_extra_strokes_and_gaps_are_among_the_stronger():
    more = [filters["stroke_extra"](house(), strength=s, seed=4) for s in STRENGTHS]
    less = [filters["stroke_breaks"](house(), strength=s, seed=4) for s in STRENGTHS]
    assert all((low >= high).all() for low, high in pairwise(more))
    assert all((low <= high).all() for low, high in pairwise(less))


def test_thickness_goes_both_ways_and_never_loses_a_stroke():
    done = [filters["stroke_thickness"](house(), strength=1, seed=seed) for seed in range(8)]
    shares = [ink(page) / ink(house()) for page in done]
    assert min(shares) < 0.6 and max(shares) > 2
    middle = middle_lines((house()[:, :, 0] < 128).astype(np.uint8)) > 0
    for page in done:
        darkest = cv2.erode(page[:, :, 0], np.ones((5, 5), np.uint8))
        assert (darkest[middle] < 200).mean() > 0.97


def test_wobble_keeps_the_ink_and_moves_it_by_a_24th_at_most():
    done = filters["stroke_wobble"](house(), strength=1, seed=1)
    assert ink(done) == pytest.approx(ink(house()), rel=0.25)
    away = cv2.distanceTransform((house()[:, :, 0] > 100).astype(np.uint8), cv2.DIST_L2, 5)
    assert 2 < away[done[:, :, 0] < 100].max() < np.sqrt(2) * 256 / 24 + 2


def test_pieces_are_the_strokes_between_meetings():
    mask = (house()[:, :, 0] < 128).astype(np.uint8)
    pieces = pieces_of(mask)
    assert set(np.unique(pieces[mask > 0])) == set(range(1, pieces.max() + 1))
    longest = max(np.ptp(np.nonzero(pieces == i), axis=1).max() for i in range(1, 1 + pieces.max()))
    assert 12 <= pieces.max() <= 60 and longest <= 60


def dashes(count=10):
    """Equal strokes that do not meet, with soft edges."""
    page = np.full((240, 240), 255, np.uint8)
    for place in range(count):
        y, x = 20 + 40 * (place // 3), 12 + 80 * (place % 3)
        cv2.rectangle(page, (x, y - 2), (x + 16, y + 2), 120, -1)
        cv2.rectangle(page, (x + 1, y - 1), (x + 15, y + 1), 0, -1)
    return np.repeat(page[:, :, None], 3, axis=2)


@pytest.mark.parametrize(("strength", "left"), [(0.5, 7), (1.0, 4)])
def test_of_ten_equal_strokes_three_or_six_go_and_leave_no_edges(strength, left):
    done = filters["stroke_missing"](dashes(), strength=strength, seed=3)
    count, _ = cv2.connectedComponents((done[:, :, 0] < 255).astype(np.uint8))
    assert count - 1 == left


def test_wobble_moves_some_point_by_a_24th_of_the_side_and_none_further():
    across = np.tile(np.arange(240, dtype=np.uint8)[None, :, None], (240, 1, 3))
    down = np.ascontiguousarray(across.transpose(1, 0, 2))
    inner = np.s_[20:-20, 20:-20, 0]
    moved = [
        np.abs(filters["stroke_wobble"](page, strength=1, seed=seed).astype(int) - page)[
            inner
        ].max()
        for page in (across, down)
        for seed in range(4)
    ]
    assert 8.5 <= max(moved) <= 11.5


def test_gaps_are_anywhere_in_the_drawing():
    changed = [
        np.nonzero(filters["stroke_breaks"](dashes(), strength=1, seed=seed) != dashes())[0]
        for seed in range(4)
    ]
    rows = np.concatenate(changed)
    assert rows.min() < 40 and rows.max() > 120


def test_gaps_are_paper_even_where_half_the_sheet_is_ink():
    page = np.full((120, 120, 3), 250, np.uint8)
    page[10:70, 10:110] = 0
    done = filters["stroke_breaks"](page, strength=1, seed=1)
    assert set(np.unique(done[done != page])) == {250}


def test_a_thicker_pen_adds_a_24th_of_the_side():
    page = house()
    wide = [filters["stroke_thickness"](page, strength=1, seed=seed) for seed in range(4)]
    widths = [usual_width(depths((each[:, :, 0] < 128).astype(np.uint8))) for each in wide]
    before = usual_width(depths((page[:, :, 0] < 128).astype(np.uint8)))
    assert max(widths) == pytest.approx(before + 256 / 24, abs=2.5)


def test_extra_strokes_lie_all_over_a_wide_sheet_and_are_a_third_of_it_long():
    sheet = np.full((100, 300, 3), 255, np.uint8)
    places = []
    for seed in range(12):
        drawn = filters["stroke_extra"](sheet, strength=0.01, seed=seed) < 255  # one stroke
        rows, columns, _ = np.nonzero(drawn)
        assert len(rows)
        assert np.ptp(rows) <= 40 and np.ptp(columns) <= 120
        places.append(columns.max())
    assert max(places) > 200


def test_a_stroke_is_cut_where_three_meet():
    page = np.zeros((240, 240), np.uint8)
    cv2.line(page, (45, 60), (75, 60), 1, 3)
    cv2.line(page, (60, 60), (60, 75), 1, 3)
    assert pieces_of(page).max() == 3
