"""Oracle O14: what is wrong is refused in one line with its numbers; it never becomes a number.

Every metric of the catalogue meets every kind of wrong picture, features or class; then every
public function of the package meets what people hand over by mistake.
"""

import math

import numpy as np
import pytest
import torch

from portrayal.core.errors import BadData, BadOption, MissingPart, UserError
from portrayal.metrics import metrics
from portrayal.metrics.calibration import calibration_error
from portrayal.metrics.cosine import cosine
from portrayal.metrics.discriminator import accuracy, cross_entropy, judgement, p_real
from portrayal.metrics.distribution import fid, frechet, moments
from portrayal.metrics.expression import landmark_error, roll, yaw
from portrayal.metrics.gaps import largest_gap
from portrayal.metrics.identity import equal_error_rate, rank_hits, verification
from portrayal.metrics.kernels import kid, kid_of_subsets, mmd
from portrayal.metrics.keypoints import match
from portrayal.metrics.neighbours import one_nn, support
from portrayal.metrics.permutation import mmd_p_value
from portrayal.metrics.semantic import confusion, fcn_intervals, fcn_scores
from portrayal.metrics.sets import feature_sets
from portrayal.metrics.statistics import (
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_sums,
    holm,
    permutation_test,
    wilson,
)

OF_PICTURES = [name for name in metrics if metrics.card(name).needs != "sets"]
OF_SETS = [name for name in metrics if metrics.card(name).needs == "sets"]


def pictures(*shape, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(*(shape or (2, 3, 176, 176)), generator=rng)


def features(n=12, length=5, seed=0):
    return torch.randn(n, length, generator=torch.Generator().manual_seed(seed))


def with_nan(values):
    values = values.clone()
    values.view(-1)[3] = math.nan
    return values


GOOD = pictures()
WRONG_PICTURES = {  # name: translations, truths, what the line says
    "levels 0..255": (GOOD * 255, GOOD, r"span .* to 25\d.*divide by 255"),
    "truths in 0..255": (GOOD, GOOD * 255, r"truths span .* to 25\d"),
    "signed": (GOOD * 2 - 1, GOOD, r"span -0\.9.* to 0\.9.*signed"),
    "slightly above 1": (GOOD + 1e-3, GOOD, r"to 1\.00"),
    "NaN": (with_nan(GOOD), GOOD, "span nan to nan"),
    "infinite": (GOOD, GOOD / torch.zeros(1), "span .*inf"),
    "uint8": ((GOOD * 255).byte(), GOOD, "translations are uint8"),
    "truths uint8": (GOOD, (GOOD * 255).byte(), "truths are uint8"),
    "integers": (GOOD, (GOOD * 255).long(), "truths are int64"),
    "booleans": (GOOD > 0.5, GOOD, "translations are bool"),
    "half precision": (GOOD.half(), GOOD, "translations are float16"),
    "channels last": (GOOD.permute(0, 2, 3, 1), GOOD, "permute the channels"),
    "no batch": (GOOD[0], GOOD[0], r"shape \(3, 176, 176\)"),
    "grey without channels": (GOOD[:, 0], GOOD[:, 0], r"shape \(2, 176, 176\)"),
    "2 channels": (GOOD[:, :2], GOOD[:, :2], r"\(2, 2, 176, 176\)"),
    "4 channels": (pictures(2, 4, 176, 176), pictures(2, 4, 176, 176), r"\(2, 4, 176, 176\)"),
    "no pixels": (GOOD[..., :0], GOOD[..., :0], r"\(2, 3, 176, 0\)"),
    "other size": (GOOD[..., :170], GOOD, r"\(2, 3, 176, 170\), but the truths"),
    "other count": (GOOD[:1], GOOD, r"\(1, 3, 176, 176\), but the truths \(2,"),
    "grey against RGB": (GOOD[:, :1], GOOD, r"\(2, 1, 176, 176\), but the truths \(2, 3,"),
    "transposed": (GOOD[..., :170], GOOD[..., :170].mT, "but the truths"),
}


def score(name, fake, real):
    """A metric of the catalogue, with classes if it needs them; skips where weights are missing."""
    more = [["ship"] * len(fake)] if metrics.card(name).needs == "classes" else []
    try:
        return metrics[name](fake, real, *more)
    except MissingPart as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("wrong", WRONG_PICTURES)
@pytest.mark.parametrize("name", OF_PICTURES)
def test_no_metric_of_pictures_takes(name, wrong):
    fake, real, said = WRONG_PICTURES[wrong]
    with pytest.raises(BadData, match=said) as caught:
        score(name, fake, real)
    assert "\n" not in str(caught.value)


FEW = features()
WRONG_FEATURES = {
    "pictures": (pictures(12, 3, 4, 4), pictures(12, 3, 4, 4), r"\(12, 3, 4, 4\)"),
    "one vector": (FEW[0], FEW[0], r"shape \(5,\)"),
    "levels": ((FEW * 50).byte(), FEW, "uint8"),
    "integers": (FEW, (FEW * 50).long(), "(real )?pictures are int64"),
    "half precision": (FEW.half(), FEW, "float16"),
    "NaN": (with_nan(FEW), FEW, "1 of the 12 .*not finite"),
    "infinite": (FEW, FEW / torch.zeros(1), "12 of the 12 .*not finite"),
    "two networks": (FEW, features(12, 7), "5 features each, but the real pictures 7"),
    "one translation": (FEW[:1], FEW, "1 "),
    "one real picture": (FEW, FEW[:1], "1 "),
    "none": (FEW[:0], FEW, "0 "),
    "no features": (FEW[:, :0], FEW[:, :0], r"\(12, 0\)"),
    "an array of words": (np.array([["a"] * 5] * 12), FEW, r"<U1 of shape \(12, 5\)"),
}


@pytest.mark.parametrize("wrong", WRONG_FEATURES)
@pytest.mark.parametrize("name", OF_SETS)
def test_no_metric_of_sets_takes(name, wrong):
    fake, real, said = WRONG_FEATURES[wrong]
    with pytest.raises(BadData, match=said) as caught:
        metrics[name](fake, real)
    assert "\n" not in str(caught.value)


LABELS = torch.tensor([[0, 1], [2, 1]])
LOGITS = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(0))
ONES = [0.1, 0.5, 0.4]
FACE = [[30, 30], [60, 30], [45, 45], [33, 60], [57, 60]]
MISUSED = {  # what people do: the call, what the line says
    "class not known": (lambda: metrics["class_colour"](GOOD, GOOD, ["ship", "ghost"]), "ghost"),
    "one class for two": (lambda: metrics["class_colour"](GOOD, GOOD, ["ship"]), "2 pictures"),
    "class of grey": (
        lambda: metrics["class_colour"](GOOD[:, :1], GOOD[:, :1], ["ship"] * 2),
        "1 channel",
    ),
    "class not painted": (
        lambda: metrics["class_colour"](GOOD * 0, GOOD * 0, ["ship"] * 2),
        "2 of 2 truths",
    ),
    "small for ssim": (lambda: metrics["ssim"](GOOD[..., :10], GOOD[..., :10]), "10 x 176"),
    "small for ms_ssim": (lambda: metrics["ms_ssim"](GOOD[..., 1:], GOOD[..., 1:]), "175 x 176"),
    "scores of nothing": (lambda: bootstrap_mean([]), r"shape \(0,\)"),
    "scores with NaN": (lambda: bootstrap_mean([1, math.nan, 2]), "1 of 3 scores"),
    "scores with inf": (lambda: bootstrap_mean([1, math.inf]), "1 of 2 scores"),
    "a table of scores": (lambda: bootstrap_mean([[1, 2]]), r"shape \(1, 2\)"),
    "too few clusters": (lambda: bootstrap_mean([1, 2], clusters=["a"]), "2 scores .* 1 cluster"),
    "no draws": (lambda: bootstrap_mean([1, 2], draws=0), "0 draws"),
    "level in percent": (lambda: bootstrap_mean([1, 2], level=95), "level 95"),
    "level NaN": (lambda: bootstrap_mean([1, 2], level=math.nan), "level nan"),
    "unequal pairs": (lambda: bootstrap_difference([1, 2, 3], [1, 2]), "3 scores .* 2"),
    "unequal tests": (lambda: permutation_test([1], [1, 2]), "1 scores .* 2"),
    "a test with NaN": (lambda: permutation_test([1, math.nan], [1, 2]), "1 of 2 scores"),
    "shares in percent": (lambda: wilson([0, 100]), "1 of 2 values"),
    "sums of nothing": (lambda: bootstrap_sums([], lambda sums: sums), r"\(0,\)"),
    "sums with NaN": (lambda: bootstrap_sums([[math.nan]], lambda sums: sums), "finite"),
    "p in percent": (lambda: holm([5, 0.1]), "span 0.1 to 5"),
    "p NaN": (lambda: holm([math.nan]), "1 of 1 scores"),
    "one group": (lambda: largest_gap([1, 2], ["a", "a"]), "1 kinds"),
    "groups missing": (lambda: largest_gap([1, 2, 3], ["a", "b"]), "3 scores with 2"),
    "gap of NaN": (lambda: largest_gap([1, math.nan], ["a", "b"]), "1 of 2 scores"),
    "moments of one map": (lambda: moments(pictures(3, 4, 2, 2)), r"\(3, 4, 2, 2\)"),
    "moments of levels": (lambda: moments((FEW * 9).int()), "int32"),
    "moments of other lengths": (
        lambda: frechet(moments(FEW), moments(features(9, 4))),
        "5 features each, but the real pictures 4",
    ),
    "covariance of one": (lambda: frechet(moments(FEW[:1]), moments(FEW)), "1 picture has no"),
    "fid of one": (lambda: fid(FEW[:1], FEW), "1 picture has no"),
    "kid of one": (lambda: kid(FEW, FEW[:1]), "1 real pictures"),
    "kid of large subsets": (lambda: kid_of_subsets(FEW, FEW, size=13), "subsets of 13 .* 12"),
    "kid of no subsets": (lambda: kid_of_subsets(FEW, FEW, subsets=0, size=3), "0 subsets"),
    "mmd of a negative bandwidth": (lambda: mmd(FEW, FEW, bandwidth=-1.0), "bandwidth -1"),
    "mmd of NaN bandwidth": (lambda: mmd(FEW, FEW, bandwidth=math.nan), "bandwidth nan"),
    "mmd of a misspelt one": (lambda: mmd(FEW, FEW, bandwidth="mean"), "'mean'"),
    "mmd of copies": (lambda: mmd(FEW[:1].expand(4, 5), FEW[:1].expand(4, 5)), "All 8 pictures"),
    "mmd without draws": (lambda: mmd_p_value(FEW, FEW, draws=0), "0 draws"),
    "1-NN of two networks": (lambda: one_nn(FEW, features(12, 4)), "5 features .* 4"),
    "no neighbour": (lambda: support(FEW, FEW, k=0), "neighbour number 0"),
    "too many neighbours": (lambda: support(FEW, FEW[:5], k=5), "5 pictures have no neighbour"),
    "sets of one": (lambda: feature_sets(FEW, FEW[:1]), "1 real pictures are too few"),
    "labels as floats": (lambda: confusion(LABELS.float(), LABELS, 3), "float32"),
    "labels as booleans": (lambda: confusion(LABELS, LABELS > 0, 3), "bool"),
    "labels of two sizes": (lambda: confusion(LABELS, LABELS[:1], 3), r"\(2, 2\).*\(1, 2\)"),
    "a class too many": (lambda: confusion(LABELS % 2, LABELS, 2), "span 0 to 2"),
    "a negative class": (lambda: confusion(LABELS, -LABELS, 3), "span -2 to 0"),
    "no classes": (lambda: confusion(LABELS, LABELS, 0), "0 classes"),
    "a matrix that is not square": (lambda: fcn_scores(torch.ones(2, 3)), r"\(2, 3\)"),
    "negative counts": (lambda: fcn_scores(-torch.eye(2)), "no confusion"),
    "an empty matrix": (lambda: fcn_scores(torch.zeros(2, 2)), "No label"),
    "absent misspelt": (lambda: fcn_scores(torch.eye(2), absent="none"), "'none'"),
    "intervals of one matrix": (lambda: fcn_intervals(torch.eye(2)), r"\(2,\)"),
    "logits as integers": (lambda: p_real(torch.ones(3).int()), "int32"),
    "logits NaN": (lambda: accuracy(with_nan(LOGITS), real=True), "1 logits are NaN"),
    "logits of no patch": (lambda: cross_entropy(LOGITS[..., :0], real=True), r"\(4, 1, 3, 0\)"),
    "one logit": (lambda: p_real(torch.tensor(1.0)), r"shape \(\)"),
    "judgement of NaN": (lambda: judgement(LOGITS, with_nan(LOGITS)), "1 logits are NaN"),
    "a far nobody can see": (lambda: verification(ONES, ONES), "0.01 needs 1000 .* 3"),
    "a far of 0": (lambda: verification(ONES, ONES, fars=(0.0,)), "accept rate of 0"),
    "a far in percent": (lambda: verification(ONES, ONES, fars=(1.0,)), "accept rate of 1"),
    "verification of NaN": (
        lambda: verification([math.nan], ONES, fars=(0.5,)),
        "1 of 1 genuine scores",
    ),
    "verification of none": (lambda: verification(ONES, []), r"impostor scores .*\(0,\)"),
    "eer of a table": (lambda: equal_error_rate([[1.0]], ONES), r"\(1, 1\)"),
    "a gallery too long": (
        lambda: rank_hits([[1.0, 0.5]], ["a"], ["a"]),
        r"\(1, 2\) do not fit 1 pictures and a gallery of 1",
    ),
    "a stranger": (lambda: rank_hits([[1.0]], ["a"], ["b"]), "1 of 1 people"),
    "rank 0": (lambda: rank_hits([[1.0]], ["a"], ["a"], k=0), "rank 0"),
    "ranks of NaN": (lambda: rank_hits([[math.nan]], ["a"], ["a"]), "1 similarities"),
    "confidence in percent": (lambda: calibration_error([90.0, 80.0], [1, 0]), "90"),
    "confidence without truth": (lambda: calibration_error([0.9, 0.8], [1]), r"\(2,\) and \(1,\)"),
    "landmarks of two kinds": (lambda: landmark_error(FACE, FACE[:4]), "4"),
    "landmarks with NaN": (lambda: landmark_error(FACE, [[math.nan] * 2] * 5), "five points"),
    "yaw of four points": (lambda: yaw(FACE[:4]), "4"),
    "roll of nothing": (lambda: roll([]), r"shape \(0,\)"),
    "keypoints of floats": (lambda: match(np.zeros((9, 9, 3)), np.zeros((9, 9, 3))), "float64"),
    "keypoints of a ratio of 2": (
        lambda: match(*[np.zeros((99, 99, 3), np.uint8)] * 2, ratio=2.0),
        "2",
    ),
    "cosine of other lengths": (lambda: cosine(FEW, features(12, 4)), "5 features each, .* 4"),
}


@pytest.mark.parametrize("mistake", MISUSED)
def test_no_function_takes(mistake):
    call, said = MISUSED[mistake]
    with pytest.raises((BadData, BadOption, UserError), match=said) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_list_is_as_long_as_promised():
    assert len(WRONG_PICTURES) + len(WRONG_FEATURES) + len(MISUSED) >= 100
    assert len(OF_PICTURES) >= 10 and len(OF_SETS) >= 5


@pytest.mark.parametrize("name", OF_PICTURES)
def test_no_picture_gives_no_score_and_a_right_one_is_scored(name):
    assert score(name, GOOD[:0], GOOD[:0]).shape == (0,)
    if metrics.card(name).needs != "classes":  # whose truths are painted
        assert score(name, GOOD[:1], GOOD[:1]).shape == (1,)
