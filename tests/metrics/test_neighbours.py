import itertools
import math

import numpy as np
import pytest

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.neighbours import (
    OneNN,
    coverage,
    density,
    one_nn,
    precision,
    recall,
    support,
)


def normal(seed, n, d, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def distances(a, b):
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))


def column(*values):
    return np.array(values, dtype=np.float64)[:, None]


def test_one_nn_by_hand():
    found = one_nn(column(0, 1, 10), column(2.5, 11, 12.5))
    assert found.fakes.tolist() == [1, 1, 0]  # 10 is nearest to 11
    assert found.reals.tolist() == [0, 0, 1]
    assert (found.overall, found.fake, found.real) == (0.5, 2 / 3, 1 / 3)


def test_one_nn_agrees_with_a_full_matrix():
    fake, real = normal(0, 40, 5, 0.3), normal(1, 60, 5)
    rows, labels = np.concatenate([fake, real]), np.arange(100) < 40
    matrix = distances(rows, rows) + np.diag(np.full(100, np.inf))
    right = labels[matrix.argmin(1)] == labels
    found = one_nn(fake, real)
    assert np.concatenate([found.fakes, found.reals]).tolist() == right.tolist()


def test_a_tie_counts_half():
    found = one_nn(column(0, 0, 12), column(0, 20, 21))  # two fakes and a real are one point
    assert found.fakes.tolist() == [0.5, 0.5, 0]
    assert found.reals.tolist() == [0, 1, 1]


def test_ties_that_are_no_copies_count_half_too():
    """Features in whole steps; the mean of all rows is no whole number."""
    grid = np.random.default_rng(17).integers(0, 3, (37, 3)).astype(np.float64)
    fake, real = grid[:16], grid[16:]
    within = distances(fake, fake) + np.diag(np.full(16, np.inf))
    gap = distances(fake, real).min(1) - within.min(1)
    assert one_nn(fake, real).fakes.tolist() == ((np.sign(gap) + 1) / 2).tolist()
    assert (gap == 0).any()


def test_small_distances_far_from_the_origin_are_seen():
    x = normal(2, 60, 3) * 1e-4
    assert (one_nn(x[:30] + 1e4, x[30:] + 1e4).fakes == one_nn(x[:30], x[30:]).fakes).all()


def test_chance_is_the_mean_over_all_labellings():
    rows = normal(3, 6, 2)
    found = [
        one_nn(rows[list(chosen)], np.delete(rows, list(chosen), 0))
        for chosen in itertools.combinations(range(6), 2)
    ]
    assert np.mean([x.overall for x in found]) == pytest.approx(found[0].chance)
    assert OneNN(np.ones(50), np.ones(50)).chance == pytest.approx(49 / 99)


def test_a_ball_holds_its_surface():
    edge = support(column(0, 4), column(8, 12), k=1)  # 4 and 8 lie on each other's surface
    assert edge.precise.tolist() == [0, 1]
    assert edge.recalled.tolist() == [1, 0]
    assert edge.dense.tolist() == [0, 1]
    assert edge.covered.tolist() == [1, 0]


def by_matrix(fake, real, k):
    """Precision, recall, density and coverage as the papers define them."""
    reach_fake, reach_real = (np.sort(distances(x, x), 1)[:, k] for x in (fake, real))
    between = distances(fake, real)
    in_real, in_fake = between <= reach_real, between <= reach_fake[:, None]
    return in_real.any(1), in_fake.any(0), in_real.sum(1) / k, in_real.any(0)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_support_agrees_with_full_matrices(k):
    fake, real = normal(4, 50, 4, 0.5), normal(5, 70, 4)
    found, right = support(fake, real, k=k), by_matrix(fake, real, k)
    for ours, theirs in zip(
        (found.precise, found.recalled, found.dense, found.covered), right, strict=True
    ):
        assert ours.tolist() == theirs.astype(float).tolist()
    means = (found.precision, found.recall, found.density, found.coverage)
    assert means == pytest.approx([x.mean() for x in right])
    assert found.k == k
    assert 0 < found.precision < 1


def test_support_by_hand():
    found = support(column(0.5, 50), column(0, 1, 3), k=1)  # balls reach 1, 1, 2; fakes 49.5
    assert found.precise.tolist() == [1, 0]
    assert found.dense.tolist() == [2, 0]
    assert found.covered.tolist() == [1, 1, 0]
    assert found.recalled.tolist() == [1, 1, 1]


def test_precision_of_one_set_is_recall_of_the_other():
    x, y = normal(6, 40, 3), normal(7, 40, 3, 0.7)
    assert (support(x, y).precise == support(y, x).recalled).all()


def test_copies_cover_everything():
    x = normal(8, 50, 6, 1000)
    found = support(x[::-1].copy(), x, k=5)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.density == pytest.approx(6 / 5)  # the surface belongs to the ball, and so the 5th


def test_balls_without_a_radius_hold_their_copies():
    x = np.repeat(normal(18, 40, 64, 10), 6, axis=0)  # the 5th neighbour of each is a copy
    found = support(x[::-6].copy(), x, k=5)
    assert (found.precision, found.coverage, found.density) == (1, 1, 6 / 5)


def test_far_sets_cover_nothing():
    found = support(normal(9, 30, 3, 99), normal(10, 30, 3))
    assert (found.precision, found.recall, found.density, found.coverage) == (0, 0, 0, 0)


def test_one_outlier_among_the_real_pictures_raises_precision_but_not_density():
    real = np.concatenate([normal(11, 99, 2), [[60.0, 60.0]]])
    fake = normal(12, 100, 2, 30)  # nowhere near, but inside the outlier's ball
    found = support(fake, real, k=5)
    assert found.precision == 1
    assert found.density <= 0.25
    assert found.coverage == 0.01


def test_density_and_coverage_of_equal_distributions_are_what_algebra_says():
    n, k = 60, 5
    found = [support(normal([13, i], n, 4), normal([14, i], n, 4), k=k) for i in range(150)]
    ways = [(n - 1 - i) / (2 * n - 1 - i) for i in range(k)]  # the k nearest are all real
    for name, truth in (("density", 1.0), ("coverage", 1 - math.prod(ways))):
        values = np.array([getattr(x, name) for x in found])
        assert abs(values.mean() - truth) < 4 * values.std(ddof=1) / math.sqrt(150)


def test_neighbours_that_do_not_exist_are_refused():
    x = normal(15, 5, 2)
    with pytest.raises(BadData, match="5 pictures have no neighbour number 5"):
        support(normal(16, 9, 2), x, k=5)
    with pytest.raises(BadOption, match="no neighbour number 0"):
        support(x, x, k=0)
    assert support(x, x, k=4).precision == 1


def test_the_names_that_users_type_are_parts_of_one_support():
    rng = np.random.default_rng(1)
    fake, real = rng.normal(size=(20, 2)), rng.normal(size=(15, 2))
    three, five = support(fake, real, k=3), support(fake, real, k=5)
    np.testing.assert_array_equal(precision(fake, real), three.precise)
    np.testing.assert_array_equal(recall(fake, real), three.recalled)
    np.testing.assert_array_equal(density(fake, real), five.dense)
    np.testing.assert_array_equal(coverage(fake, real), five.covered)
