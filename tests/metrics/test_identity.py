import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import beta, mannwhitneyu

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.identity import equal_error_rate, rank_hits, verification

FEW = {"fars": (0.1,), "draws": 400}


def scores(seed, n, m, d=1.5):
    rng = np.random.default_rng(seed)
    return rng.normal(d, 1, n), rng.normal(size=m)


def test_tar_by_hand():
    impostor = np.arange(100) / 100  # .90 .. .99 are the ten let in at FAR .1
    genuine = [0.5, 0.89, 0.9, 0.95, 2.0]
    found = verification(genuine, impostor, **FEW)
    assert found.thresholds == {0.1: 0.89}
    assert found.tar[0.1].value == 3 / 5  # above it, not at it
    assert (found.tar[0.1].n, found.genuine, found.impostor) == (5, 5, 100)


@pytest.mark.parametrize("far", [0.1, 0.29, 0.07 * 5])
def test_no_more_impostors_pass_than_said_and_ties_pass_none(far):
    for impostor in (scores(0, 1, 100)[1], np.round(scores(1, 1, 100)[1])):
        found = verification([0.0], impostor, fars=(far,), draws=10)
        passed = (impostor > found.thresholds[far]).sum()
        assert passed <= far * 100 + 1e-9
        if len(np.unique(impostor)) == 100:
            assert passed == round(far * 100)


def test_only_the_order_of_scores_counts():
    genuine, impostor = scores(2, 60, 300)
    one, two = (verification(f(genuine), f(impostor), **FEW) for f in (np.array, np.exp))
    assert (one.tar, one.eer, one.auc) == (two.tar, two.eer, two.auc)
    again = verification(genuine[::-1], np.random.default_rng(3).permutation(impostor), **FEW)
    assert (one.tar, one.eer, one.auc) == (again.tar, again.eer, again.auc)


def test_auc_is_the_mann_whitney_share_with_ties_half():
    genuine, impostor = (np.round(x, 1) for x in scores(4, 50, 100))
    theirs = mannwhitneyu(genuine, impostor).statistic / (50 * 100)
    assert verification(genuine, impostor, **FEW).auc.value == pytest.approx(theirs, abs=1e-12)


def test_delong_agrees_with_the_bootstrap():
    genuine, impostor = scores(5, 80, 200)
    rng = np.random.default_rng(6)
    wins = (genuine[:, None] > impostor[None]).astype(float)
    drawn = [
        wins[rng.integers(80, size=80)][:, rng.integers(200, size=200)].mean() for _ in range(3000)
    ]
    auc = verification(genuine, impostor, **FEW).auc
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert auc.high - auc.low == pytest.approx(high - low, rel=0.1)
    assert auc.low == pytest.approx(low, abs=0.15 * (high - low))
    assert auc.method == "95 % DeLong"


def test_intervals_cover_the_truth_about_95_times_in_100():
    d, far, normal = 1.5, 0.02, NormalDist()
    truth = {
        "tar": 1 - normal.cdf(normal.inv_cdf(1 - far) - d),
        "eer": normal.cdf(-d / 2),
        "auc": normal.cdf(d / math.sqrt(2)),
    }
    hits = dict.fromkeys(truth, 0)
    for seed in range(300):
        found = verification(*scores([7, seed], 100, 2000), fars=(far,), draws=300)
        for name, interval in (("tar", found.tar[far]), ("eer", found.eer), ("auc", found.auc)):
            assert interval.low <= interval.value <= interval.high
            hits[name] += interval.low <= truth[name] <= interval.high
    for name, count in hits.items():
        assert 0.91 <= count / 300 <= 0.985, name


def test_an_uncertain_threshold_makes_the_interval_of_tar_wider():
    genuine, impostor = scores(8, 2000, 1000)
    found = verification(genuine, impostor, fars=(0.01,), draws=2000)
    interval = found.tar[0.01]
    share = interval.value
    alone = 2 * 1.96 * math.sqrt(share * (1 - share) / 2000)
    assert interval.high - interval.low > 2 * alone  # the threshold rests on 10 impostors


@pytest.mark.parametrize("hits", [0, 5, 9])
def test_the_interval_of_tar_at_a_sure_threshold_is_that_of_jeffreys(hits):
    genuine = np.arange(10) >= 10 - hits
    found = verification(genuine.astype(float), np.zeros(100), fars=(0.1,), draws=100_000)
    low, high = beta.ppf([0.025, 0.975], hits + 0.5, 10 - hits + 0.5)
    assert (found.tar[0.1].low, found.tar[0.1].high) == pytest.approx((low, high), abs=0.004)


def test_the_draws_of_the_threshold_are_the_bootstrap_of_the_impostors():
    genuine, impostor = np.linspace(0, 1, 200_001), np.arange(100) / 100
    found = verification(genuine, impostor, fars=(0.1,), draws=20_000).tar[0.1]
    drawn = np.random.default_rng(0).choice(impostor, (20_000, 100))
    low, high = np.quantile(1 - np.sort(drawn, axis=1)[:, -11], [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.003)


def test_perfect_separation_is_no_certainty():
    found = verification(np.full(30, 1.0), np.zeros(100), **FEW)
    assert (found.tar[0.1].value, found.eer.value, found.auc.value) == (1, 0, 1)
    assert 0.85 < found.tar[0.1].low < 0.99
    assert 0.005 < found.eer.high < 0.15
    assert found.auc.low == pytest.approx(30 / (30 + 1.959964**2), abs=1e-6)  # Wilson of 30
    worst = verification(np.zeros(30), np.full(100, 1.0), **FEW)
    assert (worst.tar[0.1].value, worst.eer.value, worst.auc.value) == (0, 1, 0)
    assert worst.auc.high > 0.05


def test_a_score_that_says_nothing_accepts_nobody():
    found = verification(np.zeros(20), np.zeros(100), **FEW)
    assert (found.tar[0.1].value, found.auc.value, found.eer.value) == (0, 0.5, 0.5)


def test_the_seed_and_the_draws_are_in_the_method():
    genuine, impostor = scores(9, 40, 200)
    one, two = (verification(genuine, impostor, seed=seed, **FEW) for seed in (0, 1))
    assert one.tar[0.1].method == "95 %, 400 draws of genuine pairs and threshold, seed 0"
    assert one == verification(genuine, impostor, **FEW)
    assert one.tar[0.1].low != two.tar[0.1].low
    wide = verification(genuine, impostor, level=0.99, **FEW)
    assert wide.tar[0.1].low < one.tar[0.1].low
    assert wide.eer.high > one.eer.high
    assert wide.auc.low < one.auc.low


def test_equal_error_rate_by_hand():
    assert equal_error_rate([3, 4], [1, 2]) == 0
    assert equal_error_rate([1, 4], [2, 0]) == pytest.approx(0.5)  # one of two, both ways
    assert equal_error_rate([1, 3, 4, 5], [0, 0.5, 0.7, 2]) == pytest.approx(0.25)
    # thresholds at 0, 1: (away, let in) goes (0, 1/2) to (1/3, 1/2) to (1/3, 0): crosses at 1/3
    assert equal_error_rate([1, 3, 4], [0, 2]) == pytest.approx(1 / 3)


def test_equal_error_rate_of_unequal_steps_lies_on_the_line_between_them():
    # at 0: (0, 1/3); with ties at 1 both jump at once, to (1/2, 0): t/2 = (1 - t)/3
    assert equal_error_rate([1, 2], [0, 0, 1]) == pytest.approx(0.2)


SIMILAR = np.array([[0.9, 0.1, 0.8], [0.7, 0.6, 0.2], [0.3, 0.5, 0.4]])


def test_rank_hits_by_hand():
    people, gallery = ["a", "b", "c"], ["a", "b", "c"]
    assert rank_hits(SIMILAR, people, gallery).tolist() == [1, 0, 0]
    assert rank_hits(SIMILAR, people, gallery, k=2).tolist() == [1, 1, 1]


def test_ranks_count_people_and_not_their_pictures():
    similar = [[0.9, 0.8, 0.7]]
    assert rank_hits(similar, ["b"], ["a", "a", "b"], k=2).tolist() == [1]
    assert rank_hits(similar, ["a"], ["b", "a", "a"], k=1).tolist() == [0]


def test_the_best_picture_of_a_person_counts():
    assert rank_hits([[0.1, 0.9, 0.5]], ["a"], ["a", "a", "b"]).tolist() == [1]


def test_a_constant_similarity_finds_nobody():
    people = list(range(5))
    assert rank_hits(np.ones((5, 5)), people, people).tolist() == [0] * 5


@pytest.mark.parametrize(
    ("genuine", "impostor", "how", "line"),
    [
        ([], [0.0] * 100, {}, r"genuine scores have shape \(0,\)"),
        ([[1.0]], [0.0] * 100, {}, r"genuine scores have shape \(1, 1\)"),
        ([1.0], [], {}, r"impostor scores have shape \(0,\)"),
        ([1.0, math.nan], [0.0] * 100, {}, "1 of 2 genuine scores are not finite"),
        ([1.0], [math.inf] * 100, {}, "100 of 100 impostor scores are not finite"),
        ([1.0], [0.0] * 99, {}, "0.1 needs 100 impostor pairs, but there are 99.*take 0.101011 or"),
        ([1.0], [0.0] * 999, {"fars": (0.1, 0.01)}, "0.01 needs 1000 .* there are 999"),
    ],
)
def test_scores_that_carry_no_answer_are_refused(genuine, impostor, how, line):
    with pytest.raises(BadData, match=line) as caught:
        verification(genuine, impostor, **{**FEW, **how})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "how", [{"fars": (0.0,)}, {"fars": (1.0,)}, {"draws": 0}, {"level": 1.0}, {"level": 0.0}]
)
def test_options_that_mean_nothing_are_refused(how):
    with pytest.raises(BadOption, match=r"no share|no interval"):
        verification([1.0], [0.0] * 100, **{**FEW, **how})


def test_similarities_that_do_not_fit_are_refused():
    for shape in ((2, 3), (3, 2), (3,)):
        with pytest.raises(BadData, match="do not fit 3 pictures and a gallery of 3"):
            rank_hits(np.zeros(shape), [0, 1, 2], [0, 1, 2])
    with pytest.raises(BadData, match="1 of 3 people are not in the gallery"):
        rank_hits(SIMILAR, [0, 1, 9], [0, 1, 2])
    with pytest.raises(BadData, match="1 similarities are NaN"):
        rank_hits([[0.0, math.nan]], [0], [0, 1])
    with pytest.raises(BadOption, match="no rank 0"):
        rank_hits(SIMILAR, [0, 1, 2], [0, 1, 2], k=0)


def test_two_scores_have_an_auc_interval():
    auc = verification([0.5, 1.5], [0.0, 1.0] * 50, **FEW).auc
    assert auc.low < auc.value == 0.75 < auc.high


def test_a_pair_of_one_score_each_has_no_auc_interval():
    auc = verification([1.0], list(itertools.repeat(0.0, 100)), **FEW).auc
    assert math.isnan(auc.low)
    assert auc.value == 1
