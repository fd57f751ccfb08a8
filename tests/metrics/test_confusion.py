import numpy as np
import pytest
import torch

from portrayal.core.errors import BadData, BadOption
from portrayal.metrics.semantic import confusion, fcn_scores

TRUE = torch.tensor([[0, 0, 1], [1, 1, 2]])
SEEN = torch.tensor([[0, 1, 1], [1, 1, 0]])


def test_confusion_by_hand():
    assert confusion(TRUE, SEEN, 3).tolist() == [[1, 1, 0], [0, 3, 0], [1, 0, 0]]


def test_scores_by_hand():
    found = fcn_scores(confusion(TRUE, SEEN, 3))
    assert found.pixel_accuracy == pytest.approx(4 / 6)
    assert found.class_accuracy == pytest.approx((1 / 2 + 3 / 3 + 0) / 3)
    assert found.class_iou == pytest.approx((1 / 3 + 3 / 4 + 0) / 3)
    assert found.classes == 3


def test_one_matrix_of_all_batches_and_not_the_mean_of_their_scores():
    whole = confusion(TRUE, SEEN, 3)
    assert torch.equal(confusion(TRUE[:1], SEEN[:1], 3) + confusion(TRUE[1:], SEEN[1:], 3), whole)
    assert torch.equal(confusion(TRUE.flip(0), SEEN.flip(0), 3), whole)


def test_random_labels_agree_with_counting():
    rng = np.random.default_rng(0)
    true, seen = rng.integers(0, 5, (2, 4, 16, 16))
    matrix = confusion(torch.from_numpy(true), torch.from_numpy(seen), 5)
    for i in range(5):
        for j in range(5):
            assert matrix[i, j] == ((true == i) & (seen == j)).sum()


def test_void_labels_count_nothing():
    true = torch.tensor([0, 255, -1, 1])
    seen = torch.tensor([0, 77, 0, 1])  # whatever is seen there
    assert confusion(true, seen, 2).tolist() == [[1, 0], [0, 1]]
    edge = torch.tensor([2, 1])  # one more than the last class
    assert confusion(edge, edge, 2).tolist() == [[0, 0], [0, 1]]
    assert confusion(true.clamp(0).byte(), seen.byte(), 2).tolist() == [[2, 0], [0, 1]]


def test_a_class_only_the_recogniser_sees_has_an_iou_of_0_but_no_accuracy():
    matrix = torch.tensor([[3, 1], [0, 0]])
    found = fcn_scores(matrix)
    assert found.class_accuracy == 3 / 4
    assert found.class_iou == (3 / 4 + 0) / 2
    assert found.classes == 1
    assert fcn_scores(matrix, absent="zero").class_accuracy == 3 / 8


def test_absent_classes_as_pix2pix_counts_them():
    matrix = torch.diag(torch.tensor([4, 0, 0, 2]))
    assert fcn_scores(matrix, absent="zero").class_iou == 0.5
    assert fcn_scores(matrix, absent="skip").class_iou == 1.0


@pytest.mark.parametrize(
    ("true", "seen", "classes", "line"),
    [
        (TRUE.float(), SEEN, 3, "true labels are float32.* argmax"),
        (TRUE, SEEN.double(), 3, "predicted labels are float64"),
        (TRUE > 0, SEEN, 3, "true labels are bool"),
        (TRUE, SEEN[:1], 3, r"shape \(2, 3\) do not fit predicted ones of shape \(1, 3\)"),
        (TRUE, SEEN + 2, 3, "Predicted labels span 2 to 3, but there are 3"),
        (TRUE, SEEN - 1, 3, "Predicted labels span -1 to 0"),
        (TRUE, SEEN, 0, "no confusion of 0 classes"),
    ],
)
def test_labels_that_are_none_are_refused(true, seen, classes, line):
    with pytest.raises(BadData, match=line) as caught:
        confusion(true, seen, classes)
    assert "\n" not in str(caught.value)


def test_matrices_that_are_none_are_refused():
    for matrix in (torch.zeros(2, 3), torch.zeros(4), torch.tensor([[1, -1], [0, 1]])):
        with pytest.raises(BadData, match="is no confusion"):
            fcn_scores(matrix)
    with pytest.raises(BadData, match="No label was counted"):
        fcn_scores(torch.zeros(3, 3))
    with pytest.raises(BadOption, match="'skip' or 'zero', not 'nan'"):
        fcn_scores(torch.eye(2), absent="nan")
