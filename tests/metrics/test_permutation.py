"""The permutation test of two sets where every split can be told by hand."""

import numpy as np
import pytest

from portrayal.metrics.permutation import mmd_p_value

APART = np.array([[0.0], [0.0]]), np.array([[9.0], [9.0]])


def test_one_of_three_splits_of_two_and_two_is_as_far_as_two_clusters_are():
    assert mmd_p_value(*APART, bandwidth=1.0, draws=900) == pytest.approx(1 / 3, abs=0.06)


def test_one_draw_is_enough_and_the_smallest_p_is_one_over_all():
    assert mmd_p_value(*APART, bandwidth=1.0, draws=1) in (0.5, 1.0)
    rng = np.random.default_rng(0)
    far = mmd_p_value(rng.normal(size=(12, 2)), rng.normal(5, 1, size=(20, 2)), draws=49)
    assert far == 1 / 50


def test_pieces_and_the_order_of_pictures_change_no_p_value():
    rng = np.random.default_rng(1)
    fake, real = rng.normal(size=(9, 3)), rng.normal(0.3, 1, size=(7, 3))
    whole = mmd_p_value(fake, real, draws=60)
    assert 1 / 61 < whole < 1
    assert mmd_p_value(fake[::-1].copy(), real[::-1].copy(), draws=60, pairs=20) == whole
