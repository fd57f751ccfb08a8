"""The search problem of the contextual GAN: what a z costs, by hand and by its own formulas."""

import pytest
import torch
from torch import nn

from portrayal.losses.contextual import kl, surplus
from portrayal.losses.reconstruction import l1
from portrayal.recipes.contextual import QUICK
from portrayal.recipes.known_half import ROWS, KnownHalf, ManyRows, disbelief, pad_rows
from portrayal.recipes.terms import varied

LATENT = 4


class Drawer(nn.Module):
    """z as joint pictures (P, 3, 2, 4): its numbers are the columns."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z[:, None, None, :].expand(-1, 3, 2, -1)


class Judge(nn.Module):
    """Belief is the sum of the picture."""

    def forward(self, joint: torch.Tensor) -> torch.Tensor:
        return joint.flatten(1).sum(1, keepdim=True)


def problem(known: torch.Tensor, side: int = 0, **config: object) -> KnownHalf:
    return KnownHalf(varied(QUICK, **config), Drawer(), Judge(), known, side)


def pictures(count: int = 5, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 16, 16, generator=rng) * 2 - 1


@pytest.mark.parametrize("side", [0, 1])
def test_the_known_half_is_drawn_and_the_whole_picture_is_judged(side):
    z = torch.tensor([[0.5, -0.5, 1.0, 0.25]])
    drawn, own = problem(pictures(), side, adversarial="vanilla", search_adversarial=0.1).draw(z)
    assert drawn[0, 0].tolist() == [z[0, 2 * side : 2 * side + 2].tolist()] * 2
    belief = torch.tensor(6 * 1.25).sigmoid()  # three channels of two rows
    assert float(own) == pytest.approx(float(-0.1 * belief.log()), rel=1e-4)


def test_without_a_weight_d_is_not_asked():
    bare = KnownHalf(varied(QUICK, search_adversarial=0.0), Drawer(), nn.Module(), pictures(), 0)
    assert bare.draw(torch.ones(3, LATENT))[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"blur": 0.0},
        {"direction": "symmetric", "floor": 1e-3},
        {"direction": "generated_input"},
        {"mass": "paper"},
    ],
    ids=str,
)
def test_a_match_is_the_loss_of_the_pictures_of_each_search_to_the_bit(config):
    """The known halves are weighed once for all; that changes nothing."""
    known, drawn = pictures(), pictures(7, seed=1)
    of = torch.tensor([4, 0, 0, 2, 1, 3, 4])
    here = problem(known, **config)
    names = ("direction", "mass", "floor", "blur")
    wanted = kl(drawn, known[of], **{name: getattr(here.config, name) for name in names})
    assert torch.equal(here.match(drawn, of), wanted)
    assert torch.equal(here.match(drawn.flip(0), of.flip(0)), wanted.flip(0))  # again, from memory


def test_the_amount_of_ink_is_weighed_beside_its_place():
    known, drawn, of = pictures(), pictures(3, seed=1), torch.tensor([3, 1, 0])
    plain, weighed = (problem(known, amount=weight) for weight in (0.0, 0.5))
    how = {"mass": QUICK.mass, "floor": QUICK.floor}
    more = 0.5 * surplus(drawn, known[of], **how)
    assert torch.allclose(weighed.match(drawn, of), plain.match(drawn, of) + more)
    assert float(more.min()) > 0


def test_l1_is_the_distance_of_the_known_halves():
    known, drawn, of = pictures(), pictures(2, seed=1), torch.tensor([3, 1])
    assert torch.equal(problem(known, contextual="l1").match(drawn, of), l1(drawn, known[of]))


def test_disbelief_is_the_mean_over_patches_of_the_game_that_was_played():
    logits = torch.tensor([[[[0.0, 2.0]]], [[[-1.0, 1.0]]]])
    assert disbelief(logits, varied(QUICK, adversarial="hinge")).tolist() == [-1, 0]
    saturated = disbelief(logits, varied(QUICK, saturating=True))
    assert torch.allclose(saturated, (1 - logits.sigmoid()).log().flatten(1).mean(1))


def test_the_quick_and_the_rough_problem_match_as_the_plain_one_does():
    known, drawn, of = pictures(), pictures(5, seed=1), torch.arange(5)
    plain = problem(known)
    quick = plain.quick()
    assert torch.equal(quick.match(drawn, of), plain.match(drawn, of))
    assert torch.equal(quick.rough().match(drawn, of), plain.match(drawn, of))
    assert quick.rough().dtype == torch.bfloat16
    assert quick.dtype == torch.float32


def test_disbelief_of_bfloat16_logits_is_reckoned_in_float32():
    logits = torch.linspace(-3, 3, 8).reshape(2, 1, 2, 2).bfloat16()
    config = varied(QUICK, adversarial="vanilla")
    assert disbelief(logits, config).dtype == torch.float32
    assert torch.equal(disbelief(logits, config), disbelief(logits.float(), config))


def test_quick_networks_lie_channels_last_on_a_cpu():
    networks = [nn.Sequential(nn.Conv2d(4, 4, 3)) for _ in range(2)]
    quick = KnownHalf(QUICK, *networks, pictures(), 0).quick()
    for network in (quick.generator, quick.discriminator):
        assert network[0].weight.is_contiguous(memory_format=torch.channels_last)


class Counting(nn.Linear):
    """Remembers how many rows it saw."""

    def forward(self, rows):
        self.seen = [*getattr(self, "seen", []), len(rows)]
        return super().forward(rows)


def test_a_rough_walk_gives_linear_layers_many_rows_and_takes_the_same_answers():
    torch.manual_seed(0)
    layer = Counting(5, 3)
    network = nn.Sequential(nn.Sequential(layer), nn.ReLU())
    network.apply(pad_rows)
    for count in (1, ROWS - 1, ROWS, ROWS + 1):
        rows = torch.randn(count, 5, requires_grad=True)
        torch.testing.assert_close(network(rows), nn.Linear.forward(layer, rows).relu())
        (gradient,) = torch.autograd.grad(network(rows).sum(), rows)
        (wanted,) = torch.autograd.grad(nn.Linear.forward(layer, rows).relu().sum(), rows)
        torch.testing.assert_close(gradient, wanted)
    assert layer.seen == [n for n in (ROWS, ROWS, ROWS, ROWS + 1) for _ in range(2)]


def test_the_rough_problem_is_padded_and_the_exact_one_is_not():
    generator = nn.Sequential(nn.Linear(2, 2))
    exact = KnownHalf(None, generator, nn.Sequential(nn.Linear(2, 1)), torch.zeros(1, 3, 2, 2), 0)
    assert isinstance(exact.rough().generator[0], ManyRows)
    assert exact.generator is generator and isinstance(generator[0], nn.Linear)
