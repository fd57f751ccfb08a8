"""The answers of the specification's oracles, on the CPU. O12 to O14 of pictures: test_pixel.py."""

import math
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from statistics import NormalDist

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.linalg import sqrtm
from torch.nn import functional as F

from portrayal.core.errors import BadData
from portrayal.features.frozen import resized
from portrayal.metrics.distribution import fid, frechet, merged, moments
from portrayal.metrics.identity import verification
from portrayal.metrics.kernels import kid, kid_of_subsets, mmd
from portrayal.metrics.neighbours import one_nn, support
from portrayal.metrics.permutation import mmd_p_value
from portrayal.metrics.semantic import confusion, fcn_scores
from portrayal.metrics.strengths import of_wins, strengths
from portrayal.metrics.votes import shares

NORMAL = NormalDist()


def normal(seed, n, d, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + shift


def skewed(seed, n, d):
    """No Gaussian, correlated, and off the origin."""
    rng = np.random.default_rng(seed)
    return rng.exponential(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


def z_of(values, truth):
    """How many standard errors the mean of independent repetitions is from the truth."""
    values = np.asarray(values)
    return abs(values.mean() - truth) / (values.std(ddof=1) / math.sqrt(len(values)))


@pytest.mark.parametrize("n", [20, 300])  # below and above the number of features
def test_o1_fid_of_a_shift_is_its_squared_length(n):
    x, mu = skewed(0, n, 32), normal(1, 1, 32)[0]
    assert fid(x + mu, x) == pytest.approx((mu**2).sum(), rel=1e-8)


@pytest.mark.parametrize("n", [20, 300])
@pytest.mark.parametrize("c", [0.5, 3.0])
def test_o2_fid_of_a_scaling(n, c):
    x = skewed(2, n, 32)
    mean, spread = x.mean(0), np.trace(np.cov(x.T))
    assert fid(c * x, x) == pytest.approx((c - 1) ** 2 * (mean @ mean + spread), rel=1e-8)


@pytest.mark.parametrize("n", [20, 300])
def test_o3_fid_is_symmetric_and_blind_to_a_rotation_and_0_for_the_same_set(n):
    x, y = skewed(3, n, 32), skewed(4, n + 5, 32)
    turn = np.linalg.qr(normal(5, 32, 32))[0]
    assert fid(y, x) == pytest.approx(fid(x, y), rel=1e-8)
    assert fid(x @ turn, y @ turn) == pytest.approx(fid(x, y), rel=1e-8)
    assert 0 <= fid(x, x) < 1e-6
    assert fid(x, y) > 1


def test_o4_fid_of_fewer_pictures_than_features_is_that_of_the_matrix_square_root():
    for seed in range(5):
        x, y = skewed(seed, 20, 32), skewed(seed + 50, 20, 32)
        a, b = np.cov(x.T), np.cov(y.T)
        root = sqrtm(a @ b + 1e-9 * np.eye(32)).real  # a ridge: theirs fails without
        moved = ((x.mean(0) - y.mean(0)) ** 2).sum()
        theirs = moved + np.trace(a) + np.trace(b) - 2 * np.trace(root)
        assert fid(x, y) == pytest.approx(theirs, rel=1e-5)
    assert math.isfinite(fid(np.ones((2, 32)), np.ones((2, 32)) * 3))  # no spread at all
    assert fid(np.ones((2, 32)), np.ones((2, 32)) * 3) == pytest.approx(4 * 32)


def test_o5_float32_features_far_from_0_are_summed_in_float64():
    features = normal(6, 2000, 8, shift=1000).astype(np.float32)
    right = np.cov(features.astype(np.float64).T)
    for rows in (64, 4096):
        ours = moments(features, rows=rows).covariance.numpy()
        np.testing.assert_allclose(ours, right, rtol=1e-10, atol=1e-10 * right.max())
    wrong = (features.T @ features / 2000 - np.outer(features.mean(0), features.mean(0))).trace()
    assert abs(wrong - right.trace()) > 1e-3 * right.trace()  # what float32 would have said


@pytest.mark.parametrize(
    ("n", "bias", "times"),
    [(100, 22.35, 24), (140, 15.94, 24), (500, 4.38, 16), (1000, 2.20, 12), (2000, 1.10, 8)],
)
def test_o6_fid_is_biased_by_this_much(n, bias, times):
    values = [fid(normal([6, n, i], n, 64), normal([7, n, i], n, 64)) for i in range(times)]
    error = max(np.std(values, ddof=1) / math.sqrt(times), 0.005)  # .005: the digits given
    assert abs(np.mean(values) - bias) < 3 * error + 0.005


def test_o7_kid_is_unbiased_and_its_biased_twin_is_not():
    def repeat(n, times):
        return [kid(normal([8, n, i], n, 64), normal([9, n, i], n, 64)) for i in range(times)]

    itself = 4 + 3 * (1 + 2 / 64) + (1 + 6 / 64 + 8 / 64**2)  # E k(x, x), by hand
    for n, times, digits in ((100, 60, 0.144), (2000, 4, 0.0072)):
        found = repeat(n, times)
        biased = 2 / n * (itself - _cubic_mean(0, 0))
        assert biased == pytest.approx(digits, rel=0.015)  # the specification simulated it
        assert z_of([x.unbiased for x in found], 0) < 4
        assert z_of([x.biased for x in found], biased) < 4
        assert max(abs(x.unbiased) / x.error for x in found) < 4
    assert min(x.unbiased for x in repeat(100, 60)) < 0  # never cut off


@pytest.mark.parametrize(("length", "truth"), [(4, 0.2028503), (16, 0.9710693)])
def test_o8_kid_of_two_normals(length, truth):
    shift = math.sqrt(length / 64)
    values = [
        kid(normal([10, i], 400, 64), normal([11, i], 400, 64, shift)).unbiased for i in range(30)
    ]
    assert z_of(values, truth) < 4
    assert np.std(values) < 0.1 * truth  # so that 4 standard errors mean something
    e1, e2, e3 = 0, 64 + length, 0
    both = 1 + 3 * (e1 / 64 + e2 / 64**2) + e3 / 64**3
    assert truth == pytest.approx(_cubic_mean(length, length) + _cubic_mean(0, 0) - 2 * both, 1e-6)


def _cubic_mean(a, b, d=64):
    """E k of N(a, I) and N(b, I) with parallel means of squared lengths a and b."""
    dot = math.sqrt(a * b)
    e2, e3 = d + a + b + dot**2, dot**3 + 3 * dot * (a + b + d + 2)
    return 1 + 3 * dot / d + 3 * e2 / d**2 + e3 / d**3


@pytest.mark.parametrize(("d", "s", "shift"), [(1, 1.0, 1.0), (8, 2.5, 0.5), (64, 8.0, 0.0)])
def test_o9_gaussian_mmd_of_two_normals(d, s, shift):
    square, far = s * s, d * shift**2
    truth = 2 * (square / (square + 2)) ** (d / 2) * (1 - math.exp(-far / (2 * (square + 2))))
    values = [
        mmd(normal([12, i], 300, d), normal([13, i], 300, d, shift), bandwidth=s).unbiased
        for i in range(40)
    ]
    assert z_of(values, truth) < 4


@pytest.mark.parametrize(
    ("delta", "truth"), [(0, 0.5), (0.5, 0.52947), (1, 0.60203), (2, 0.77520), (3, 0.90138)]
)
def test_o10_one_nn_accuracy_of_two_normals(delta, truth):
    found = [
        one_nn(normal([14, i], 1000, 1, delta), normal([15, i], 1000, 1)).overall
        for i in range(50)  # 50,000 in each set
    ]
    assert np.mean(found) == pytest.approx(truth, abs=0.005)


def test_o10_one_nn_of_copies_is_0_and_of_far_sets_1():
    x = normal(16, 300, 64, shift=1000).astype(np.float32)
    copies, far = one_nn(x[::-1].copy(), x), one_nn(x + 100, x)
    assert (copies.overall, copies.fake, copies.real) == (0, 0, 0)
    assert (far.overall, far.fake, far.real) == (1, 1, 1)


SETS = {
    "kid": lambda a, b, **how: kid(a, b, **how).unbiased,
    "kid_error": lambda a, b, **how: kid(a, b, **how).error,
    "mmd": lambda a, b, **how: mmd(a, b, **how).unbiased,
    "mmd_biased": lambda a, b, **how: mmd(a, b, bandwidth="real", **how).biased,
    "mmd_p_value": lambda a, b, **how: mmd_p_value(a, b, draws=50, **how),
    "one_nn": lambda a, b, **how: one_nn(a, b, **how).overall,
    "precision": lambda a, b, **how: support(a, b, **how).precision,
    "recall": lambda a, b, **how: support(a, b, **how).recall,
    "density": lambda a, b, **how: support(a, b, **how).density,
    "coverage": lambda a, b, **how: support(a, b, **how).coverage,
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_o11_pieces_and_order_change_nothing(name, kind):
    x, y = normal(17, 90, 16).astype(kind), normal(18, 70, 16, 0.3).astype(kind)
    whole = SETS[name](x, y)
    mixed_x, mixed_y = (np.random.default_rng(19).permutation(rows) for rows in (x, y))
    for value in (
        SETS[name](x, y, pairs=1),  # one pair at a time
        SETS[name](x, y, pairs=700),
        SETS[name](mixed_x, mixed_y),
        SETS[name](torch.from_numpy(x), torch.from_numpy(y)),
    ):
        assert value == pytest.approx(whole, abs=1e-10 if kind is np.float64 else 1e-5)


def test_o11_drawn_subsets_forget_the_order_of_files():
    x, y = normal(20, 60, 8), normal(21, 50, 8)
    how = {"subsets": 5, "size": 20, "seed": 3}
    again = kid_of_subsets(x[::-1].copy(), y[::-1].copy(), **how)
    np.testing.assert_allclose(kid_of_subsets(x, y, **how), again, rtol=0, atol=1e-10)


def test_o11_fid_of_pieces_of_two_processes_and_of_any_order_is_that_of_the_whole():
    x, y = skewed(22, 600, 16), skewed(23, 500, 16)
    whole = fid(x, y)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        first, second = pool.map(partial(moments, rows=7), (x[:200], x[200:]))
    assert frechet(merged(first, second), moments(y)) == pytest.approx(whole, rel=1e-10)
    assert fid(x[::-1].copy(), y) == pytest.approx(whole, rel=1e-10)


@pytest.mark.parametrize("d", [3.0, 1.0])
def test_o15_verification_of_two_normals(d):
    n, m, far = 20_000, 200_000, 1e-3
    rng = np.random.default_rng(24)
    found = verification(rng.normal(d, 1, n), rng.normal(size=m), draws=500)
    z = NORMAL.inv_cdf(1 - far)
    tar = 1 - NORMAL.cdf(z - d)
    slope = NORMAL.pdf(z - d) / NORMAL.pdf(z)  # of the curve where it is read
    error = math.sqrt(tar * (1 - tar) / n + slope**2 * far * (1 - far) / m)
    assert abs(found.tar[far].value - tar) < 4 * error
    eer = NORMAL.cdf(-d / 2)
    assert abs(found.eer.value - eer) < 4 * math.sqrt(eer * (1 - eer) * (1 / n + 1 / m) / 4)
    auc = NORMAL.cdf(d / math.sqrt(2))
    assert abs(found.auc.value - auc) < 4 * math.sqrt(auc * (1 - auc) / n)
    if d == 3.0:  # the digits of the specification
        assert (auc, eer, tar) == pytest.approx((0.98305, 0.06681, 0.46405), abs=5e-6)


def test_o15_a_false_accept_rate_needs_10_impostors_above_the_threshold():
    rng = np.random.default_rng(25)
    genuine = rng.normal(3, 1, 100)
    assert 1e-3 in verification(genuine, rng.normal(size=10_000), fars=(1e-3,), draws=50).tar
    with pytest.raises(BadData, match=r"0\.001 needs 10000 impostor pairs, but there are 9999"):
        verification(genuine, rng.normal(size=9_999), fars=(1e-3,))


def test_o16_fcn_score_of_perfect_predictions():
    labels = torch.tensor([[0, 1, 2], [2, 1, 0]])
    perfect = fcn_scores(confusion(labels, labels, 3))
    assert (perfect.pixel_accuracy, perfect.class_accuracy, perfect.class_iou) == (1, 1, 1)
    two = confusion(labels % 2, labels % 2, 3)  # class 2 is absent
    skipped, zero = fcn_scores(two), fcn_scores(two, absent="zero")
    assert (skipped.pixel_accuracy, skipped.class_accuracy, skipped.class_iou) == (1, 1, 1)
    assert zero.pixel_accuracy == 1
    assert (zero.class_accuracy, zero.class_iou) == pytest.approx((2 / 3, 2 / 3), abs=1e-12)


def zone_plate(size):
    """Rings that get finer towards the corners, unit range, (size, size) float32."""
    axis = torch.arange(size, dtype=torch.float64) / size
    return (0.5 + 0.5 * torch.cos(size * math.pi / 2 * (axis[:, None] ** 2 + axis**2))).float()


@pytest.mark.parametrize("height", [299, 64])
def test_o19_pictures_for_networks_shrink_as_pillows_floats_do(height):
    plate = zone_plate(1024)
    theirs = Image.fromarray(255 * plate.numpy()).resize((299, height), Image.Resampling.BICUBIC)
    theirs = torch.from_numpy(np.array(theirs)) / 255
    picture = plate.expand(1, 3, -1, -1)
    ours = resized(picture, height, 299, "bicubic")
    assert (ours - theirs).abs().max() < 0.01 / 255
    rough = F.interpolate(picture, (height, 299), mode="bicubic")  # the trap: no antialiasing
    assert (rough - theirs).abs().max() > 10 / 255


@pytest.mark.parametrize(("n", "square", "root", "times"), [(197, 0.0040, 0.063, 12)])
def test_o20_mmd_of_the_same_normal_with_the_bandwidth_of_gan_metrics(n, square, root, times):
    found = [
        mmd(normal([26, i], n, 512), normal([27, i], n, 512), bandwidth="real")
        for i in range(times)
    ]
    expected = 0.3935 * 2 / n
    assert np.mean([x.biased for x in found]) == pytest.approx(expected, rel=0.05)
    assert np.mean([x.root for x in found]) == pytest.approx(math.sqrt(expected), rel=0.05)
    assert (expected, math.sqrt(expected)) == pytest.approx((square, root), rel=0.02)
    assert z_of([x.unbiased for x in found], 0) < 3


def test_o20_mmd_of_2000_pictures():
    found = mmd(normal(28, 2000, 512), normal(29, 2000, 512), bandwidth="real")
    assert found.biased == pytest.approx(0.3935 * 2 / 2000, rel=0.05)
    assert found.root == pytest.approx(0.020, rel=0.05)
    assert abs(found.unbiased) < 3 * found.error


def test_o17_two_items_60_to_40():
    found = strengths(*of_wins([[0, 60], [40, 0]]))
    assert found.log_odds(0, 1).value == pytest.approx(0.4054651081, abs=1e-8)
    assert found.error(0, 1) == pytest.approx(0.2041241452, abs=1e-8)
    assert not found.penalised


def test_o17_a_cycle_of_three_is_equal():
    found = strengths(*of_wins([[0, 5, 0], [0, 0, 5], [5, 0, 0]]))
    assert np.abs(found.values).max() < 1e-8


def test_o17_an_item_that_always_wins_stays_finite():
    found = strengths(*of_wins([[0, 50, 50], [0, 0, 20], [0, 20, 0]]))
    assert found.penalised
    assert np.isfinite([*found.values, *found.low, *found.high]).all()
    assert found.low[0] > found.high[1]


@pytest.mark.parametrize("ways", [2, 4])
def test_o17_planted_strengths_are_covered_as_often_as_the_interval_says(ways):
    planted = np.array([0.9, 0.3, -0.2, -1.0])
    covered = []
    for run in range(1000):
        rng = np.random.default_rng([17, ways, run])
        order = rng.random((400, 4)).argsort(1)
        offered = order < ways
        worth = np.where(offered, planted + rng.gumbel(size=(400, 4)), -np.inf)  # Luce's choice
        found = strengths(offered, worth.argmax(1))
        covered.append((found.low <= planted) & (planted <= found.high))
    assert 0.93 <= np.mean(covered) <= 0.97
    assert np.all((np.mean(covered, 0) > 0.92) & (np.mean(covered, 0) < 0.98))


def test_o18_chance_is_one_in_n_and_the_interval_is_wilsons():
    chosen = np.repeat([0, 1, 2, 3], [10, 20, 30, 40])
    found = shares(np.ones((100, 4), bool), chosen, np.arange(100))
    assert [each.chance for each in found] == [0.25] * 4
    assert (found[0].same_voters.low, found[0].same_voters.high) == pytest.approx(
        (0.0552291370606751, 0.17436566150491348), abs=1e-12
    )


def test_o18_a_bootstrap_over_voters_widens_with_planted_voter_effects():
    rng = np.random.default_rng(18)
    offered, voters = np.ones((1200, 2), bool), np.repeat(np.arange(40), 30)
    widths = []
    for effect in (0.0, 1.0, 3.0):
        liking = rng.normal(0, effect, 40)[voters]
        chosen = (rng.random(1200) < 1 / (1 + np.exp(-liking))).astype(int)
        spread = shares(offered, chosen, voters, draws=2000)[0]
        wilson = spread.same_voters.high - spread.same_voters.low
        widths.append((spread.other_voters.high - spread.other_voters.low) / wilson)
    assert 0.7 < widths[0] < 1.3
    assert widths[0] < widths[1] < widths[2]
    assert widths[2] > 2
