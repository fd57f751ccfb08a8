import numpy as np
import pytest
from scipy.stats import binomtest

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.strengths import of_wins, strengths
from portrayal.metrics.votes import (
    fleiss_kappa,
    pairs,
    power,
    rated_pairs,
    shares,
    smallest_p,
    votes_needed,
    votes_to_tell_apart,
)

FLEISS = [  # ten subjects, fourteen raters, five categories: the textbook table, kappa .210
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def everyone(counts):
    """Votes of one person among all models, so many for each."""
    chosen = np.repeat(np.arange(len(counts)), counts)
    return np.ones((len(chosen), len(counts)), bool), chosen


def test_fleiss_kappa_of_the_textbook_table():
    found = fleiss_kappa(FLEISS, draws=500)
    assert found.value == pytest.approx(0.2099307, abs=1e-6)
    assert found.low < found.value < found.high


def test_kappa_is_1_for_perfect_agreement_and_0_for_chance():
    assert fleiss_kappa([[3, 0], [0, 3], [3, 0]]).value == pytest.approx(1)
    votes = np.random.default_rng(0).multinomial(5, [0.5, 0.3, 0.2], size=4000)
    assert abs(fleiss_kappa(votes, draws=50).value) < 0.02


def test_perfect_agreement_is_perfect_in_every_resample_too():
    found = fleiss_kappa([[2, 0], [0, 2], [2, 0]])  # resamples of one category are among them
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert "10000 draws" in found.method
    assert "judged pictures" in found.method


def test_kappa_leaves_out_what_only_one_rater_saw():
    alone = [[1, 0]] * 5
    assert fleiss_kappa(FLEISS).value == fleiss_kappa([[*row] for row in FLEISS]).value
    both = fleiss_kappa([[2, 0], [0, 2], [1, 1], *alone])
    assert both.value == fleiss_kappa([[2, 0], [0, 2], [1, 1]]).value
    assert both.n == 3
    assert np.isnan(fleiss_kappa(alone).value)
    assert np.isnan(fleiss_kappa([[2, 0], [2, 0]]).value)


def test_strengths_of_n_way_choices_are_log_shares():
    found = strengths(*everyone([10, 20, 40]))
    assert found.values == pytest.approx(np.log([10, 20, 40]) - np.log([10, 20, 40]).mean())
    assert found.error(0, 1) == pytest.approx(np.sqrt(1 / 10 + 1 / 20))


def test_strengths_do_not_depend_on_the_order_of_votes():
    offered, chosen = everyone([5, 9, 3])
    order = np.random.default_rng(1).permutation(len(chosen))
    voters = np.arange(len(chosen)) % 4
    one, two = (
        strengths(offered[o], chosen[o], voters=voters[o].tolist())
        for o in (np.arange(len(chosen)), order)
    )
    assert one.values == pytest.approx(two.values, abs=1e-12)
    assert one.low == pytest.approx(two.low, abs=1e-12)


def test_strengths_over_voters_are_wider_where_voters_differ():
    offered, chosen = everyone([50, 50])
    same = strengths(offered, chosen)
    divided = strengths(offered, chosen, voters=chosen.tolist())  # one wants this, one that
    agreed = strengths(offered, chosen, voters=(np.arange(100) % 50).tolist())
    assert divided.error(0, 1) > 5 * same.error(0, 1)
    assert agreed.error(0, 1) < same.error(0, 1)
    alone = strengths(offered, chosen, voters=["me"] * 100)
    assert np.isnan([*alone.low, alone.error(0, 1)]).all()


def test_groups_that_were_never_compared_stay_finite():
    wins = np.zeros((4, 4), int)
    wins[0, 1], wins[1, 0], wins[2, 3], wins[3, 2] = 5, 3, 2, 6
    found = strengths(*of_wins(wins))
    assert found.penalised
    assert np.isfinite(found.values).all()
    assert found.values.sum() == pytest.approx(0, abs=1e-9)


def test_a_model_that_never_wins_is_below_all_others_by_a_finite_amount():
    found = strengths(*everyone([30, 20, 0]))
    assert found.penalised
    assert found.values[2] < found.values[1] < found.values[0]
    assert np.isfinite(found.low[2])


def test_a_share_counts_only_choices_in_which_the_model_was_shown():
    offered = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]], bool)
    found = shares(offered, [0, 0, 1, 2], ["a", "a", "b", "b"], draws=50)
    assert [(each.votes, each.shown) for each in found] == [(2, 3), (1, 3), (1, 3)]
    assert found[0].chance == pytest.approx((1 / 2 + 1 / 2 + 1 / 3) / 3)


def test_pairs_are_exact_binomial_tests_corrected_by_holm():
    found = {(p.first, p.second): p for p in pairs(*everyone([41, 6, 20]), ["me"] * 67, draws=50)}
    raw = [binomtest(41, 47).pvalue, binomtest(41, 61).pvalue, binomtest(6, 26).pvalue]
    assert found[0, 1].p_same == pytest.approx(3 * raw[0])
    assert found[0, 1].values == (41, 6)
    assert found[0, 2].p_same == pytest.approx(2 * min(raw[1], raw[2]))
    assert found[0, 1].p_other == 1  # one voter says nothing about others


def test_voters_who_agree_tell_models_apart_and_three_of_them_never_do():
    offered, chosen = everyone([40, 10])
    for voters, holds in ((3, False), (10, True)):
        who = np.concatenate([np.arange(40) % voters, np.arange(10) % voters]).tolist()
        p = pairs(offered, chosen, who)[0].p_other
        assert (p < 0.05) == holds
        assert p >= smallest_p(voters) * 0.8


def test_the_smallest_p_of_flips_is_two_of_all_signs():
    assert [smallest_p(voters) for voters in (0, 1, 2, 3, 11)] == [1, 1, 0.5, 0.25, 2 / 2048]


def test_models_are_told_apart_where_both_were_shown_only():
    offered = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1]], bool)
    found = {(p.first, p.second): p for p in pairs(offered, [0, 1, 2], ["a", "b", "c"], draws=9)}
    assert found[0, 1].values == (1, 1)
    assert found[0, 2].values == (0, 1)
    assert (found[1, 2].values, found[1, 2].p_same, found[1, 2].p_other) == ((0, 0), 1, 1)


def test_rated_pairs_find_a_planted_difference_and_no_other():
    rng = np.random.default_rng(2)
    models, voters = np.tile([0, 1, 2], 400), np.repeat(np.arange(20), 60)
    for values in (
        np.clip(np.round(rng.normal(3, 1, 1200) + (models == 2)), 1, 5),
        (rng.random(1200) < np.where(models == 2, 0.7, 0.4)).astype(float),
    ):
        found = {(p.first, p.second): p for p in rated_pairs(values, models, voters, draws=2000)}
        assert found[0, 1].p_same > 0.05
        assert found[0, 1].p_other > 0.05
        assert max(found[0, 2].p_same, found[1, 2].p_same) < 1e-4
        assert max(found[0, 2].p_other, found[1, 2].p_other) < 0.01


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


@pytest.mark.parametrize(
    ("offered", "chosen", "text"),
    [
        ([[1, 1]], [2], "names model 2, but there are 2"),
        ([[1, 0, 1]], [1], "was not shown"),
        ([[1, 0]], [0], "fewer than two models"),
        ([], [], "offered"),
        ([[1, 1]], [0, 1], "offered"),
    ],
)
def test_votes_that_cannot_be_are_refused(offered, chosen, text):
    with pytest.raises(BadData, match=text):
        strengths(np.array(offered, bool), chosen)


def test_other_bad_input_is_refused_in_words():
    with pytest.raises(BadData, match="never shown"):
        shares(np.array([[1, 1, 0]], bool), [0], ["a"])
    with pytest.raises(BadData, match="against itself"):
        of_wins([[1, 2], [3, 0]])
    with pytest.raises(BadData, match="square"):
        of_wins([[0, 1, 2], [1, 0, 2]])
    for share, null, wanted in ((0.5, 1.0, 0.8), (1.2, 0.5, 0.8), (0.6, 0.5, 1.0), (0.6, 0, 0.8)):
        with pytest.raises(BadOption, match="between 0 and 1"):
            votes_needed(share, null, wanted=wanted)
