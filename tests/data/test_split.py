"""Splits: exact counts, nearest fractions, whole units, the same whatever the order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrayal.core.errors import BadData, BadOption
from portrayal.core.seeds import mix
from portrayal.data.split import FREE, TEST, TRAIN, UNUSED, VAL, Wanted, assign, parse_wanted


def orders(count, seed=0):
    return np.array([mix(seed, index) for index in range(count)], np.uint64)


def free(count):
    return np.full(count, FREE, np.int8)


def pictures(sizes, split):
    return [int(sizes[split == part].sum()) for part in (TRAIN, VAL, TEST)]


def test_fractions_are_met_to_the_picture_when_units_are_single():
    sizes = np.ones(751, np.int64)
    split = assign(sizes, orders(751), free(751), Wanted())
    assert pictures(sizes, split) == [601, 75, 75]


def test_counts_are_met_exactly_and_the_rest_is_unused():
    sizes = np.ones(1000, np.int64)
    split = assign(sizes, orders(1000), free(1000), Wanted(counts=(500, 100, 50)))
    assert pictures(sizes, split) == [500, 100, 50]
    assert (split == UNUSED).sum() == 350


def test_counts_are_met_exactly_with_subjects_of_several_pictures():
    sizes = np.array([6] * 40 + [1, 2, 3] * 10)
    split = assign(sizes, orders(len(sizes)), free(len(sizes)), Wanted(counts=(200, 31, 37)))
    assert pictures(sizes, split) == [200, 31, 37]


def test_a_gap_is_closed_by_trading_one_unit_for_another():
    sizes = np.array([4, 4, 4, 5])  # 9 = 4 + 5: only by trading if two fours came first
    for seed in range(8):
        split = assign(sizes, orders(4, seed), free(4), Wanted(counts=(8, 0, 9)))
        assert pictures(sizes, split) == [8, 0, 9]


def test_counts_that_whole_subjects_cannot_make_are_one_line_with_the_nearest():
    sizes = np.full(10, 6)
    with pytest.raises(BadOption, match=r"exactly 10 pictures.*nearest: 6"):
        assign(sizes, orders(10), free(10), Wanted(counts=(30, 12, 10)))


def test_more_than_there_is_is_one_line():
    with pytest.raises(BadOption, match="ask for 12 pictures, but 10"):
        assign(np.ones(10, np.int64), orders(10), free(10), Wanted(counts=(10, 1, 1)))


def test_given_pictures_are_in_test_and_the_target_is_filled_around_them():
    given_split = free(100)
    given_split[:5] = TEST
    split = assign(np.ones(100, np.int64), orders(100), given_split, Wanted())
    assert (split[:5] == TEST).all()
    assert (split == TEST).sum() == 10


def test_more_given_than_wanted_stay():
    given_split = free(100)
    given_split[:30] = TEST
    split = assign(np.ones(100, np.int64), orders(100), given_split, Wanted())
    assert [(split == part).sum() for part in (TRAIN, VAL, TEST)] == [60, 10, 30]


def test_a_closed_split_gets_no_more_than_it_came_with():
    given_split = free(100)
    given_split[:3] = TEST
    split = assign(np.ones(100, np.int64), orders(100), given_split, Wanted(), {TEST})
    assert [(split == part).sum() for part in (TRAIN, VAL, TEST)] == [87, 10, 3]


def test_few_pictures_still_give_every_split_one():
    for count in (3, 4, 9):
        split = assign(np.ones(count, np.int64), orders(count), free(count), Wanted())
        assert min((split == part).sum() for part in (TRAIN, VAL, TEST)) == 1


def test_large_units_still_give_every_split_one():
    split = assign(np.array([50, 60, 70]), orders(3), free(3), Wanted())
    assert sorted(split.tolist()) == [TRAIN, VAL, TEST]


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_pictures_are_one_line(count):
    with pytest.raises(BadData, match="would hold no picture"):
        assign(np.ones(count, np.int64), orders(count), free(count), Wanted())


def test_fractions_are_met_to_the_nearest_unit():
    split = assign(np.full(17, 6), orders(17), free(17), Wanted())  # a tenth is 10: 12 is nearest
    assert pictures(np.full(17, 6), split) == [78, 12, 12]
    split = assign(np.full(25, 4), orders(25), free(25), Wanted((0.86, 0.07, 0.07)))  # 7: 8
    assert pictures(np.full(25, 4), split) == [84, 8, 8]


def test_a_split_of_share_zero_may_be_empty():
    split = assign(np.ones(10, np.int64), orders(10), free(10), Wanted((0.0, 0.0, 1.0)))
    assert (split == TEST).all()
    split = assign(np.ones(10, np.int64), orders(10), free(10), Wanted((0.5, 0.5, 0.0)))
    assert sorted(split.tolist()) == [TRAIN] * 5 + [VAL] * 5


def test_a_seed_fixes_the_split_and_another_one_changes_it():
    sizes = np.ones(200, np.int64)
    once, again, other = (assign(sizes, orders(200, s), free(200), Wanted()) for s in (0, 0, 1))
    assert np.array_equal(once, again)
    assert (once != other).sum() > 20


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=8, max_size=60), st.integers(0, 5))
def test_every_unit_has_one_split_whatever_the_order(sizes, seed):
    sizes = np.array(sizes)
    order, shuffle = orders(len(sizes), seed), np.random.default_rng(seed).permutation(len(sizes))
    split = assign(sizes, order, free(len(sizes)), Wanted())
    shuffled = assign(sizes[shuffle], order[shuffle], free(len(sizes)), Wanted())
    assert np.array_equal(split[shuffle], shuffled)
    assert set(split.tolist()) == {TRAIN, VAL, TEST}
    largest = sizes.max()
    for part, share in ((VAL, 0.1), (TEST, 0.1)):
        assert abs(sizes[split == part].sum() - share * sizes.sum()) <= largest + 1


@pytest.mark.parametrize("text", ["0.8,0.2", "0.8,0.3,0.1", "a,b,c", "-0.1,0.6,0.5", "nan,0,1"])
def test_wrong_fractions_are_one_line(text):
    with pytest.raises(BadOption, match="--fractions"):
        parse_wanted(text, None)


@pytest.mark.parametrize("text", ["1,2", "0,0,0", "-1,2,3", "1.5,2,3"])
def test_wrong_counts_are_one_line(text):
    with pytest.raises(BadOption, match="--counts"):
        parse_wanted("0.8,0.1,0.1", text)


def test_fractions_and_counts_are_read():
    assert parse_wanted("0.6/0.2/0.2", None).fractions == (0.6, 0.2, 0.2)
    assert parse_wanted("0.8,0.1,0.1", "5,2,1").counts == (5, 2, 1)
