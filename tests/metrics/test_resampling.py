"""Options, scores and draws at the edges of what is allowed."""

import numpy as np
import pytest
from scipy.stats import norm, t

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.resampling import check_options, chunks, expanded_tail, finite


def test_one_draw_is_allowed_and_none_is_not():
    check_options(1, 0.5)
    for draws in (0, -3):
        with pytest.raises(BadOption, match="draws are none"):
            check_options(draws, 0.5)


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, np.nan])
def test_levels_that_do_not_exist_are_refused(level):
    with pytest.raises(BadOption, match="does not exist"):
        check_options(10, level)


def test_scores_are_one_finite_number_per_picture():
    assert finite([3, 4]).dtype == np.float64
    assert len(finite([1.0])) == 1
    for wrong in ([], [[1.0]], 2.0):
        with pytest.raises(BadData, match="one score per picture"):
            finite(wrong)
    with pytest.raises(
        BadData, match=r"2 of 3 scores are not finite \(1 NaN\), first at position 1"
    ):
        finite([0, np.inf, np.nan])


def test_few_units_widen_the_tail_as_a_t_interval_is_wider():
    for units in (2, 5, 40):
        wider = t.ppf(0.025, units - 1) * np.sqrt(units / (units - 1))
        assert norm.ppf(expanded_tail(0.95, units)) == pytest.approx(wider)


def test_all_draws_come_once_however_many_units_there_are():
    for units in (1, 700_000, 5_000_000):
        cut = [rows for rows, _ in chunks(7, units, 0)]
        assert [i for rows in cut for i in range(rows.start, rows.stop)] == list(range(7))
