import itertools
import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.distribution import fid, frechet, merged, moments
from portrayal.metrics.kernels import (
    kid,
    kid_of_subsets,
    mmd,
    mmd_biased,
    mmd_gan_metrics,
    mmd_root,
)
from portrayal.metrics.neighbours import one_nn, support
from portrayal.metrics.permutation import mmd_p_value
from portrayal.metrics.sets import in_fixed_order, pieces, sums_between, sums_within

EVERY = [fid, kid, mmd, mmd_p_value, one_nn, support]


def normal(seed, n, d, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def by_loops(kernel, fake, real):
    """Unbiased and biased MMD^2, pair by pair."""

    def mean(a, b, unequal):
        pairs = itertools.product(range(len(a)), range(len(b)))
        return np.mean([kernel(a[i], b[j]) for i, j in pairs if not (unequal and i == j)])

    between = 2 * mean(fake, real, False)
    return tuple(
        mean(fake, fake, unequal) + mean(real, real, unequal) - between for unequal in (True, False)
    )


def test_fid_by_hand():
    fake, real = np.array([[0.0], [2.0]]), np.array([[1.0], [5.0]])
    assert fid(fake, real) == pytest.approx(4 + 2 + 8 - 2 * math.sqrt(16))  # means 1, 3


def test_fid_with_more_pictures_than_features_agrees_with_scipy():
    x, y = normal(0, 200, 10) @ normal(1, 10, 10), normal(2, 150, 10, 0.5)
    a, b = np.cov(x.T), np.cov(y.T)
    apart = ((x.mean(0) - y.mean(0)) ** 2).sum()
    theirs = apart + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert fid(x, y) == pytest.approx(theirs, rel=1e-9)


def test_merged_moments_are_the_moments_of_all():
    x = normal(3, 50, 4, 1000)
    both = merged(moments(x[:1]), moments(x[1:]))
    assert both.n == 50
    np.testing.assert_allclose(both.mean, x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(both.covariance, np.cov(x.T), rtol=1e-9, atol=1e-9)


def test_kid_is_what_loops_over_pairs_give():
    fake, real = normal(4, 7, 3), normal(5, 5, 3, 0.4)
    unbiased, biased = by_loops(lambda a, b: (a @ b / 3 + 1) ** 3, fake, real)
    found = kid(fake, real)
    assert (found.unbiased, found.biased) == pytest.approx((unbiased, biased), rel=1e-12)
    assert (found.n, found.m) == (7, 5)


@pytest.mark.parametrize("bandwidth", ["pooled", "real", 0.7])
def test_mmd_is_what_loops_over_pairs_give(bandwidth):
    fake, real = normal(6, 7, 3, 50), normal(7, 5, 3, 50.4)

    def mean_square(rows, pairs):
        return np.mean([((a - b) ** 2).sum() for a, b in pairs(rows)])

    square = {
        "pooled": mean_square([*fake, *real], lambda rows: itertools.combinations(rows, 2)),
        "real": mean_square(real, lambda rows: itertools.product(rows, rows)),
        0.7: 0.49,
    }[bandwidth]
    unbiased, biased = by_loops(
        lambda a, b: math.exp(-((a - b) ** 2).sum() / (2 * square)), fake, real
    )
    found = mmd(fake, real, bandwidth=bandwidth)
    assert (found.unbiased, found.biased) == pytest.approx((unbiased, biased), rel=1e-9)
    assert found.root == pytest.approx(math.sqrt(biased), rel=1e-9)
    name = bandwidth if isinstance(bandwidth, str) else "given"
    assert found.kernel == f"Gaussian, s = {math.sqrt(square):.6g} ({name})"


def test_mmd_of_three_and_three_by_hand():
    fake, real = np.array([[0.0], [0.0], [1.0]]), np.array([[1.0], [1.0], [2.0]])
    near, far = math.exp(-1 / 2), math.exp(-4 / 2)
    within = (1 + 2 * near) / 3  # distances 0, 1, 1 in each set
    between = (4 * near + 2 * far + 2 + near) / 9  # 0 to 1, 1, 2, twice; 1 to 1, 1, 2
    assert mmd(fake, real, bandwidth=1.0).unbiased == pytest.approx(2 * within - 2 * between)


def test_the_biased_root_is_never_nan():
    x = normal(8, 30, 5)
    same = mmd(x, x.copy())
    assert same.root == pytest.approx(0, abs=1e-7)
    assert same.unbiased < 0


def test_the_error_is_the_jackknife_over_both_sets():
    fake, real = normal(9, 8, 3), normal(10, 6, 3, 0.5)
    less_fake = [kid(np.delete(fake, i, 0), real).unbiased for i in range(8)]
    less_real = [kid(fake, np.delete(real, i, 0)).unbiased for i in range(6)]
    right = math.sqrt(7 * np.var(less_fake) + 5 * np.var(less_real))
    assert kid(fake, real).error == pytest.approx(right, rel=1e-10)
    assert math.isnan(kid(fake[:2], real).error)


@pytest.mark.parametrize(("shift", "low", "high"), [(0.5, 0.9, 1.15), (0.0, 1.0, 1.8)])
def test_the_error_is_the_spread_of_repetitions_and_too_large_only_near_0(shift, low, high):
    found = [
        mmd(normal([11, i], 40, 4, shift), normal([12, i], 50, 4), bandwidth=2.0)
        for i in range(400)
    ]
    ratio = np.mean([x.error for x in found]) / np.std([x.unbiased for x in found])
    assert low < ratio < high


def test_the_interval_lies_around_the_unbiased_value():
    found = kid(normal(13, 20, 4), normal(14, 30, 4, 1))
    interval = found.interval(0.95)
    assert interval.high - interval.value == pytest.approx(1.959964 * found.error, rel=1e-6)
    assert interval.value - interval.low == pytest.approx(1.959964 * found.error, rel=1e-6)
    assert (interval.value, interval.n) == (found.unbiased, 20)
    assert interval.method == "95 % jackknife over the pictures of both sets"


def test_one_subset_of_all_pictures_is_kid():
    x, y = normal(15, 30, 6), normal(16, 30, 6, 0.3)
    values = kid_of_subsets(x, y, subsets=3, size=30)
    assert values.tolist() == pytest.approx([kid(x, y).unbiased] * 3, abs=1e-12)


def test_the_mean_over_subsets_estimates_kid_and_the_seed_chooses_them():
    x, y = normal(17, 100, 6), normal(18, 120, 6, 0.3)
    values = kid_of_subsets(x, y, subsets=400, size=20)
    assert len(np.unique(values)) == 400
    assert abs(values.mean() - kid(x, y).unbiased) < 4 * values.std() / 20
    assert (values == kid_of_subsets(x, y, subsets=400, size=20)).all()
    assert (values[:5] != kid_of_subsets(x, y, subsets=5, size=20, seed=1)).all()


def test_the_smallest_subsets_are_pairs():
    assert kid_of_subsets(normal(0, 9, 2), normal(1, 9, 2), subsets=1, size=2).shape == (1,)


@pytest.mark.parametrize("how", [{"size": 31}, {"size": 1}, {"size": 20, "subsets": 0}])
def test_subsets_that_cannot_be_drawn_are_refused(how):
    with pytest.raises(BadOption, match="cannot be drawn from 40 and 30"):
        kid_of_subsets(normal(0, 40, 2), normal(1, 30, 2), **how)


def test_the_p_value_agrees_with_counting_all_splits():
    fake, real = normal(19, 4, 2, 0.8), normal(20, 4, 2)
    rows = np.concatenate([fake, real])
    seen = mmd(fake, real, bandwidth=1.0).unbiased
    splits = [
        mmd(rows[list(chosen)], np.delete(rows, list(chosen), 0), bandwidth=1.0).unbiased
        for chosen in itertools.combinations(range(8), 4)
    ]
    exact = np.mean(np.array(splits) >= seen - 1e-12)
    found = mmd_p_value(fake, real, bandwidth=1.0, draws=4000)
    assert 0.03 < exact < 0.97
    assert abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / 4000) + 1 / 4001


def test_the_p_value_of_unequal_sets_agrees_with_counting_too():
    fake, real = normal(21, 3, 2, 0.8), normal(22, 5, 2)
    rows = np.concatenate([fake, real])
    seen = mmd(fake, real).unbiased
    splits = [
        mmd(rows[list(chosen)], np.delete(rows, list(chosen), 0)).unbiased
        for chosen in itertools.combinations(range(8), 3)
    ]
    exact = np.mean(np.array(splits) >= seen - 1e-12)
    found = mmd_p_value(fake, real, draws=4000)
    assert abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / 4000) + 1 / 4001


def test_splits_that_are_as_far_as_the_seen_one_count():
    corners = 0.1 + np.eye(9)  # all equally far from each other: every split is the seen one
    assert mmd_p_value(corners[:4], corners[4:], draws=50) == 1


def test_the_p_value_of_equal_distributions_is_uniform_and_of_far_ones_the_smallest():
    values = [
        mmd_p_value(normal([23, i], 15, 3), normal([24, i], 12, 3), draws=99) for i in range(300)
    ]
    for level in (0.1, 0.5, 0.9):
        assert abs(np.mean(np.array(values) <= level) - level) < 4 * math.sqrt(0.25 / 300)
    assert mmd_p_value(normal(25, 20, 3, 5), normal(26, 20, 3), draws=99) == 0.01


@pytest.mark.parametrize("function", EVERY)
def test_what_is_no_set_of_features_is_refused_with_the_numbers(function):
    good = normal(27, 20, 4)
    holes = good.copy()
    holes[3, 1] = np.nan
    holes[5] = np.inf
    cases = [
        (good.astype(np.uint8), good, "translations are uint8, but float32"),
        (good, good.astype(np.float16), "real pictures are float16"),
        (good[0], good, r"translations have shape \(4,\), but \(N, D\)"),
        (good, good.reshape(20, 2, 2), r"real pictures have shape \(20, 2, 2\)"),
        (good[:, :0], good[:, :0], r"translations have shape \(20, 0\)"),
        (good[:, :3], good, "translations have 3 features each, but the real pictures 4"),
        (holes, good, "2 of the 20 translations have features that are not finite"),
        (good[:0], good, "0 translations are too few"),
        (good, good[:1], "1 real pictures are too few"),
    ]
    for fake, real, line in cases:
        if function is fid:
            line = line.split("translations")[-1].split("real pictures")[-1].split("each")[0]
        with pytest.raises(BadData, match=f"{line}|has no covariance") as caught:
            function(fake, real)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", EVERY)
def test_features_are_left_as_they_were_and_may_be_read_only(function):
    x, y = normal(28, 20, 4), normal(29, 20, 4)
    x.flags.writeable = y.flags.writeable = False
    function(x, y)
    a, b = torch.from_numpy(x.copy()), torch.from_numpy(y.copy()).requires_grad_()
    function(a, b)
    assert (a.numpy() == x).all()
    assert (b.detach().numpy() == y).all()


def test_bandwidths_that_are_none_are_refused():
    x = normal(30, 10, 2)
    for wrong in (0.0, -1.0, math.inf, math.nan, "median"):
        with pytest.raises(BadOption, match="bandwidth"):
            mmd(x, x, bandwidth=wrong)
    with pytest.raises(BadData, match="All 20 pictures have equal features"):
        mmd(np.full((10, 2), 0.1), np.full((10, 2), 0.1))
    with pytest.raises(BadData, match="All 10 pictures have equal features"):
        mmd(x, np.full((10, 2), 0.1), bandwidth="real")
    with pytest.raises(BadOption, match="0 draws are none"):
        mmd_p_value(x, x, draws=0)


def test_frechet_needs_two_pictures_and_one_kind_of_features():
    one, two = moments(normal(31, 1, 3)), moments(normal(32, 9, 3))
    with pytest.raises(BadData, match="1 picture has no covariance"):
        frechet(one, two)
    with pytest.raises(BadData, match="have 3 features each, but the real pictures 4"):
        frechet(two, moments(normal(33, 9, 4)))


def test_no_more_pairs_are_held_than_allowed():
    held = []

    def kernel(a, b):
        held.append(len(a) * len(b))
        return a @ b.mT

    x, y = (torch.from_numpy(normal(seed, n, 2)) for seed, n in ((34, 50), (35, 31)))
    of_x, of_y = sums_between(kernel, x, y, 100)
    torch.testing.assert_close(of_x, (x @ y.T).sum(1))
    torch.testing.assert_close(of_y, (x @ y.T).sum(0))
    whole = x @ x.T
    others, own = sums_within(kernel, x, 100)
    torch.testing.assert_close(others, whole.sum(1) - whole.diag())
    torch.testing.assert_close(own, whole.diag())
    assert max(held) == 100
    assert sum(held) < 50 * 31 + 50 * 50 * 0.65  # symmetric tiles once


@pytest.mark.parametrize(
    ("rows", "columns", "pairs", "sizes"),
    [(10, 3, 12, [4, 4, 2]), (3, 100, 50, [1, 1, 1]), (4, 2, 99, [4]), (0, 2, 9, [])],
)
def test_pieces_hold_every_row_once_and_no_more_than_allowed(rows, columns, pairs, sizes):
    cut = list(pieces(rows, columns, pairs))
    assert [i.stop - i.start for i in cut] == sizes
    assert [place for i in cut for place in range(i.start, i.stop)] == list(range(rows))


def test_the_fixed_order_is_the_same_whatever_the_order_was():
    rows = torch.tensor([[1.0, 2.0], [-0.0, 3.0], [0.0, 1.0], [1.0, 2.0]])
    for order in itertools.permutations(range(4)):
        assert torch.equal(in_fixed_order(rows[list(order)]), in_fixed_order(rows))
    assert sorted(in_fixed_order(rows).tolist()) == sorted(rows.tolist())


def test_leaving_persons_out_of_both_sets_is_what_removing_their_rows_gives():
    fake, real = normal(40, 9, 3), normal(41, 7, 3, 0.4)
    who = ["a", "a", "b", "c", "d", "d", "d", "e", "f"], ["a", "b", "g", "h", "h", "c", "e"]
    left = {}
    for unit in {*who[0], *who[1]}:
        keep = [np.array([name != unit for name in side]) for side in who]
        kept = kid(fake[keep[0]], real[keep[1]]).unbiased
        left.setdefault((unit in who[0], unit in who[1]), []).append(kept)
    wanted = math.sqrt(sum((len(v) - 1) * np.var(v) for v in left.values()))
    found = kid(fake, real, units=who)
    assert found.error == pytest.approx(wanted, rel=1e-9)
    assert found.unbiased == kid(fake, real).unbiased
    assert "over the subjects" in found.interval().method


def test_pictures_of_different_persons_have_the_error_of_pictures():
    fake, real = normal(42, 9, 3), normal(43, 7, 3)
    alone = kid(fake, real)
    assert kid(fake, real, units=(range(9), range(9, 16))) == alone


def test_one_person_in_a_set_leaves_no_error():
    fake, real = normal(42, 4, 3), normal(43, 4, 3)
    assert math.isnan(kid(fake, real, units=([0] * 4, [1, 2, 3, 4])).error)


def test_the_names_that_users_type_are_the_values_of_one_distance():
    fake, real = normal(44, 9, 3), normal(45, 7, 3, 1)
    assert mmd_biased(fake, real) == mmd(fake, real).biased
    assert mmd_root(fake, real) == mmd(fake, real).root
    assert mmd_gan_metrics(fake, real) == mmd(fake, real, bandwidth="real").root
