import itertools
import math
import tracemalloc

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import ttest_1samp

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.resampling import chunks
from portrayal.metrics.statistics import (
    bootstrap_difference,
    bootstrap_mean,
    permutation_test,
    wilson,
)

FEW = {"draws": 1000}


def normal(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def test_the_value_is_the_mean_and_lies_inside():
    interval = bootstrap_mean([1.0, 2.0, 6.0, 7.0])
    assert interval.value == 4.0
    assert interval.low < 4.0 < interval.high
    assert interval.n == 4
    assert interval.method == "95 % bootstrap over pictures, 10000 draws, seed 0"


def test_many_pictures_give_the_normal_interval():
    scores = normal(2000)
    half = 1.96 * scores.std() / math.sqrt(2000)
    interval = bootstrap_mean(scores)
    assert interval.low == pytest.approx(scores.mean() - half, abs=0.05 * half)
    assert interval.high == pytest.approx(scores.mean() + half, abs=0.05 * half)


def test_percentiles_agree_with_scipy_where_the_expansion_vanishes():
    scores = np.random.default_rng(1).exponential(size=1000)
    theirs = scipy_bootstrap(
        (scores,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(0)
    ).confidence_interval
    ours = bootstrap_mean(scores)
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


@pytest.mark.parametrize("n", [8, 40])
def test_95_percent_intervals_cover_the_truth_about_95_times_in_100(n):
    rng = np.random.default_rng(n)
    covered = 0
    for _ in range(800):
        interval = bootstrap_mean(rng.normal(size=n), draws=500)
        covered += interval.low <= 0 <= interval.high
    assert 0.925 <= covered / 800 <= 0.97  # 3 standard errors are .023; plain: .90 at n = 8


def clustered(rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """20 people of 5 pictures each; most of the spread is between people."""
    people = np.repeat(rng.normal(size=20), 5)
    return people + 0.3 * rng.normal(size=100), [f"person {i // 5}" for i in range(100)]


def test_clustered_intervals_cover_where_plain_ones_are_far_too_narrow():
    rng = np.random.default_rng(7)
    hits = {"plain": 0, "clustered": 0}
    for _ in range(400):
        scores, people = clustered(rng)
        for name, clusters in (("plain", None), ("clustered", people)):
            interval = bootstrap_mean(scores, clusters=clusters, draws=400)
            hits[name] += interval.low <= 0 <= interval.high
    assert 0.91 <= hits["clustered"] / 400 <= 0.98
    assert hits["plain"] / 400 < 0.75


def test_clusters_of_one_picture_are_pictures():
    scores = normal(30)
    plain = bootstrap_mean(scores, **FEW)
    each = bootstrap_mean(scores, clusters=list(range(30)), **FEW)
    nobody = bootstrap_mean(scores, clusters=[None] * 30, **FEW)
    assert (plain.low, plain.high) == (each.low, each.high) == (nobody.low, nobody.high)
    assert each.method.startswith("95 % bootstrap over 30 clusters")


def test_large_clusters_weigh_by_their_pictures():
    scores, people = [1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"]
    interval = bootstrap_mean(scores, clusters=people)
    assert interval.value == 0.75  # the mean over pictures, not over people
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_the_order_of_pictures_changes_nothing():
    scores, people = clustered(np.random.default_rng(3))
    mixed = np.random.default_rng(4).permutation(100)
    for clusters, again in ((None, None), (people, [people[i] for i in mixed])):
        one = bootstrap_mean(scores, clusters=clusters, **FEW)
        assert one == bootstrap_mean(scores[mixed], clusters=again, **FEW)


def test_the_same_seed_gives_the_same_bounds_and_another_seed_others():
    scores = normal(50)
    assert bootstrap_mean(scores, **FEW) == bootstrap_mean(scores, **FEW)
    assert bootstrap_mean(scores, **FEW).low != bootstrap_mean(scores, seed=1, **FEW).low


def test_a_higher_level_is_wider_and_more_pictures_narrower():
    def width(n: int, level: float) -> float:
        interval = bootstrap_mean(np.tile(normal(10), n), level=level, **FEW)
        return interval.high - interval.low

    assert width(1, 0.8) < width(1, 0.95) < width(1, 0.99)
    assert width(40, 0.95) < width(10, 0.95) < width(1, 0.95)


def test_memory_stays_bounded_and_chunks_change_no_statistics():
    scores = normal(300_000)
    tracemalloc.start()
    interval = bootstrap_mean(scores, draws=40)  # 12 million numbers, in 7 chunks
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    half = 1.96 / math.sqrt(300_000)
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.5)
    assert most < 80e6  # 3 x 96 MB at once


def test_no_chunk_repeats_the_draws_of_another():
    draws = [(rows, rng.random()) for rows, rng in chunks(10, 1_000_000, 0)]
    assert [(rows.start, rows.stop) for rows, _ in draws] == [(i, i + 2) for i in range(0, 10, 2)]
    assert len({number for _, number in draws}) == 5
    huge = [rows.stop - rows.start for rows, _ in chunks(3, 3_000_000, 0)]
    assert huge == [1, 1, 1]


def test_one_picture_or_cluster_has_a_value_and_unknown_bounds():
    for interval in (bootstrap_mean([0.5]), bootstrap_mean([0.4, 0.6], clusters=["a", "a"])):
        assert interval.value == 0.5
        assert math.isnan(interval.low)
        assert math.isnan(interval.high)


def test_a_difference_is_paired():
    pictures = 10 * normal(40)  # some pictures are hard for both models
    better = pictures + 0.1 + 0.05 * normal(40, seed=1)
    interval = bootstrap_difference(better, pictures)
    assert 0 < interval.low < interval.value < interval.high < 0.2
    assert interval.value == pytest.approx((better - pictures).mean())
    assert bootstrap_difference(pictures, better).value == -interval.value


def exact_p(difference: np.ndarray) -> float:
    """All 2 ** n flips."""
    seen = abs(difference.sum()) - 1e-9
    flips = itertools.product((-1, 1), repeat=len(difference))
    sums = [abs(np.dot(signs, difference)) >= seen for signs in flips]
    return float(np.mean(sums))


def test_the_permutation_test_agrees_with_all_flips_and_with_the_t_test():
    a, b = normal(10) + 0.6, normal(10, seed=1)
    p = permutation_test(a, b, draws=100_000)
    assert p == pytest.approx(exact_p(a - b), abs=0.005)
    large = normal(400, seed=2) + 0.1
    p = permutation_test(large, np.zeros(400))
    assert p == pytest.approx(ttest_1samp(large, 0).pvalue, abs=0.02)


def test_p_is_never_0_and_is_1_for_equal_models():
    assert permutation_test(np.ones(100), np.zeros(100), draws=99) == 0.01
    assert permutation_test(np.ones(5), np.ones(5)) == 1.0
    p = permutation_test(normal(20), normal(20, seed=1))
    assert p == permutation_test(normal(20, seed=1), normal(20))


def test_p_is_below_5_percent_5_times_in_100_when_nothing_differs():
    rng = np.random.default_rng(0)
    pairs = [(seed, rng.normal(size=15), rng.normal(size=15)) for seed in range(1000)]
    p = [permutation_test(a, b, draws=199, seed=seed) for seed, a, b in pairs]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.021)


def test_copies_of_a_picture_make_a_difference_no_surer_when_they_are_a_cluster():
    one = normal(8) + 0.5
    copies, people = np.repeat(one, 10), np.repeat(np.arange(8), 10).tolist()
    alone = permutation_test(one, np.zeros(8))
    assert permutation_test(copies, np.zeros(80), clusters=people) == pytest.approx(alone, abs=0.02)
    assert permutation_test(copies, np.zeros(80)) < alone / 5


def test_wilson_by_hand_and_at_the_edges():
    interval = wilson([1] * 8 + [0] * 2)
    assert interval.value == 0.8
    assert (interval.low, interval.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    sure = wilson([1.0] * 50)
    assert (sure.low, sure.high) == (pytest.approx(50 / (50 + 1.959964**2), abs=1e-6), 1.0)
    assert wilson([0.0] * 50).low == 0.0


@pytest.mark.parametrize("count", [bootstrap_mean, wilson])
def test_scores_that_are_not_finite_are_refused_and_counted(count):
    line = r"2 of 4 scores are not finite \(1 NaN\), first at position 1"
    with pytest.raises(BadData, match=line):
        count([1.0, math.nan, 0.0, math.inf])


def test_bad_input_is_one_line():
    with pytest.raises(BadData, match=r"one score per picture, but got shape \(0,\)"):
        bootstrap_mean([])
    with pytest.raises(BadData, match=r"got shape \(2, 2\)"):
        bootstrap_mean(np.zeros((2, 2)))
    with pytest.raises(BadData, match="3 scores came with 2 cluster names"):
        bootstrap_mean([1, 2, 3], clusters=["a", "b"])
    with pytest.raises(BadData, match="3 scores cannot be paired with 1"):
        bootstrap_difference([1, 2, 3], [1])
    with pytest.raises(BadData, match="1 of 2 values are neither 0 nor 1"):
        wilson([1, 0.5])
    with pytest.raises(BadOption, match="level 95"):
        bootstrap_mean([1, 2], level=95)
    with pytest.raises(BadOption, match="0 draws"):
        permutation_test([1, 2], [2, 1], draws=0)


def test_ten_thousand_draws_are_usual():
    scores = np.linspace(0, 1, 60)
    for found in (bootstrap_mean(scores), bootstrap_difference(scores, scores[::-1])):
        assert "10000 draws, seed 0" in found.method
    assert permutation_test(scores + 1, scores) == 1 / 10001
