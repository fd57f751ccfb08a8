"""The contextual loss by hand, by identities, and where the published code divides by zero."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.special import kl_div

from portrayal.losses import losses
from portrayal.losses.contextual import blurred, kl, surplus
from portrayal.losses.penalties import r1

DIRECTIONS = ["input_generated", "generated_input", "symmetric"]


def pictures(count: int = 3, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, 8, 8, generator=rng) * 2 - 1


def test_two_pixels_by_hand():
    """Grey .25 and .75 against .5 and .5: KL = .25 log .5 + .75 log 1.5."""
    real = torch.tensor([-0.5, 0.5]).expand(1, 3, 1, 2)
    fake = torch.zeros(1, 3, 1, 2)
    by_hand = {
        "input_generated": 0.25 * torch.tensor(0.5).log() + 0.75 * torch.tensor(1.5).log(),
        "generated_input": 0.5 * torch.tensor(2.0).log() + 0.5 * torch.tensor(2 / 3).log(),
    }
    by_hand["symmetric"] = sum(by_hand.values()) / 2
    for direction in DIRECTIONS:
        assert float(kl(fake, real, direction=direction)) == pytest.approx(
            float(by_hand[direction]), abs=1e-6
        )


def test_ink_is_what_is_dark():
    """One black pixel on white paper: all the ink is there; as grey levels it is where none is."""
    real, fake = torch.ones(2, 1, 3, 1, 4)
    real[..., 0], fake[..., 1] = -1, -1
    by_ink = float(kl(fake, real, mass="ink"))
    assert by_ink == pytest.approx(-torch.tensor(1e-8).log().item(), abs=1e-3)
    assert float(kl(fake, real, mass="paper")) == pytest.approx(by_ink / 3, abs=0.5)
    assert float(kl(fake, real, mass="ink", floor=0.1)) < by_ink / 5


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("mass", ["paper", "ink"])
def test_zero_for_equal_pictures_and_above_it_for_others(direction, mass):
    a, b = pictures(seed=0), pictures(seed=1)
    assert torch.allclose(kl(a, a, direction=direction, mass=mass), torch.zeros(3), atol=1e-6)
    assert (kl(a, b, direction=direction, mass=mass) > 0.01).all()


def test_the_direction_changes_the_value_and_symmetric_is_the_mean():
    a, b = pictures(seed=0), pictures(seed=1)
    there, back, mean = (kl(a, b, direction=direction) for direction in DIRECTIONS)
    assert not torch.allclose(there, back, rtol=1e-3)
    assert torch.allclose(mean, (there + back) / 2)
    assert torch.allclose(there, kl(b, a, direction="generated_input"))


@pytest.mark.parametrize("mass", ["paper", "ink"])
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("levels", [(-1, -1), (1, 1), (-1, 1), (1, -1)])
def test_finite_with_finite_gradients_at_saturated_pixels(mass, direction, levels):
    fake, real = (torch.full((1, 3, 4, 4), float(level)) for level in levels)
    real[..., 0], fake[..., 1] = -1, 1
    fake.requires_grad_()
    loss = kl(fake, real, direction=direction, mass=mass)
    loss.sum().backward()
    assert loss.isfinite().all()
    assert fake.grad is not None
    assert fake.grad.isfinite().all()


def test_one_value_per_picture_which_its_neighbours_do_not_change():
    a, b = pictures(seed=0), pictures(seed=1)
    assert torch.allclose(kl(a, b)[1:2], kl(a[1:2], b[1:2]))


def test_bfloat16_pictures_are_compared_in_float32():
    a, b = pictures(seed=0), pictures(seed=1)
    low = kl(a.bfloat16(), b.bfloat16())
    assert low.dtype == torch.float32
    assert torch.allclose(low, kl(a, b), rtol=0.05)


def test_it_stands_in_the_catalogue():
    assert losses["kl"] is kl


def test_r1_of_a_linear_judge_is_its_squared_weight():
    """D(x) = 3 x_0 - 4 x_1 has the gradient (3, -4) everywhere: 25. Its weight feels 2 w."""
    weight = torch.tensor([3.0, -4.0], requires_grad=True)
    penalty = r1(lambda x: x.flatten(1) @ weight, torch.rand(2, 1, 1, 2))
    assert penalty.tolist() == [25.0, 25.0]
    penalty.mean().backward()
    assert weight.grad.tolist() == [6.0, -8.0]


def test_blurred_lines_tell_near_from_far_where_sharp_ones_only_miss():
    """Rows 8, 10 and 14 of a page: without blur both miss row 8 alike."""
    page = torch.ones(3, 3, 24, 24)
    for picture, row in enumerate((8, 10, 14)):
        page[picture, :, row] = -1
    real, near, far = page.split(1)
    sharp, soft = {"mass": "ink", "floor": 0.05}, {"mass": "ink", "floor": 0.05, "blur": 2.0}
    assert float(kl(near, real, **sharp)) == pytest.approx(float(kl(far, real, **sharp)), rel=1e-5)
    assert float(kl(near, real, **soft)) < 0.5 * float(kl(far, real, **soft))
    assert float(kl(real, real, **soft)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("mass", ["ink", "paper"])
def test_kl_and_surplus_are_the_divergence_of_masses_that_do_not_sum_to_1(mass):
    rng, floor = torch.Generator().manual_seed(0), 0.05
    fake, real = (torch.rand(2, 3, 9, 7, generator=rng) * 2 - 1 for _ in range(2))
    grey = [(each.double().mean(1).flatten(1) + 1) / 2 for each in (real, fake)]
    p, q = (floor + (each if mass == "paper" else 1 - each).numpy() for each in grey)
    wanted = kl_div(p, q).sum(1) / p.sum(1)  # scipy's: p log(p / q) - p + q
    how = {"mass": mass, "floor": floor}
    ours = kl(fake, real, **how) + surplus(fake, real, **how)
    assert np.allclose(ours.numpy(), wanted, atol=1e-5)


def test_a_black_page_has_a_surplus_and_an_equal_one_has_none():
    page = torch.ones(1, 3, 8, 8)
    page[..., ::4] = -1  # a quarter is ink
    how = {"mass": "ink", "floor": 0.05}
    black = torch.full_like(page, -1)
    assert float(surplus(black, page, **how)) == pytest.approx(3.5 - 1 - np.log(3.5), rel=1e-5)
    assert float(surplus(page, page, **how)) == 0
    assert float(surplus(-black, page, **how)) > 0.9  # a white one lacks what it should have


@pytest.mark.parametrize("deviation", [0.4, 1.0, 2.5])
def test_the_blur_is_scipys(deviation):
    plane = torch.rand(1, 1, 20, 31, generator=torch.Generator().manual_seed(0))
    reach = max(1, round(3 * deviation))
    wanted = gaussian_filter(plane[0, 0].numpy(), deviation, mode="constant", radius=reach)
    assert np.abs(blurred(plane, deviation)[0, 0].numpy() - wanted).max() < 1e-5
