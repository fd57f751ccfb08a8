"""Schedules are exact at both ends and straight in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portrayal.training.schedule import rate_at, weight_at

shares = some.floats(0, 1)
weights = some.floats(0, 1e6)


@given(weights, shares)
def test_a_plain_weight_is_constant(weight, progress):
    assert weight_at(weight, progress) == weight


@given(weights, weights, shares)
def test_a_line_is_exact_at_both_ends_and_stays_between_them(first, last, progress):
    assert weight_at((first, last), 0.0) == first
    assert weight_at((first, last), 1.0) == last
    slack = 1e-9 * (first + last)
    assert min(first, last) - slack <= weight_at((first, last), progress)
    assert weight_at((first, last), progress) <= max(first, last) + slack


@pytest.mark.parametrize(("progress", "weight"), [(0.25, 7.75), (0.5, 5.5), (0.9, 1.9)])
def test_a_line_by_hand(progress, weight):
    assert weight_at((10.0, 1.0), progress) == pytest.approx(weight)


@pytest.mark.parametrize(
    ("decay", "progress", "share"),
    [
        (0.5, 0.0, 1), (0.5, 0.5, 1), (0.5, 0.6, 0.8), (0.5, 0.75, 0.5), (0.5, 1.0, 0),
        (1.0, 0.0, 1), (1.0, 0.25, 0.75), (1.0, 1.0, 0),
        (0.0, 0.0, 1), (0.0, 0.5, 1), (0.0, 1.0, 1),
        (0.1, 0.89, 1), (0.1, 0.95, 0.5), (0.1, 1.0, 0),
    ],
)  # fmt: skip
def test_the_rate_falls_over_the_last_share_of_the_run(decay, progress, share):
    assert rate_at(2e-4, decay, progress) == pytest.approx(2e-4 * share)


@given(some.floats(1e-6, 1), some.floats(0.01, 1), shares, shares)
def test_the_rate_never_rises_and_never_leaves_0_to_the_first(rate, decay, one, other):
    early, late = sorted((one, other))
    assert 0 <= rate_at(rate, decay, late) <= rate_at(rate, decay, early) <= rate


@given(some.floats(1e-6, 1), some.floats(0.01, 1))
def test_the_rate_is_whole_at_the_first_step_and_nothing_at_the_last(rate, decay):
    assert rate_at(rate, decay, 0.0) == rate
    assert rate_at(rate, decay, 1.0) == 0
