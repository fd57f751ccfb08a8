import numpy as np
import pytest
from scipy.stats import binomtest

from portrayal.core.errors import BadData
from portrayal.metrics.strengths import of_wins, strengths
from portrayal.metrics.votes import (
    fleiss_kappa,
    pairs,
    rated_pairs,
    shares,
    smallest_p,
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
