import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_calibration_error

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.calibration import calibration_error, expected_error

RNG = np.random.default_rng(0)


def test_by_hand_two_bins():
    # bin 1 (0..0.5): 0.2 and 0.4, one right: |1 - 0.6| = 0.4; bin 2: 0.9, right: 0.1
    assert calibration_error([0.2, 0.4, 0.9], [1, 0, 1], bins=2) == pytest.approx(0.5 / 3)


def test_agrees_with_torchmetrics():
    sure, right = RNG.random(500), RNG.integers(0, 2, 500)
    theirs = binary_calibration_error(torch.tensor(sure), torch.tensor(right), n_bins=15)
    # theirs takes p for "1"; ours takes the confidence of the answer: the same sums
    assert calibration_error(sure, right) == pytest.approx(float(theirs), abs=1e-6)


def test_certain_and_right_is_perfect_and_certain_and_wrong_is_1():
    assert calibration_error([1.0] * 9, [1] * 9) == 0.0
    assert calibration_error([1.0] * 9, [0] * 9) == 1.0


def test_order_changes_nothing_to_the_bit():
    sure, right = RNG.random(300), RNG.integers(0, 2, 300)
    mixed = RNG.permutation(300)
    assert calibration_error(sure, right) == calibration_error(sure[mixed], right[mixed])
    assert expected_error(sure, draws=20) == expected_error(sure[mixed], draws=20)


def test_a_calibrated_one_gets_what_is_expected_and_less_of_more_pictures():
    sure = RNG.uniform(0.5, 1, 2000)
    right = RNG.random(2000) < sure
    assert calibration_error(sure, right) == pytest.approx(expected_error(sure), abs=0.01)
    assert expected_error(sure) < expected_error(sure[:100]) / 2


def test_an_overconfident_one_is_far_above_what_is_expected():
    sure = np.full(200, 0.95)
    assert calibration_error(sure, np.arange(200) % 2) > 5 * expected_error(sure)


@pytest.mark.parametrize(
    ("sure", "right"),
    [([], []), ([0.5], [1, 0]), ([1.1], [1]), ([-0.1], [1]), ([np.nan], [1]), ([0.5], [0.5])],
)
def test_what_is_no_probability_or_no_answer_is_refused(sure, right):
    with pytest.raises(BadData):
        calibration_error(sure, right)


def test_no_bins_are_refused():
    with pytest.raises(BadOption, match="0 bins"):
        calibration_error([0.5], [1], bins=0)
