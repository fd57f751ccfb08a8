"""How many votes it takes: against scipy, and against a walk through all numbers."""

import pytest
from scipy.stats import binomtest

from portrayal.core.errors import BadOption
from portrayal.metrics.power import power, votes_needed, votes_to_tell_apart


@pytest.mark.parametrize(("votes", "share", "null"), [(30, 0.7, 0.5), (50, 0.3, 1 / 7)])
def test_power_is_that_of_scipys_exact_test(votes, share, null):
    from scipy.stats import binom

    by_hand = sum(
        binom.pmf(k, votes, share)
        for k in range(votes + 1)
        if binomtest(k, votes, null).pvalue <= 0.05
    )
    assert power(votes, share, null) == pytest.approx(by_hand, abs=1e-12)


def test_the_votes_needed_are_the_first_that_suffice_for_good():
    votes = votes_needed(0.6, 0.5)
    assert 190 < votes < 215
    assert all(power(votes + k, 0.6, 0.5) >= 0.8 for k in range(20))
    assert power(votes - 1, 0.6, 0.5) < 0.8
    assert votes_needed(0.5, 0.5) is None
    assert votes_needed(0.50001, 0.5) is None  # more than a million
    assert votes_needed(0.6, 0.5, wanted=0.95) > votes
    assert votes_needed(0.6, 0.5, alpha=0.01) > votes
    assert votes_needed(0.6, 0.5, most=150) is None
    assert votes_needed(1.0, 0.5, wanted=0.999) == 6  # 2 / 2^6 is the first below .05


@pytest.mark.parametrize(
    ("share", "null", "alpha"),
    [(0.57, 0.5, 0.05), (0.42, 0.5, 0.05 / 21), (0.2, 1 / 7, 0.05), (0.02, 0.05, 0.05)],
)
def test_the_votes_needed_are_those_of_a_walk_through_all_numbers(share, null, alpha):
    enough, votes = 0, 1
    while enough < 20:
        votes += 1
        enough = enough + 1 if power(votes, share, null, alpha) >= 0.8 else 0
    assert votes_needed(share, null, alpha=alpha) == votes - 19


def test_votes_for_nearly_equal_shares_are_found_at_once():
    assert votes_to_tell_apart(25 / 150, 26 / 150, alpha=0.05 / 21) == 115_624  # as by the walk


def test_power_that_is_just_the_wanted_one_is_enough():
    assert votes_needed(0.0, 0.5, wanted=power(9, 0.0, 0.5) - 1e-12) == 6
    votes = votes_needed(0.75, 0.5)
    least = min(power(votes + more, 0.75, 0.5) for more in range(40))
    for_least = votes_needed(0.75, 0.5, wanted=least)
    assert for_least == votes_needed(0.75, 0.5, wanted=least - 1e-12)


def test_votes_for_others_add_to_the_votes_that_a_pair_needs():
    assert votes_to_tell_apart(0.3, 0.2) == 2 * votes_to_tell_apart(0.6, 0.4)
    assert votes_to_tell_apart(0.6, 0.4) == votes_needed(0.6, 0.5)
    assert votes_to_tell_apart(0.2, 0.2) is None
    assert votes_to_tell_apart(0, 0) is None


def test_shares_and_powers_outside_0_to_1_are_refused():
    for share, null, wanted in ((0.5, 1.0, 0.8), (1.2, 0.5, 0.8), (0.6, 0.5, 1.0), (0.6, 0, 0.8)):
        with pytest.raises(BadOption, match="between 0 and 1"):
            votes_needed(share, null, wanted=wanted)
