import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrayal.reports.plots import (
    MOST_POINTS,
    chart,
    epoch_window,
    labelled,
    moving_mean,
    nice_ticks,
    thin,
    tick_text,
)


def test_moving_mean_by_hand():
    values = np.array([0.0, 3.0, 6.0, 9.0])
    assert moving_mean(values, 1).tolist() == values.tolist()
    assert moving_mean(values, 3).tolist() == [1.5, 3.0, 6.0, 7.5]
    assert moving_mean(np.array([1.0, math.nan, 3.0]), 3).tolist() == [1.0, 2.0, 3.0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(1, 20))
def test_moving_mean_is_the_mean_of_its_window(values, window):
    array = np.array(values)
    first, last = (window - 1) // 2, window // 2
    wanted = [array[max(0, i - first) : i + last + 1].mean() for i in range(len(array))]
    np.testing.assert_allclose(moving_mean(array, window), wanted, rtol=1e-6, atol=1e-6)


def test_the_window_is_one_epoch_where_the_log_allows():
    per_epoch = 50
    assert epoch_window([i / per_epoch for i in range(1000)]) == per_epoch
    assert epoch_window([i / 500 for i in range(1000)]) == 125  # an eighth of all rows at most
    assert epoch_window([float(i) for i in range(1000)]) == 3  # one row per epoch
    assert epoch_window([1.0]) == 1


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_few_round_and_inside(low, span):
    high = low + span
    ticks = nice_ticks(low, high)
    room = 1e-6 * span + 1e-9 * abs(low)
    assert 1 <= len(ticks) <= 12
    assert all(low - room <= tick <= high + room for tick in ticks)


def test_ticks_are_written_short_and_alike():
    assert [tick_text(v) for v in (0, 0.5, 2000, 25000, 3e6, 2e-4)] == [
        "0",
        "0.5",
        "2000",
        "25k",
        "3M",
        "2e−4",
    ]
    assert [text for _, text in labelled([0.0, 0.25, 0.5])] == ["0.00", "0.25", "0.50"]


def test_thinning_keeps_the_extremes_and_the_gaps():
    y = np.sin(np.arange(10_000) / 300)
    y[5000], y[7000] = 9.0, -9.0
    y[2000:2400] = math.nan
    x, kept = thin(np.arange(10_000.0), y)
    assert len(x) <= MOST_POINTS + 2
    assert np.nanmax(kept) == 9 and np.nanmin(kept) == -9
    assert np.isnan(kept).any()
    assert (np.diff(x) > 0).all()


def test_a_line_stands_where_its_numbers_are():
    drawn = chart("t", [0, 10], {"a": [0.0, 1.0]}, limits=(0.0, 1.0), best=(10, "a", "best"))
    assert drawn.lines[0].path == "M0.0 300.0h0L1000.0 0.0"
    assert (drawn.marks[0].left, drawn.marks[0].top) == (100, 0)
    assert drawn.y_ticks[0] == (100, "0.00")
    assert drawn.lines[0].points == [(0, 0, 0), (100, 10, 1)]
    assert "a from 0 to 1" in drawn.alt


@pytest.mark.parametrize("values", [[math.nan, math.nan], [0.0, 0.0], [5.0, 5.0], [-1.0, 1e12]])
def test_odd_series_are_drawn(values):
    drawn = chart("t", [1, 2], {"a": values}, window=2)
    assert "nan" not in drawn.lines[0].path + drawn.lines[0].raw


def test_one_point_is_a_dot():
    assert chart("t", [5], {"a": [1.0]}).lines[0].path.endswith("h0")


def test_a_gap_lifts_the_pen():
    drawn = chart("t", [0, 1, 2], {"a": [0.0, math.nan, 1.0]}, limits=(0.0, 1.0))
    assert drawn.lines[0].path.count("M") == 2
