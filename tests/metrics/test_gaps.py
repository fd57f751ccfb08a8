"""Gaps between groups: by hand, under the null, and that order and names change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.gaps import largest_gap
from portrayal.metrics.statistics import bootstrap_mean, holm


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5]).tolist() == [0.5]
    assert holm([0.9, 0.8]).tolist() == [1, 1]
    assert holm([0.02, 0.02]).tolist() == [0.04, 0.04]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(deadline=None)
def test_holm_lies_between_the_p_value_and_bonferronis_and_keeps_their_order(values):
    corrected = holm(values)
    assert (corrected >= np.array(values)).all()
    assert (corrected <= np.minimum(1, np.array(values) * len(values)) + 1e-15).all()
    assert (np.diff(corrected[np.argsort(values, kind="stable")]) >= 0).all()


@pytest.mark.parametrize("values", [[], [0.1, np.nan], [0.5, 1.2], [-0.1], [[0.1]]])
def test_holm_refuses_what_is_no_p_value(values):
    with pytest.raises(BadData):
        holm(values)


def test_the_gap_by_hand_is_that_of_the_highest_and_the_lowest_mean():
    found = largest_gap([1, 3, 10, 12, 5, 5], list("aabbcc"), draws=200)
    assert (found.highest, found.lowest) == ("b", "a")
    assert (found.interval.value, found.interval.n) == (9, 4)
    assert found.interval.low < 9 < found.interval.high or found.interval.low == 9


def test_the_p_value_of_all_groupings_by_hand():
    """0 0 1 1 in two groups of two: 2 of the 6 groupings have the whole gap of 1."""
    found = largest_gap([0, 0, 1, 1], list("aabb"), draws=20_000)
    assert found.p == pytest.approx(1 / 3, abs=0.02)


def test_equal_groups_have_no_gap_and_a_p_value_of_1():
    found = largest_gap([1, 2, 1, 2], list("aabb"), draws=500)
    assert found.interval.value == 0
    assert found.p == 1
    assert found.highest != found.lowest
    assert largest_gap([1, 1, 1], list("abb"), draws=50).p == 1


def test_a_group_of_one_picture_has_no_interval_but_a_p_value():
    found = largest_gap([1, 5, 6, 7], list("abbb"), draws=500)
    assert np.isnan([found.interval.low, found.interval.high]).all()
    assert 0.2 < found.p < 0.3  # any of 4 pictures may be the lone one


def test_the_order_of_the_pictures_changes_nothing():
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=40), rng.choice(list("abc"), 40)
    people = [None if i % 5 == 0 else str(i % 9) for i in range(40)]
    across = largest_gap(values, list(groups), clusters=people, draws=300)
    plain = largest_gap(values, list(groups), draws=300)
    inside = [f"{group}{i % 4}" for i, group in enumerate(groups)]
    within = largest_gap(values, list(groups), clusters=inside, draws=300)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(40)
        moved = values[order], list(groups[order])
        assert largest_gap(*moved, draws=300) == plain
        shuffled = [people[i] for i in order]
        assert largest_gap(*moved, clusters=shuffled, draws=300).interval == across.interval
        again = largest_gap(*moved, clusters=[inside[i] for i in order], draws=300)
        assert again == within


def test_without_a_difference_a_small_p_value_is_as_rare_as_it_says():
    rng = np.random.default_rng(1)
    small = 0
    for seed in range(300):
        groups = rng.choice(["a", "b", "c"], 40)
        small += largest_gap(rng.normal(size=40), list(groups), draws=200, seed=seed).p <= 0.1
    assert 15 <= small <= 46  # 30 expected


def test_pictures_of_one_person_are_no_evidence_of_their_own():
    """20 people with 10 equal pictures each: a difference of chance looks certain by picture."""
    rng = np.random.default_rng(2)
    by_picture = by_person = 0
    for seed in range(60):
        people = np.repeat(np.arange(20), 10)
        values = rng.normal(size=20)[people]
        groups = np.array(["a", "b"])[(np.arange(20) % 2)[people]]
        options = {"draws": 100, "seed": seed}
        by_picture += largest_gap(values, list(groups), **options).p < 0.05
        by_person += largest_gap(values, list(groups), clusters=list(people), **options).p < 0.05
    assert by_picture > 25 and by_person < 9


def test_a_person_seen_in_both_groups_is_compared_with_himself():
    """Poses of 12 people who differ much; the pose adds 1 to everybody."""
    rng = np.random.default_rng(3)
    people = np.repeat(np.arange(12), 2)
    values = 10 * rng.normal(size=12)[people] + np.tile([0.0, 1.0], 12)
    poses = ["front", "side"] * 12
    plain = largest_gap(values, poses, draws=1000)
    own = largest_gap(values, poses, clusters=list(people), draws=1000)
    assert own.p < 0.01 < 0.5 < plain.p
    assert own.interval.low == pytest.approx(1) and own.interval.high == pytest.approx(1)
    assert plain.interval.low < 0


@pytest.mark.parametrize("small", [8, 25])
def test_the_interval_covers_the_true_gap_as_often_as_it_says(small):
    rng, held = np.random.default_rng(4), 0
    for seed in range(200):
        values = np.concatenate([rng.normal(2, 1, small), rng.normal(0, 1, 40)])
        found = largest_gap(values, ["a"] * small + ["b"] * 40, draws=400, seed=seed)
        held += found.interval.low <= 2 <= found.interval.high
    assert held >= 180  # 190 expected


def test_the_interval_agrees_with_that_of_the_means_when_one_group_is_constant():
    values = np.concatenate([np.random.default_rng(5).normal(3, 1, 50), np.zeros(50)])
    gap = largest_gap(values, ["a"] * 50 + ["b"] * 50, draws=4000).interval
    mean = bootstrap_mean(values[:50], draws=4000)
    assert (gap.low, gap.high) == pytest.approx((mean.low, mean.high), abs=0.05)


@pytest.mark.parametrize(
    ("values", "groups", "more", "kind", "said"),
    [
        ([1, 2], ["a", "a"], {}, BadData, "2 scores with 2 group names of 1 kinds"),
        ([1, 2, 3], ["a", "b"], {}, BadData, "3 scores with 2 group names"),
        ([1, np.nan], ["a", "b"], {}, BadData, "1 of 2 scores are not finite"),
        ([], [], {}, BadData, "shape"),
        ([1, 2], ["a", "b"], {"clusters": ["x"]}, BadData, "1 cluster names"),
        ([1, 2], ["a", "b"], {"draws": 0}, BadOption, "0 draws"),
        ([1, 2], ["a", "b"], {"level": 1}, BadOption, "level 1"),
    ],
)
def test_what_has_no_gap_is_refused_in_one_line(values, groups, more, kind, said):
    with pytest.raises(kind, match=said):
        largest_gap(values, groups, **more)
