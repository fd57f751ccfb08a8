import math

import pytest
import torch

from portrayal.core.errors import BadData
from portrayal.metrics.discriminator import accuracy, cross_entropy, judgement, p_real

LN3 = math.log(3)  # the logit of .75


def test_probabilities_are_means_over_patches_and_not_of_the_mean_logit():
    maps = torch.tensor([[[[LN3, -LN3], [LN3, 0.0]]], [[[LN3, LN3], [LN3, LN3]]]])
    assert p_real(maps).tolist() == pytest.approx([(0.75 + 0.25 + 0.75 + 0.5) / 4, 0.75])


def test_accuracy_counts_patches_on_the_right_side_and_the_undecided_half():
    maps = torch.tensor([[[[2.0, -1.0], [3.0, 0.0]]]])
    assert accuracy(maps, real=True).tolist() == [(1 + 0 + 1 + 0.5) / 4]
    assert accuracy(maps, real=False).tolist() == [(0 + 1 + 0 + 0.5) / 4]


def test_losses_are_the_cross_entropy_of_training():
    logits = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(0)).double()
    for real in (True, False):
        wanted = torch.full_like(logits, float(real))
        theirs = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, wanted, reduction="none"
        )
        torch.testing.assert_close(cross_entropy(logits, real=real), theirs.mean((1, 2, 3)))


def test_six_series_with_their_own_names():
    found = judgement(torch.tensor([LN3, LN3]), torch.tensor([-LN3]))
    assert {name: value.tolist() for name, value in found.items()} == {
        "p_real": pytest.approx([0.75, 0.75]),
        "p_fake": pytest.approx([0.25]),
        "loss_D_real": pytest.approx([-math.log(0.75)] * 2),
        "loss_D_fake": pytest.approx([-math.log(0.75)]),
        "accuracy_real": [1, 1],
        "accuracy_fake": [1],
    }


def test_the_undecided_discriminator():
    found = judgement(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    assert [float(value) for value in found.values()] == pytest.approx(
        [0.5, 0.5, math.log(2), math.log(2), 0.5, 0.5]
    )


def test_a_certain_discriminator_stays_finite():
    found = judgement(torch.tensor([-1e4, torch.inf]), torch.tensor([1e4]))
    assert found["loss_D_real"].tolist() == [1e4, 0]
    assert found["loss_D_fake"].tolist() == [1e4]
    assert found["p_fake"].tolist() == [1]


def test_each_picture_is_judged_alone():
    logits = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    whole = judgement(logits, logits)
    alone = [judgement(x[None], x[None]) for x in logits]
    for name, values in whole.items():
        assert values.dtype == torch.float64
        assert values.tolist() == [float(one[name]) for one in alone]


@pytest.mark.parametrize(
    ("logits", "line"),
    [
        (torch.zeros(2, 3, dtype=torch.int64), "type int64"),
        (torch.tensor(1.0), r"shape \(\)"),
        (torch.zeros(2, 0), r"shape \(2, 0\)"),
        (torch.tensor([1.0, math.nan]), "1 logits are NaN"),
    ],
)
def test_what_no_discriminator_returns_is_refused(logits, line):
    with pytest.raises(BadData, match=line):
        judgement(logits, torch.zeros(2))


def test_lsgan_is_undecided_at_a_half_and_its_outputs_are_probabilities():
    logits = torch.tensor([[0.4, 0.6, 0.7, 0.5], [-1.0, 2.0, 0.25, 0.75]])
    assert accuracy(logits, real=True, game="lsgan").tolist() == [0.625, 0.5]
    assert accuracy(logits, real=False, game="lsgan").tolist() == [0.375, 0.5]
    assert p_real(logits, "lsgan").tolist() == pytest.approx([0.55, 0.5])
