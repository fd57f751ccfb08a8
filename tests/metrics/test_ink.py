"""KL of ink by hand, and against the contextual loss that the recipes train with."""

import math

import pytest
import torch

from portrayal.losses.contextual import kl
from portrayal.metrics.ink import FLOOR, ink_kl


def test_two_pixels_by_hand():
    """A black and a white pixel against two grey ones: shares of 1.05 and .05 against halves."""
    real = torch.tensor([0.0, 1.0]).expand(1, 3, 1, 2)
    fake = torch.full((1, 3, 1, 2), 0.5)
    p, q = (1 + FLOOR) / (1 + 2 * FLOOR), FLOOR / (1 + 2 * FLOOR)
    assert float(ink_kl(fake, real)) == pytest.approx(p * math.log(2 * p) + q * math.log(2 * q))
    swapped = (math.log(0.5 / p) + math.log(0.5 / q)) / 2
    assert float(ink_kl(real, fake)) == pytest.approx(swapped)


def test_equal_drawings_are_0_also_where_nothing_is_drawn():
    pictures = torch.rand(2, 3, 8, 8)
    assert float(ink_kl(pictures, pictures).abs().max()) == 0
    blank = torch.ones(1, 3, 8, 8)
    assert float(ink_kl(blank, blank)) == 0
    assert float(ink_kl(blank, pictures[:1])) > 0
    assert math.isfinite(float(ink_kl(pictures[:1], blank)))


def test_it_is_the_loss_of_the_recipes_on_ink_with_that_floor():
    fake, real = torch.rand(2, 4, 3, 16, 16)
    loss = kl(fake * 2 - 1, real * 2 - 1, mass="ink", floor=FLOOR)
    assert torch.allclose(ink_kl(fake, real).float(), loss, atol=1e-5)


def test_a_stroke_one_pixel_aside_is_nearer_than_none_and_colour_does_not_count():
    real = torch.ones(1, 3, 16, 16)
    real[..., 8] = 0
    soft = torch.ones(1, 3, 16, 16)
    soft[..., 7:10] = 2 / 3
    assert 0 < float(ink_kl(soft, real)) < float(ink_kl(torch.ones_like(real), real))
    red = real.clone()
    red[:, 0, :, 8], red[:, 1:, :, 8] = 1, -0.0
    grey = real.clone()
    grey[..., 8] = 1 / 3
    assert float(ink_kl(red, grey)) == pytest.approx(0, abs=1e-9)
