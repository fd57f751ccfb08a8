"""The fit of strengths in detail: its likelihood, its covariance and how votes are counted."""

import numpy as np
import pytest
from scipy.stats import t

from portrayal.core.errors import BadData
from portrayal.metrics.strengths import _derivatives, _likelihood, checked, of_wins, strengths

OFFERED = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]], bool)
CHOSEN = np.array([2, 0, 1, 2])
COUNTS = np.array([3.0, 5, 2, 4])
WON_ALL = [[0, 9, 9], [0, 0, 4], [0, 3, 0]]  # the first never lost


@pytest.mark.parametrize("penalised", [False, True])
def test_slope_and_curvature_are_the_derivatives_of_the_likelihood(penalised):
    theta, step = np.array([0.7, -0.4, 1.1]), 1e-5
    rest = (OFFERED, CHOSEN, COUNTS, penalised)
    slope, hessian = _derivatives(theta, *rest)
    for place, aside in enumerate(step * np.eye(3)):
        rise = _likelihood(theta + aside, *rest) - _likelihood(theta - aside, *rest)
        assert rise / (2 * step) == pytest.approx(slope[place], abs=1e-6)
        turn = _derivatives(theta + aside, *rest)[0] - _derivatives(theta - aside, *rest)[0]
        np.testing.assert_allclose(turn / (2 * step), -hessian[place], atol=1e-6)


@pytest.mark.parametrize("wins", [[[0, 7, 2], [3, 0, 4], [5, 1, 0]], WON_ALL])
def test_a_constant_added_to_all_strengths_has_no_spread(wins):
    found = strengths(*of_wins(wins))
    assert found.values.sum() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(found.covariance.sum(0), 0, atol=1e-9)
    half = 1.959963984540054 * np.sqrt(np.diagonal(found.covariance))
    np.testing.assert_allclose(found.high - found.values, half)
    np.testing.assert_allclose(found.values - found.low, half)


def test_the_spread_of_two_is_that_of_the_log_odds_between_them():
    found = strengths(*of_wins([[0, 12], [6, 0]]))
    assert found.values == pytest.approx([np.log(2) / 2, -np.log(2) / 2])
    assert found.error(0, 1) == pytest.approx(np.sqrt(1 / 12 + 1 / 6))
    assert found.covariance[0, 0] == pytest.approx((1 / 12 + 1 / 6) / 4)
    between = found.log_odds(0, 1)
    assert (between.value, between.n) == (pytest.approx(np.log(2)), 18)
    assert between.high - between.value == pytest.approx(1.95996398 * found.error(0, 1))


def test_over_voters_it_is_the_sandwich_by_hand_with_a_t_quantile():
    offered, chosen = of_wins([[0, 12], [6, 0]])
    voters = [index // 6 for index in range(18)]  # two like the first only, one the second
    found = strengths(offered, chosen, voters=voters)
    chance = 2 / 3  # of the first
    sums = [sum((chosen[i] == 0) - chance for i in range(18) if i // 6 == v) for v in range(3)]
    bread = 1 / (18 * chance * (1 - chance))
    wanted = bread * np.sqrt(sum(s * s for s in sums) * 3 / 2)
    assert found.error(0, 1) == pytest.approx(wanted, abs=1e-12)
    assert found.quantile == pytest.approx(t.ppf(0.975, 2))
    assert strengths(offered, chosen, voters=[i % 2 for i in range(18)]).quantile > 12


def test_voters_who_agree_to_the_vote_have_no_spread_and_no_error():
    offered, chosen = of_wins([[0, 12], [6, 0]])
    found = strengths(offered, chosen, voters=[index % 3 for index in range(18)])
    assert found.error(0, 1) == pytest.approx(0, abs=1e-9)
    assert found.high - found.low == pytest.approx([0, 0], abs=1e-9)


def test_a_model_that_never_won_is_penalised_even_if_it_was_met_by_all():
    assert strengths(*of_wins(WON_ALL)).penalised
    assert "penalised" in strengths(*of_wins(WON_ALL)).method
    assert not strengths(*of_wins([[0, 1, 0], [0, 0, 1], [1, 0, 0]])).penalised


def test_far_apart_models_are_fitted_to_the_maximum():
    wins = [[0, 4000, 300], [1, 0, 2], [40, 900, 0]]
    offered, chosen = of_wins(wins)
    found = strengths(offered, chosen)
    slope = _derivatives(found.values, offered, chosen, np.ones(len(chosen)), False)[0]
    assert np.abs(slope).max() < 1e-6


def test_every_kind_of_wrong_vote_is_refused_and_the_least_right_one_taken():
    for wins in ([[0, -1], [2, 0]], [0, 1], [[0, 1, 1], [1, 0, 1]], np.zeros((2, 2, 2))):
        with pytest.raises(BadData, match="square table of counts"):
            of_wins(wins)
    with pytest.raises(BadData, match="names model"):
        checked([[1, 1]], [-1])
    with pytest.raises(BadData, match="1 of 2 votes had fewer than two"):
        checked([[1, 1, 0], [0, 0, 1]], [0, 2])
    assert len(checked([[1, 1]], [1])[1]) == 1
