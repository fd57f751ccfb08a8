"""What the GAN recipes share, by hand."""

import pytest
import torch

from portrayal.core.errors import BadOption
from portrayal.losses import losses
from portrayal.recipes.cyclegan import Config
from portrayal.recipes.terms import (
    fooling,
    judgement,
    label,
    probabilities,
    refuse_soft_hinge,
    scores,
    varied,
    weighed,
)

CPU = torch.device("cpu")


def test_the_sum_is_weighted_the_terms_are_not_and_a_weight_of_zero_is_not_computed():
    def never() -> torch.Tensor:
        raise AssertionError("a term of weight 0 was computed")

    total, terms = weighed(
        {
            "a": (2.0, lambda: torch.tensor([1.0, 3.0])),
            "b": (0.5, lambda: torch.tensor([4.0])),
            "c": (0.0, never),
        }
    )
    assert float(total) == 2 * 2 + 0.5 * 4
    assert {name: float(value) for name, value in terms.items()} == {"a": 2.0, "b": 4.0}


def test_a_hard_label_is_a_number_and_draws_nothing():
    before = torch.get_rng_state()
    assert label(0.9, 4, CPU) == 0.9
    assert torch.equal(before, torch.get_rng_state())


def test_a_soft_label_is_drawn_for_every_picture_from_all_of_its_range():
    torch.manual_seed(0)
    drawn = label((0.9, 1.0), 2000, CPU)
    assert drawn.shape == (2000,)
    assert 0.9 <= drawn.min() < 0.901
    assert 0.999 < drawn.max() <= 1.0
    assert drawn.mean() == pytest.approx(0.95, abs=0.003)
    assert len(drawn.unique()) > 1900


def test_soft_labels_are_those_of_the_losses():
    logits = torch.tensor([[0.3], [2.0]])
    torch.manual_seed(0)
    seen = judgement(logits, logits, "lsgan", ((0.9, 1.0), (0.0, 0.1)))
    torch.manual_seed(0)
    real, fake = label((0.9, 1.0), 2, CPU), label((0.0, 0.1), 2, CPU)
    assert float(seen["loss_D_real"]) == pytest.approx(float((logits[:, 0] - real).square().mean()))
    assert float(seen["loss_D_fake"]) == pytest.approx(float((logits[:, 0] - fake).square().mean()))


@pytest.mark.parametrize(
    ("loss", "logits", "wanted"),
    [
        ("vanilla", [0.0, 100.0], [0.5, 1.0]),
        ("hinge", [0.0, -100.0], [0.5, 0.0]),
        ("lsgan", [0.3, 1.7, -2.0], [0.3, 1.0, 0.0]),
    ],
)
def test_a_probability_is_undecided_at_one_half_in_every_game(loss, logits, wanted):
    assert probabilities(torch.tensor(logits), loss).tolist() == pytest.approx(wanted)


def test_scores_are_probabilities_for_vanilla_and_raw_for_lsgan():
    logits = torch.tensor([2.0])
    assert float(scores(logits, "vanilla")) == pytest.approx(0.8808, abs=1e-4)
    assert float(scores(logits, "lsgan")) == 2.0


def test_accuracies_count_the_right_sides():
    real, fake = torch.tensor([[0.6, 0.4, 0.9, 2.0]]), torch.tensor([[0.6, 0.4, -1.0, 0.5]])
    seen = judgement(real, fake, "lsgan")
    assert (float(seen["acc_real"]), float(seen["acc_fake"])) == (0.75, 0.5)
    assert float(seen["p_real"]) == pytest.approx((0.6 + 0.4 + 0.9 + 1) / 4)


@pytest.mark.parametrize("loss", ["vanilla", "lsgan", "hinge"])
@pytest.mark.parametrize("form", ["standard", "score_match", "difference"])
def test_what_g_wants_by_hand(loss, form):
    weight = torch.tensor(2.0, requires_grad=True)
    fake = torch.tensor([[0.1], [0.7]], requires_grad=True)
    truth = torch.tensor([[0.5], [0.5]])
    value = fooling(lambda picture: picture * weight, fake, truth, loss, form)
    answer, wanted = fake.detach() * 2, truth * 2
    if loss == "vanilla" and form != "standard":
        answer, wanted = answer.sigmoid(), wanted.sigmoid()
    by_hand = {
        "standard": losses[loss](answer, 1.0, fooling=True),
        "score_match": (answer - wanted).abs()[:, 0],
        "difference": (wanted - answer)[:, 0],
    }[form]
    torch.testing.assert_close(value.detach(), by_hand)
    value.sum().backward()
    assert fake.grad.abs().min() > 0


def test_the_score_of_the_truth_is_not_moved():
    truth = torch.tensor([[0.5]], requires_grad=True)
    fake = torch.tensor([[0.1]], requires_grad=True)
    fooling(lambda picture: picture * 1, fake, truth, "lsgan", "score_match").sum().backward()
    assert truth.grad is None
    assert float(fake.grad) == -1.0


def test_hinge_knows_no_soft_labels():
    refuse_soft_hinge("hinge", 1.0, 0.0)
    refuse_soft_hinge("lsgan", (0.9, 1.0), 0.1)
    with pytest.raises(BadOption, match=r"real=0\.9,1\.0 and fake=0\.0"):
        refuse_soft_hinge("hinge", (0.9, 1.0), 0.0)


def test_a_varied_config_is_checked_like_any_other():
    assert varied(Config(), cycle=(10.0, 1.0)).cycle == (10.0, 1.0)
    with pytest.raises(ValueError, match="cycle"):
        varied(Config(), cycle=-1)
