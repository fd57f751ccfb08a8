"""Sums over pairs of features against plain loops, where precision and edges matter."""

import numpy as np
import pytest
import torch

from portrayal.metrics.kernels import kid, kid_of_subsets, mmd
from portrayal.metrics.neighbours import one_nn
from portrayal.metrics.sets import (
    TILE,
    centred,
    cubic,
    gaussian,
    gaussian_rows,
    squared_distances,
    tiles,
)


def rows(seed, n, d=3):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)))


def test_kernels_are_their_formulas_pair_by_pair():
    a, b = rows(0, 4), rows(1, 5)
    square = ((a[:, None] - b[None]) ** 2).sum(-1)
    torch.testing.assert_close(squared_distances(a, b), square)
    torch.testing.assert_close(cubic(a, b), (a @ b.T / 3 + 1) ** 3)
    near = gaussian(gaussian_rows(a, 0.7), gaussian_rows(b, 0.7))
    torch.testing.assert_close(near, torch.exp(-square / (2 * 0.7**2)))
    assert gaussian(gaussian_rows(100 * a, 0.1), gaussian_rows(100 * a, 0.1)).max() <= 1


def test_distances_keep_their_digits_far_from_the_origin():
    a, b = rows(2, 9).round(decimals=3), rows(3, 7).round(decimals=3)
    near, far = mmd(a, b), mmd(a + 2.0**24, b + 2.0**24)
    assert far.unbiased == pytest.approx(near.unbiased, abs=1e-8)
    middle = torch.cat(centred(a + 5, b + 5)).mean(0)
    torch.testing.assert_close(middle, torch.zeros(3, dtype=torch.float64), atol=1e-12, rtol=0)


def test_two_pictures_of_each_are_enough():
    a, b = rows(4, 2), rows(5, 2)
    assert np.isfinite([kid(a, b).unbiased, mmd(a, b).unbiased, one_nn(a, b).overall]).all()
    assert np.isfinite(kid_of_subsets(rows(6, 5), b, subsets=3, size=2)).all()


def test_tiles_hold_every_row_once_and_no_more_pairs_than_allowed():
    cut = tiles(torch.zeros(2500, 1), 10**9)
    assert [i.stop - i.start for i in cut] == [TILE, TILE, 2500 - 2 * TILE]
    assert [i.stop - i.start for i in tiles(torch.zeros(5, 1), 4)] == [2, 2, 1]
    assert [(i.start, i.stop) for i in tiles(torch.zeros(3, 1), 1)] == [(0, 1), (1, 2), (2, 3)]
