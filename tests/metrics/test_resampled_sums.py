import numpy as np
import pytest
import torch

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.semantic import class_map, fcn_intervals, fcn_scores
from portrayal.metrics.statistics import bootstrap_mean, bootstrap_sums

RNG = np.random.default_rng(0)
VALUES = RNG.random(40)


def mean_of(sums):
    return (sums[:, :1] / sums[:, 1:]).reshape(-1, 1)


def parts_of(values):
    return np.stack([values, np.ones_like(values)], axis=1)


@pytest.mark.parametrize("clusters", [None, [index // 4 for index in range(40)]])
def test_a_mean_made_of_sums_has_the_interval_of_the_mean(clusters):
    ours = bootstrap_sums(parts_of(VALUES), mean_of, clusters=clusters)[0]
    theirs = bootstrap_mean(VALUES, clusters=clusters)
    assert ours.value == pytest.approx(theirs.value, abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=2e-3)
    assert (ours.n, ours.method) == (theirs.n, theirs.method)


def test_the_order_of_pictures_never_matters():
    clusters = RNG.integers(0, 9, 40).tolist()
    mixed = RNG.permutation(40)
    one = bootstrap_sums(parts_of(VALUES), mean_of, clusters=clusters, draws=100)
    other = bootstrap_sums(
        parts_of(VALUES[mixed]), mean_of, clusters=[clusters[i] for i in mixed], draws=100
    )
    assert one == other
    assert bootstrap_sums(parts_of(VALUES), mean_of, draws=100) == bootstrap_sums(
        parts_of(VALUES[mixed]), mean_of, draws=100
    )


def test_of_one_cluster_no_bounds_are_known():
    found = bootstrap_sums(parts_of(VALUES), mean_of, clusters=["a"] * 40)[0]
    assert np.isnan(found.low) and np.isnan(found.high)
    assert found.value == pytest.approx(VALUES.mean())


def test_what_is_not_one_row_of_numbers_per_picture_is_refused():
    for bad in (VALUES, np.empty((0, 2)), np.full((3, 2), np.nan)):
        with pytest.raises(BadData, match="numbers per picture"):
            bootstrap_sums(bad, mean_of)
    with pytest.raises(BadData, match="40 scores came with 2 cluster names"):
        bootstrap_sums(parts_of(VALUES), mean_of, clusters=["a", "b"])


def matrices(count=30, classes=3):
    return torch.from_numpy(RNG.integers(0, 50, (count, classes, classes)))


@pytest.mark.parametrize("absent", ["skip", "zero"])
def test_the_value_is_the_score_of_the_one_matrix_of_all_pictures(absent):
    each = matrices()
    each[:, 2] = 0  # the truth never holds class 2
    found, whole = fcn_intervals(each, absent, draws=200), fcn_scores(each.sum(0), absent)
    for name, interval in found.items():
        assert interval.value == pytest.approx(getattr(whole, name), abs=1e-12)
        assert interval.low < interval.value < interval.high
        assert interval.n == 30


def test_resampling_is_that_of_a_plain_loop():
    each = matrices(12)
    found = fcn_intervals(each, draws=4000)["class_iou"]
    drawn = [fcn_scores(each[RNG.integers(0, 12, 12)].sum(0)).class_iou for _ in range(4000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    wide = high - low
    assert found.low == pytest.approx(low, abs=0.15 * wide) and found.low < low
    assert found.high == pytest.approx(high, abs=0.15 * wide) and found.high > high


def test_against_itself_the_difference_is_nothing_and_against_less_it_is_the_difference():
    each = matrices()
    none = fcn_intervals(each, against=each, draws=100)["class_iou"]
    assert (none.value, none.low, none.high) == (0.0, 0.0, 0.0)
    right = torch.diag_embed(each.sum(2))  # all met
    more = fcn_intervals(right, against=each, draws=100)["pixel_accuracy"]
    assert more.value == pytest.approx(1 - fcn_scores(each.sum(0)).pixel_accuracy)
    assert 0 < more.low < more.value < more.high


def test_a_picture_without_labels_is_not_counted_and_changes_nothing():
    each = matrices(10)
    empty = torch.cat([each, torch.zeros_like(each[:3])])
    clusters = [*"aabbccddee"]
    assert fcn_intervals(empty, draws=50) == fcn_intervals(each, draws=50)
    assert fcn_intervals(empty, clusters=[*clusters, *"xyz"], draws=50) == fcn_intervals(
        each, clusters=clusters, draws=50
    )


def test_an_unknown_way_with_absent_classes_is_refused():
    with pytest.raises(BadOption, match="'skip' or 'zero'"):
        fcn_intervals(matrices(), "nan")


def test_a_class_map_of_a_drawing_by_hand():
    picture = torch.ones(3, 4, 4)
    picture[:, :2, :2] = (torch.tensor([255.0, 150, 20]) / 255)[:, None, None]
    wanted = torch.zeros(4, 4, dtype=torch.int64)
    wanted[:2, :2] = 4
    assert torch.equal(class_map(picture, "flower"), wanted)
    assert not class_map(picture, "ship").any()
